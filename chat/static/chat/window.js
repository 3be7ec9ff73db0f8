import { offer } from "./attach.js";
import { byId, fill, h } from "./dom.js";
import { isNote, onNoteMode } from "./notemode.js";
import { closeTemplates, openTemplates, showTemplates } from "./plantillas.js";
import { clock, dayOf, now } from "./times.js";

/**
 * The 24-hour window of a gateway with templates: counts down by itself from what the server said last, and puts the
 * template picker in the place of the text box when it closes. Other gateways tell no window, and nothing shows.
 * @typedef {{abierta: boolean, cierra: string|null, segundos: number}|null} Ventana
 */
const HOUR = 3600;
const note = byId("chat-ventana");
const form = byId("chat-redactar");
const picker = byId("chat-plantillas");
let say = () => {};
let known = null;
let ends = 0;
let closed = false;
let urgent = false;
let timer = null;

/** @param {(words: string) => void} announce reads words aloud */
export function startWindow(announce) {
  say = announce;
  // A note can be written whatever the window is.
  onNoteMode(place);
}

/** A chat was opened; nothing is known of its window yet. @param {number} ticket */
export function openWindow(ticket) {
  openTemplates(ticket);
  known = null;
  closed = urgent = false;
  note.hidden = picker.hidden = true;
  form.hidden = false;
  clearInterval(timer);
  timer = setInterval(tick, 1000);
}

export function closeWindow() {
  clearInterval(timer);
  closeTemplates();
}

/**
 * Takes what the server said. The same object again changes nothing, so that the countdown goes on.
 * @param {import("./conversation.js").Conversation} conversation
 */
export function showWindow(conversation) {
  const told = conversation.ticket?.ventana ?? null;
  if (told !== known) ends = Date.now() + (told?.segundos ?? 0) * 1000;
  const first = known === null;
  known = told;
  tick(first);
  if (!closed) return;
  showTemplates(conversation);
  offer(null); // nothing can be pasted or dropped into a text box that is not there
}

function tick(first = false) {
  if (!known) {
    if (closed) change(false, true);
    note.hidden = true;
    return;
  }
  const left = Math.max(0, (ends - Date.now()) / 1000);
  if (closed !== !left) change(!left, first === true);
  note.hidden = closed;
  if (closed) return;
  const tone = left > 4 * HOUR ? "discreto" : left > HOUR ? "normal" : "urgente";
  if (note.dataset.tono !== tone) note.dataset.tono = tone;
  const [until, remain] = wordsFor(left, known.cierra);
  const words = `${until} ${remain}`;
  fill(note, words, () => [until, h("span", { class: "quedan" }, ` ${remain}`)]);
  if (tone === "urgente" && !urgent && first !== true) say(words);
  urgent = tone === "urgente";
}

function place() {
  form.hidden = closed && !isNote();
  picker.hidden = !form.hidden;
}

/** What had the focus and goes away gives it to what comes. */
function change(closes, quietly) {
  const focused = (closes ? form : picker).contains(document.activeElement);
  closed = closes;
  place();
  if (closes) {
    showTemplates();
    offer(null);
  }
  if (focused) byId(form.hidden ? "plantillas-titulo" : "chat-texto").focus();
  if (quietly) return;
  say(closes ? "La ventana de 24 horas se cerró: elige una plantilla." : "La persona escribió: puedes responder libremente.");
}

/** "Puedes escribir libremente hasta las 15:40" and "(quedan 3 h 12 min)". */
function wordsFor(left, closes) {
  const at = `${clock(closes).startsWith("01") ? "la" : "las"} ${clock(closes)}`;
  const day = dayOf(closes) === dayOf(now()) ? "" : "mañana a ";
  const minutes = Math.ceil(left / 60);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const amount = [hours && `${hours} h`, (rest || !hours) && `${rest} min`].filter(Boolean).join(" ");
  const remain = left < 60 ? "queda menos de un minuto" : `${(hours || rest) === 1 ? "queda" : "quedan"} ${amount}`;
  return [`Puedes escribir libremente hasta ${day}${at}`, `(${remain})`];
}
