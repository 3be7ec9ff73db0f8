import { h } from "./dom.js";
import { formatted } from "./marks.js";

const WHO = { user: "", assistant: "Asistente", tecnico: "Mesa" };

/** The message that this one answers, small and above it; pressing it shows it in the thread. */
export function quoteOf(cita, name) {
  if (!cita) return [];
  const words = cita.content ? [cita.content] : [h("em", {}, "Mensaje eliminado")];
  return [
    h(
      "button",
      { type: "button", class: "cita", "data-cita": String(cita.seq), title: "Ver el mensaje al que responde" },
      h("bdi", { class: "cita-autor" }, WHO[cita.role] || name),
      h("span", { class: "cita-texto", dir: "auto" }, ...words),
    ),
  ];
}

/**
 * A bubble that was edited or deleted: what it says now, and on demand what it said.
 * @param {object} entry a row of the conversation, see bubbles.js
 * @param {(entry: object) => (Node|string)[]} content draws what a message says
 */
export function changed(entry, content) {
  const before = entry.editado && entry.original ? [h("p", {}, ...formatted(entry.original))] : [];
  if (!entry.eliminado) return [...content(entry), ...onDemand("Ver lo que decía antes", before)];
  const who = entry.role === "user" ? "Eliminado por la persona" : "Eliminado en WhatsApp";
  const last = h("div", {}, ...content(entry));
  return [h("em", { class: "aviso-eliminado" }, `🚫 ${who}`), ...onDemand("Ver lo que decía", [...before, last])];
}

function onDemand(label, nodes) {
  return nodes.length ? [h("details", { class: "antes" }, h("summary", {}, label), ...nodes)] : [];
}

/** Both sides' reactions, each with who it is from. */
export function reactions({ reaccion = "", reaccion_propia = "" }, name) {
  const chip = (emoji, who) => h("span", { class: "reaccion", title: who, role: "img", "aria-label": `${emoji}, ${who}` }, emoji);
  return [
    ...(reaccion ? [chip(reaccion, `Reacción de ${name}`)] : []),
    ...(reaccion_propia ? [chip(reaccion_propia, "Reacción desde el teléfono de la mesa")] : []),
  ];
}
