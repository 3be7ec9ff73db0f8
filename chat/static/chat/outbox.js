import { request } from "./api.js";
import { dropOutgoing, keepOutgoing, readOutgoing } from "./drafts.js";
import { outcomeOf } from "./outcomes.js";
import { now } from "./times.js";
import { upload } from "./upload.js";

/**
 * Messages between the text box and their row in the conversation, one line per ticket.
 *
 * A POST may take as long as WhatsApp does, and the order at the server must be the order of writing: the next POST starts
 * when the one before was answered, or sooner, when a refresh has shown its row (its place is then taken for ever). What
 * fails without being saved stops the line until a person retries, edits or removes it; what only the network stopped is
 * tried again by itself, which its key makes safe.
 */
const AGAIN_MS = 5_000;
const lines = new Map();
let changed = () => {};

/** @param {(ticket: number, outcome?: object) => void} callback told of every change; `outcome` when a POST was answered */
export function onOutboxChange(callback) {
  changed = callback;
}

function lineOf(ticket) {
  if (!lines.has(ticket)) {
    const texto = "La página se cerró antes de saber si el servidor recibió este mensaje. Reintentar no lo duplica.";
    const fallo = { guardado: false, texto, tono: "aviso", acciones: ["reintentar", "quitar"] };
    const items = readOutgoing(ticket).map((item) => ({ ...item, fallo, enviando: false }));
    lines.set(ticket, { ticket, items, notes: new Map(), running: false, name: "" });
  }
  return lines.get(ticket);
}

/** The messages to show after the conversation's rows, in order. */
export function outgoing(ticket) {
  return lineOf(ticket).items;
}

/** What the server said about a saved message when it answered the POST. */
export function noteOf(ticket, clave) {
  return lineOf(ticket).notes.get(clave);
}

/** @param {number} ticket @param {string} mensaje @param {number|null} visto last seq on screen @param {string} name first name @param {File|null} archivo @param {boolean} nota for the desk only @param {number|null} predefinido the quick reply it was made of */
export function send(ticket, mensaje, visto, name, archivo = null, nota = false, predefinido = null) {
  const line = lineOf(ticket);
  const item = { clave: uuid(), mensaje, visto, hora: now(), orden: Date.now(), fallo: null, enviando: false, guardado: false, archivo, nota, predefinido };
  // A file cannot be kept: who leaves while it is on its way is asked first.
  if (!archivo) keepOutgoing(ticket, { clave: item.clave, mensaje, visto, hora: item.hora, orden: item.orden, nota, predefinido });
  line.name = name;
  line.items.push(item);
  run(line);
}

/** Sends a stopped message again, under the same key. */
export function retry(ticket, clave, more = {}) {
  const line = lineOf(ticket);
  const item = line.items.find((one) => one.clave === clave);
  if (!item?.fallo) return;
  Object.assign(item, { fallo: null }, more);
  run(line);
}

/** After an outage: what only the network stopped goes on at once. */
export function retryAfterOutage(ticket) {
  const stopped = lineOf(ticket).items.find((item) => item.fallo);
  if (stopped?.fallo.red) retry(ticket, stopped.clave);
}

/** Takes a stopped message out of the line. @returns {{mensaje: string, archivo: File|null}|null} */
export function takeBack(ticket, clave) {
  const line = lineOf(ticket);
  const item = line.items.find((one) => one.clave === clave);
  if (!item) return null;
  remove(line, item);
  run(line);
  return item;
}

/** Lets go of what `entries`, the end of the conversation, show as saved. Their bubbles are the server's from now on. */
export function settle(ticket, entries) {
  const line = lineOf(ticket);
  const oldest = entries[0]?.seq ?? 0;
  const saved = new Set(entries.map((entry) => entry.clave).filter(Boolean));
  const seqs = new Set(entries.map((entry) => entry.seq));
  for (const item of [...line.items]) {
    if (!saved.has(item.clave) && !(item.seq && (seqs.has(item.seq) || item.seq < oldest))) continue;
    item.seen?.();
    item.guardado = true;
    dropOutgoing(ticket, item.clave);
    if (!item.enviando) remove(line, item);
  }
  run(line);
}

async function run(line) {
  changed(line.ticket);
  if (line.running) return;
  line.running = true;
  for (;;) {
    const item = line.items.find((one) => !one.guardado);
    if (!item || item.fallo) break;
    await Promise.race([post(line, item), new Promise((resolve) => (item.seen = resolve))]);
  }
  line.running = false;
}

async function post(line, item) {
  item.enviando = true;
  changed(line.ticket);
  const body = item.nota ? { texto: item.mensaje, clave: item.clave } : { mensaje: item.mensaje, clave: item.clave };
  if (item.visto !== null && !item.nota) body.visto_hasta = item.visto;
  if (item.forzar && !item.nota) body.forzar = true;
  if (item.predefinido && !item.nota) body.predefinido = item.predefinido;
  let outcome = null;
  try {
    const answer = await (item.archivo ? postFile(line, item, body) : request(`/ticket/${line.ticket}/${item.nota ? "nota" : "enviar-mensaje"}`, { body, deadline: 40000 }));
    Object.assign(item, { guardado: true, seq: answer.body.seq, estado: answer.body.status });
  } catch (error) {
    outcome = outcomeOf(error, line.name);
    if (outcome.guardado) {
      Object.assign(item, { guardado: true, seq: error.body.seq, estado: outcome.estado || "enviando" });
      line.notes.set(item.clave, outcome);
    } else if (!item.guardado) {
      item.fallo = outcome;
      // The line may come back without any poll having failed: panel closed, tab hidden, only this call cut.
      if (outcome.red) setTimeout(() => item.fallo === outcome && retry(line.ticket, item.clave), AGAIN_MS);
    }
  }
  item.enviando = false;
  if (item.guardado) dropOutgoing(line.ticket, item.clave);
  changed(line.ticket, outcome ?? { guardado: true, texto: "" });
}

function postFile(line, item, body) {
  const fields = { ...body, archivo: item.archivo };
  return upload(`/ticket/${line.ticket}/enviar-archivo`, fields, (share) => {
    if (share < 1 && share - (item.progreso ?? 0) < 0.02) return;
    item.progreso = share;
    changed(line.ticket);
  });
}

window.addEventListener("beforeunload", (event) => {
  const going = [...lines.values()].some((line) => line.items.some((item) => item.archivo && !item.guardado));
  if (going) event.preventDefault();
});

function remove(line, item) {
  line.items.splice(line.items.indexOf(item), 1);
  dropOutgoing(line.ticket, item.clave);
}

/** `crypto.randomUUID` exists only on HTTPS and localhost; a desk in a local network may have neither. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte, at) => (at === 6 ? (byte & 15) | 64 : at === 8 ? (byte & 63) | 128 : byte).toString(16).padStart(2, "0"))
    .join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
