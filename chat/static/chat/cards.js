import { request } from "./api.js";
import { noteOf } from "./outbox.js";
import { age } from "./times.js";

const DOUBT = "WhatsApp no confirmó este mensaje. No se reenvía solo, para no repetirlo: pregunta o revisa el teléfono y decide.";
// Younger ones are on their way in most cases; a notice that is gone at the next look only alarms.
const YOUNG_S = 10;

/** Decisions in flight or refused, by `ticket:seq`; and what the server said of a row that a Reenviar made. */
const decisions = new Map();
const resends = new Map();

/**
 * What cards need to know of the rows around theirs.
 * @param {import("./bubbles.js").Entry[]} rows
 */
export function surroundings(rows) {
  const queued = rows.filter((row) => row.estado === "en_cola" && row.role === "tecnico");
  return {
    resent: new Set(rows.map((row) => row.reenvio_de).filter(Boolean)),
    lastQueued: queued.at(-1),
    reason: queued.find((row) => row.motivo)?.motivo ?? "",
    blocked: rows.some((row) => row.estado === "enviando" || row.estado === "sin_confirmar"),
  };
}

/**
 * The card under a bubble: only where something happened that a person should know or decide.
 * @param {number} ticket
 * @param {import("./bubbles.js").Entry & {fallo?: object}} entry
 * @param {ReturnType<typeof surroundings>} around
 * @returns {import("./bubbles.js").Card|null}
 */
export function cardFor(ticket, entry, around) {
  if (entry.fallo) return { tono: entry.fallo.tono, fuerte: "", ...pick(entry.fallo) };
  if (entry.role === "user" || !entry.seq) return null;
  const { ocupado = false, error = "" } = decisions.get(`${ticket}:${entry.seq}`) ?? {};
  const told = toldOf(ticket, entry);
  if (entry.estado === "enviando") return told ? { tono: "aviso", fuerte: "", texto: told, acciones: [] } : null;
  if (entry.estado === "en_cola" && entry.role === "tecnico") {
    if (!told && !entry.motivo && age(entry.timestamp) < YOUNG_S) return null;
    const [fuerte, texto] = entry === around.lastQueued ? queuedWords(entry, told, around) : ["", "Guardado: saldrá en su orden."];
    return { tono: "aviso", fuerte, texto, acciones: ["descartar"], ocupado, error };
  }
  if (entry.estado === "sin_confirmar") {
    const acciones = ["ya_llego", "reenviar", "descartar"];
    return { tono: "aviso", fuerte: "No sabemos si llegó.", texto: DOUBT, acciones, ocupado, error };
  }
  if (entry.estado === "fallido") {
    if (around.resent.has(entry.seq)) return { tono: "error", fuerte: "", texto: "Se reenvió más abajo.", acciones: [] };
    const texto = entry.motivo || told.replace(/^No se pudo enviar[.:] /, "") || "WhatsApp lo rechazó.";
    const acciones = entry.role === "tecnico" && !entry.adjunto ? ["reenviar", "copiar"] : ["reenviar"];
    return { tono: "error", fuerte: "No se pudo enviar.", texto, acciones, ocupado, error, codigo: entry.codigo };
  }
  return null;
}

/** What the server said when it answered the POST, as long as it still holds. */
function toldOf(ticket, entry) {
  const note = noteOf(ticket, entry.clave) ?? resends.get(`${ticket}:${entry.seq}`);
  const open = entry.estado === "en_cola" || entry.estado === "enviando";
  return note && (note.estado === entry.estado || (open && !note.estado)) ? note.texto : "";
}

function pick({ texto, acciones, otro }) {
  return { texto, acciones, otro };
}

/** Why a message waits, and that nobody has to do anything: first the reason, then what follows. */
function queuedWords(entry, told, { reason, blocked }) {
  const saved = `${entry.mio ? "Tu mensaje" : "El mensaje"} quedó guardado y saldrá solo`;
  if (told) {
    const end = told.indexOf(". ") + 1;
    return [told.slice(0, end), told.slice(end).trim()];
  }
  const why = entry.motivo || reason;
  if (!why && blocked) return ["", `${saved} cuando se resuelva el mensaje anterior.`];
  if (!why || /desconectad/i.test(why)) return ["WhatsApp está desconectado.", `${saved} al reconectar.`];
  return [why, `${saved}.`];
}

/** Has the file of a message fetched once more; a refusal means that its row has changed, which the refresh shows. */
export async function fetchAgain(ticket, seq) {
  try {
    await request(`/ticket/${ticket}/mensaje/${seq}/descargar`, { body: {} });
  } catch {
    // The button is still there.
  }
}

/**
 * Tells the server what a person decided about a message.
 * @param {number} ticket
 * @param {number} seq
 * @param {string} decision
 * @param {() => void} draw called when the card has to be drawn again
 */
export async function decide(ticket, seq, decision, draw) {
  const key = `${ticket}:${seq}`;
  if (decisions.get(key)?.ocupado) return;
  decisions.set(key, { ocupado: true });
  draw();
  try {
    await request(`/ticket/${ticket}/mensaje/${seq}/resolver`, { body: { decision }, deadline: 40000 });
    decisions.delete(key);
  } catch (error) {
    // Reenviar answers as a send does: 503, 504 and 422 speak of the new row, which the refresh shows.
    if (error.body.seq) {
      decisions.delete(key);
      resends.set(`${ticket}:${error.body.seq}`, { estado: error.word, texto: error.message });
    } else {
      decisions.set(key, { error: error.message });
    }
  }
  draw();
}
