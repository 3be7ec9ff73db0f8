// /avisos: the devices that are told with the desk closed, and whether this one is.
import { request } from "./api.js";
import { BLOCKED, permission } from "./avisos-navegador.js";
import { pushSupported, subscribe, subscription } from "./avisos-push.js";
import { byId, h } from "./dom.js";
import { shortDate } from "./times.js";

const APPLE_PHONE = /iPhone|iPad/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
const LOOK_MS = 1_000;
const LOOKS = 15;

let fail = () => {};
let key = "";

/**
 * @param {string} desk the desk's public key; empty where it has none
 * @param {(words?: string) => void} tell where to say what went wrong
 */
export function showDevices(desk, tell) {
  if (!byId("dispositivos")) return;
  [key, fail] = [desk, tell];
  byId("activar").addEventListener("click", () => tried(activate));
  tried(refresh);
}

async function tried(deed) {
  fail();
  try {
    await deed();
  } catch (error) {
    fail(error.message || "No se pudo.");
  }
}

async function refresh() {
  const { body } = await request("/avisos/dispositivos");
  draw(body.dispositivos);
  await showThisOne(body.dispositivos);
  return body.dispositivos;
}

async function showThisOne(devices) {
  const here = devices.some((device) => device.este) && pushSupported() && Boolean(await subscription());
  const able = pushSupported();
  byId("este-dispositivo").textContent = here ? "Este dispositivo recibe avisos." : "Este dispositivo no recibe avisos.";
  byId("activar").hidden = here || !able || permission() === "denied";
  if (here) note("");
  else if (!able && APPLE_PHONE) {
    note("En iPhone y iPad: toca Compartir → Agregar a inicio, abre la mesa desde ese icono y vuelve a esta página.");
  } else if (!able) note("Este navegador no puede recibir avisos con la mesa cerrada. Usa Chrome, Edge, Firefox o Safari al día, y entra por https.");
  else if (permission() === "denied") note(BLOCKED);
  else note("");
}

function note(words) {
  byId("nota-push").textContent = words;
  byId("nota-push").dataset.tono = "mal";
  byId("nota-push").hidden = !words;
}

async function activate() {
  byId("activar").disabled = true;
  try {
    if ((await Notification.requestPermission()) === "granted") {
      const own = await subscribe(key).catch(() => {
        throw new Error("El navegador no pudo darse de alta con su servicio de avisos. Revisa tu conexión y vuelve a intentarlo.");
      });
      await request("/avisos/dispositivos", { body: own.toJSON() });
    }
    await refresh();
  } finally {
    byId("activar").disabled = false;
  }
}

function draw(devices) {
  byId("dispositivos-titulo").hidden = !devices.length;
  byId("dispositivos").replaceChildren(...devices.map(item));
}

function item(device) {
  const told = device.ultimo ? `último aviso ${shortDate(device.ultimo)}` : "todavía sin avisos";
  const about = `${device.este ? "Este dispositivo · " : ""}desde ${shortDate(device.desde)} · ${told}`;
  return h(
    "li",
    { "data-dispositivo": device.id },
    h("div", { class: "que" }, device.nombre, h("small", {}, about), device.problema ? h("small", { class: "mal" }, device.problema) : null),
    h("button", { type: "button", class: "btn btn-plain", onclick: ({ target }) => tried(() => tryOut(device, target)) }, "Probar"),
    h("button", { type: "button", class: "btn btn-plain", onclick: () => tried(() => remove(device)) }, "Quitar"),
  );
}

async function remove(device) {
  await request("/avisos/quitar", { body: { dispositivo: device.id } });
  if (device.este && pushSupported()) await (await subscription())?.unsubscribe();
  await refresh();
}

/** Sends something there, and waits until it is known what became of it. */
async function tryOut(device, button) {
  button.disabled = true;
  button.textContent = "Enviando…";
  try {
    await request("/avisos/probar", { body: { dispositivo: device.id } });
    for (let look = 0; look < LOOKS; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const { body } = await request("/avisos/dispositivos");
      const now = body.dispositivos.find((one) => one.id === device.id);
      if (now && now.ultimo === device.ultimo && (!now.problema || now.problema === device.problema)) continue;
      draw(body.dispositivos);
      await showThisOne(body.dispositivos);
      if (!now) fail("Ese dispositivo ya no recibe avisos: se quitó de la lista. Actívalos otra vez en él.");
      return;
    }
    fail("La prueba todavía no sale. Vuelve a intentarlo en un momento.");
  } finally {
    button.disabled = false;
    button.textContent = "Probar";
  }
}
