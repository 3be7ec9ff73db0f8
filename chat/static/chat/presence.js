import { csrfToken, request } from "./api.js";
import { firstNameOf } from "./conversation.js";
import { byId, fill, h } from "./dom.js";
import { isNote, onNoteMode } from "./notemode.js";
import { uuid } from "./outbox.js";

/**
 * Who else has this ticket open, who is typing in it, and that the person is. Never of consequence: what fails here is
 * said again a little later, or forgotten by the server.
 * @typedef {{id: number, nombre: string, escribiendo: boolean}} Colleague
 */
const RENEW = 20_000;
// Somebody who types may vanish without a word: while they do, look sooner.
const LOOK = 8_000;
const TYPING = 4_000;
const PAUSE = 5_000;
const PERSON = 10_000;
const SPEAK_AGAIN = 60_000;
const AGAIN = 2_000;

const tab = uuid();
const own = Number(byId("chat").dataset.usuario);
const box = byId("chat-texto");
let conversation = null;
/** @type {Colleague[]} */
let others = [];
let typing = false;
// We said that something is written here: a colleague who sends is told so for a while.
let drafted = false;
let told = 0;
let toldTyping = 0;
let renewal = 0;
let pause = 0;
let personStops = 0;
const spoken = new Map();
const bubble = h(
  "li",
  { class: "mensaje primero tecleando", "data-rol": "user" },
  h("div", { class: "globo" }, h("span", { class: "puntos", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", { class: "quien-teclea", dir: "auto" })),
);

/** @param {import("./conversation.js").Conversation} opened */
export function openPresence(opened) {
  conversation = opened;
  typing = drafted = false;
  toldTyping = 0;
  spoken.clear();
  show([]);
  personWrote();
  if (!document.hidden) tell();
}

export function closePresence() {
  if (conversation) leave();
  stopTimers();
  conversation = null;
  show([]);
  personWrote();
}

/** What was typed was sent, or nothing is typed any more. */
export function stopTyping() {
  clearTimeout(pause);
  if (!typing && drafted === writing()) return;
  typing = false;
  toldTyping = 0;
  tell();
}

/** The person's message is here: they type it no more. */
export function personWrote() {
  clearTimeout(personStops);
  bubble.remove();
}

export function startPresence() {
  box.addEventListener("input", onInput);
  onNoteMode(() => isNote() && stopTyping());
  window.addEventListener("vivo:presencia", ({ detail }) => {
    if (detail?.ticket !== conversation?.id) return;
    show(detail.quien);
    // Another tab of ours left, or the server forgot us: we are still here.
    if (!document.hidden && !detail.quien.some(({ id }) => id === own) && Date.now() - told > AGAIN) tell();
  });
  window.addEventListener("vivo:persona", ({ detail }) => {
    if (detail?.ticket === conversation?.id) personTypes();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return tell();
    stopTyping();
    clearTimeout(renewal);
  });
  window.addEventListener("pagehide", () => conversation && leave());
  window.addEventListener("pageshow", ({ persisted }) => persisted && tell());
}

function onInput() {
  if (!conversation) return;
  // A note is nothing that the person waits for, and nobody answers at the same time.
  if (!box.value.trim() || isNote()) return stopTyping();
  typing = true;
  drafted = true;
  clearTimeout(pause);
  pause = setTimeout(stopTyping, PAUSE);
  if (Date.now() - toldTyping < TYPING) return;
  toldTyping = Date.now();
  tell();
}

const writing = () => drafted && box.value.trim() !== "" && !isNote();

/** Says that we are here, and whether we type; and hears who else is. */
async function tell() {
  const open = conversation;
  if (!open) return;
  told = Date.now();
  drafted = writing();
  clearTimeout(renewal);
  try {
    const { body } = await request(`/ticket/${open.id}/presencia`, { body: { escribiendo: typing, borrador: drafted, pestana: tab } });
    if (open === conversation) show(body.quien ?? []);
  } catch {
    // Said again when it is due.
  }
  clearTimeout(renewal);
  if (open !== conversation || document.hidden) return;
  renewal = setTimeout(tell, others.some((one) => one.escribiendo) ? LOOK : RENEW);
}

/** Outlives the page. */
function leave() {
  fetch(`/ticket/${conversation.id}/presencia`, {
    method: "POST",
    keepalive: true,
    credentials: "same-origin",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify({ escribiendo: false, fuera: true, pestana: tab }),
  }).catch(() => {});
}

function stopTimers() {
  for (const timer of [renewal, pause, personStops]) clearTimeout(timer);
}

/** @param {Colleague[]} people */
function show(people) {
  const before = new Set(others.map(({ id }) => id));
  others = people.filter(({ id }) => id !== own);
  const typists = others.filter((one) => one.escribiendo);
  const readers = others.filter((one) => !one.escribiendo);
  fill(byId("chat-presencia"), [typists, readers], () => {
    const parts = [words(typists, "está escribiendo…", "están escribiendo…"), words(readers, "también está aquí", "también están aquí")];
    return [parts.filter(Boolean).join(" · ")].filter(Boolean);
  });
  // Aloud: who came, and who began to type, but not each pause between two words.
  const arrived = words(readers.filter(({ id }) => !before.has(id)), "también está aquí", "también están aquí");
  const began = words(typists.filter(notSpokenLately), "está escribiendo", "están escribiendo");
  if (arrived || began) byId("chat-presencia-voz").textContent = [began, arrived].filter(Boolean).join(". ");
}

function notSpokenLately({ id }) {
  const lately = Date.now() - (spoken.get(id) ?? -Infinity) < SPEAK_AGAIN;
  if (!lately) spoken.set(id, Date.now());
  return !lately;
}

/** "Luis y Ana están escribiendo…", or nothing for nobody. */
function words(people, one, many) {
  if (!people.length) return "";
  const names = people.map(shortName);
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} más`] : names;
  return `${new Intl.ListFormat("es", { type: "conjunction" }).format(shown)} ${people.length > 1 ? many : one}`;
}

/** The first name, while nobody else here has it. */
function shortName({ id, nombre }) {
  const first = firstNameOf(nombre);
  return others.some((other) => other.id !== id && firstNameOf(other.nombre) === first) ? nombre : first;
}

function personTypes() {
  clearTimeout(personStops);
  personStops = setTimeout(personWrote, PERSON);
  bubble.querySelector(".quien-teclea").textContent = `${conversation.firstName} está escribiendo…`;
  if (!bubble.isConnected) byId("chat-lista").append(bubble);
}
