// On every page of the desk: the number in the title, and the sound and the notification when a person writes.
// What to say is asked by one tab for all (`leader`); each tab then does what only it can do.
import { request } from "./api.js";
import { notify, openTicket } from "./avisos-navegador.js";
import { keepDevice } from "./avisos-push.js";
import { armSound, ring } from "./avisos-sonido.js";
import { showBadge } from "./avisos-titulo.js";

const NAME = "avisos";
const SEEN = "avisos-a-la-vista"; // Held by every tab that is on the screen.
const APART_MS = 3_000;
const POLL_MS = { live: 60_000, alone: 15_000 };
const NOT_FOR_ME = [401, 403, 404];

const channel = "BroadcastChannel" in window ? new BroadcastChannel(NAME) : null;
const heard = new Map(); // The last number of each ticket that was noticed.
let state = null;
let leader = !navigator.locks;
let live = false;
let wanted = new Set();
let unsure = false; // Something may have been announced that we did not hear.
let asking = false;
let again = false;
let ended = false;
let next = 0;
let timer = 0;

/** Asks for the news soon: at once, or 3 s after the last time. */
function ask() {
  if (!leader || ended) return;
  if (asking) {
    again = true;
    return;
  }
  clearTimeout(timer);
  const wait = next - Date.now();
  if (wait > 0) timer = setTimeout(ask, wait);
  else look();
}

async function look() {
  asking = true;
  again = false;
  const named = wanted;
  const doubt = unsure || !live;
  wanted = new Set();
  unsure = !live;
  next = Date.now() + (state ? APART_MS : 0);
  try {
    const { body } = await request("/avisos/pendientes");
    if (!state) keepDevice(body).catch(() => {}); // It is tried again on the next page.
    const fresh = body.tickets.filter((ticket) => isNews(ticket) && (named.has(ticket.id) || (state && doubt)));
    if (leader) channel?.postMessage({ body, fresh });
    heed(body, fresh);
  } catch (error) {
    ended = NOT_FOR_ME.includes(error.status);
    for (const ticket of named) wanted.add(ticket);
    unsure ||= doubt;
  }
  asking = false;
  clearTimeout(timer);
  if (leader && !ended) timer = setTimeout(ask, live ? POLL_MS.live : POLL_MS.alone);
  if (again || (wanted.size && state)) ask();
}

function isNews({ id, ultimo }) {
  return ultimo > (heard.get(id) ?? 0);
}

/** Shows what there is, and calls for attention where something is fresh and nobody looks at it. */
async function heed(body, fresh) {
  state = body;
  for (const { id, ultimo } of body.tickets) heard.set(id, Math.max(ultimo, heard.get(id) ?? 0));
  showBadge(body.cuenta);
  if (body.sonido) armSound();
  if (!fresh.length || body.en_silencio) return;
  const hidden = document.hidden;
  if (hidden && (await seenSomewhere())) return;
  const unseen = hidden ? fresh : fresh.filter(({ id }) => id !== openChat());
  if (!unseen.length) return;
  if (body.sonido) ring();
  if (body.navegador && hidden && leader) unseen.forEach(notify);
}

function openChat() {
  return Number(new URLSearchParams(location.search).get("chat"));
}

async function seenSomewhere() {
  if (!navigator.locks) return false;
  const { held } = await navigator.locks.query();
  return held.some(({ name }) => name === SEEN);
}

/** Other tabs see by a lock that this one is on the screen: it ends with the tab, whatever happens to it. */
let release = null;
function noteVisibility() {
  release?.();
  release = null;
  if (document.hidden) return;
  navigator.locks?.request(SEEN, { mode: "shared" }, () => {
    return document.hidden ? null : new Promise((resolve) => (release = resolve));
  });
}

navigator.locks?.request(NAME, () => {
  leader = true;
  ask();
  return new Promise(() => {});
});
channel?.addEventListener("message", ({ data }) => {
  if (data.body) heed(data.body, data.fresh);
  else ask();
});
window.addEventListener("vivo:aviso", ({ detail }) => {
  wanted.add(detail.ticket);
  ask();
});
window.addEventListener("vivo:ticket", ({ detail }) => {
  if (detail.ticket === null || state?.tickets.some(({ id }) => id === detail.ticket)) ask();
});
window.addEventListener("vivo:todo", () => {
  unsure = true;
  ask();
});
window.addEventListener("vivo:estado", ({ detail }) => {
  live = detail.vivo;
  unsure ||= !live;
  ask();
});
window.addEventListener("avisos:cambio", () => {
  channel?.postMessage({});
  ask();
});
navigator.serviceWorker?.addEventListener("message", ({ data }) => {
  const ticket = Number(new URL(data?.abrir ?? "", location.origin).searchParams.get("chat"));
  if (ticket) openTicket(ticket);
});
document.addEventListener("visibilitychange", noteVisibility);
noteVisibility();
look();
