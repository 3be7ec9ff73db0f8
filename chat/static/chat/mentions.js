import { byId, h } from "./dom.js";
import { formatted } from "./marks.js";

/** Colleagues in notes: "@" offers their names, and what names them is shown as such. */
const MOST = 6;
const box = byId("chat-texto");
const list = byId("chat-menciones");
let changed = () => {};
let chosen = 0;

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const people = () =>
  [...byId("chat-transferir-a").options].filter((one) => one.dataset.usuario).map((one) => ({ usuario: one.dataset.usuario, nombre: one.textContent }));

/** @param {() => void} callback told when a name was put into the box */
export function startMentions(callback) {
  changed = callback;
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the focus stays in the box
    const option = event.target.closest("li");
    if (option) put(option.dataset.usuario);
  });
  box.addEventListener("blur", hide);
  box.setAttribute("aria-controls", list.id);
}

/** Offers who may be meant by what stands before the cursor. */
export function suggestMentions(note) {
  const begun = note && document.activeElement === box && /(?:^|[^\w@.])@([\w.+\-À-ɏ]*)$/.exec(box.value.slice(0, box.selectionStart));
  if (!begun) return hide();
  const word = fold(begun[1]);
  const found = people().filter(({ usuario, nombre }) => [usuario, ...nombre.split(/\s+/)].some((part) => fold(part).startsWith(word)));
  if (!found.length) return hide();
  chosen = 0;
  list.replaceChildren(
    ...found.slice(0, MOST).map(({ usuario, nombre }, at) =>
      h("li", { role: "option", id: `mencion-${at}`, "data-usuario": usuario }, h("bdi", {}, nombre), h("span", { class: "datos" }, ` @${usuario}`)),
    ),
  );
  list.hidden = false;
  mark();
}

/** Moves in the list, picks, or closes it. @returns {boolean} whether the key was for the list */
export function pickMention(event) {
  if (list.hidden || event.isComposing) return false;
  const { length } = list.children;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : length - 1)) % length;
    mark();
  } else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") {
    put(list.children[chosen].dataset.usuario);
  } else if (event.key === "Escape") {
    hide();
  } else {
    return false;
  }
  event.preventDefault();
  event.stopPropagation();
  return true;
}

function put(usuario) {
  const end = box.selectionStart;
  const start = box.value.lastIndexOf("@", end - 1);
  box.setRangeText(`@${usuario} `, start, end, "end");
  changed();
  hide();
}

function mark() {
  [...list.children].forEach((one, at) => one.setAttribute("aria-selected", String(at === chosen)));
  box.setAttribute("aria-activedescendant", `mencion-${chosen}`);
}

function hide() {
  list.hidden = true;
  box.removeAttribute("aria-activedescendant");
}

/**
 * A note's text as nodes, its mentions as names.
 * @param {string} text
 * @param {{usuario: string, nombre: string}[]} named
 */
export function withMentions(text, named) {
  return text.split(/(?<![\w@.])(@[\w.+-]+)/).flatMap((part) => {
    if (!part.startsWith("@")) return formatted(part);
    const word = part.slice(1).replace(/[.+-]+$/, "");
    const who = named.find(({ usuario, nombre }) => [usuario, nombre.split(/\s+/)[0]].some((one) => fold(one) === fold(word)));
    if (!who) return formatted(part);
    return [h("span", { class: "mencion", title: who.nombre }, `@${who.nombre}`), part.slice(word.length + 1)];
  });
}
