import { request } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { readDraft, readTemplateDraft, writeTemplateDraft } from "./drafts.js";
import { filled, folded, languageOf, titleOf } from "./plantilla.js";
import { templateForm } from "./templateform.js";
import { shortDate } from "./times.js";

/** The composer while the 24-hour window is closed: choose an approved template, fill its variables, send it. */
const body = byId("plantillas-cuerpo");
let chat = null;
let view = null;

/** @param {{seen: () => number|null, refresh: () => void}} owner the last seq on screen; something was sent */
export function startTemplates(owner) {
  chat = owner;
}

/** A chat was opened; nothing is asked for until its window is closed. */
export function openTemplates(ticket) {
  closeTemplates();
  view = { ticket, data: null, loading: false, failed: "", name: "", search: "", language: "", controller: new AbortController() };
  body.replaceChildren();
}

export function closeTemplates() {
  view?.controller.abort();
  view = null;
}

/** The window is closed. @param {import("./conversation.js").Conversation} [conversation] */
export function showTemplates(conversation) {
  if (conversation) view.name = conversation.firstName;
  const { ticket } = conversation ?? {};
  const draft = readDraft(view.ticket) !== "";
  if (ticket) {
    const never = ticket.ventana && !ticket.ventana.cierra;
    fill(byId("plantillas-titulo"), never, () => [never ? "🔒 La persona todavía no ha escrito" : "🔒 Pasaron 24 horas sin que la persona escriba"]);
  }
  fill(byId("plantillas-nota"), [view.name, draft, ticket?.abierto], () => [
    `Hasta que ${view.name || "la persona"} escriba, WhatsApp solo admite una plantilla aprobada.`,
    ...(draft ? [" Tu borrador se conserva para entonces."] : []),
    ...(ticket && !ticket.abierto ? [` Este ticket está ${ticket.estado}; enviarla lo reabre.`] : []),
  ]);
  if (!view.data && !view.loading && !view.failed) load();
}

async function load() {
  const asked = view;
  Object.assign(view, { loading: true, failed: "" });
  body.replaceChildren(h("div", { class: "espera", role: "status", "aria-label": "Cargando las plantillas" }, h("i"), h("i"), h("i")));
  try {
    const answer = await request(`/ticket/${asked.ticket}/enviar-plantilla`, { signal: asked.controller.signal });
    if (asked !== view) return;
    view.data = answer.body;
    const draft = readTemplateDraft(view.ticket);
    const template = view.data.plantillas.find((one) => one.id === draft?.plantilla);
    if (template) choose(template, draft);
    else drawList();
  } catch (error) {
    if (asked !== view || error.name === "AbortError") return;
    view.failed = error.message;
    const again = h("button", { type: "button", class: "btn btn-plain", onclick: load }, "Reintentar");
    body.replaceChildren(h("p", { role: "alert" }, h("strong", {}, "No se pudieron cargar las plantillas. "), error.message), again);
  } finally {
    asked.loading = false;
  }
}

function drawList() {
  const { plantillas, otras, leidas } = view.data;
  if (!plantillas.length) return body.replaceChildren(...emptyWords(otras, leidas));
  const languages = [...new Set(plantillas.map((one) => one.idioma))];
  const list = h("ul", { class: "plantillas-lista" });
  const draw = () => {
    const words = folded(view.search).split(/\s+/).filter(Boolean);
    const found = plantillas.filter(
      (one) => (!view.language || one.idioma === view.language) && words.every((word) => folded(textOf(one)).includes(word)),
    );
    list.replaceChildren(...(found.length ? found.map((one) => item(one, languages.length > 1 || null)) : [h("li", { class: "datos" }, "Ninguna plantilla coincide.")]));
  };
  const search = h("input", {
    type: "search",
    placeholder: "Buscar plantilla…",
    "aria-label": "Buscar plantilla",
    value: view.search,
    oninput: () => draw((view.search = search.value)),
  });
  const select = h(
    "select",
    { "aria-label": "Idioma", onchange: () => draw((view.language = select.value)) },
    h("option", { value: "" }, "Idioma: todos"),
    ...languages.map((code) => h("option", { value: code, selected: code === view.language }, languageOf(code))),
  );
  draw();
  body.replaceChildren(h("div", { class: "buscar" }, search, languages.length > 1 ? select : null), list);
}

const textOf = (one) => `${one.nombre} ${titleOf(one)} ${one.encabezado} ${one.cuerpo}`;

function item(template, language) {
  const excerpt = filled(template.cuerpo, template.valores).replace(/\s+/g, " ");
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", "data-plantilla": template.id, onclick: () => choose(template) },
      h("span", { class: "titulo" }, titleOf(template), language && h("span", { class: "datos" }, ` · ${languageOf(template.idioma)}`)),
      h("span", { class: "datos renglon" }, excerpt),
    ),
  );
}

function emptyWords(others, read) {
  const why = others
    ? `Hay ${others} que aún no se ${others === 1 ? "puede" : "pueden"} enviar: en revisión, rechazadas o con partes que aquí no se llenan.`
    : "La cuenta todavía no tiene plantillas.";
  const how = "Un supervisor las crea en el Administrador de WhatsApp de Meta y las trae en Administración › Plantillas › Actualizar desde Meta.";
  const again = h("button", { type: "button", class: "btn btn-plain", onclick: load }, "Buscar de nuevo");
  return [
    h("p", {}, h("strong", {}, "No hay plantillas aprobadas. "), why),
    h("p", { class: "datos" }, how, read ? ` Última lectura: ${shortDate(read)}.` : ""),
    again,
  ];
}

/** @param {object} [draft] what was written of it before */
function choose(template, draft = null) {
  const { ticket, name, data } = view;
  const form = templateForm(template, draft, {
    ticket,
    name,
    suggestions: data.sugerencias,
    seen: chat.seen,
    leave: () => {
      writeTemplateDraft(ticket, null);
      drawList();
      body.querySelector("input")?.focus();
    },
    sent: () => {
      if (view?.ticket === ticket && view.data) drawList();
    },
    refresh: chat.refresh,
  });
  body.replaceChildren(form);
  if (!draft) (form.querySelector('input[value=""]') ?? form.querySelector("[type=submit]")).focus();
}
