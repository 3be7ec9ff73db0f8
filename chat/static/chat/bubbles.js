import { fill, h } from "./dom.js";
import { formatted, isOneEmoji } from "./marks.js";
import { isSticker, mediaOf, mediaSignature, showProgress } from "./media.js";
import { changed, quoteOf, reactions } from "./revisions.js";
import { withMentions } from "./mentions.js";
import { clock, fullDate } from "./times.js";

/**
 * One row of a conversation, as the server says it.
 * @typedef {{role: "user"|"assistant"|"tecnico", content: string, timestamp: string, seq: number, version: number,
 *   estado: string, autor: string|null, mio: boolean, tipo: string, motivo: string, reenvio_de: number|null,
 *   clave: string|null, codigo?: string, editado?: string|null, original?: string, eliminado?: string|null, reaccion?: string,
 *   reaccion_propia?: string, adjunto?: import("./media.js").Attachment|null, datos?: object, recuperado?: string[]|null, cita?: {seq: number, role: string, content: string}|null}} Entry
 *
 * The card under a bubble: what happened to the message and what can be done.
 * @typedef {{tono: "aviso"|"error", fuerte: string, texto: string, acciones: string[], ocupado?: boolean, error?: string,
 *   otro?: number, codigo?: string}} Card
 */

const STATES = {
  en_cola: "🕓 En cola",
  enviando: "➤ Enviando…",
  enviado: "✓ Enviado",
  entregado: "✓✓ Entregado",
  leido: "✓✓ Leído",
  sin_confirmar: "⚠ Sin confirmar",
  fallido: "✕ No se pudo enviar",
  descartado: "🚫 Descartado",
  sin_enviar: "✕ Sin enviar",
  espera: "🕓 Espera al anterior",
  guardando: "Guardando…",
  interna: "Solo la mesa la ve",
  importado: "Importado",
};

const ACTIONS = {
  ya_llego: "Ya llegó",
  reenviar: "Reenviar",
  descartar: "Descartar",
  copiar: "Editar una copia",
  reintentar: "Reintentar",
  editar: "Editar",
  quitar: "Quitar",
  forzar: "Enviar de todos modos",
  otro: "Abrir el otro ticket",
  entrar: "Entrar",
};

/** Who wrote `entry`, with the seed's icons. `name` is the person's. */
export function authorOf(entry, name) {
  if (entry.role === "user") return `👤 ${name}`;
  if (entry.role === "assistant") return "🤖 Asistente";
  if (entry.tipo === "nota" && entry.mio) return "📝 Tu nota interna";
  if (entry.tipo === "nota") return entry.autor ? `📝 Nota interna de ${entry.autor}` : "📝 Nota de la importación";
  if (entry.mio) return "Tú 👨‍💻";
  if (entry.estado === "importado") return "Técnico 👨‍💻";
  return entry.autor ? `${entry.autor} 👨‍💻` : "Desde el teléfono 👨‍💻";
}

/** An empty row; `paint` fills it. */
export function makeRow(entry) {
  const row = h(
    "li",
    { class: "mensaje", "data-rol": entry.role, "data-tipo": entry.tipo },
    h("div", { class: "nombre" }),
    h("div", { class: "globo" }, h("div", { class: "texto", dir: "auto" }), h("div", { class: "pie" })),
    h("div", { class: "reacciones", hidden: true }),
    h("div", { class: "tarjeta", hidden: true }),
  );
  return row;
}

/**
 * Brings a row up to date, touching only what changed.
 * @param {HTMLElement} row
 * @param {Entry} entry
 * @param {{name: string, first: boolean, card: Card|null}} view `first`: the first of a run of bubbles of one author
 */
export function paint(row, entry, { name, first, card }) {
  const [author, bubble, emojis, tarjeta] = row.children;
  const [text, foot] = bubble.children;
  const seq = entry.seq ? String(entry.seq) : "";
  if (row.dataset.seq !== seq) row.dataset.seq = seq;
  if (row.dataset.estado !== entry.estado) row.dataset.estado = entry.estado;
  if (entry.clave) row.dataset.clave = entry.clave;
  row.classList.toggle("primero", first);
  author.classList.toggle("sr-only", !first);
  fill(author, authorOf(entry, name), () => [h("bdi", {}, authorOf(entry, name))]);
  const { eliminado = null, editado = null, cita = null, codigo = "" } = entry;
  fill(text, [entry.content, entry.tipo, eliminado, editado, entry.original, cita, mediaSignature(entry)], () => [
    ...quoteOf(cita, name),
    ...(eliminado || editado ? changed(entry, content) : content(entry)),
  ]);
  bubble.classList.toggle("emoji", isText(entry) && !eliminado && !cita && isOneEmoji(entry.content));
  bubble.classList.toggle("eliminado", Boolean(eliminado));
  bubble.classList.toggle("suelto", isSticker(entry));
  showProgress(text, entry);
  fill(foot, [entry.timestamp, entry.estado, entry.motivo, entry.reenvio_de, editado, codigo], () => footOf(entry));
  fill(emojis, [entry.reaccion, entry.reaccion_propia], () => reactions(entry, name));
  fill(tarjeta, card, () => (card ? cardOf(card) : []));
  if (card) tarjeta.dataset.tono = card.tono;
}

const isNote = (entry) => entry.tipo === "nota";
const isText = (entry) => !entry.tipo || entry.tipo === "text" || entry.tipo === "nota";

function content(entry) {
  if (isNote(entry)) return withMentions(entry.content, entry.datos?.menciones ?? []);
  if (isText(entry)) return formatted(entry.content);
  const media = mediaOf(entry);
  if (media) return media;
  // What is not text comes as its name ("📷 Imagen"), and the caption behind a colon.
  const colon = entry.content.indexOf(": ");
  const chip = h("span", { class: "adjunto" }, colon < 0 ? entry.content : entry.content.slice(0, colon));
  return colon < 0 ? [chip] : [chip, h("div", { class: "leyenda", dir: "auto" }, ...formatted(entry.content.slice(colon + 2)))];
}

function footOf(entry) {
  const hour = h("time", { datetime: entry.timestamp, title: fullDate(entry.timestamp) }, clock(entry.timestamp));
  const time = h("span", {}, entry.editado && !entry.eliminado ? "Editado · " : "", hour);
  if (entry.role === "user") return [time];
  const title = entry.codigo ? `Código del gateway: ${entry.codigo}` : null;
  const parts = [time, " · ", h("span", { class: "entrega", title }, STATES[entry.estado] ?? entry.estado)];
  if (entry.estado === "descartado" && entry.motivo) parts.push(` · ${entry.motivo}`);
  return entry.reenvio_de ? ["↻ Reenvío · ", ...parts] : parts;
}

function cardOf(card) {
  const text = h("p", { title: card.codigo ? `Código del gateway: ${card.codigo}` : null }, h("strong", {}, card.fuerte), card.fuerte && card.texto ? " " : "", card.texto);
  const nodes = [text];
  if (card.acciones.length) {
    const buttons = card.acciones.map((action) => actionButton(action, card));
    nodes.push(h("div", { class: "acciones" }, ...buttons));
  }
  if (card.error) nodes.push(h("p", { class: "fallo" }, card.error));
  return nodes;
}

/** A button of a card; whoever owns the conversation listens for `data-accion`. */
export function actionButton(action, { ocupado = false, otro = null } = {}) {
  const label = action === "otro" && otro ? `Abrir el ticket #${otro}` : ACTIONS[action];
  return h(
    "button",
    { type: "button", class: "btn btn-plain", "data-accion": action, "data-otro": otro, disabled: ocupado },
    label,
  );
}
