/**
 * What a technician wrote and the server does not have yet: the draft of each ticket, and messages on their way to the
 * server (one key per message, so that two tabs never overwrite each other's). Kept per user, because desks share machines.
 */
const user = document.getElementById("chat")?.dataset.usuario ?? "";
const draftKey = (ticket) => `chat:borrador:${user}:${ticket}`;
const noteKey = (ticket) => `chat:nota:${user}:${ticket}`;
const templateKey = (ticket) => `chat:plantilla:${user}:${ticket}`;
const suggestionKey = (ticket) => `chat:sugerencia:${user}:${ticket}`;
const outboxPrefix = (ticket) => `chat:salida:${user}:${ticket}:`;

/** Storage may be full or forbidden; the text is then still on screen. */
export function attempt(action, otherwise = null) {
  try {
    return action();
  } catch {
    return otherwise;
  }
}

/** @param {number} ticket @returns {string} */
export function readDraft(ticket) {
  return attempt(() => localStorage.getItem(draftKey(ticket))) ?? "";
}

/** @param {number} ticket @param {string} text */
export function writeDraft(ticket, text) {
  attempt(() => (text ? localStorage.setItem(draftKey(ticket), text) : localStorage.removeItem(draftKey(ticket))));
}

/** A note for the desk, apart from what is meant for the person. @param {number} ticket @returns {string} */
export function readNoteDraft(ticket) {
  return attempt(() => localStorage.getItem(noteKey(ticket))) ?? "";
}

/** @param {number} ticket @param {string} text */
export function writeNoteDraft(ticket, text) {
  attempt(() => (text ? localStorage.setItem(noteKey(ticket), text) : localStorage.removeItem(noteKey(ticket))));
}

/** The part of the draft that a model wrote, see modelo.js. @param {number} ticket @returns {string} */
export function readSuggestion(ticket) {
  return attempt(() => localStorage.getItem(suggestionKey(ticket))) ?? "";
}

/** @param {number} ticket @param {string} text */
export function writeSuggestion(ticket, text) {
  attempt(() => (text ? localStorage.setItem(suggestionKey(ticket), text) : localStorage.removeItem(suggestionKey(ticket))));
}

/** What was written of a template, see templateform.js. @param {number} ticket @returns {object|null} */
export function readTemplateDraft(ticket) {
  return attempt(() => JSON.parse(localStorage.getItem(templateKey(ticket))));
}

/** @param {number} ticket @param {object|null} draft */
export function writeTemplateDraft(ticket, draft) {
  attempt(() => (draft ? localStorage.setItem(templateKey(ticket), JSON.stringify(draft)) : localStorage.removeItem(templateKey(ticket))));
}

/** @param {number} ticket @param {{clave: string}} item */
export function keepOutgoing(ticket, item) {
  attempt(() => localStorage.setItem(outboxPrefix(ticket) + item.clave, JSON.stringify(item)));
}

/** @param {number} ticket @param {string} clave */
export function dropOutgoing(ticket, clave) {
  attempt(() => localStorage.removeItem(outboxPrefix(ticket) + clave));
}

/** The messages of an earlier page that never heard whether the server took them, in the order they were written. */
export function readOutgoing(ticket) {
  return attempt(() => {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(outboxPrefix(ticket)));
    const items = keys.map((key) => attempt(() => JSON.parse(localStorage.getItem(key))));
    return items.filter((item) => item?.clave && item.mensaje).sort((a, b) => a.orden - b.orden);
  }, []);
}
