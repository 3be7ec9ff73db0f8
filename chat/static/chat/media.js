import { h } from "./dom.js";
import { boxFor, extensionOf, iconOf, previewNow, previewOf, sizeInWords } from "./files.js";
import { formatted } from "./marks.js";

/**
 * What a message that is no text shows.
 * @typedef {{estado: "pendiente"|"listo"|"fallido"|"subiendo", tipo: string, nombre: string, bytes: number|null, url: string|null,
 *   miniatura: string|null, en_linea: boolean, ancho: number|null, alto: number|null, problema: string, reintentable: boolean,
 *   archivo?: File, progreso?: number}} Attachment
 */

// Pictures sent from here, by the message's key: until the thumbnail is made nobody has to download their own picture.
const own = new Map();

/** @param {object} entry a row of the conversation, see bubbles.js @returns {Node[]|null} null when there is nothing but its words to show */
export function mediaOf(entry) {
  const { adjunto, datos = {}, tipo } = entry;
  if (tipo === "location" && datos.latitud !== undefined) return [place(datos)];
  if (tipo === "contact" && datos.contactos?.length) return datos.contactos.map(person);
  if (!adjunto) return null;
  const words = captionOf(entry.content);
  return [file(entry, adjunto, words), ...(words ? [h("div", { class: "leyenda", dir: "auto" }, ...formatted(words))] : [])];
}

/** What the caller's signature needs: a bubble is drawn again when one of these differs. */
export function mediaSignature({ adjunto, datos }) {
  if (!adjunto) return datos;
  const { archivo, progreso, ...rest } = adjunto;
  return rest;
}

/** Moves the bar of a file on its way without drawing the bubble again. */
export function showProgress(row, { adjunto }) {
  const bar = row.querySelector("progress");
  if (!bar || adjunto?.progreso === undefined) return;
  bar.value = adjunto.progreso;
  bar.nextElementSibling.textContent = adjunto.progreso < 1 ? `${Math.round(adjunto.progreso * 100)} %` : "Entregando…";
}

/** A sticker stands without a bubble. */
export function isSticker({ tipo, adjunto, eliminado }) {
  return tipo === "sticker" && !eliminado && adjunto?.estado === "listo" && adjunto.en_linea;
}

/** The words behind the kind's name ("📷 Imagen: …"). */
function captionOf(content) {
  const colon = content.indexOf(": ");
  return colon < 0 ? "" : content.slice(colon + 2);
}

function file(entry, adjunto, words) {
  if (adjunto.estado === "pendiente") return waiting(adjunto);
  if (adjunto.estado === "fallido") return failed(adjunto);
  if (adjunto.estado === "subiendo") return uploading(entry.clave, adjunto);
  if (adjunto.en_linea && adjunto.tipo.startsWith("image/")) return picture(entry, adjunto, words);
  if (adjunto.en_linea && adjunto.tipo.startsWith("video/")) return player("video", adjunto);
  if (adjunto.en_linea && adjunto.tipo.startsWith("audio/")) return player("audio", adjunto);
  return card(adjunto);
}

function picture(entry, adjunto, words) {
  if (entry.tipo === "sticker") {
    const size = boxFor(adjunto.ancho, adjunto.alto, { ancho: 144, alto: 144 });
    return h("img", { class: "pegatina", src: adjunto.url, alt: "Sticker", loading: "lazy", ...size });
  }
  const before = own.get(entry.clave);
  const { ancho, alto } = adjunto.ancho ? adjunto : (before ?? adjunto);
  const alt = words || adjunto.nombre;
  const box = boxFor(ancho, alto);
  const show = h("button", { type: "button", class: "foto", "data-ver": adjunto.url, "data-nombre": adjunto.nombre, "aria-label": `Ver la imagen: ${alt}` });
  show.style.width = `${box.width}px`;
  const src = before?.src ?? adjunto.miniatura ?? adjunto.url;
  show.append(h("img", { src, alt: `Imagen: ${alt}`, ...box, onerror: () => show.replaceWith(card({ ...adjunto, problema: "No se pudo mostrar ahora." })) }));
  return show;
}

function player(tag, adjunto) {
  const label = `${tag === "video" ? "Video" : "Audio"}: ${adjunto.nombre}`;
  const node = h(tag, { class: "reproductor", controls: true, preload: "metadata", src: adjunto.url, "aria-label": label });
  node.addEventListener("error", () => node.replaceWith(card({ ...adjunto, problema: "Tu navegador no lo puede reproducir." })));
  return tag === "video" ? node : h("div", { class: "sonido" }, node, download(adjunto, "Descargar el audio"));
}

function card(adjunto) {
  const { nombre, tipo, bytes, problema } = adjunto;
  const about = [extensionOf(nombre), sizeInWords(bytes)].filter(Boolean).join(" · ");
  return h(
    "a",
    { class: "archivo", href: `${adjunto.url}?descargar`, download: nombre, title: `Descargar ${nombre}` },
    h("span", { class: "icono", "aria-hidden": "true" }, iconOf(nombre, tipo)),
    h("span", { class: "que" }, h("bdi", { class: "nombre-archivo" }, nombre), h("span", { class: "detalle" }, about), problema ? h("span", { class: "detalle" }, problema) : null),
    h("span", { class: "flecha", "aria-hidden": "true" }, "⬇"),
    h("span", { class: "sr-only" }, "Descargar"),
  );
}

function download({ url, nombre }, label) {
  return h("a", { class: "bajar", href: `${url}?descargar`, download: nombre, title: label, "aria-label": `${label}: ${nombre}` }, "⬇");
}

function waiting({ tipo, nombre, bytes, problema }) {
  const about = [nombre, sizeInWords(bytes)].filter(Boolean).join(" · ");
  const tall = tipo.startsWith("image/") || tipo.startsWith("video/");
  return h(
    "div",
    { class: `archivo espera${tall ? " alto" : ""}`, role: "status" },
    h("span", { class: "icono", "aria-hidden": "true" }, iconOf(nombre, tipo)),
    h("span", { class: "que" }, h("span", {}, "Descargando…"), h("bdi", { class: "detalle" }, about), problema ? h("span", { class: "detalle" }, problema) : null),
  );
}

function failed({ nombre, problema, reintentable }) {
  return h(
    "div",
    { class: "archivo fallo" },
    h("span", { class: "icono", "aria-hidden": "true" }, "⚠️"),
    h("span", { class: "que" }, h("strong", {}, "No se pudo descargar"), h("bdi", { class: "detalle" }, nombre), h("span", { class: "detalle" }, problema)),
    reintentable ? h("button", { type: "button", class: "btn btn-plain", "data-accion": "descargar" }, "Reintentar") : null,
  );
}

function uploading(clave, { archivo, nombre, bytes }) {
  const icon = h("span", { class: "icono", "aria-hidden": "true" }, iconOf(nombre, archivo.type));
  const node = h(
    "div",
    { class: "archivo" },
    icon,
    h("span", { class: "que" }, h("bdi", { class: "nombre-archivo" }, nombre), h("span", { class: "detalle" }, sizeInWords(bytes))),
    h("span", { class: "avance" }, h("progress", { max: 1, value: 0, "aria-label": `Subiendo ${nombre}` }), h("span", { class: "detalle" })),
  );
  const show = (preview) => {
    if (!preview) return;
    own.set(clave, preview);
    const box = boxFor(preview.ancho, preview.alto);
    node.classList.add("con-foto");
    node.style.width = `${box.width}px`;
    icon.replaceWith(h("img", { src: preview.src, alt: `Imagen: ${nombre}`, ...box }));
  };
  if (previewNow(archivo)) show(previewNow(archivo));
  else previewOf(archivo).then(show);
  return node;
}

function place({ latitud, longitud, nombre, direccion }) {
  const coordinates = `${latitud.toFixed(5)}, ${longitud.toFixed(5)}`;
  const map = `https://www.openstreetmap.org/?mlat=${latitud}&mlon=${longitud}#map=17/${latitud}/${longitud}`;
  return h(
    "a",
    { class: "archivo", href: map, target: "_blank", rel: "noopener noreferrer", title: "Ver en OpenStreetMap" },
    h("span", { class: "icono", "aria-hidden": "true" }, "📍"),
    h("span", { class: "que" }, h("bdi", { class: "nombre-archivo" }, nombre || "Ubicación"), direccion ? h("bdi", { class: "detalle" }, direccion) : null, h("span", { class: "detalle num" }, coordinates), h("span", { class: "enlace" }, "Ver en el mapa ↗")),
  );
}

function person({ nombre, telefonos }) {
  const phones = telefonos.map((phone) => h("a", { class: "detalle num", href: `tel:${phone.replace(/[^+\d]/g, "")}` }, phone));
  return h(
    "div",
    { class: "archivo contacto" },
    h("span", { class: "icono", "aria-hidden": "true" }, "👤"),
    h("span", { class: "que" }, h("bdi", { class: "nombre-archivo" }, nombre || "Contacto"), ...phones),
  );
}
