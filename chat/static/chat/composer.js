import { attach, attachTo, captionLimit, fileProblem, startAttaching, takeFile } from "./attach.js";
import { byId } from "./dom.js";
import { pickMention, startMentions, suggestMentions } from "./mentions.js";
import { readDraft, readNoteDraft, writeDraft, writeNoteDraft } from "./drafts.js";
import { keyOfReplies, openReplies, startReplies, suggestReplies } from "./respuestas.js";
import { isNote, onNoteMode, setNote, startNoteMode } from "./notemode.js";

const LIMIT = 4096;
const box = byId("chat-texto");
const counter = byId("chat-contador");
const button = byId("chat-enviar");
let ticket = null;
let person = "";
/** The quick reply that each ticket's text was made of. */
const used = new Map();

/** @param {(text: string, file: File|null, note: boolean, reply: number|null) => void} send called with what was written, once the box is empty again */
export function startComposer(send) {
  const submit = () => {
    const text = box.value.trim();
    const note = isNote();
    const nothing = !text && (note || captionLimit() === null);
    if (nothing || length(text) > limit() || (!note && fileProblem()) || box.disabled) return box.focus();
    const reply = note ? null : (used.get(ticket) ?? null);
    const file = note ? null : takeFile();
    setText("");
    setNote(false);
    send(text, file, note, reply);
    box.focus();
  };
  startAttaching(changed);
  startNoteMode();
  onNoteMode(() => {
    address();
    changed();
  });
  box.addEventListener("input", changed);
  startMentions(changed);
  startReplies((reply) => {
    used.set(ticket, reply.id);
    changed();
  }, changed);
  box.addEventListener("keydown", (event) => {
    if (isNote() ? pickMention(event) : keyOfReplies(event)) return;
    // 229: the Enter that ends a composition in Safari, where isComposing is already false.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  byId("chat-redactar").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
}

/** Shows the draft of `id` and takes the focus; on a phone that would put the keyboard over what there is to read. */
export function openComposer(id) {
  enableComposer(true);
  addressTo("");
  attachTo(id);
  openReplies(id);
  const note = readNoteDraft(id);
  const text = note || readDraft(id);
  ticket = null; // the box still holds what was written in the chat before, perhaps a note: it is no draft of this one
  setNote(Boolean(note));
  ticket = id;
  setText(text);
  (matchMedia("(pointer: fine)").matches ? box : byId("chat-mensajes")).focus();
}

/** @param {string} firstName whom the placeholder names */
export function addressTo(firstName) {
  person = firstName;
  address();
}

function address() {
  const message = person ? `Escribe un mensaje para ${person}…` : "Escribe un mensaje…";
  const words = isNote() ? "Escribe una nota para la mesa…" : message;
  if (box.placeholder !== words) box.placeholder = words;
}

export function enableComposer(enabled) {
  box.disabled = button.disabled = !enabled;
}

/**
 * Puts `text` back into the box, before what may have been written since; and its file beside it. What is a note, or
 * was added to one, stays on the desk.
 */
export function giveBack(text, file = null, note = false, reply = null) {
  setNote(note || (isNote() && box.value.trim() !== ""));
  setText(box.value.trim() && text ? `${text}\n${box.value}` : text || box.value);
  if (file) attach(file);
  if (reply && !isNote()) used.set(ticket, reply);
  box.focus();
}

export function focusComposer() {
  box.focus();
}

const limit = () => (isNote() ? LIMIT : (captionLimit() ?? LIMIT));

function setText(text) {
  box.value = text;
  changed();
}

function changed() {
  suggestMentions(isNote());
  suggestReplies(isNote());
  if (!box.value && captionLimit() === null) used.delete(ticket);
  if (ticket !== null) {
    writeDraft(ticket, isNote() ? "" : box.value);
    writeNoteDraft(ticket, isNote() ? box.value : "");
  }
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
  const most = limit();
  const size = box.value.length > most - 500 ? length(box.value.trim()) : 0;
  counter.hidden = size < most - 400;
  counter.textContent = size > most ? `Sobran ${size - most} caracteres` : `${size} / ${most}`;
  counter.classList.toggle("exceso", size > most);
}

/** Characters as the server counts them: an emoji outside the basic plane is one. */
function length(text) {
  return [...text].length;
}
