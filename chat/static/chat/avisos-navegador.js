// Notifications of the browser, and what a click on one opens.
import { openPanel } from "./dialogs.js";
import { byId } from "./dom.js";

export const BLOCKED =
  "Este navegador tiene bloqueados los avisos de esta página. Para permitirlos: el candado junto a la dirección → Notificaciones → Permitir, y recarga la página.";
const AGAIN_MS = 60_000;
const icon = document.querySelector("link[rel=apple-touch-icon]")?.href;
const told = new Map();

/** "granted", "denied", "default", or "" where the browser has no notifications. */
export function permission() {
  return "Notification" in window ? Notification.permission : "";
}

/** Opens the chat of `ticket` here, on whatever page this is. */
export function openTicket(ticket) {
  if (byId("chat")) openPanel("chat", ticket);
  else location.assign(`/?chat=${ticket}`);
}

/**
 * Says that a person wrote, or what a colleague did (`aviso`).
 * @param {{id: number, nombre: string, texto?: string, aviso?: string}} ticket
 */
export function notify(ticket) {
  const number = `Ticket #${ticket.id}`;
  const now = Date.now();
  // One per ticket: the next takes its place, and draws the eye only after a while.
  const renotify = now - (told.get(ticket.id) ?? 0) > AGAIN_MS;
  if (renotify) told.set(ticket.id, now);
  const body = ticket.texto ? `${ticket.texto} · ${number}` : number;
  return show(ticket.aviso ?? `${ticket.nombre} escribió`, { body, tag: `ticket-${ticket.id}`, renotify }, `/?chat=${ticket.id}`, () =>
    openTicket(ticket.id),
  );
}

/** A notification to look at. */
export function notifyTest() {
  return show("Prueba de avisos", { body: "Así te avisará Chat en Vivo.", tag: "prueba" }, "/avisos", () => {});
}

async function show(title, more, url, onOpen) {
  if (permission() !== "granted") return;
  // The sound is ours, and only where the person wants one.
  const options = { ...more, icon, lang: "es", silent: true, data: { url } };
  // Where a push may come too, both are the worker's: the same tag is then one notification and not two.
  const registration = await navigator.serviceWorker?.getRegistration();
  if (registration?.active) return registration.showNotification(title, options);
  try {
    const note = new Notification(title, options);
    note.onclick = () => {
      window.focus();
      note.close();
      onOpen();
    };
  } catch (error) {
    if (error.name !== "TypeError") throw error;
    // Android has them only from a worker.
    await navigator.serviceWorker.register("/sw.js");
    await (await navigator.serviceWorker.ready).showNotification(title, options);
  }
}
