/* Files, places and contacts: sending them from a phone, and showing those that came and went. */

import { element } from "./dom.js";

const SHOWN = { image: "img", sticker: "img", video: "video", audio: "audio" };
const INLINE = /^(image\/(jpeg|png|webp|gif)|video\/mp4|audio\/(ogg|mpeg|mp4))$/;

/* In: the phone's node, and send(what, body), which throws in words. */
export function startSending(node, send) {
  const menu = node.querySelector(".mas");
  const error = node.querySelector(".error");
  const text = node.querySelector("textarea");
  const attempt = async (what, body) => {
    menu.open = false;
    error.textContent = "";
    try {
      await send(what, body);
      return true;
    } catch (problem) {
      error.textContent = problem.message;
      return false;
    }
  };
  const input = node.querySelector("input.archivo");
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    const archivo = { nombre: file.name, tipo: file.type, base64: await inBase64(file) };
    input.value = "";
    if (await attempt("archivo", { archivo, texto: text.value })) text.value = "";
  });
  node.querySelector("[data-enviar=ubicacion]").addEventListener("click", () => {
    attempt("ubicacion", { latitud: 21.12908, longitud: -101.67374, lugar: "Oficina León\nBlvd. Adolfo López Mateos 100, León" });
  });
  node.querySelector("[data-enviar=contacto]").addEventListener("click", () => {
    attempt("contacto", { contacto: "Ana Torres", numero: "+52 1 477 123 4567" });
  });
}

function inBase64(file) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",")[1] ?? ""));
    reader.readAsDataURL(file);
  });
}

/* Out: what came with a message, to stand above its text. */
export function extraOf(extra) {
  if (extra.tipo === "location") return element("p", "ficha", `📍 ${extra.nombre || "Ubicación"} (${extra.latitud}, ${extra.longitud})`);
  if (extra.tipo === "contact") return element("p", "ficha", `👤 ${extra.nombre} ${extra.telefono}`);
  const url = `/simulador/archivos/${extra.archivo}`;
  const name = extra.nombre || extra.archivo;
  if (!INLINE.test(extra.mime) || !SHOWN[extra.tipo]) {
    const link = element("a", "ficha", `📄 ${name}`);
    link.href = url;
    link.download = name;
    return link;
  }
  const shown = element(SHOWN[extra.tipo], "medio");
  shown.src = url;
  if (shown.tagName === "IMG") shown.alt = name;
  else shown.controls = true;
  return shown;
}
