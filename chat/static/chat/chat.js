import { startActions } from "./actions.js";
import { offer } from "./attach.js";
import { cardFor, surroundings } from "./cards.js";
import { addressTo, openComposer, startComposer } from "./composer.js";
import { connected, disconnected, forgetOutage } from "./connection.js";
import { Conversation } from "./conversation.js";
import { register } from "./dialogs.js";
import { byId, h } from "./dom.js";
import { closeModel, forgetSuggestion, openModel, showModel, startModel } from "./modelo.js";
import { PAGE, olderRows } from "./older.js";
import { onOutboxChange, outgoing, retryAfterOutage, send, settle } from "./outbox.js";
import { closePerson, openPerson, showInTimeline, showPerson, startPerson } from "./person.js";
import { startTemplates } from "./plantillas.js";
import { closePresence, openPresence, personWrote, startPresence, stopTyping } from "./presence.js";
import { noteRead, seenOf } from "./reading.js";
import { rowsToShow } from "./rows.js";
import { Thread } from "./thread.js";
import { openTicketBar, showTicketBar, startTicketBar } from "./ticketbar.js";
import { closeWindow, openWindow, showWindow, startWindow } from "./window.js";

export let intervalActualizacionChat = null;

const dialog = byId("chat");
const container = byId("chat-mensajes");
const pill = byId("chat-nuevos");
const older = olderRows({ container, current: () => conversation, draw, failed: lost });
const thread = new Thread(byId("chat-lista"), (seq) => older.upTo(seq).then(() => thread.reveal(seq, false) || showInTimeline(seq)));
let conversation = null;
let loading = null;
let again = false;
let atEnd = true;

/** Brings the open chat up to date: the timer's function, and anyone's who knows that something changed. */
export async function cargarMensajesChat() {
  const open = conversation;
  if (!open || document.hidden) return;
  if (loading === open) {
    again = true;
    return;
  }
  loading = open;
  again = false;
  try {
    const first = open.version === null;
    const fresh = await open.refresh();
    if (open !== conversation) return;
    const scrollAntes = container.scrollHeight - container.scrollTop - container.clientHeight;
    settle(open.id, open.rows);
    draw();
    if (first || scrollAntes < 150) {
      container.scrollTop = container.scrollHeight;
    } else if (fresh.some((entry) => entry.role === "user")) {
      pill.textContent = "↓ Mensajes nuevos";
      pill.hidden = false;
    }
    if (!first) announce(fresh);
    if (fresh.some((entry) => entry.role === "user")) personWrote();
    if (connected()) retryAfterOutage(open.id);
    noteReading();
  } catch (error) {
    lost(open, error);
  } finally {
    if (loading === open) loading = null;
    if (again) cargarMensajesChat();
  }
}

/** Shows what we know now; who calls keeps the reader's place. */
function draw() {
  const { id, name, firstName, version } = conversation;
  const rows = rowsToShow(conversation);
  if (version === null && !outgoing(id).length) return;
  const around = surroundings(rows);
  thread.show(rows, name, (row) => cardFor(id, row, around));
  dialog.dataset.vista = rows.length ? "listo" : "vacio";
  byId("chat-anteriores").hidden = !conversation.more;
  addressTo(conversation.ticket ? firstName : "");
  offer(conversation.files);
  showTicketBar();
  showModel(conversation);
  showPerson();
  showWindow(conversation);
}

function toEnd() {
  container.scrollTop = container.scrollHeight;
  pill.hidden = true;
}

function announce(fresh) {
  const words = fresh.filter((entry) => entry.role === "user").map((entry) => `${conversation.firstName}: ${entry.content}`);
  if (words.length) say(words.join("\n"));
}

function say(words) {
  byId("chat-anuncios").replaceChildren(h("p", {}, words));
}

/** What is at the end of an open, visible chat was read. */
function noteReading() {
  if (conversation && atEnd && !document.hidden) noteRead(conversation);
}

function onScroll() {
  atEnd = container.scrollHeight - container.scrollTop - container.clientHeight < 150;
  if (atEnd) pill.hidden = true;
  noteReading();
  older.scrolled();
}

function lost(open, error) {
  if (open === conversation && error.name !== "AbortError") disconnected(error, open.version !== null);
}

function tellTable() {
  window.dispatchEvent(new CustomEvent("tickets:refrescar"));
}

function refreshAll() {
  cargarMensajesChat();
  tellTable();
}

function onOutbox(ticket, outcome) {
  if (conversation?.id === ticket) {
    if (outcome?.nuevos) conversation.merge(outcome.nuevos);
    if (outcome?.ventana) conversation.ticket.ventana = outcome.ventana;
    const scrollAntes = container.scrollHeight - container.scrollTop - container.clientHeight;
    draw();
    if (scrollAntes < 150) toEnd();
    // What is tried again by itself fails in the same words, which need not be read aloud each time.
    if (outcome?.texto && outcome.texto !== byId("chat-anuncios").textContent) say(outcome.texto);
    // The refresh brings the row; and when more is waiting behind a slow send, it lets the next one go.
    const items = outgoing(ticket);
    if (outcome || items.length > 1) cargarMensajesChat();
  }
  if (outcome?.guardado) tellTable();
}

function startTimer() {
  clearInterval(intervalActualizacionChat);
  intervalActualizacionChat = setInterval(cargarMensajesChat, 5000);
}

function stopTimer() {
  clearInterval(intervalActualizacionChat);
  intervalActualizacionChat = null;
}

function open(ticket) {
  conversation = new Conversation(ticket, PAGE);
  atEnd = true;
  thread.clear();
  pill.hidden = true;
  forgetOutage();
  byId("chat-anuncios").replaceChildren();
  dialog.dataset.vista = "cargando";
  openTicketBar(conversation);
  openWindow(ticket);
  openComposer(ticket);
  openModel(ticket);
  openPresence(conversation);
  openPerson(conversation);
  startTimer();
  cargarMensajesChat();
}

function close() {
  stopTimer();
  closeWindow();
  closePresence();
  closeModel();
  closePerson();
  conversation.stop();
  conversation = null;
}

export function startChat() {
  register("chat", { open, close });
  onOutboxChange(onOutbox);
  startPresence();
  startPerson();
  startTicketBar(refreshAll);
  startWindow(say);
  startModel();
  startTemplates({ seen: () => conversation && seenOf(conversation), refresh: refreshAll });
  startActions(container, { current: () => conversation, draw, refresh: refreshAll });
  startComposer((text, file, note, reply) => {
    send(conversation.id, text, seenOf(conversation), conversation.firstName, file, note, reply);
    stopTyping();
    forgetSuggestion(note);
    toEnd();
  });
  container.addEventListener("scroll", onScroll, { passive: true });
  const keepEnd = new ResizeObserver(() => atEnd && toEnd());
  for (const growing of [container, thread.list]) keepEnd.observe(growing);
  pill.addEventListener("click", toEnd);
  byId("chat-anteriores").addEventListener("click", older.load);
  byId("chat-reintentar").addEventListener("click", () => {
    dialog.dataset.vista = "cargando";
    cargarMensajesChat();
  });
  window.addEventListener("tickets:cambio", ({ detail }) => {
    if (!detail?.ticket || detail.ticket === conversation?.id) cargarMensajesChat();
  });
  // The stream makes the timer's work come sooner; it never takes its place.
  window.addEventListener("vivo:ticket", ({ detail }) => {
    if (detail.ticket === null || detail.ticket === conversation?.id) cargarMensajesChat();
  });
  window.addEventListener("vivo:todo", cargarMensajesChat);
  document.addEventListener("visibilitychange", () => {
    if (!conversation) return;
    if (document.hidden) return stopTimer();
    startTimer();
    cargarMensajesChat();
  });
}
