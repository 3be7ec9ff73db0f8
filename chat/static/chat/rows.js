import { outgoing } from "./outbox.js";

/**
 * What the chat shows: the conversation's rows, then what was written here and has no row yet.
 * @param {import("./conversation.js").Conversation} conversation
 * @returns {(import("./bubbles.js").Entry & {fallo?: object})[]}
 */
export function rowsToShow(conversation) {
  const items = new Map(outgoing(conversation.id).map((item) => [item.clave, item]));
  const shown = new Set();
  const rows = conversation.rows.map((row) => {
    if (row.clave) shown.add(row.clave);
    // The POST still waits for the outcome: the queue is only a stage, nothing to explain yet.
    return row.estado === "en_cola" && items.get(row.clave)?.enviando ? { ...row, estado: "enviando" } : row;
  });
  let stopped = false;
  for (const item of items.values()) {
    stopped ||= Boolean(item.fallo);
    if (!shown.has(item.clave)) rows.push(rowOf(item, stopped));
  }
  return rows;
}

function fileOf({ archivo, progreso = 0 }) {
  return { estado: "subiendo", tipo: archivo.type, nombre: archivo.name, bytes: archivo.size, archivo, progreso };
}

function rowOf(item, stopped) {
  const waits = stopped && !item.guardado ? "espera" : item.estado || (item.nota ? "guardando" : "enviando");
  return {
    role: "tecnico",
    content: item.archivo ? `📎: ${item.mensaje}` : item.mensaje,
    timestamp: item.hora,
    seq: item.seq,
    version: 0,
    estado: item.fallo ? "sin_enviar" : waits,
    autor: null,
    mio: true,
    tipo: item.nota ? "nota" : item.archivo ? "document" : "text",
    adjunto: item.archivo ? fileOf(item) : null,
    motivo: "",
    reenvio_de: null,
    clave: item.clave,
    fallo: item.fallo,
  };
}
