/**
 * Builds an element. Children that are strings become text nodes, so hostile text stays text.
 * @param {string} tag
 * @param {Object<string, any>} [attributes] `class`, `data-…`, `onclick` and other attributes; null, false and undefined are left out
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Replaces what `element` holds, only when `signature` differs from last time: selection and focus elsewhere are kept.
 * @param {HTMLElement & {signature?: string}} element
 * @param {any} parts what the content depends on
 * @param {() => (Node|string)[]} build
 */
export function fill(element, parts, build) {
  const signature = JSON.stringify(parts);
  if (element.signature === signature) return;
  element.signature = signature;
  const nodes = build();
  element.replaceChildren(...nodes);
  element.hidden = nodes.length === 0;
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  return document.getElementById(id);
}
