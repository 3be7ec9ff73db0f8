// This browser's push subscription: it is told with the desk closed.
import { request } from "./api.js";

/** Whether this browser can, on this page. */
export function pushSupported() {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

/** @returns {Promise<PushSubscription|null>} */
export async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** Subscribes this browser for the desk's public `key`; throws where the person or the browser says no. */
export async function subscribe(key) {
  await navigator.serviceWorker.register("/sw.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  const before = await pushManager.getSubscription();
  if (before && !isFor(before, key)) await before.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
}

/**
 * On every page: a device that the desk lost sight of (another login, other keys) is named again; one that it no longer
 * knows, because it was removed or belongs to somebody else, ends here too.
 * @param {{clave: string, dispositivo: number|null}} state of /avisos/pendientes
 */
export async function keepDevice({ clave, dispositivo }) {
  if (!pushSupported() || !clave) return;
  let own = await subscription();
  if (!own || (dispositivo && isFor(own, clave))) return;
  if (!isFor(own, clave)) own = await subscribe(clave);
  const { body } = await request("/avisos/dispositivos", { body: { ...own.toJSON(), renovar: true } });
  if (!body.dispositivo) await own.unsubscribe();
}

function isFor(own, key) {
  const used = own.options.applicationServerKey;
  if (!used) return true; // Some browsers do not say.
  const wanted = bytes(key);
  return new Uint8Array(used).every((byte, index) => byte === wanted[index]);
}

function bytes(key) {
  const text = atob(key.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
