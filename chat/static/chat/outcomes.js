/**
 * What became of a message that was posted, for a person to read.
 * @typedef {{guardado: boolean, estado: string, texto: string, tono: "ok"|"aviso"|"error", acciones: string[], otro?: number,
 *   red?: boolean, colegas?: boolean, nuevos?: object[], ventana?: object}} Outcome `guardado`: the server has it as a row; `acciones`: what can be done about it
 */

const SAVED = ["enviado", "entregado", "leido", "en_cola", "enviando", "sin_confirmar", "fallido", "descartado"];
const SAFE = "Tu mensaje está a salvo aquí; reintentar no lo duplica.";

/**
 * @param {import("./api.js").ApiError} error
 * @param {string} name the person's first name
 * @returns {Outcome}
 */
export function outcomeOf(error, name) {
  const { status, word, body, message } = error;
  if (body.seq || (status !== 409 && SAVED.includes(word))) {
    const tono = status === 422 || status === 500 ? "error" : "aviso";
    return { guardado: true, estado: SAVED.includes(word) ? word : "", texto: message, tono, acciones: [] };
  }
  const failure = (texto, acciones, more = {}) => ({ guardado: false, estado: "", texto, tono: "error", acciones, ...more });
  if (status === 409 && word === "hay_mensajes_nuevos") {
    const texto = `${name} escribió mientras redactabas. Léelo antes de enviar.`;
    return failure(texto, ["forzar", "editar"], { tono: "aviso", nuevos: body.nuevos ?? [] });
  }
  if (status === 409 && word === "alguien_escribe") {
    const names = new Intl.ListFormat("es", { type: "conjunction" }).format(body.quien);
    const texto = `${names} ${body.quien.length > 1 ? "están" : "está"} escribiendo. ¿Enviar de todos modos?`;
    return failure(texto, ["forzar", "editar"], { tono: "aviso", colegas: true });
  }
  if (word === "ventana_cerrada") return failure(message, ["reintentar", "editar"], { ventana: body.ventana });
  if (status === 409 && word === "ya_notificado") return failure(message, ["forzar"], { tono: "aviso" });
  if (status === 409 && word === "otro_ticket_abierto") return failure(message, ["otro", "editar"], { otro: body.otro });
  if (status === 401) return failure("Tu sesión terminó. Entra de nuevo y reinténtalo: el texto se conserva.", ["entrar", "reintentar"]);
  if (status === 0) return failure(`Sin conexión con el servidor. ${SAFE}`, ["reintentar", "quitar"], { red: true });
  // Without a word of ours a proxy answered, because the desk did not: the same as no network.
  if (status >= 500) return failure(body.detail ? message : `${message} ${SAFE}`, ["reintentar", "quitar"], { red: !word });
  if (status === 403 || status === 429) return failure(message, ["reintentar", "editar"]);
  return failure(message, ["editar"]);
}
