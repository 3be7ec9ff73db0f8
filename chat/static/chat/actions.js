import { loginUrl } from "./api.js";
import { decide, fetchAgain } from "./cards.js";
import { focusComposer, giveBack } from "./composer.js";
import { openPanel } from "./dialogs.js";
import { retry, takeBack } from "./outbox.js";
import { seenOf } from "./reading.js";

/**
 * The buttons under the bubbles of the open chat.
 * @param {HTMLElement} container
 * @param {{current: () => import("./conversation.js").Conversation, draw: () => void, refresh: () => void}} chat
 */
export function startActions(container, chat) {
  container.addEventListener("click", (event) => {
    const button = event.target.closest("[data-accion]");
    const row = button?.closest(".mensaje");
    if (!row) return;
    const open = chat.current();
    act(chat, open, button.dataset, row.dataset);
    // The button is gone or will be. On a phone the focus would only bring up the keyboard.
    if (chat.current() === open && matchMedia("(pointer: fine)").matches) focusComposer();
  });
}

function act(chat, open, { accion, otro }, { clave, seq }) {
  if (accion === "entrar") location.assign(loginUrl());
  else if (accion === "otro") openPanel("chat", Number(otro));
  else if (accion === "reintentar") retry(open.id, clave, { visto: seenOf(open) });
  else if (accion === "forzar") retry(open.id, clave, { forzar: true });
  else if (accion === "editar") giveBackAll(takeBack(open.id, clave));
  else if (accion === "quitar") takeBack(open.id, clave);
  else if (accion === "copiar") giveBack(open.entries.get(Number(seq)).content);
  else if (accion === "descargar") fetchFile(chat, open, Number(seq));
  else settleByHand(chat, open, Number(seq), accion);
}

function giveBackAll(item) {
  if (item) giveBack(item.mensaje, item.archivo, item.nota, item.predefinido);
}

async function fetchFile(chat, open, seq) {
  await fetchAgain(open.id, seq);
  chat.refresh();
}

async function settleByHand(chat, open, seq, decision) {
  await decide(open.id, seq, decision, () => chat.current() === open && chat.draw());
  chat.refresh();
}
