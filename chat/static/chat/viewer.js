import { h } from "./dom.js";

const picture = h("img", { alt: "" });
const download = h("a", { class: "btn btn-plain", download: "" }, "⬇️ Descargar");
const title = h("bdi", { class: "visor-nombre", id: "visor-nombre" });
const dialog = h(
  "dialog",
  { id: "visor", class: "visor", "aria-labelledby": "visor-nombre" },
  h("header", {}, title, download, h("button", { type: "button", class: "btn btn-plain", "data-cerrar-visor": "", autofocus: true }, "✕ Cerrar")),
  h("div", { class: "visor-cuerpo" }, picture),
);

/** Pictures of the panels open large, in a dialog of their own: Esc, the button or a click beside it closes it. */
export function startViewer() {
  document.body.append(dialog);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-ver]");
    if (button) open(button);
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target !== picture && !target.closest("a")) dialog.close();
  });
  dialog.addEventListener("close", () => picture.removeAttribute("src"));
}

function open({ dataset, firstElementChild }) {
  title.textContent = dataset.nombre;
  picture.src = dataset.ver;
  picture.alt = firstElementChild?.alt ?? "";
  download.href = `${dataset.ver}?descargar`;
  download.download = dataset.nombre;
  dialog.showModal();
}
