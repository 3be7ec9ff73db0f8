import { Conversation } from "./conversation.js";
import { register } from "./dialogs.js";
import { byId } from "./dom.js";
import { Thread } from "./thread.js";
import { equipmentOf } from "./ticketbar.js";

const dialog = byId("historial");
const thread = new Thread(byId("historial-lista"));
let conversation = null;

async function load() {
  const asked = conversation;
  dialog.dataset.vista = "cargando";
  try {
    await asked.refresh();
    while (asked.more) await asked.loadOlder();
    if (asked === conversation) show();
  } catch (error) {
    if (asked !== conversation || error.name === "AbortError") return;
    dialog.dataset.vista = "error";
    const words = { 401: "Tu sesión terminó. Recarga la página para entrar de nuevo.", 404: "Este ticket no existe o no puedes verlo." };
    byId("historial-error-texto").textContent = words[error.status] ?? error.message;
  }
}

function show() {
  const { ticket, rows, name } = conversation;
  byId("historial-titulo").textContent = `#${ticket.id} · ${name}`;
  const about = [ticket.telefono_legible, ticket.departamento, equipmentOf(ticket), ticket.estado];
  byId("historial-datos").textContent = about.filter(Boolean).join(" · ");
  byId("historial-falla").textContent = ticket.falla ? `Falla: ${ticket.falla}` : "";
  thread.show(rows, name, whyNot);
  dialog.dataset.vista = rows.length ? "listo" : "vacio";
  const container = byId("historial-mensajes");
  container.scrollTop = container.scrollHeight;
}

/** A record says why a message did not go out; what to do about it is the chat's. */
function whyNot({ role, estado, motivo, codigo }) {
  if (role === "user" || estado !== "fallido" || !motivo) return null;
  return { tono: "error", fuerte: "", texto: motivo, acciones: [], codigo };
}

function open(ticket) {
  conversation = new Conversation(ticket);
  thread.clear();
  byId("historial-titulo").textContent = `#${ticket}`;
  byId("historial-datos").textContent = byId("historial-falla").textContent = "";
  byId("historial-descargar").href = `/ticket/${ticket}/log`;
  const chat = byId("historial-chat");
  chat.href = `?chat=${ticket}`;
  chat.dataset.ticket = ticket;
  byId("historial-mensajes").focus();
  load();
}

function close() {
  conversation.stop();
  conversation = null;
}

export function startHistorial() {
  register("historial", { open, close });
  byId("historial-imprimir").addEventListener("click", () => window.print());
  byId("historial-reintentar").addEventListener("click", load);
}
