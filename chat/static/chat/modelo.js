import { request } from "./api.js";
import { giveBack } from "./composer.js";
import { byId, fill, h } from "./dom.js";
import { readSuggestion, writeSuggestion } from "./drafts.js";
import { isNote } from "./notemode.js";

/**
 * The two buttons of a desk with a model. A suggestion becomes an editable draft, marked as one; a summary is a card
 * above the thread. Neither is ever sent by itself, and a second click asks nothing while the first is under way.
 */
const LONG = 20;
const box = byId("chat-texto");
const strip = byId("chat-sugerencia");
const card = byId("chat-resumen");
const buttons = { sugerir: byId("chat-sugerir"), resumir: byId("chat-resumir") };
const asking = {};
let ticket = null;

export function startModel() {
  if (!strip) return;
  buttons.sugerir.addEventListener("click", suggest);
  buttons.resumir.addEventListener("click", summarize);
  box.addEventListener("input", () => !box.value.trim() && forgetSuggestion(isNote()));
}

/** A chat was opened; what was asked for another one is no longer wanted. @param {number} id */
export function openModel(id) {
  if (!strip) return;
  closeModel();
  ticket = id;
  buttons.resumir.hidden = true;
  if (isNote() || !box.value.includes(readSuggestion(id))) writeSuggestion(id, "");
  clear(strip);
}

export function closeModel() {
  if (!strip) return;
  for (const verb of Object.keys(asking)) cancel(verb);
  ticket = null;
  show(strip, null, []);
  show(card, null, []);
}

/** @param {import("./conversation.js").Conversation} conversation */
export function showModel(conversation) {
  if (strip) buttons.resumir.hidden = conversation.rows.length <= LONG && !conversation.more;
}

/** What was in the box was sent, or is gone. A `note` leaves what is offered for the message after it. */
export function forgetSuggestion(note = false) {
  if (!strip || ticket === null) return;
  writeSuggestion(ticket, "");
  if (!asking.sugerir && !(note && strip.dataset.paso === "lista")) show(strip, null, []);
}

async function suggest() {
  const before = box.value;
  const text = await ask("sugerir", strip, "✨ Pensando una sugerencia…", suggest);
  if (!text) return;
  if (box.value === before && !isNote()) return use(text);
  // Something was written meanwhile: what Enter sends must not change under the fingers.
  offer("✨ Sugerencia lista:", text);
}

function offer(words, text) {
  show(strip, "lista", [words, h("q", {}, text), action("Usarla", () => use(text)), action("Descartar", () => clear(strip))]);
}

function use(text) {
  if (isNote()) {
    offer("✨ Termina la nota interna para usar la sugerencia:", text);
    return box.focus();
  }
  box.value = box.value.replace(readSuggestion(ticket), "").trim();
  giveBack(text);
  writeSuggestion(ticket, text);
  mark(text);
}

function mark(text) {
  const takeOut = () => {
    box.value = box.value.replace(text, "").trim();
    forgetSuggestion();
    box.dispatchEvent(new Event("input"));
    box.focus();
  };
  show(strip, "borrador", ["✨ Sugerencia, revísala antes de enviarla.", action("Quitar", takeOut)]);
}

async function summarize() {
  const text = await ask("resumir", card, "✨ Resumiendo la conversación…", summarize);
  if (!text) return;
  const close = action("Cerrar", () => {
    show(card, null, []);
    buttons.resumir.focus();
  });
  const title = h("span", { class: "dice" }, h("strong", {}, "✨ Resumen hecho por el modelo"), ": no es un mensaje y puede tener errores");
  show(card, "resumen", [title, close, h("p", { dir: "auto" }, text)]);
  card.scrollIntoView({ block: "nearest" });
}

/** Asks once; the text, or null when there is none: `place` says why, or that it was cancelled by being empty. */
async function ask(verb, place, words, again) {
  if (asking[verb]) return null;
  const controller = (asking[verb] = new AbortController());
  const open = ticket;
  buttons[verb].setAttribute("aria-disabled", "true");
  const stop = () => {
    cancel(verb);
    clear(place);
    buttons[verb].focus();
  };
  show(place, "cargando", [words, action("Cancelar", stop)]);
  try {
    const answer = await request(`/ticket/${open}/${verb}`, { body: {}, signal: controller.signal, deadline: 60000 });
    return answer.body.sugerencia ?? answer.body.resumen ?? null;
  } catch (error) {
    if (error.name === "AbortError") return null;
    show(place, "error", [`⚠️ ${error.message}`, action("Reintentar", again), action("Cerrar", () => clear(place))]);
    return null;
  } finally {
    if (asking[verb] === controller) cancel(verb);
  }
}

function cancel(verb) {
  asking[verb]?.abort();
  delete asking[verb];
  buttons[verb].removeAttribute("aria-disabled");
}

/** Nothing more to say here; but a suggestion that is still in the box stays marked. */
function clear(place) {
  const kept = place === strip && readSuggestion(ticket);
  if (kept) mark(kept);
  else show(place, null, []);
}

function show(place, state, nodes) {
  place.dataset.paso = state ?? "";
  place.signature = undefined;
  fill(place, [state, Date.now()], () => nodes.map((node) => (typeof node === "string" ? h("span", { class: "dice" }, node) : node)));
}

function action(label, onclick) {
  return h("button", { type: "button", class: "btn btn-plain", onclick }, label);
}
