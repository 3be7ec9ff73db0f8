import { request } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { openTeam, showTeam, startTeam } from "./team.js";

const UNDO_MS = 8000;
const select = byId("chat-estado");
const take = byId("chat-tomar");
const strip = byId("chat-aviso-estado");
let conversation = null;
let refresh = () => {};
let timer = null;

/** @param {() => void} changed called after the ticket was changed here */
export function startTicketBar(changed) {
  refresh = changed;
  select.addEventListener("change", () => changeState(select.value));
  take.addEventListener("click", () => act("tomar", {}));
  startTeam(act);
}

/** @param {import("./conversation.js").Conversation} opened */
export function openTicketBar(opened) {
  conversation = opened;
  hideStrip();
  openTeam();
  showTicketBar();
}

/** Brings the panel's head up to date with the conversation's ticket. */
export function showTicketBar() {
  const ticket = conversation.ticket;
  byId("chat-historial").dataset.ticket = conversation.id;
  byId("chat-historial").href = `?historial=${conversation.id}`;
  fill(byId("chat-titulo"), [conversation.id, ticket?.nombre, ticket?.telefono_legible], () =>
    ticket ? [`#${conversation.id} · `, h("bdi", {}, conversation.name)] : [`#${conversation.id}`],
  );
  const known = ticket ? [ticket.telefono_legible, ticket.departamento, equipmentOf(ticket)].filter(Boolean) : [];
  fill(byId("chat-datos"), known, () => known.flatMap((part, at) => [at ? " · " : "", h("bdi", {}, part)]));
  fill(byId("chat-falla"), ticket?.falla, () => (ticket?.falla ? [h("span", { title: ticket.falla, dir: "auto" }, ticket.falla)] : []));
  const owner = ticket?.tecnico;
  const words = !ticket ? "" : !owner ? "Sin asignar" : owner.yo ? "Lo atiendes tú" : `Lo atiende ${owner.nombre}`;
  fill(byId("chat-tecnico"), words, () => [words]);
  byId("chat-tecnico").dataset.quien = !owner ? "nadie" : owner.yo ? "yo" : "otro";
  take.hidden = !ticket || Boolean(owner?.yo);
  showTeam(ticket);
  select.disabled = !ticket;
  if (ticket && select.value !== ticket.estado && document.activeElement !== select) select.value = ticket.estado;
  const note = byId("chat-nota-cerrado");
  note.hidden = !ticket || ticket.abierto;
  if (ticket) note.textContent = `Este ticket está ${ticket.estado}; escribir lo reabre.`;
}

/** "Laptop ACT-0042" */
export function equipmentOf(ticket) {
  return [ticket.tipo_equipo, ticket.numero_activo].filter(Boolean).join(" ");
}

async function changeState(estado, undoing = false) {
  const before = conversation.ticket.estado;
  if (estado === before) return;
  if ((await act("estado", { estado })) && !undoing) {
    showStrip(`Estado: ${estado}.`, "Deshacer", () => changeState(before, true));
  }
}

async function act(verb, body) {
  const asked = conversation;
  hideStrip();
  take.disabled = select.disabled = true;
  try {
    const answer = await request(`/ticket/${asked.id}/${verb}`, { body });
    if (answer.body.ticket) asked.ticket = answer.body.ticket;
    return asked === conversation;
  } catch (error) {
    if (asked === conversation) {
      const other = error.body?.otro;
      if (other) showStrip(error.message, null, null, other);
      else showStrip(error.message);
    }
    return false;
  } finally {
    take.disabled = false;
    if (asked === conversation) {
      select.value = asked.ticket?.estado ?? "";
      showTicketBar();
    }
    refresh();
  }
}

function showStrip(words, label = null, action = null, other = null) {
  const nodes = [h("span", {}, words)];
  if (label) nodes.push(h("button", { type: "button", class: "btn btn-plain", onclick: action }, label));
  if (other) nodes.push(h("a", { href: `?chat=${other}`, "data-abrir": "chat", "data-ticket": other }, `Abrir #${other}`));
  strip.replaceChildren(...nodes);
  strip.hidden = false;
  clearTimeout(timer);
  if (label) timer = setTimeout(hideStrip, UNDO_MS);
}

function hideStrip() {
  clearTimeout(timer);
  strip.hidden = true;
  strip.replaceChildren();
}
