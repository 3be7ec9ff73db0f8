// One stream of what changes, for all tabs of this browser: the tab that holds the lock listens, and tells the others.
// Browsers open few connections to one server, and a stream in each of six tabs would leave none for the desk.

const EVENTS = ["hola", "latido", "todo", "corte", "fin", "ticket", "conexion", "presencia", "persona", "aviso"];
const LOCK = "vivo";
const LOOK_MS = 5_000;
const SILENCE_MS = 45_000; // Two heartbeats, and some: after a sleep, a dead network, a proxy that holds things back.
const TAKE_OVER_MS = 60_000;
const REFUSED_MS = [5_000, 60_000];

const channel = "BroadcastChannel" in window ? new BroadcastChannel(LOCK) : null;
let source = null; // Only where this tab listens.
let last = "";
let heard = Date.now();
let live = false;
let refusals = 0;
let retry = 0;

function tell(name, detail) {
  window.dispatchEvent(new CustomEvent(`vivo:${name}`, { detail }));
}

function setLive(now) {
  if (live === now) return;
  live = now;
  tell("estado", { vivo: live });
}

/** What the server said, to this tab or to the one that listens. */
function hear(name, data) {
  heard = Date.now();
  // What the process sees for itself says nothing of what others announce.
  if (name !== "conexion") setLive(name !== "corte" && name !== "fin");
  tell(name, data);
}

function lost() {
  setLive(false);
  channel?.postMessage({ nombre: "corte", datos: {} });
}

function connect() {
  clearTimeout(retry);
  source?.close();
  heard = Date.now();
  const stream = (source = new EventSource(`/eventos${last ? `?ultimo=${encodeURIComponent(last)}` : ""}`));
  for (const name of EVENTS) {
    stream.addEventListener(name, ({ data, lastEventId }) => {
      if (stream !== source) return;
      last = lastEventId || last;
      refusals = 0;
      const datos = JSON.parse(data);
      hear(name, datos);
      channel?.postMessage({ nombre: name, datos });
      // The end of a session is seen by whoever asks for something.
      if (name === "fin") window.dispatchEvent(new CustomEvent("tickets:refrescar"));
    });
  }
  stream.addEventListener("error", () => {
    if (stream !== source) return;
    lost();
    if (stream.readyState !== EventSource.CLOSED) return; // It tries again by itself.
    const [least, most] = REFUSED_MS;
    retry = setTimeout(connect, Math.min(most, least * 2 ** refusals++) * (0.5 + Math.random()));
  });
}

function disconnect() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

/** Waits until no other tab listens (or takes over from one that is silent), and listens for as long as this tab lives. */
async function lead(steal = false) {
  try {
    await navigator.locks.request(LOCK, steal ? { steal } : {}, () => {
      connect();
      return new Promise(() => {});
    });
  } catch (error) {
    if (error.name !== "AbortError") return connect(); // There are no locks here: this tab listens for itself.
  }
  disconnect(); // Another tab took over.
  lead();
}

function look() {
  const silent = Date.now() - heard;
  if (silent > SILENCE_MS) {
    if (source) {
      lost();
      connect();
    } else setLive(false);
  }
  if (!source && !document.hidden && silent > TAKE_OVER_MS && navigator.locks) {
    heard = Date.now();
    lead(true);
  }
}

channel?.addEventListener("message", ({ data }) => {
  if (data.nombre !== "quien") hear(data.nombre, data.datos);
  else if (source && live) channel.postMessage({ nombre: "hola", datos: {} });
});
channel?.postMessage({ nombre: "quien" }); // A new tab need not wait for the next heartbeat to know that it is live.

if (channel && navigator.locks) lead();
else connect();
setInterval(look, LOOK_MS);
window.addEventListener("online", () => source && connect());
document.addEventListener("visibilitychange", look);
