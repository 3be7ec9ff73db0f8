import { h } from "./dom.js";

/** As the server folds text, with the place in `text` that each of its characters comes from. */
function folded(text) {
  const places = [];
  let plain = "";
  let at = 0;
  for (const character of text) {
    const fold = character.toUpperCase().toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
    for (let n = 0; n < fold.length; n += 1) places.push(at);
    plain += fold;
    at += character.length;
  }
  return { plain, places: [...places, at] };
}

/** Where `words` occur in `text`: ranges in their order that do not touch. */
function ranges(text, words) {
  const { plain, places } = folded(text);
  const found = [];
  for (const word of words) {
    for (let at = plain.indexOf(word); at >= 0; at = plain.indexOf(word, at + word.length)) {
      found.push([places[at], Math.max(places[at + word.length], places[at] + 1)]);
    }
  }
  found.sort((a, b) => a[0] - b[0]);
  return found.reduce((merged, [from, to]) => {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
    return merged;
  }, []);
}

/**
 * Marks every place below `root` where one of `words` stands, without regard to accents and case; no words: no marks.
 * @param {HTMLElement} root
 * @param {string[]} words
 */
export function highlight(root, words) {
  for (const mark of root.querySelectorAll("mark")) {
    const parent = mark.parentNode;
    mark.replaceWith(...mark.childNodes);
    parent.normalize();
  }
  const wanted = words.map((word) => folded(word).plain).filter(Boolean);
  if (!wanted.length) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) {
    const inText = walker.currentNode.parentElement.closest(".texto, .sistema, .cita");
    if (inText && !inText.matches(".cita")) nodes.push(walker.currentNode);
  }
  for (const node of nodes) {
    const text = node.data;
    const found = ranges(text, wanted);
    if (!found.length) continue;
    const parts = [];
    let at = 0;
    for (const [from, to] of found) {
      parts.push(text.slice(at, from), h("mark", {}, text.slice(from, to)));
      at = to;
    }
    node.replaceWith(...parts.filter((part) => part !== ""), text.slice(at));
  }
}
