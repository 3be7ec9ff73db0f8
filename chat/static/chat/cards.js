import { request } from "./api.js";
import { noteOf } from "./outbox.js";

const DOUBT = "WhatsApp no confirmó este mensaje. No se reenvía solo, para no repetirlo: pregunta o revisa el teléfono y decide.";
const QUEUED = "Tu mensaje quedó guardado y saldrá solo al reconectar.";

/** Decisions in flight or refused, by `ticket:seq`. */
const decisions = new Map();

/**
 * The card under a bubble: only where something happened that a person should know or decide.
 * @param {number} ticket
 * @param {import("./bubbles.js").Entry & {fallo?: object}} entry
 * @param {Set<number>} resent the rows that another row resends
 * @param {boolean} lastQueued whether no later row waits too: one explanation is enough
 * @returns {import("./bubbles.js").Card|null}
 */
export function cardFor(ticket, entry, resent, lastQueued) {
  if (entry.fallo) return { tono: entry.fallo.tono, fuerte: "", ...pick(entry.fallo) };
  if (entry.role === "user" || !entry.seq) return null;
  const { ocupado = false, error = "" } = decisions.get(`${ticket}:${entry.seq}`) ?? {};
  const note = noteOf(ticket, entry.clave);
  const told = note?.estado === entry.estado ? note.texto : "";
  if (entry.estado === "en_cola" && entry.role === "tecnico") {
    const [fuerte, texto] = lastQueued ? queuedWords(told || entry.motivo) : ["", "También espera su turno."];
    return { tono: "aviso", fuerte, texto, acciones: ["descartar"], ocupado, error };
  }
  if (entry.estado === "sin_confirmar") {
    const acciones = ["ya_llego", "reenviar", "descartar"];
    return { tono: "aviso", fuerte: "No sabemos si llegó.", texto: DOUBT, acciones, ocupado, error };
  }
  if (entry.estado === "fallido") {
    if (resent.has(entry.seq)) return { tono: "error", fuerte: "", texto: "Se reenvió más abajo.", acciones: [] };
    const texto = entry.motivo || told || "WhatsApp lo rechazó.";
    const acciones = entry.role === "tecnico" ? ["reenviar", "copiar"] : ["reenviar"];
    return { tono: "error", fuerte: "No se pudo enviar.", texto, acciones, ocupado, error };
  }
  return null;
}

function pick({ texto, acciones, otro }) {
  return { texto, acciones, otro };
}

function queuedWords(why) {
  if (!why) return ["WhatsApp está desconectado.", QUEUED];
  const end = why.indexOf(". ");
  return end > 0 ? [why.slice(0, end + 1), why.slice(end + 2)] : [why.replace(/\.?$/, "."), QUEUED];
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
    if (error.body?.seq && error.status !== 409) decisions.delete(key);
    else decisions.set(key, { error: error.message });
  }
  draw();
}
