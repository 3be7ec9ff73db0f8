import { loginUrl } from "./api.js";
import { enableComposer } from "./composer.js";
import { byId, h } from "./dom.js";
import { clock, now } from "./times.js";

const dialog = byId("chat");
const notice = byId("chat-conexion");
let offlineSince = null;

/** The server answered. @returns {boolean} whether that ends an outage */
export function connected() {
  const wasOffline = offlineSince !== null;
  forgetOutage();
  return wasOffline;
}

export function forgetOutage() {
  offlineSince = null;
  notice.hidden = true;
}

/**
 * A refresh failed: says so without taking away what is on screen.
 * @param {import("./api.js").ApiError} error
 * @param {boolean} loaded whether there is a conversation on screen
 */
export function disconnected(error, loaded) {
  if (error.status === 404) enableComposer(false);
  if (error.status === 401) {
    const link = h("a", { href: loginUrl() }, "Entrar de nuevo");
    tell("Tu sesión terminó. Lo que escribiste se conserva. ", link);
  } else if (loaded && (error.status === 0 || error.status >= 500)) {
    offlineSince ??= now();
    tell(`Sin conexión desde ${clock(offlineSince)}. Reintentando…`);
  } else if (loaded) {
    tell(error.message);
  }
  if (loaded) return;
  dialog.dataset.vista = "error";
  byId("chat-error-texto").textContent = error.status === 404 ? "Este ticket no existe o no puedes verlo." : error.message;
}

/** Written only when it changes, because it is read aloud. */
function tell(words, link = "") {
  if (notice.hidden || notice.firstChild?.textContent !== words) notice.replaceChildren(words, link);
  notice.hidden = false;
}
