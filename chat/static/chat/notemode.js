import { byId } from "./dom.js";

/**
 * Whether what is written now is a note for the desk, which never leaves. Said by colour, by words and by the button
 * that saves it; off again after each note.
 */
const form = byId("chat-redactar");
const button = byId("chat-nota");
const listeners = [];

/** @param {() => void} callback told of every change */
export function onNoteMode(callback) {
  listeners.push(callback);
}

export function isNote() {
  return form.hasAttribute("data-nota");
}

/** @param {boolean} on */
export function setNote(on) {
  if (on === isNote()) return;
  form.toggleAttribute("data-nota", on);
  button.setAttribute("aria-pressed", String(on));
  byId("chat-nota-aviso").hidden = !on;
  byId("chat-enviar").textContent = on ? "📝 Guardar nota" : "📤 Enviar";
  byId("chat-enviar").classList.toggle("btn-nota", on);
  byId("chat-etiqueta").textContent = on ? "Nota interna" : "Mensaje";
  byId("chat-ayuda").textContent = `Enter ${on ? "guarda" : "envía"} · Shift+Enter nueva línea`;
  for (const listener of listeners) listener();
}

export function startNoteMode() {
  for (const one of [button, byId("plantillas-escribir-nota")]) {
    one.addEventListener("click", () => {
      setNote(!isNote());
      const box = byId("chat-texto");
      if (!box.closest("[hidden]")) box.focus();
    });
  }
}
