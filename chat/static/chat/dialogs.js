import { byId } from "./dom.js";

/**
 * The three panels: which one is open, the address bar and Back, and where the focus returns to.
 *
 * Only one panel is open at a time and it is one step of the browser's history: opening another replaces that step, so
 * that Back always leads to the table.
 * @typedef {{open: (ticket: number) => void, close: () => void}} Panel
 */
const NAMES = ["chat", "historial", "notificar"];
const panels = {};
let current = null;
// Between history.back() and its popstate nothing may be pushed: what was asked for in between waits here.
let leaving = false;
let waiting = null;

/** @param {string} name @param {Panel} panel */
export function register(name, panel) {
  panels[name] = panel;
}

/** @param {string} name @param {number} ticket */
export function openPanel(name, ticket, keepAddress = false) {
  if (leaving) {
    waiting = [name, ticket];
    return;
  }
  if (current?.name === name && current.ticket === ticket) return;
  const wasOpen = current !== null;
  if (wasOpen) shut(current.name !== name);
  if (!keepAddress) {
    const step = wasOpen || history.state?.panel ? "replaceState" : "pushState";
    // A panel opened by its own address has no table behind it in the history, and replacing keeps that so.
    const panel = step === "pushState" || Boolean(history.state?.panel);
    history[step]({ ...history.state, panel }, "", addressFor(name, ticket));
  }
  current = { name, ticket };
  const dialog = byId(name);
  if (!dialog.open) dialog.showModal();
  panels[name].open(ticket);
}

/** Closes the open panel, as its ✕ and Esc do. */
export function closePanel() {
  if (!current) return;
  const { name, ticket } = current;
  shut(true);
  returnFocus(name, ticket);
  if (history.state?.panel) {
    leaving = true;
    history.back();
  } else {
    history.replaceState(history.state, "", addressFor(null));
  }
}

/** Listens to clicks, to Back, and opens what the address asks for. */
export function start() {
  document.addEventListener("click", onClick);
  window.addEventListener("popstate", onPopState);
  for (const name of NAMES) {
    const dialog = byId(name);
    let pressedOutside = false;
    dialog.addEventListener("close", () => current?.name === name && !dialog.open && closePanel());
    dialog.addEventListener("pointerdown", (event) => (pressedOutside = isOutside(dialog, event)));
    dialog.addEventListener("click", (event) => {
      // A click on the table closes too, but not the end of a selection that was dragged out of the panel.
      if (event.target.closest("[data-cerrar]") || (pressedOutside && isOutside(dialog, event))) closePanel();
    });
  }
  const asked = readAddress();
  if (asked) openPanel(...asked, true);
}

function shut(closeDialog) {
  const { name } = current;
  current = null;
  panels[name].close();
  if (closeDialog) byId(name).close();
}

function onClick(event) {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const opener = event.target.closest?.("[data-abrir][data-ticket]");
  if (!opener || !NAMES.includes(opener.dataset.abrir)) return;
  event.preventDefault();
  openPanel(opener.dataset.abrir, Number(opener.dataset.ticket));
}

function isOutside(dialog, { target, clientX, clientY }) {
  if (target !== dialog) return false;
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

function onPopState() {
  leaving = false;
  const asked = waiting ?? readAddress();
  const keepAddress = waiting === null;
  waiting = null;
  if (asked) {
    openPanel(...asked, keepAddress);
  } else if (current) {
    const { name, ticket } = current;
    shut(true);
    returnFocus(name, ticket);
  }
}

/** The table may have been drawn again meanwhile: the button is looked for, not remembered. */
function returnFocus(name, ticket) {
  document.querySelector(`[data-abrir="${name}"][data-ticket="${ticket}"]:not(dialog *)`)?.focus({ preventScroll: true });
}

function readAddress() {
  const query = new URLSearchParams(location.search);
  const name = NAMES.find((one) => /^\d{1,15}$/.test(query.get(one) ?? ""));
  return name ? [name, Number(query.get(name))] : null;
}

function addressFor(name, ticket) {
  const url = new URL(location.href);
  for (const one of NAMES) url.searchParams.delete(one);
  if (name) url.searchParams.set(name, ticket);
  return url;
}
