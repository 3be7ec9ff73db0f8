import { authorOf, makeRow, paint } from "./bubbles.js";
import { h } from "./dom.js";
import { dayLabel, dayOf } from "./times.js";

/**
 * A conversation on screen: rows keyed by their message, so that a refresh touches only what changed and the reader's
 * selection, focus and place are kept.
 */
export class Thread {
  /** @param {HTMLElement} list the `<ol>` */
  constructor(list) {
    this.list = list;
    this.rows = new Map();
  }

  clear() {
    this.rows.clear();
    this.list.replaceChildren();
  }

  /**
   * @param {import("./bubbles.js").Entry[]} entries in the order to show
   * @param {string} name the person's name
   * @param {(entry: import("./bubbles.js").Entry) => import("./bubbles.js").Card|null} [cardFor]
   */
  show(entries, name, cardFor = () => null) {
    const kept = new Map();
    let before = null;
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
      const newDay = !before || dayOf(before.timestamp) !== day;
      if (newDay) {
        const separator = put(`dia-${day}-${key}`, () => h("li", { class: "dia" }, h("time", { datetime: day })));
        const label = dayLabel(day);
        if (separator.firstChild.textContent !== label) separator.firstChild.textContent = label;
      }
      const first = newDay || authorOf(before, name) !== authorOf(entry, name);
      paint(put(key, () => makeRow(entry)), entry, { name, first, card: cardFor(entry) });
      before = entry;
    }
    for (const [key, row] of this.rows) if (!kept.has(key)) row.remove();
    this.rows = kept;
  }
}
