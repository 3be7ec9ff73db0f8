import { loginUrl, request } from "./api.js";
import { h } from "./dom.js";
import { writeTemplateDraft } from "./drafts.js";
import { uuid } from "./outbox.js";
import { outcomeOf } from "./outcomes.js";
import { MAX_BODY, bubble, contextOf, filled, problemOf, titleOf } from "./plantilla.js";

/**
 * One template to fill and send: its preview, a field for each variable, one button.
 * @param {import("./plantilla.js").Plantilla} template
 * @param {object|null} draft what was written of it before; else its fields hold what is probably meant
 * @param {{ticket: number, name: string, suggestions: string[], seen: () => number|null, leave: () => void,
 *   sent: () => void, refresh: () => void}} chat
 * @returns {HTMLFormElement}
 */
export function templateForm(template, draft, chat) {
  const kept = (values, own) => own.map((value, at) => values?.[at] ?? value);
  const header = kept(draft?.encabezado, template.valores_encabezado);
  const values = kept(draft?.variables, template.valores);
  let key = { clave: draft?.clave, de: draft?.de };
  let sure = false; // a colleague is writing, and that was said
  const globe = h("div", { class: "globo" });
  const trouble = h("p", { class: "tarjeta", "data-tono": "error", role: "alert", hidden: true });
  const send = h("button", { type: "submit", class: "btn btn-chat" }, "📤 Enviar plantilla");
  const content = () => ({ plantilla: template.id, variables: [...values], encabezado: [...header] });
  const keep = () => writeTemplateDraft(chat.ticket, { ...content(), ...key });
  const draw = () => globe.replaceChildren(...bubble(template, header, values));
  const edited = () => {
    draw();
    keep();
  };
  const fields = [
    ...header.map((_, at) => field("encabezado", template.encabezado, header, at, edited)),
    ...values.map((_, at) => field("cuerpo", template.cuerpo, values, at, edited)),
  ];

  /** Why it cannot be sent as it is, or "". */
  function problem() {
    const wrong = fields.filter((one) => !one.check());
    if (wrong.length) wrong[0].input.focus();
    const size = [...filled(template.cuerpo, values)].length;
    if (!wrong.length && size > MAX_BODY) tell(`El texto queda de ${size} caracteres; una plantilla admite hasta ${MAX_BODY}.`);
    return wrong.length > 0 || size > MAX_BODY;
  }

  function tell(words, logIn = false) {
    trouble.replaceChildren(words, logIn ? h("a", { href: loginUrl() }, " Entrar de nuevo") : "");
    trouble.hidden = !words;
  }

  async function submit(event) {
    event.preventDefault();
    tell("");
    if (send.disabled || problem()) return;
    // One key as long as the words are the same: a repeat after a lost answer sends nothing twice.
    const de = JSON.stringify(content());
    if (key.de !== de) key = { clave: uuid(), de };
    keep();
    send.disabled = true;
    send.textContent = "Enviando…";
    const outcome = await post({ ...content(), clave: key.clave });
    send.disabled = false;
    sure = Boolean(outcome?.colegas);
    send.textContent = sure ? "Enviar de todos modos" : "📤 Enviar plantilla";
    if (!outcome || outcome.guardado) {
      writeTemplateDraft(chat.ticket, null);
      chat.sent();
    } else {
      tell(outcome.texto, outcome.acciones.includes("entrar"));
    }
    chat.refresh();
  }

  /** @returns {Promise<import("./outcomes.js").Outcome|null>} null when it was sent */
  async function post(body) {
    const seen = chat.seen();
    try {
      if (seen !== null) body.visto_hasta = seen;
      if (sure) body.forzar = true;
      await request(`/ticket/${chat.ticket}/enviar-plantilla`, { body, deadline: 40000 });
      return null;
    } catch (error) {
      return outcomeOf(error, chat.name);
    }
  }

  draw();
  const again = h("button", { type: "button", class: "btn btn-plain", onclick: chat.leave }, "Elegir otra");
  return h(
    "form",
    { class: "plantilla", novalidate: true, onsubmit: submit },
    h("div", { class: "elegida" }, h("strong", {}, titleOf(template)), again),
    h("div", { class: "vista mensaje", "data-rol": "tecnico" }, globe),
    h("div", { class: "campos" }, ...fields),
    h("datalist", { id: "plantilla-sugerencias" }, ...chat.suggestions.map((value) => h("option", { value }))),
    trouble,
    h("div", { class: "pie-redactar" }, send),
  );
}

/** A labelled text field for one variable; `check` shows and tells whether Meta takes what it holds. */
function field(part, text, values, at, edited) {
  const id = `plantilla-${part}-${at}`;
  const hint = h("span", { class: "problema-campo", id });
  const input = h("input", {
    type: "text",
    value: values[at],
    list: "plantilla-sugerencias",
    autocomplete: "off",
    dir: "auto",
    "aria-describedby": id,
    oninput: () => {
      values[at] = input.value;
      if (hint.textContent) check();
      edited();
    },
  });
  const check = () => {
    hint.textContent = problemOf(input.value);
    input.setAttribute("aria-invalid", String(Boolean(hint.textContent)));
    return !hint.textContent;
  };
  const label = h("label", {}, h("span", { class: "datos" }, contextOf(text, at + 1)), input, hint);
  return Object.assign(label, { check, input });
}
