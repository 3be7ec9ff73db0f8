import { request } from "./api.js";
import { byId } from "./dom.js";
import { attempt } from "./drafts.js";
import { personData } from "./persondata.js";
import { Timeline } from "./timeline.js";

/**
 * Who the person of the open chat is, beside it: what we know of them, their tickets, and all that was ever said. Where
 * there is no room beside the chat it lies over it.
 */
const KEPT = "persona";
const dialog = byId("chat");
const aside = byId("persona");
const toggle = byId("chat-persona");
const data = byId("persona-datos");
const beside = matchMedia("(min-width: 1100px)");
const timeline = new Timeline(byId("persona-linea"));
let conversation = null;
let shown = "";
let asked = null;

/** @param {import("./conversation.js").Conversation} opened */
export function openPerson(opened) {
  conversation = opened;
  clear();
  if (beside.matches && attempt(() => localStorage.getItem(KEPT)) === "1") show();
  else hide();
}

export function closePerson() {
  hide();
  clear();
  conversation = null;
}

/** Brings the panel up to date with the conversation's ticket. */
export function showPerson() {
  const { ticket } = conversation;
  if (aside.hidden || !ticket) return;
  const { nombre, telefono, departamento, tipo_equipo, numero_activo, falla, estado } = ticket;
  const now = JSON.stringify([ticket.id, nombre, telefono, departamento, tipo_equipo, numero_activo, falla, estado]);
  if (now === shown) return;
  shown = now;
  load();
}

/** Shows a message of the person that is not in this ticket. */
export function showInTimeline(seq) {
  show();
  openTimeline(`?alrededor=${seq}`);
}

async function load() {
  const open = conversation;
  asked?.abort();
  asked = new AbortController();
  try {
    const { body } = await request(`/ticket/${open.id}/persona`, { signal: asked.signal });
    byId("persona-contenido").replaceChildren(...personData(body));
    data.dataset.vista = "listo";
  } catch (error) {
    if (error.name === "AbortError") return;
    shown = "";
    data.dataset.vista = "error";
    byId("persona-motivo").textContent = error.message;
  }
}

function clear() {
  asked?.abort();
  shown = "";
  data.dataset.vista = "cargando";
  byId("persona-contenido").replaceChildren();
  openData();
  timeline.close();
}

function openData() {
  aside.dataset.hoja = "datos";
  byId("persona-titulo").textContent = "Persona";
  arrange();
}

function openTimeline(query = "") {
  aside.dataset.hoja = "linea";
  byId("persona-titulo").textContent = "Toda la conversación";
  arrange();
  return timeline.open(conversation.id, query);
}

function arrange() {
  const inTimeline = aside.dataset.hoja === "linea";
  data.hidden = byId("persona-todo").hidden = inTimeline;
  timeline.root.hidden = byId("persona-volver").hidden = !inTimeline;
}

function show() {
  aside.hidden = false;
  toggle.setAttribute("aria-expanded", "true");
  dialog.classList.add("con-persona");
  fit();
  showPerson();
  timeline.catchUp();
}

function hide() {
  const focused = aside.contains(document.activeElement);
  aside.hidden = true;
  toggle.setAttribute("aria-expanded", "false");
  dialog.classList.remove("con-persona");
  fit();
  if (focused) toggle.focus();
}

/** What the panel lies over is out of reach meanwhile. */
function fit() {
  const over = !aside.hidden && !beside.matches;
  for (const other of dialog.children) if (other !== aside) other.inert = over;
}

function keep(open) {
  attempt(() => localStorage.setItem(KEPT, open ? "1" : "0"));
}

export function startPerson() {
  toggle.addEventListener("click", () => {
    const open = aside.hidden;
    if (beside.matches) keep(open);
    if (!open) return hide();
    show();
    byId("persona-titulo").focus();
  });
  byId("persona-cerrar").addEventListener("click", () => {
    if (beside.matches) keep(false);
    hide();
  });
  byId("persona-volver").addEventListener("click", () => {
    openData();
    byId("persona-titulo").focus();
  });
  byId("persona-todo").addEventListener("click", () => {
    openTimeline();
    byId("persona-titulo").focus();
  });
  byId("persona-reintentar").addEventListener("click", () => {
    data.dataset.vista = "cargando";
    showPerson();
  });
  aside.addEventListener("click", ({ target }) => {
    const ticket = target.closest("[data-capitulo]")?.dataset.capitulo;
    if (!ticket) return;
    openTimeline(`?de=${ticket}`);
    byId("persona-titulo").focus();
  });
  // Esc, and Back on a phone, put away what is on top: this panel, and only then the chat.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) putAway(event);
  });
  dialog.addEventListener("cancel", (event) => event.target === dialog && putAway(event));
  beside.addEventListener("change", fit);
}

function putAway(event) {
  if (aside.hidden) return;
  event.preventDefault();
  hide();
}
