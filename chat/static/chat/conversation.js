import { request } from "./api.js";

/** How to speak of a person: not "Dr." nor "Ing."; and a phone number stays whole. */
export function firstNameOf(name) {
  const words = name.trim().split(/\s+/);
  return /\p{L}/u.test(name) ? (words.find((word) => !word.endsWith(".")) ?? name) : name;
}

/**
 * What we know of one ticket's conversation, kept up to date by asking only for what is new or changed.
 */
export class Conversation {
  /** @param {number} ticket @param {number} last how many messages to begin with; without it, all */
  constructor(ticket, last = 0) {
    this.id = ticket;
    this.last = last;
    this.entries = new Map();
    this.version = null;
    this.ticket = null;
    this.more = false;
    this.files = null;
    this.older = null;
    this.tag = { url: "", etag: null };
    this.controller = new AbortController();
  }

  /** The rows in their order. */
  get rows() {
    return [...this.entries.values()].sort((a, b) => a.seq - b.seq);
  }

  /** The name to speak of the person with. */
  get name() {
    return this.ticket?.nombre || this.ticket?.telefono_legible || "la persona";
  }

  get firstName() {
    return firstNameOf(this.name);
  }

  /** Nothing asked from here on is answered: another conversation took its place. */
  stop() {
    this.controller.abort();
  }

  /**
   * Asks for what changed (the first time, for the last page or for everything).
   * @returns {Promise<import("./bubbles.js").Entry[]>} the rows that are new to us
   */
  async refresh() {
    const begin = this.last ? `?ultimos=${this.last}` : "";
    const url = `/ticket/${this.id}/conversacion${this.version === null ? begin : `?desde=${this.version}`}`;
    const etag = this.tag.url === url ? this.tag.etag : null;
    const answer = await request(url, { etag, signal: this.controller.signal });
    if (answer.status === 304) return [];
    const first = this.version === null;
    this.tag = { url, etag: answer.etag };
    this.version = answer.body.version;
    this.ticket = answer.body.ticket;
    this.files = answer.body.archivos ?? null;
    if (first || answer.body.entero) this.more = Boolean(answer.body.mas);
    if (first) return this.add(answer.body.historial);
    if (!answer.body.entero) return this.merge(answer.body.historial);
    // Told anew from the beginning: the rows may have other numbers than before, and none of them is news.
    this.entries.clear();
    this.add(answer.body.historial);
    return [];
  }

  /** The number of the oldest row we have. */
  get oldest() {
    return this.entries.size ? Math.min(...this.entries.keys()) : 0;
  }

  /** Asks for the page before the oldest row we have; once, however often it is called meanwhile. */
  loadOlder() {
    this.older ??= this.askOlder().finally(() => (this.older = null));
    return this.older;
  }

  async askOlder() {
    if (!this.more || !this.entries.size) return;
    const from = this.oldest;
    const answer = await request(`/ticket/${this.id}/conversacion?antes=${from}`, { signal: this.controller.signal });
    // Told anew from the beginning meanwhile: these rows are there already, maybe under other numbers.
    if (!this.more || this.oldest !== from) return;
    this.more = Boolean(answer.body.mas) && answer.body.historial.length > 0;
    this.add(answer.body.historial);
  }

  /** Takes news in. A change of a row before the oldest we have waits for its page: alone it would hide the gap. */
  merge(rows) {
    const oldest = this.more ? this.oldest : 0;
    return this.add(rows.filter((row) => row.seq >= oldest));
  }

  /** Takes rows in; an older version of a row never replaces a newer one. */
  add(rows) {
    const fresh = [];
    for (const row of rows) {
      const known = this.entries.get(row.seq);
      if (!known) fresh.push(row);
      if (!known || row.version >= known.version) this.entries.set(row.seq, row);
    }
    return fresh;
  }
}
