import { h } from "./dom.js";

const TAGS = { "*": "strong", _: "em", "~": "s" };
const LINK = /https?:\/\/[^\s<>"]+/gi;
const TRAILING = ".,;:!?'’”)]}*_~";

/**
 * WhatsApp text as nodes: *b* _i_ ~s~ ```code``` and links. Linear in the length of `text`, whatever it holds.
 * @param {string} text
 * @returns {(Node|string)[]}
 */
export function formatted(text) {
  const nodes = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf("```", at);
    const close = open < 0 ? -1 : text.indexOf("```", open + 3);
    if (close < 0) return [...nodes, ...inline(text.slice(at))];
    nodes.push(...inline(text.slice(at, open)));
    const code = text.slice(open + 3, close);
    nodes.push(code.trim() ? h("code", {}, code) : "```" + code + "```");
    at = close + 3;
  }
}

function inline(text) {
  const links = findLinks(text);
  const closers = findClosers(text, links);
  return parse(text, 0, text.length, links, closers, "");
}

function findLinks(text) {
  const links = new Map();
  for (const match of text.matchAll(LINK)) {
    let end = match.index + match[0].length;
    while (end > match.index && TRAILING.includes(text[end - 1])) end -= 1;
    const address = text.slice(match.index, end);
    if (URL.canParse ? URL.canParse(address) : address.length > 8) links.set(match.index, end);
  }
  return links;
}

const isWord = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);
const isSpace = (character) => character === undefined || /\s/.test(character);

/** For each mark, from every position, where the next place is that can close it on the same line (or -1). */
function findClosers(text, links) {
  const inLink = new Uint8Array(text.length);
  for (const [start, end] of links) inLink.fill(1, start, end);
  const closers = {};
  for (const mark of Object.keys(TAGS)) {
    const next = new Int32Array(text.length + 1).fill(-1);
    for (let at = text.length - 1; at >= 0; at -= 1) {
      const closes = text[at] === mark && !inLink[at] && !isSpace(text[at - 1]) && !isWord(text[at + 1]);
      if (closes) next[at] = at;
      else next[at] = text[at] === "\n" ? -1 : next[at + 1];
    }
    closers[mark] = next;
  }
  return closers;
}

/** `active` holds the marks we are inside of: each may nest once, so the depth is at most three. */
function parse(text, start, end, links, closers, active) {
  const nodes = [];
  let plain = start;
  let at = start;
  const add = (upTo, node, next) => {
    if (upTo > plain) nodes.push(text.slice(plain, upTo));
    nodes.push(node);
    plain = at = next;
  };
  while (at < end) {
    const linkEnd = links.get(at);
    if (linkEnd !== undefined && linkEnd <= end) {
      add(at, link(text.slice(at, linkEnd)), linkEnd);
      continue;
    }
    const mark = text[at];
    if (TAGS[mark] && !active.includes(mark) && !isWord(text[at - 1]) && !isSpace(text[at + 1])) {
      const close = closers[mark][at + 2] ?? -1;
      if (close > 0 && close < end && text[at + 1] !== mark) {
        add(at, h(TAGS[mark], {}, ...parse(text, at + 1, close, links, closers, active + mark)), close + 1);
        continue;
      }
    }
    at += 1;
  }
  if (end > plain) nodes.push(text.slice(plain, end));
  return nodes;
}

function link(address) {
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address);
}

/**
 * Whether `text` is one emoji and nothing else.
 * @param {string} text
 */
export function isOneEmoji(text) {
  const trimmed = text.trim();
  if (!trimmed || trimmed.length > 40 || !/\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u.test(trimmed)) return false;
  if (!Intl.Segmenter) return [...trimmed].length === 1;
  return [...new Intl.Segmenter("es").segment(trimmed)].length === 1;
}
