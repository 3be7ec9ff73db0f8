import { byId, h } from "./dom.js";
import { Options } from "./listbox.js";
import { formatted } from "./marks.js";
import { folded } from "./plantilla.js";

/** Colleagues in notes: "@" offers their names, and what names them is shown as such. */
const MOST = 6;
const box = byId("chat-texto");
let changed = () => {};
let found = [];
const options = new Options(byId("chat-menciones"), { pick: put });

const people = () =>
  [...byId("chat-transferir-a").options].filter((one) => one.dataset.usuario).map((one) => ({ usuario: one.dataset.usuario, nombre: one.textContent }));

/** @param {() => void} callback told when a name was put into the box */
export function startMentions(callback) {
  changed = callback;
}

/** Offers who may be meant by what stands before the cursor. */
export function suggestMentions(note) {
  const begun = note && document.activeElement === box && /(?:^|[^\w@.])@([\w.+\-À-ɏ]*)$/.exec(box.value.slice(0, box.selectionStart));
  if (!begun) return options.hide();
  const word = folded(begun[1]);
  found = people().filter(({ usuario, nombre }) => [usuario, ...nombre.split(/\s+/)].some((part) => folded(part).startsWith(word))).slice(0, MOST);
  if (!found.length) return options.hide();
  options.show(found.map(({ usuario, nombre }) => h("li", {}, h("bdi", {}, nombre), h("span", { class: "datos" }, ` @${usuario}`))));
}

/** @returns {boolean} whether the key was for the list */
export function pickMention(event) {
  return options.key(event);
}

function put(at) {
  const end = box.selectionStart;
  const start = box.value.lastIndexOf("@", end - 1);
  box.setRangeText(`@${found[at].usuario} `, start, end, "end");
  changed();
  options.hide();
}

/**
 * A note's text as nodes, its mentions as names.
 * @param {string} text
 * @param {{usuario: string, nombre: string}[]} named
 */
export function withMentions(text, named) {
  return text.split(/(?<![\p{L}\p{N}_@.])(@[\p{L}\p{N}_.+@-]+)/u).flatMap((part) => {
    if (!part.startsWith("@")) return formatted(part);
    const word = part.slice(1).replace(/[.+@-]+$/, "");
    const who = named.find(({ usuario, nombre }) => [usuario, nombre.split(/\s+/)[0]].some((one) => folded(one) === folded(word)));
    if (!who) return formatted(part);
    return [h("span", { class: "mencion", title: who.nombre }, `@${who.nombre}`), part.slice(word.length + 1)];
  });
}
