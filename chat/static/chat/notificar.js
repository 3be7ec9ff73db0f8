import { loginUrl, request } from "./api.js";
import { firstNameOf } from "./conversation.js";
import { register } from "./dialogs.js";
import { byId, h } from "./dom.js";
import { fileLine } from "./files.js";
import { formatted } from "./marks.js";
import { uuid } from "./outbox.js";
import { outcomeOf } from "./outcomes.js";
import { fullDate, now, shortDate } from "./times.js";

const dialog = byId("notificar");
const list = byId("notificar-lista");
let view = null;

async function load() {
  const asked = view;
  dialog.dataset.vista = "cargando";
  try {
    const { body } = await request(`/ticket/${asked.id}/notificar`, { signal: asked.controller.signal });
    if (asked !== view) return;
    Object.assign(view, { messages: body.mensajes, ticket: body.ticket });
    const name = body.ticket.nombre || body.ticket.telefono_legible;
    byId("notificar-titulo").textContent = `Notificar · #${body.ticket.id} · ${name}`;
    byId("notificar-datos").textContent = body.ticket.telefono_legible;
    draw();
    reloadWhenClosed(body.ticket.ventana);
  } catch (error) {
    if (asked !== view || error.name === "AbortError") return;
    dialog.dataset.vista = "error";
    byId("notificar-error-texto").textContent = error.status === 404 ? "Este ticket no existe o no puedes verlo." : error.message;
  }
}

/** Other words go, or none, from when the 24-hour window closes. */
function reloadWhenClosed(ventana) {
  clearTimeout(view.timer);
  if (ventana?.abierta) view.timer = setTimeout(load, ventana.segundos * 1000 + 500);
}

function draw() {
  dialog.dataset.vista = view.messages.length ? "listo" : "vacio";
  list.replaceChildren(...view.messages.map(card));
}

/** One predefined message: its title, the words that will be sent, and one button. */
function card(message) {
  const { busy, outcome, sure } = view.sends.get(message.id) ?? {};
  const again = message.ya_enviado || sure;
  const nodes = [
    h("h3", { id: `notificar-${message.id}` }, message.titulo, message.plantilla ? h("span", { class: "chip" }, "Plantilla") : null),
    h("div", { class: message.problema ? "globo apagado" : "globo" }, h("div", { class: "texto", dir: "auto" }, ...formatted(message.texto))),
  ];
  if (message.adjunto) nodes.push(fileLine(message.adjunto));
  if (message.ya_enviado && !outcome) nodes.push(sentBefore(message.ya_enviado));
  if (message.problema && !outcome) nodes.push(h("p", { class: "datos razon", id: `problema-${message.id}` }, message.problema));
  if (outcome) nodes.push(outcomeCard(outcome));
  const label = busy ? "Enviando…" : outcome?.colegas ? "Enviar de todos modos" : again ? "Enviar otra vez" : outcome && !outcome.guardado ? "Reintentar" : "✅ Enviar";
  const send = h(
    "button",
    {
      type: "button",
      class: `btn ${again ? "btn-plain" : "btn-notify"}`,
      "data-enviar": message.id,
      "aria-describedby": `notificar-${message.id}${message.problema ? ` problema-${message.id}` : ""}`,
      disabled: busy || Boolean(message.problema),
      onclick: () => notify(message, Boolean(again)),
    },
    label,
  );
  nodes.push(h("div", { class: "acciones" }, send));
  return h("li", { class: "predefinido", "data-predefinido": message.id }, ...nodes);
}

function sentBefore(when) {
  const time = h("time", { datetime: when, title: fullDate(when) }, shortDate(when));
  return h("p", { class: "tarjeta", "data-tono": "aviso" }, "Ya se envió el ", time, ".");
}

function outcomeCard(outcome) {
  const nodes = [outcome.texto];
  if (outcome.acciones.includes("entrar")) nodes.push(" ", h("a", { href: loginUrl() }, "Entrar de nuevo"));
  const ticket = outcome.otro ?? view.id;
  const words = outcome.otro ? `Abrir el ticket #${outcome.otro}` : "Verlo en el chat";
  if (outcome.guardado || outcome.otro) nodes.push(" ", h("a", { href: `?chat=${ticket}`, "data-abrir": "chat", "data-ticket": ticket }, words));
  return h("p", { class: "tarjeta", "data-tono": outcome.tono }, ...nodes);
}

async function notify(message, forzar) {
  const asked = view;
  const { clave = uuid() } = view.sends.get(message.id) ?? {};
  const set = (send) => {
    asked.sends.set(message.id, send);
    if (asked !== view) return;
    redraw(message.id);
    byId("notificar-anuncios").textContent = send.outcome?.texto ?? "";
  };
  set({ clave, busy: true });
  const name = firstNameOf(asked.ticket.nombre || asked.ticket.telefono_legible);
  try {
    const body = { predefinido: message.id, clave, plantilla: message.plantilla };
    if (forzar) body.forzar = true;
    await request(`/ticket/${asked.id}/notificar`, { body, deadline: 40000 });
    saved(asked, message);
    set({ outcome: { guardado: true, tono: "ok", texto: `✓ Enviado a ${name}.`, acciones: [] } });
  } catch (error) {
    const outcome = outcomeOf(error, name);
    // What was saved is done with: pressing again is a new message, under a new key. What was not keeps its key.
    if (outcome.guardado) saved(asked, message);
    set(outcome.guardado ? { outcome } : { clave, outcome, sure: outcome.acciones.includes("forzar") });
    if (["ventana_cerrada", "ventana_cambio"].includes(error.word) && asked === view) load();
  }
}

function saved(asked, message) {
  message.ya_enviado = now();
  if (asked === view) window.dispatchEvent(new CustomEvent("tickets:refrescar"));
}

function redraw(id) {
  draw();
  list.querySelector(`[data-enviar="${id}"]`)?.focus();
}

function open(ticket) {
  view = { id: ticket, controller: new AbortController(), messages: [], ticket: {}, sends: new Map() };
  list.replaceChildren();
  byId("notificar-titulo").textContent = `Notificar · #${ticket}`;
  byId("notificar-datos").textContent = "";
  const chat = byId("notificar-chat");
  chat.href = `?chat=${ticket}`;
  chat.dataset.ticket = ticket;
  load();
}

function close() {
  clearTimeout(view.timer);
  view.controller.abort();
  view = null;
}

export function startNotificar() {
  register("notificar", { open, close });
  byId("notificar-reintentar").addEventListener("click", load);
}
