// The service worker: shows what a push says (chat/push.py), and opens the chat. It keeps nothing and answers for no page.
const ICON = "/static/chat/icono-192.png";
const AGAIN_MS = 60_000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url ?? "/"));
});

function tabs() {
  return self.clients.matchAll({ type: "window", includeUncontrolled: true });
}

async function show(data) {
  const said = data?.json() ?? {};
  // Who has the desk on the screen sees it there.
  if (!said.siempre && (await tabs()).some((tab) => tab.visibilityState === "visible")) return;
  const tag = said.etiqueta ?? "";
  const before = tag ? await self.registration.getNotifications({ tag }) : [];
  const renotify = Boolean(tag) && !before.some((note) => Date.now() - note.timestamp < AGAIN_MS);
  await self.registration.showNotification(said.titulo ?? "Chat en Vivo", {
    body: said.cuerpo ?? "Hay mensajes nuevos.",
    tag,
    renotify,
    icon: ICON,
    lang: "es",
    data: { url: said.url ?? "/" },
  });
}

/** Goes to `address` in the table's tab, or in a new one: other pages of this origin may not hear of it. */
async function open(address) {
  const url = new URL(address, self.location.origin);
  if (url.origin !== self.location.origin) return;
  const tab = (await tabs()).find((one) => new URL(one.url).pathname === "/");
  if (!tab) return self.clients.openWindow(url.href);
  const focused = await tab.focus();
  focused.postMessage({ abrir: url.pathname + url.search });
}
