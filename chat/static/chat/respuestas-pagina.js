// The form of a quick reply: how it would be received as it is written, its variables by button, and a file that is too large.
import { byId } from "./dom.js";
import { sizeInWords } from "./files.js";

const form = byId("respuesta");
const text = byId("id_text");
const preview = byId("vista");
const file = byId("id_upload");
const problem = byId("upload-problema");
const values = JSON.parse(preview.dataset.valores);
const buttons = form.querySelector(".variables");

function show() {
  preview.textContent = text.value.replace(/\{([\p{L}\p{N}_]+)\}/gu, (whole, name) => (Object.hasOwn(values, name) ? values[name] : whole));
}

buttons.hidden = false;
buttons.addEventListener("click", ({ target }) => {
  if (!target.dataset.variable) return;
  text.setRangeText(target.dataset.variable, text.selectionStart, text.selectionEnd, "end");
  text.focus();
  show();
});
text.addEventListener("input", show);

/** Said here, because a server that refuses what is too long does not read it to the end. */
function tooLarge() {
  const [chosen] = file?.files ?? [];
  const most = Number(file?.dataset.bytes);
  const over = chosen && chosen.size > most;
  problem.hidden = !over;
  problem.textContent = over ? `El archivo es demasiado grande: se aceptan hasta ${sizeInWords(most)}; este pesa ${sizeInWords(chosen.size)}.` : "";
  return over;
}
file?.addEventListener("change", tooLarge);
form.addEventListener("submit", (event) => {
  if (!tooLarge()) return;
  event.preventDefault();
  file.focus();
});
