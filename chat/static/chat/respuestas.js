import { fetchFile, request } from "./api.js";
import { attachComing, takesFiles } from "./attach.js";
import { byId, h } from "./dom.js";
import { fileLine } from "./files.js";
import { Options } from "./listbox.js";
import { formatted } from "./marks.js";
import { folded } from "./plantilla.js";

/**
 * Quick replies: "/" in an empty box, or ⚡, searches them while one types on; the chosen one is put into the box, to be read
 * and changed before it is sent.
 * @typedef {{id: number, titulo: string, atajo: string, texto: string, propia: boolean, usos: number, adjunto: object|null}} Reply
 */
const MOST = 50;
const TALLEST = 460;
const box = byId("chat-texto");
const frame = byId("chat-respuestas");
const nothing = byId("chat-respuestas-nada");
const preview = byId("chat-respuestas-vista");
const options = new Options(byId("chat-respuestas-lista"), { frame, pick, marked: show, closed });
let chosen = () => {};
let changed = () => {};
let ticket = null;
/** What is searched for: from the "/" at `start` to the cursor. */
let search = null;
/** @type {Reply[]} */
let found = [];

/** @param {(reply: Reply) => void} callback told what was put into the box @param {() => void} edited told of other changes of the box */
export function startReplies(callback, edited) {
  [chosen, changed] = [callback, edited];
  byId("chat-rapidas").addEventListener("click", () => {
    box.focus();
    if (search) return;
    const at = box.selectionEnd;
    box.setRangeText("/", at, at, "end");
    begin(at, true);
    changed();
  });
}

/** Another ticket is open. @param {number} id */
export function openReplies(id) {
  ticket = id;
  end();
}

/** Looks at what was typed: begins with a "/" that stands alone, and goes on while it is searched for. */
export function suggestReplies(note) {
  if (note || document.activeElement !== box) return end();
  if (!search) return box.value === "/" ? begin(0, false) : undefined;
  if (query() === null) return end();
  return draw();
}

/** @returns {boolean} whether the key was for the list */
export function keyOfReplies(event) {
  return options.key(event);
}

/** What stands after the "/", null when it is gone or another line was begun. */
function query() {
  const typed = box.value.slice(search.start, box.selectionStart);
  return typed.startsWith("/") && !typed.includes("\n") ? typed.slice(1) : null;
}

function begin(start, byButton) {
  search = { start, byButton, replies: null, failed: "", wanted: false };
  const above = byId("chat-redactar").getBoundingClientRect().top - byId("chat").getBoundingClientRect().top;
  frame.style.maxHeight = `${Math.min(TALLEST, above - 12)}px`;
  draw();
  load(search);
}

function end() {
  search = null;
  options.hide();
}

/** Closed by hand: what was typed stays, but not the "/" that nobody typed. */
function closed() {
  const { start, byButton } = search;
  const alone = query() === "";
  search = null;
  if (!byButton || !alone) return;
  box.setRangeText("", start, start + 1, "end");
  changed();
}

async function load(asked) {
  try {
    const { body } = await request(`/ticket/${ticket}/respuestas`);
    asked.replies = body.respuestas.map((one) => ({ ...one, words: folded(`${one.atajo} ${one.titulo} ${one.texto}`) }));
  } catch (error) {
    asked.failed = error.message;
  }
  if (asked !== search) return;
  draw();
  if (asked.wanted && found.length) pick(0);
}

function draw() {
  const wanted = folded(query()).trim();
  const words = wanted.split(/\s+/);
  found = (search.replies ?? []).filter((one) => words.every((word) => one.words.includes(word)));
  // Who types a whole shortcut means that one; the others are in their order, most used first.
  found = [...found.filter((one) => one.atajo && one.atajo === wanted), ...found.filter((one) => !one.atajo || one.atajo !== wanted)].slice(0, MOST);
  nothing.replaceChildren(...(found.length ? [] : why(wanted)));
  nothing.hidden = found.length > 0;
  options.show(found.map(item));
}

function why(wanted) {
  if (search.failed) return [`No se pudieron cargar las respuestas. ${search.failed}`];
  if (!search.replies) return ["Buscando…"];
  const create = h("a", { href: "/respuestas/nueva", target: "_blank", rel: "noopener" }, "Crear una");
  const words = search.replies.length ? `Ninguna respuesta coincide con «${wanted}». Esc para escribirlo tal cual. ` : "Todavía no hay respuestas rápidas. ";
  return [words, create];
}

function item({ titulo, atajo, texto, propia, adjunto }) {
  return h(
    "li",
    {},
    h("span", { class: "titulo" }, h("bdi", {}, titulo), atajo ? h("span", { class: "chip" }, `/${atajo}`) : null, propia ? h("span", { class: "datos" }, " tuya") : null, adjunto ? h("span", { class: "clip-de", role: "img", "aria-label": "con archivo" }, "📎") : null),
    h("span", { class: "datos renglon" }, texto.replace(/\s+/g, " ")),
  );
}

/** The marked one as it would be put into the box. */
function show(at) {
  const reply = found[at];
  preview.hidden = !reply;
  if (!reply) return;
  const nodes = [h("div", { class: "globo" }, h("div", { class: "texto", dir: "auto" }, ...formatted(reply.texto)))];
  if (reply.adjunto) nodes.unshift(fileLine(reply.adjunto));
  if (reply.adjunto && !takesFiles()) nodes.push(h("p", { class: "datos" }, "Su archivo no se puede enviar por este WhatsApp: sólo se pondrá el texto."));
  preview.replaceChildren(...nodes);
  preview.scrollTop = 0;
}

function pick(at) {
  const reply = found[at];
  // Enter before the list came, or with nothing found: never what was searched for is sent.
  if (!reply) return void (search.wanted = !search.replies);
  box.setRangeText(reply.texto, search.start, box.selectionStart, "end");
  end();
  if (reply.adjunto && takesFiles()) attachComing(reply.adjunto, fetchFile(reply.adjunto.url, reply.adjunto.nombre, reply.adjunto.tipo));
  chosen(reply);
}
