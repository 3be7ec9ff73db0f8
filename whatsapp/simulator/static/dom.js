export const by = (id) => document.getElementById(id);

export function element(kind, className, text) {
  const node = document.createElement(kind);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}
