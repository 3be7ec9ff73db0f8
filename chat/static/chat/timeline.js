import { request } from "./api.js";
import { highlight } from "./highlight.js";
import { keepPlace } from "./place.js";
import { Thread } from "./thread.js";
import { startSearch } from "./timelinesearch.js";
import { shortDay } from "./times.js";

/** Rows that are kept on the page: what is further away is asked for again. */
const MOST = 600;
const NEAR = 400;

/** A record says why a message did not go out; what to do about it is the chat's. */
export function whyNot({ role, estado, motivo, codigo }) {
  if (role === "user" || estado !== "fallido" || !motivo) return null;
  return { tono: "error", fuerte: "", texto: motivo, acciones: [], codigo };
}

/** All that was said with one person, over all their tickets: pages as one scrolls either way, jumps, and the search. */
export class Timeline {
  /** @param {HTMLElement} root chat/_timeline.html */
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".hilo");
    this.thread = new Thread(root.querySelector(".mensajes"), (seq) => this.jump(seq));
    this.search = startSearch(root, this);
    this.close();
    this.box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    root.querySelector("[data-mas='antes']").addEventListener("click", () => this.extend("antes"));
    root.querySelector("[data-mas='despues']").addEventListener("click", () => this.extend("despues"));
    root.querySelector(".problema button").addEventListener("click", () => this.begin(this.asked));
    for (const name of ["vivo:ticket", "tickets:cambio"]) {
      window.addEventListener(name, ({ detail }) => (!detail?.ticket || this.tickets[detail.ticket]) && this.catchUp());
    }
    window.addEventListener("vivo:todo", () => this.catchUp());
  }

  close() {
    this.controller?.abort();
    this.ticket = null;
    this.clear();
    this.search.clear();
    this.asked = "";
  }

  clear() {
    Object.assign(this, { rows: [], tickets: {}, numbering: "", more: { antes: false, despues: false }, busy: null });
    this.thread.clear();
  }

  /** @param {number} ticket any of the person's @param {string} query which page to begin with, as persona/mensajes has it */
  open(ticket, query = "") {
    if (this.ticket !== ticket) this.close();
    this.ticket = ticket;
    return this.begin(query);
  }

  ask(path) {
    return request(`/ticket/${this.ticket}/persona/${path}`, { signal: this.controller.signal });
  }

  /** Shows one page and forgets the others. */
  async begin(query) {
    this.controller?.abort();
    this.controller = new AbortController();
    this.asked = query;
    this.clear();
    this.root.dataset.vista = "cargando";
    try {
      const { body } = await this.ask(`mensajes${query}`);
      this.take(body, body.mas_antes, body.mas_despues);
      this.draw();
      if (body.foco === null || !this.thread.reveal(body.foco, false)) this.box.scrollTop = this.box.scrollHeight;
    } catch (error) {
      this.failed(error);
    }
  }

  failed(error) {
    if (error.name === "AbortError") return;
    this.root.dataset.vista = "error";
    this.root.querySelector(".problema .motivo").textContent = error.message;
  }

  /** Adds a page; `undefined` for what it does not tell of. */
  take(body, before, after) {
    const known = new Map(this.rows.map((row) => [row.seq, row]));
    for (const row of body.mensajes) if ((known.get(row.seq)?.version ?? -1) <= row.version) known.set(row.seq, row);
    this.rows = [...known.values()].sort((a, b) => a.seq - b.seq);
    Object.assign(this.tickets, body.tickets);
    this.numbering = body.hilo;
    this.name = body.nombre;
    if (before !== undefined) this.more.antes = before;
    if (after !== undefined) this.more.despues = after;
  }

  /** Asks for the page before or after what is here. @param {"antes"|"despues"} side */
  async extend(side) {
    if (this.busy || !this.rows.length) return;
    const earlier = side === "antes";
    this.busy = this.ask(`mensajes?${side}=${(earlier ? this.rows[0] : this.rows.at(-1)).seq}`);
    const busy = this.busy;
    try {
      const { body } = await busy;
      if (busy !== this.busy) return;
      if (body.hilo !== this.numbering) return this.begin(""); // every message has another number
      if (earlier) this.take(body, body.mas_antes, undefined);
      else this.take(body, undefined, body.mas_despues);
      this.trim(earlier);
      keepPlace(this.box, () => this.draw());
    } catch (error) {
      if (busy === this.busy && !this.rows.length) this.failed(error);
    } finally {
      if (busy === this.busy) this.busy = null;
    }
  }

  trim(fromEnd) {
    if (this.rows.length <= MOST) return;
    this.rows = fromEnd ? this.rows.slice(0, MOST) : this.rows.slice(-MOST);
    this.more[fromEnd ? "despues" : "antes"] = true;
  }

  /** Something was said, or a tick changed: who reads the end sees it. */
  async catchUp() {
    const seen = this.root.offsetParent !== null && !document.hidden;
    if (!seen || this.ticket === null || this.more.despues || this.busy) return;
    const { ticket } = this;
    try {
      const { body } = await this.ask("mensajes");
      if (ticket !== this.ticket || this.more.despues) return;
      if (this.rows.length && body.hilo !== this.numbering) return this.begin("");
      const gap = this.rows.length && body.mensajes[0]?.seq > this.rows.at(-1).seq + 1;
      if (gap) return this.extend("despues");
      const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 150;
      this.take(body, this.rows.length ? undefined : body.mas_antes, false);
      keepPlace(this.box, () => this.draw());
      if (atEnd) this.box.scrollTop = this.box.scrollHeight;
    } catch {
      // The next change, or scrolling, asks again.
    }
  }

  /** Brings a message into sight, wherever in the thread it is. */
  async jump(seq) {
    if (!this.thread.reveal(seq, false)) await this.begin(`?alrededor=${seq}`);
    this.thread.rowOf(seq)?.querySelector("mark")?.closest("details")?.setAttribute("open", "");
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    if (this.more.antes && scrollTop < NEAR) this.extend("antes");
    else if (this.more.despues && scrollHeight - scrollTop - clientHeight < NEAR) this.extend("despues");
  }

  draw() {
    this.thread.show(this.rows, this.name, whyNot, (ticket) => titleOf(this.tickets[ticket]));
    this.root.dataset.vista = this.rows.length ? "listo" : "vacio";
    for (const side of ["antes", "despues"]) this.root.querySelector(`[data-mas='${side}']`).hidden = !this.more[side];
    highlight(this.thread.list, this.search.words);
  }
}

/** "Ticket #12 · Laptop ACT-0042 · Cerrado 3 ago" */
function titleOf({ id, equipo, estado, cerrado }) {
  return [`Ticket #${id}`, equipo, cerrado ? `${estado} ${shortDay(cerrado)}` : estado].filter(Boolean).join(" · ");
}
