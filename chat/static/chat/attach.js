import { byId, h } from "./dom.js";
import { extensionOf, iconOf, previewOf, sizeInWords } from "./files.js";

/**
 * The file that goes with the next message: chosen by button, pasted, or dropped on the panel; one per ticket.
 * What the gateway takes comes with the conversation (`archivos`); the server has the last word.
 */
const WORDS = { image: ["imágenes", "esta"], video: ["videos", "este"], audio: ["audios", "este"], document: ["documentos", "este"] };
const dialog = byId("chat");
const button = byId("chat-adjuntar");
const input = byId("chat-archivo");
const shown = byId("chat-por-enviar");
const drop = byId("chat-soltar");
const chosen = new Map();
let ticket = null;
let offered = null;
let changed = () => {};
let over = 0;

/** @param {() => void} callback told when a file was attached or taken away */
export function startAttaching(callback) {
  changed = callback;
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    choose(input.files);
    input.value = "";
  });
  shown.addEventListener("click", ({ target }) => {
    if (!target.closest("[data-quitar]")) return;
    detach();
    byId("chat-texto").focus();
  });
  dialog.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    if (!files?.length || !offered) return;
    // A spreadsheet pastes its cells as text and as a picture of them: the text is meant.
    if (event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    choose(files);
  });
  dialog.addEventListener("dragenter", (event) => dragging(event, 1));
  dialog.addEventListener("dragleave", (event) => dragging(event, -1));
  dialog.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  dialog.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over = 0;
    drop.hidden = true;
    if (offered) choose(event.dataTransfer.files);
  });
}

/** Another ticket is open: its file is the one that counts. */
export function attachTo(id) {
  ticket = id;
  over = 0;
  drop.hidden = true;
  offer(null);
  show();
}

/** @param {object|null} archivos what the gateway takes, as the conversation says it; null: no files */
export function offer(archivos) {
  offered = archivos;
  button.hidden = !archivos;
}

/** The longest caption, or null when no file is attached. */
export function captionLimit() {
  return chosen.has(ticket) ? (offered?.leyenda ?? 1024) : null;
}

/** Whether the gateway takes files now. */
export function takesFiles() {
  return offered !== null;
}

/** @returns {File|null} the attached file, which is attached no more */
export function takeFile() {
  const file = chosen.get(ticket) ?? null;
  if (file) detach();
  return file;
}

/** @returns {string} why the attached file cannot be sent, "" when it can or there is none */
export function fileProblem() {
  const file = chosen.get(ticket);
  return file ? problemOf(file) : "";
}

/** Attaches `file`, as if it had been chosen. */
export function attach(file) {
  chosen.set(ticket, file);
  show();
  changed();
}

/**
 * Attaches a file that is still on its way here; nothing is sent before it came.
 * @param {{nombre: string, tipo: string, bytes: number}} about
 * @param {Promise<File>} coming
 */
export function attachComing({ nombre, tipo, bytes }, coming) {
  const id = ticket;
  const place = { name: nombre, type: tipo, size: bytes, coming: true };
  const put = (file) => {
    if (chosen.get(id) !== place) return; // taken away meanwhile
    chosen.set(id, file);
    if (id !== ticket) return;
    show();
    changed();
  };
  attach(place);
  coming.then(put, (error) => put({ ...place, coming: false, failed: `No se pudo traer el archivo. ${error.message}` }));
}

function detach() {
  chosen.delete(ticket);
  show();
  changed();
}

function choose(files) {
  const [file] = files;
  if (!file || !offered) return;
  attach(file);
  if (files.length > 1) say("Se adjunta un archivo por mensaje: se tomó el primero.");
  byId("chat-texto").focus();
}

function problemOf(file) {
  if (file.coming) return "Trayendo el archivo…";
  if (file.failed) return file.failed;
  if (!file.size) return "El archivo está vacío.";
  if (!offered) return "";
  const family = file.type.split("/")[0];
  const types = offered.tipos[family]?.tipos; // an empty list: any
  const kind = types && (!types.length || types.includes(file.type)) ? family : "document";
  const limit = offered.tipos[kind];
  if (!limit || file.size <= limit.bytes) return "";
  const [many, one] = WORDS[kind] ?? ["archivos", "este"];
  return `WhatsApp acepta ${many} de hasta ${sizeInWords(limit.bytes)}; ${one} pesa ${sizeInWords(file.size)}.`;
}

function show() {
  const file = chosen.get(ticket);
  shown.hidden = !file;
  if (!file) return shown.replaceChildren();
  const icon = h("span", { class: "icono", "aria-hidden": "true" }, iconOf(file.name, file.type));
  const about = [extensionOf(file.name), sizeInWords(file.size)].filter(Boolean).join(" · ");
  const problem = problemOf(file);
  shown.replaceChildren(
    icon,
    h("span", { class: "que" }, h("bdi", { class: "nombre-archivo" }, file.name), h("span", { class: "detalle" }, about), h("span", { class: "detalle problema-archivo", role: "alert" }, problem)),
    h("button", { type: "button", class: "btn btn-plain", "data-quitar": "", "aria-label": `Quitar ${file.name}` }, "✕ Quitar"),
  );
  shown.classList.toggle("con-problema", Boolean(problem) && !file.coming);
  if (file.coming || file.failed) return say(problem);
  previewOf(file).then((preview) => preview && icon.isConnected && icon.replaceWith(h("img", { src: preview.src, alt: "", width: 56, height: 56 })));
  say(problem || `Archivo adjunto: ${file.name}`);
}

function say(words) {
  byId("chat-anuncios").replaceChildren(h("p", {}, words));
}

function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files");
}

function dragging(event, step) {
  if (!hasFiles(event) || !offered) return;
  event.preventDefault();
  over = Math.max(0, over + step);
  drop.hidden = over === 0;
}
