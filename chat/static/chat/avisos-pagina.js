// /avisos: each choice is saved as it is made; what failed to be saved goes back to what it was.
import { request } from "./api.js";
import { showDevices } from "./avisos-dispositivos.js";
import { BLOCKED, notifyTest, permission } from "./avisos-navegador.js";
import { playSound } from "./avisos-sonido.js";
import { byId } from "./dom.js";

const page = byId("avisos");
const saved = byId("avisos-guardado");
const failure = byId("avisos-error");
const field = (name) => page.querySelector(`[name=${name}]`);

function say(words, state) {
  saved.textContent = words;
  saved.dataset.estado = state;
  saved.hidden = false;
}

/** Shows why something failed, or with nothing that nothing did. */
function fail(words = "") {
  failure.textContent = words;
  failure.hidden = !words;
}

/** Each choice after the one before it: of two on their way at once the older one may be the last to arrive. */
let last = Promise.resolve();
function save(change, undo) {
  last = last.then(() => send(change, undo));
}

async function send(change, undo) {
  say("Guardando…", "duda");
  try {
    const { body } = await request("/avisos/preferencias", { body: change });
    fail();
    say("Guardado", "bien");
    byId("nota-silencio").hidden = !body.en_silencio;
    window.dispatchEvent(new CustomEvent("avisos:cambio"));
  } catch (error) {
    undo();
    say("Sin guardar", "mal");
    fail(error.message);
  }
}

function saveSwitch({ target }) {
  save({ [target.name]: target.checked }, () => (target.checked = !target.checked));
  if (target.name === "navegador" && target.checked) allow();
}

let chosen = page.querySelector("[name=cuales]:checked");
function saveScope({ target }) {
  const before = chosen;
  chosen = target;
  save({ cuales: target.value }, () => {
    chosen = before;
    before.checked = true;
  });
}

function saveSilence() {
  const on = field("silencio").checked;
  const [desde, hasta] = [field("desde"), field("hasta")];
  if (on && !(desde.reportValidity() && hasta.reportValidity())) return;
  save({ silencio: on ? { desde: desde.value, hasta: hasta.value } : null }, () => {
    if (on) field("silencio").checked = false;
  });
}

/** Asks the browser to allow notifications, where it has not been asked. */
async function allow() {
  if (permission() === "default") await Notification.requestPermission();
  showPermission();
}

const PERMISSION = {
  "": ["Este navegador no tiene avisos. Usa Chrome, Edge, Firefox o Safari al día, y entra por https.", "mal"],
  default: ["Falta que este navegador te deje recibirlos.", ""],
  denied: [BLOCKED, "mal"],
  granted: ["", ""],
};

function showPermission() {
  const now = permission();
  const wanted = field("navegador").checked;
  const [words, tone] = PERMISSION[now];
  const note = byId("nota-navegador");
  note.textContent = words;
  note.dataset.tono = tone;
  note.hidden = !words || !wanted;
  byId("permitir").hidden = now !== "default" || !wanted;
  byId("probar-navegador").hidden = now !== "granted" || !wanted;
}

for (const name of ["sonido", "navegador", "texto"]) field(name).addEventListener("change", saveSwitch);
for (const name of ["silencio", "desde", "hasta"]) field(name).addEventListener("change", saveSilence);
for (const radio of page.querySelectorAll("[name=cuales]")) radio.addEventListener("change", saveScope);
field("navegador").addEventListener("change", showPermission);
byId("oir").addEventListener("click", playSound);
byId("permitir").addEventListener("click", allow);
byId("probar-navegador").addEventListener("click", notifyTest);
// Permission is given and taken in the browser's own settings too.
navigator.permissions?.query({ name: "notifications" }).then((status) => status.addEventListener("change", showPermission));
showPermission();
byId("avisos-campos").disabled = false; // A choice made before now would not have been saved.
showDevices(page.dataset.clave, fail);
