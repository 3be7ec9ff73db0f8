/* The row of phones. What people write only ever goes through textContent. */

import { extraOf, startSending } from "./adjuntos.js";
import { by, element } from "./dom.js";

const TICKS = [
  ["🕓", "Esperando conexión"], ["✓", "Enviado"], ["✓✓", "Entregado"], ["✓✓", "Leído"],
];
const OWN_TICKS = [
  ["🕓", "Llegará a la mesa cuando vuelva la conexión"], ["✓", "En camino a la mesa"], ["✓✓", "La mesa lo recibió"],
  ["✓✓", "La mesa lo leyó"],
];
const TYPING_MS = 3000; // told again so often while keys are pressed, and that they stopped after so long
const drawn = new Map(); // chatId -> {node, text}: only a phone that changed is drawn again

/* In: the phones as the simulator tells them, and what a person can do with one: write(chatId, text),
   type(chatId, whether), read(chatId), send(chatId, what, body). */
export function drawPhones(phones, actions) {
  const present = new Set(phones.map((phone) => phone.chatId));
  for (const [chatId, known] of drawn) {
    if (!present.has(chatId)) { known.node.remove(); drawn.delete(chatId); }
  }
  phones.forEach((phone, index) => {
    if (!drawn.has(phone.chatId)) drawn.set(phone.chatId, { node: newPhone(phone.chatId, actions), text: "" });
    const known = drawn.get(phone.chatId);
    // The order is the simulator's; a node is moved only when it differs, so that nobody loses the focus.
    const there = by("telefonos").children[index];
    if (there !== known.node) by("telefonos").insertBefore(known.node, there ?? by("nuevo"));
    const text = JSON.stringify(phone) + by("leer-solo").checked;
    if (text !== known.text) { known.text = text; drawPhone(known.node, phone, actions); }
  });
  // Hidden until the phones stand before it: a row that scrolls would otherwise keep it in the middle.
  by("nuevo").hidden = false;
}

function newPhone(chatId, actions) {
  const node = by("plantilla-telefono").content.firstElementChild.cloneNode(true);
  const form = node.querySelector("form");
  const field = form.querySelector("textarea");
  const error = node.querySelector(".error");
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
  });
  const stopped = tellTyping(field, (on) => actions.type(chatId, on));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const texto = field.value;
    if (!texto.trim()) return;
    field.value = "";
    stopped();
    error.textContent = "";
    try {
      await actions.write(chatId, texto);
    } catch (problem) {
      if (!field.value) field.value = texto;
      error.textContent = problem.message;
    }
  });
  node.querySelector(".leer").addEventListener("click", () => actions.read(chatId));
  startSending(node, (what, body) => actions.send(chatId, what, body));
  return node;
}

/* Says that keys are pressed in the field, now and then, and once that they are not; out: a function that says so now. */
function tellTyping(field, tell) {
  let told = 0;
  let pause = 0;
  const stopped = () => {
    clearTimeout(pause);
    if (told) tell(false);
    told = 0;
  };
  field.addEventListener("input", () => {
    clearTimeout(pause);
    if (!field.value.trim()) return stopped();
    pause = setTimeout(stopped, TYPING_MS);
    if (Date.now() - told < TYPING_MS) return;
    told = Date.now();
    tell(true);
  });
  return stopped;
}

function drawPhone(node, phone, actions) {
  node.setAttribute("aria-label", `Teléfono de ${phone.nombre}`);
  node.querySelector(".nombre").textContent = phone.nombre;
  node.querySelector(".nombre").title = phone.nombre;
  node.querySelector(".numero").textContent = phone.escribiendo ? "La mesa está escribiendo…" : spaced(phone.telefono);
  node.querySelector(".numero").classList.toggle("escribe", phone.escribiendo);
  node.querySelector(".inicial").textContent = [...phone.nombre.replace("+", "")][0]?.toUpperCase() ?? "";
  node.querySelector("textarea").setAttribute("aria-label", `Mensaje de ${phone.nombre}`);
  const arrived = phone.mensajes.filter((item) => !item.propio && item.palomitas === 2).length;
  node.querySelector(".leer").hidden = !arrived || by("leer-solo").checked;
  node.querySelector(".leer").textContent = `Leer (${arrived})`;
  const list = node.querySelector(".pantalla");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.replaceChildren(...bubbles(phone.mensajes, phone.chatId, actions));
  if (atEnd || phone.mensajes.at(-1)?.propio) list.scrollTop = list.scrollHeight;
}

function bubbles(messages, chatId, actions) {
  if (!messages.length) return [element("li", "vacio", "Escribe aquí como si fueras esta persona: tu mensaje llega a la mesa.")];
  const nodes = [];
  let day = "";
  let before;
  for (const item of messages) {
    const when = new Date(item.cuando);
    if (when.toDateString() !== day) {
      day = when.toDateString();
      nodes.push(element("li", "dia", dayName(when)));
    }
    nodes.push(bubble(item, when, before !== undefined && before !== item.propio, chatId, actions));
    before = item.propio;
  }
  return nodes;
}

function bubble(item, when, changes, chatId, actions) {
  const node = element("li", `globo ${item.propio ? "propio" : "ajeno"} ${changes ? "cambia" : ""}`);
  const text = element("p", "texto", item.texto);
  text.dir = "auto";
  const foot = element("p", "pie");
  const time = element("time", "", when.toLocaleTimeString("es-MX", { hour: "2-digit", minute: "2-digit", hour12: false }));
  time.dateTime = item.cuando;
  time.title = when.toLocaleString("es-MX");
  const [mark, meaning] = (item.propio ? OWN_TICKS : TICKS)[item.palomitas];
  const ticks = element("span", `palomitas ${item.palomitas === 3 ? "leido" : ""}`, mark);
  ticks.title = meaning;
  ticks.setAttribute("role", "img");
  ticks.setAttribute("aria-label", meaning);
  const { editado, eliminado, reaccion, reaccion_mesa: theirs } = item.cambios ?? {};
  if (eliminado) foot.append(element("span", "", "eliminado ·"));
  else if (editado) foot.append(element("span", "", "editado ·"));
  foot.append(time, ticks);
  if (eliminado) node.classList.add("eliminado");
  if (item.adjunto) node.append(extraOf(item.adjunto));
  if (item.texto) node.append(text);
  node.append(foot);
  const emojis = [reaccion, theirs].filter(Boolean).join(" ");
  if (emojis) node.append(element("p", "reacciones", emojis));
  if (!eliminado) node.append(deeds(item, chatId, actions));
  return node;
}

/* What the phone's owner can do with a message: small buttons that a pointer or the keyboard brings out. */
function deeds(item, chatId, actions) {
  const row = element("p", "obras");
  const add = (label, title, act) => {
    const button = element("button", "", label);
    button.type = "button";
    button.title = title;
    button.setAttribute("aria-label", title);
    button.addEventListener("click", act);
    row.append(button);
  };
  const reacted = item.cambios?.reaccion === "👍";
  if (item.propio) {
    add("✎", "Editar", () => {
      const texto = prompt("Nuevo texto", item.texto);
      if (texto?.trim()) actions.change(item.id, "editar", texto);
    });
    add("🗑", "Eliminar para todos", () => actions.change(item.id, "eliminar", ""));
  }
  add("👍", reacted ? "Quitar la reacción" : "Reaccionar", () => actions.change(item.id, "reaccionar", reacted ? "" : "👍"));
  add("↩", "Responder a este mensaje", () => {
    const texto = prompt("Respuesta");
    if (texto?.trim()) actions.answer(chatId, texto, item.id);
  });
  return row;
}

function dayName(when) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(when).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "Hoy";
  return days === 1 ? "Ayer" : when.toLocaleDateString("es-MX", { day: "numeric", month: "long" });
}

function spaced(phone) {
  const mexican = /^\+52(1?)(55|56|33|81)(\d{4})(\d{4})$/.exec(phone) ?? /^\+52(1?)(\d{3})(\d{3})(\d{4})$/.exec(phone);
  return mexican ? ["+52", mexican[1], mexican[2], mexican[3], mexican[4]].filter(Boolean).join(" ") : phone;
}
