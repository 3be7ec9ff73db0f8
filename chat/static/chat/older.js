import { keepPlace } from "./place.js";

/** How many messages a long conversation opens with; older ones come as one scrolls up to them. */
export const PAGE = 50;
const NEAR_TOP = 400;
// A quote of what is further up than this is shown in the person's timeline.
const MOST_PAGES = 10;

/**
 * The older rows of the open conversation.
 * @param {{container: HTMLElement, current: () => import("./conversation.js").Conversation|null, draw: () => void,
 *   failed: (open: import("./conversation.js").Conversation, error: Error) => void}} chat
 */
export function olderRows({ container, current, draw, failed }) {
  /** Puts the page before the oldest row above it; what is read stays where it is. */
  async function load() {
    const open = current();
    try {
      await open.loadOlder();
    } catch (error) {
      return failed(open, error);
    }
    if (open === current()) keepPlace(container, draw);
  }

  /** Loads until the row `seq` is there, as far as that is not too far. */
  async function upTo(seq) {
    const open = current();
    for (let pages = 0; pages < MOST_PAGES && open === current() && open.more && open.oldest > seq; pages += 1) await load();
  }

  function scrolled() {
    if (current()?.more && container.scrollTop < NEAR_TOP) load();
  }

  return { load, upTo, scrolled };
}
