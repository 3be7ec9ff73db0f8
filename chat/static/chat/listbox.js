import { byId } from "./dom.js";

/**
 * Options offered for what stands in the text box. The focus stays in the box: its aria-activedescendant names the option
 * that Enter takes.
 */
const box = byId("chat-texto");

export class Options {
  /**
   * @param {HTMLElement} list the listbox
   * @param {{frame?: HTMLElement, pick: (at: number) => void, marked?: (at: number) => void, closed?: () => void}} to
   *   `frame` is what is shown and hidden; `closed` is told when a person closed it
   */
  constructor(list, { frame = list, pick, marked = () => {}, closed = () => {} }) {
    Object.assign(this, { list, frame, pick, marked, closed, at: 0 });
    frame.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the box
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) pick([...list.children].indexOf(option));
    });
    for (const place of [box, frame]) place.addEventListener("focusout", ({ relatedTarget }) => this.#left(relatedTarget));
  }

  get open() {
    return !this.frame.hidden;
  }

  /** @param {HTMLElement[]} options `li` elements without an id; the first is marked */
  show(options) {
    options.forEach((option, at) => {
      option.setAttribute("role", "option");
      option.id = `${this.list.id}-${at}`;
    });
    this.list.replaceChildren(...options);
    this.list.hidden = options.length === 0;
    this.frame.hidden = false;
    box.setAttribute("aria-controls", this.list.id);
    this.#mark(0);
  }

  /** Moves, takes, or closes. @returns {boolean} whether the key was for the list */
  key(event) {
    if (!this.open || event.isComposing) return false;
    const { length } = this.list.children;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      if (length) this.#mark((this.at + step + length) % length);
    } else if ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && length && !event.shiftKey)) {
      this.pick(this.at);
    } else if (event.key === "Escape") {
      this.hide();
      this.closed();
    } else {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  hide() {
    this.frame.hidden = true;
    this.list.replaceChildren();
    box.removeAttribute("aria-activedescendant");
  }

  #mark(at) {
    this.at = at;
    [...this.list.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === at)));
    const option = this.list.children[at];
    if (option) {
      box.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      box.removeAttribute("aria-activedescendant");
    }
    this.marked(at);
  }

  /** The whole window may lose the focus and get it back: the box is still the active element then. */
  #left(to) {
    if (!this.open || this.frame.contains(to) || to === box || document.activeElement === box) return;
    this.hide();
    this.closed();
  }
}
