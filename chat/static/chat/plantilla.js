import { h } from "./dom.js";
import { formatted } from "./marks.js";

/**
 * One approved template: its variables, what Meta takes in them, and how the person will see it.
 * @typedef {{id: number, nombre: string, idioma: string, categoria: string, encabezado: string, cuerpo: string, pie: string,
 *   valores_encabezado: string[], valores: string[]}} Plantilla
 */
const VARIABLE = /\{\{\s*(\d{1,2})\s*\}\}/g;
export const MAX_BODY = 1024;

/** "equipo_listo" as people write it. */
export function titleOf({ nombre }) {
  const words = nombre.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `text` with its variables replaced; one without a value yet says which it is. */
export function filled(text, values) {
  return text.replace(VARIABLE, (_, number) => values[number - 1]?.trim() || `[variable ${number}]`);
}

/** Where variable `number` stands in `text`: the words around it, for a label. */
export function contextOf(text, number) {
  const around = [...text.matchAll(VARIABLE)].find((match) => Number(match[1]) === number);
  if (!around) return "";
  // Of its own sentence only, and not beyond the next variable.
  const before = text.slice(0, around.index).split(/\}\}|[.!?]\s|\n/).at(-1);
  const after = text.slice(around.index + around[0].length).split(/\{\{|[.!?](?:\s|$)|\n/)[0];
  const start = before.length > 28 ? before.slice(-28).replace(/^\S*\s/, "…") : before;
  const end = after.length > 16 ? `${after.slice(0, 16).replace(/\s\S*$/, "")}…` : after;
  return `${start}____${end}`.replace(/\s+/g, " ").replace(/^[\s,;:]+/, "").trim();
}

/** Why Meta would refuse `value`, or "". */
export function problemOf(value) {
  if (!value.trim()) return "Escribe un valor.";
  if (/[\r\n\t]/.test(value)) return "Sin saltos de línea ni tabuladores.";
  if (/ {4}/.test(value.replace(/^ +| +$/g, ""))) return "No más de tres espacios seguidos.";
  return "";
}

/** The bubble as the person will see it. @param {Plantilla} template */
export function bubble(template, header, body) {
  const parts = [h("div", { class: "texto", dir: "auto" }, ...formatted(filled(template.cuerpo, body)))];
  if (template.encabezado) parts.unshift(h("div", { class: "texto encabezado", dir: "auto" }, filled(template.encabezado, header)));
  if (template.pie) parts.push(h("div", { class: "texto pie-plantilla", dir: "auto" }, template.pie));
  return parts;
}

/** "español de México" of "es_MX". */
export function languageOf(code) {
  try {
    return new Intl.DisplayNames(["es"], { type: "language" }).of(code.replace("_", "-"));
  } catch {
    return code;
  }
}

/** `text` as search compares it. */
export function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
