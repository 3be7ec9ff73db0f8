import { h } from "./dom.js";

/** What is known of a file before and after it has travelled: its size in words, its icon, a small picture of it. */

const PREVIEW = 560;
const previews = new WeakMap();
const drawn = new WeakMap();

/** «7.2 MB» */
export function sizeInWords(bytes) {
  if (bytes === null || bytes === undefined) return "";
  if (bytes < 1000) return `${bytes} bytes`;
  const [number, unit] = bytes >= 0.95 * 2 ** 20 ? [bytes / 2 ** 20, "MB"] : [bytes / 1024, "KB"];
  return `${number.toFixed(1).replace(/\.0$/, "")} ${unit}`;
}

/** An icon for what cannot be shown, by its name and type. */
export function iconOf(name, type = "") {
  const end = name.toLowerCase().match(/\.([a-z0-9]{1,5})$/)?.[1] ?? "";
  if (type.startsWith("image/")) return "🖼️";
  if (type.startsWith("video/")) return "🎬";
  if (type.startsWith("audio/")) return "🎵";
  if (["zip", "rar", "7z", "gz", "tar"].includes(end)) return "🗜️";
  if (["xls", "xlsx", "csv", "ods"].includes(end)) return "📊";
  return "📄";
}

/** «PDF», to read under a file's name. */
export function extensionOf(name) {
  return name.match(/\.([A-Za-z0-9]{1,5})$/)?.[1].toUpperCase() ?? "Archivo";
}

/**
 * A stored file as it is named beside a text that it would go with.
 * @param {{nombre: string, tipo: string, bytes: number, miniatura: string|null}} adjunto
 */
export function fileLine({ nombre, tipo, bytes, miniatura }) {
  const picture = miniatura
    ? h("img", { src: miniatura, alt: "", width: 48, height: 48 })
    : h("span", { class: "icono", "aria-hidden": "true" }, iconOf(nombre, tipo));
  return h("div", { class: "va-con" }, picture, h("span", { class: "que" }, h("bdi", { class: "nombre-archivo" }, nombre), h("span", { class: "detalle" }, sizeInWords(bytes))));
}

/**
 * A small picture of a file that the person chose, made here and shown as data, so that nothing of it is a page's address.
 * @param {File} file
 * @returns {Promise<{src: string, ancho: number, alto: number}|null>} null for what is no picture
 */
export function previewOf(file) {
  if (!file.type.startsWith("image/") || file.type === "image/svg+xml") return Promise.resolve(null);
  if (!previews.has(file)) previews.set(file, draw(file).catch(() => null));
  return previews.get(file);
}

/** The picture of `previewOf` when it is already there, so that nothing has to grow. */
export function previewNow(file) {
  return drawn.get(file) ?? null;
}

async function draw(file) {
  const picture = await createImageBitmap(file);
  const { width, height } = picture;
  const scale = Math.min(1, PREVIEW / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  drawn.set(file, { src: canvas.toDataURL("image/webp", 0.8), ancho: width, alto: height });
  return drawn.get(file);
}

/** The width and height to reserve for a picture, so that nothing jumps when it comes. */
export function boxFor(ancho, alto, most = { ancho: 280, alto: 320 }) {
  if (!ancho || !alto) return { width: 240, height: 180 };
  const scale = Math.min(1, most.ancho / ancho, most.alto / alto);
  return { width: Math.max(96, Math.round(ancho * scale)), height: Math.max(64, Math.round(alto * scale)) };
}
