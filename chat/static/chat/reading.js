import { request } from "./api.js";

/** Per conversation: up to where it was on screen, and up to where the server was told so. */
const seen = new WeakMap();
const told = new WeakMap();

/** The last `seq` that a person had on screen, or null when nothing was shown yet. */
export function seenOf(conversation) {
  return seen.get(conversation) ?? null;
}

/**
 * Everything of `conversation` up to its end was on screen. The server is told when that includes something the person
 * wrote since last time.
 * @param {import("./conversation.js").Conversation} conversation
 */
export async function noteRead(conversation) {
  const { rows } = conversation;
  if (!rows.length) return;
  const last = rows.at(-1).seq;
  seen.set(conversation, last);
  // Where none of theirs is loaded, the last they wrote is before the oldest row.
  const theirs = rows.findLast((row) => row.role === "user")?.seq ?? (conversation.more ? rows[0].seq - 1 : 0);
  const before = told.get(conversation);
  const named = conversation.ticket.participantes?.find((one) => one.yo && one.mencion);
  const read = theirs <= (before ?? 0) || (before === undefined && !conversation.ticket.sin_leer);
  if (read && !named) return;
  if (named) named.mencion = false;
  told.set(conversation, theirs);
  try {
    await request(`/ticket/${conversation.id}/leido`, { body: { hasta: last } });
    window.dispatchEvent(new CustomEvent("tickets:refrescar"));
  } catch {
    // The next refresh tries again.
    if (named) named.mencion = true;
    if (told.get(conversation) === theirs) told.set(conversation, before ?? 0);
  }
}
