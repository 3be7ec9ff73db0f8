import { authorOf, makeRow, paint } from "./bubbles.js";
import { h } from "./dom.js";
import { clock, dayLabel, dayOf, fullDate, interval } from "./times.js";

/**
 * A conversation on screen: rows keyed by their message, so that a refresh touches only what changed and the reader's
 * selection, focus and place are kept.
 */
export class Thread {
  /** @param {HTMLElement} list the `<ol>` @param {(seq: number) => void} [missing] asked for a message that is not here */
  constructor(list, missing = () => {}) {
    this.list = list;
    this.missing = missing;
    this.rows = new Map();
    list.addEventListener("click", ({ target }) => {
      const seq = target.closest("[data-cita]")?.dataset.cita;
      if (seq) this.reveal(Number(seq));
    });
  }

  /** The row of a message, when it is here. */
  rowOf(seq) {
    return this.list.querySelector(`[data-seq="${seq}"]`);
  }

  /** Brings a message into sight, asking for it when it is not here. @returns {boolean} whether it is */
  reveal(seq, ask = true) {
    const row = this.rowOf(seq);
    if (!row && ask) this.missing(seq);
    if (!row) return false;
    row.scrollIntoView({ block: "center" });
    row.classList.add("senalado");
    setTimeout(() => row.classList.remove("senalado"), 1600);
    return true;
  }

  clear() {
    this.rows.clear();
    this.list.replaceChildren();
  }

  /**
   * @param {import("./bubbles.js").Entry[]} entries in the order to show
   * @param {string} name the person's name
   * @param {(entry: import("./bubbles.js").Entry) => import("./bubbles.js").Card|null} [cardFor]
   * @param {(ticket: number) => string} [chapterOf] names the ticket at whose messages a line begins it
   */
  show(entries, name, cardFor = () => null, chapterOf = null) {
    const kept = new Map();
    let before = null;
    let lastDay = null;
    let lastTicket = null;
    let place = this.list.firstChild;
    const put = (key, make) => {
      const row = this.rows.get(key) ?? make();
      kept.set(key, row);
      if (row === place) place = place.nextSibling;
      else this.list.insertBefore(row, place);
      return row;
    };
    for (const entry of entries) {
      // A message keeps its row when its place in the conversation becomes known, because its key was there before.
      const key = entry.clave ?? `seq-${entry.seq}`;
      const day = dayOf(entry.timestamp);
      const newChapter = chapterOf !== null && entry.ticket !== lastTicket;
      if (newChapter) {
        const chapter = put(`ticket-${entry.ticket}-${key}`, () => h("li", { class: "dia capitulo" }, ""));
        const label = chapterOf(entry.ticket);
        if (chapter.textContent !== label) chapter.textContent = label;
      }
      lastTicket = entry.ticket;
      const newDay = newChapter || lastDay !== day;
      if (newDay) {
        const separator = put(`dia-${day}-${key}`, () => h("li", { class: "dia" }, h("time", { datetime: day })));
        const label = dayLabel(day);
        if (separator.firstChild.textContent !== label) separator.firstChild.textContent = label;
      }
      const gap = entry.recuperado?.join(" ");
      const newGap = Boolean(gap) && before?.recuperado?.join(" ") !== gap;
      if (newGap) put(`corte-${key}`, () => h("li", { class: "dia corte" }, `Mensajes ${interval(...entry.recuperado)} recuperados`));
      if (entry.tipo === "system") {
        put(key, () => systemLine(entry));
        before = null;
        lastDay = day;
        continue;
      }
      const first = newDay || newGap || !before || authorOf(before, name) !== authorOf(entry, name);
      paint(put(key, () => makeRow(entry)), entry, { name, first, card: cardFor(entry) });
      before = entry;
      lastDay = day;
    }
    for (const [key, row] of this.rows) if (!kept.has(key)) row.remove();
    this.rows = kept;
  }
}

/** What nobody wrote: a person's new number. */
function systemLine(entry) {
  const time = h("time", { datetime: entry.timestamp, title: fullDate(entry.timestamp) }, clock(entry.timestamp));
  const words = entry.content.replace(/(\d) (?=\d)/g, "$1\u00a0"); // a number stays on one line
  return h("li", { class: "dia sistema", "data-seq": entry.seq }, `${words}\u00a0· `, time);
}
