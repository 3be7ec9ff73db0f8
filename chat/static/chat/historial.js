import { Conversation } from "./conversation.js";
import { register } from "./dialogs.js";
import { byId } from "./dom.js";
import { Thread } from "./thread.js";
import { equipmentOf } from "./ticketbar.js";
import { Timeline, whyNot } from "./timeline.js";

const dialog = byId("historial");
const all = byId("historial-todo");
const timeline = new Timeline(byId("historial-linea"));
const thread = new Thread(byId("historial-lista"), (seq) => showAll(`?alrededor=${seq}`));
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

/** All tickets of the person instead of this one, which alone is printed and downloaded. */
function showAll(query) {
  arrange(true);
  timeline.open(conversation.id, query);
}

function arrange(everything) {
  all.setAttribute("aria-pressed", String(everything));
  byId("historial-mensajes").hidden = everything;
  for (const id of ["historial-imprimir", "historial-descargar"]) byId(id).hidden = everything;
  timeline.root.hidden = !everything;
}

function open(ticket) {
  conversation = new Conversation(ticket);
  thread.clear();
  timeline.close();
  arrange(false);
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
  timeline.close();
  conversation = null;
}

export function startHistorial() {
  register("historial", { open, close });
  byId("historial-imprimir").addEventListener("click", () => window.print());
  all.addEventListener("click", () => (timeline.root.hidden ? showAll(`?de=${conversation.id}`) : arrange(false)));
  byId("historial-reintentar").addEventListener("click", load);
}
