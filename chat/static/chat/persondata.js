import { h } from "./dom.js";
import { fullDate, longDay, shortDay } from "./times.js";

/**
 * Who a person is, as nodes.
 * @param {object} person the body of GET /ticket/{id}/persona
 */
export function personData(person) {
  const { nombre, otros_nombres, telefono_legible, departamento, desde, cuenta, tickets } = person;
  const since = `La conocemos desde el ${longDay(desde)} · ${cuenta === 1 ? "1 ticket" : `${cuenta} tickets`}`;
  const cut = cuenta > tickets.length ? [h("p", { class: "datos" }, `Se listan los ${tickets.length} más recientes; la conversación los tiene todos.`)] : [];
  return [
    h("p", { class: "persona-nombre", dir: "auto" }, nombre),
    ...otros_nombres.length ? [h("p", { class: "datos" }, "También: ", ...listed(otros_nombres))] : [],
    h("p", { class: "datos" }, h("bdi", {}, telefono_legible), departamento ? " · " : "", departamento ? h("bdi", {}, departamento) : ""),
    h("p", { class: "datos" }, since),
    ...section("Otras identidades", person.identidades.filter((one) => !one.actual).map(identity), "persona-identidades"),
    ...section("Departamentos", person.departamentos.map(seen)),
    ...section("Equipos y números de activo", person.equipos.map(seen)),
    ...section("Tickets", tickets.map(ticketLine), "persona-tickets"),
    ...cut,
  ];
}

function listed(names) {
  return names.flatMap((name, at) => [at ? ", " : "", h("bdi", {}, name)]);
}

function section(title, items, kind = "") {
  return items.length ? [h("h4", {}, title), h("ul", { class: kind }, ...items)] : [];
}

/** WhatsApp's own identifiers are no numbers, and are not shown as if they were. */
function identity({ tipo, clase, direccion, vista }) {
  const seenLast = vista ? h("span", { title: fullDate(vista) }, ` · vista el ${shortDay(vista)}`) : " · todavía no vista";
  return h("li", {}, h("bdi", { class: "num" }, direccion), h("span", { class: "datos" }, `${tipo === "phone" ? "Otro teléfono" : clase}`, seenLast));
}

function seen({ valor, tickets }) {
  const links = tickets.map((ticket) => h("button", { type: "button", class: "enlace", "data-capitulo": ticket, title: `Ver el ticket #${ticket} en la conversación` }, `#${ticket}`));
  return h("li", {}, h("bdi", {}, valor), h("span", { class: "datos" }, ...links.flatMap((link) => [" ", link])));
}

function ticketLine({ id, estado, equipo, falla, creado, actual }) {
  const kind = estado.toLowerCase().replaceAll(" ", "-");
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "persona-ticket", "data-capitulo": id, "aria-current": actual ? "true" : null },
      h("span", { class: "num" }, h("strong", {}, `#${id}`), actual ? " (este)" : ""),
      h("span", { class: `state state-${kind}` }, estado),
      h("time", { class: "datos", datetime: creado, title: fullDate(creado) }, shortDay(creado)),
      h("span", { class: "persona-falla", dir: "auto" }, falla || equipo || "Falla sin describir"),
    ),
  );
}
