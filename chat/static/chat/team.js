import { byId, fill, h } from "./dom.js";

/** Who is in the ticket besides its technician, joining and leaving, and handing it over. */
const joining = byId("chat-unirme");
const opener = byId("chat-transferir");
const form = byId("chat-transferencia");
const select = byId("chat-transferir-a");
const note = byId("chat-transferir-nota");
let inside = false;

/** @param {(verb: string, body: object) => Promise<boolean>} act changes the open ticket */
export function startTeam(act) {
  joining.addEventListener("click", () => act(inside ? "salir" : "unirme", {}));
  opener.addEventListener("click", () => (form.hidden ? open() : close()));
  byId("chat-transferir-no").addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!select.value) return select.focus();
    if (await act("transferir", { tecnico: Number(select.value), nota: note.value.trim() })) close();
  });
}

/** Another ticket was opened. */
export function openTeam() {
  form.hidden = true;
  opener.setAttribute("aria-expanded", "false");
  select.value = note.value = "";
}

function open() {
  form.hidden = false;
  opener.setAttribute("aria-expanded", "true");
  select.focus();
}

function close() {
  const focused = form.contains(document.activeElement);
  openTeam();
  if (focused) opener.focus();
}

/** @param {object|null} ticket as the conversation tells it */
export function showTeam(ticket) {
  const people = ticket?.participantes ?? [];
  inside = people.some((one) => one.yo);
  joining.hidden = !ticket || (Boolean(ticket.tecnico?.yo) && !inside);
  joining.textContent = inside ? "Salir" : "Unirme";
  joining.title = inside ? "Dejar de recibir avisos de este ticket" : "Recibir avisos de este ticket y tenerlo en «Míos»";
  opener.hidden = !ticket;
  for (const option of select.options) option.hidden = option.disabled = option.value === String(ticket?.tecnico?.id);
  const others = people.filter((one) => one.id !== ticket.tecnico?.id);
  fill(byId("chat-participantes"), others, () => others.map(face));
}

function face({ nombre, yo }) {
  const letters = nombre.split(/\s+/).slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();
  const name = yo ? `${nombre} (tú)` : nombre;
  return h("li", { title: name }, h("span", { "aria-hidden": "true" }, letters), h("span", { class: "sr-only" }, name));
}
