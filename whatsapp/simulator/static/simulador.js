/* Polls the simulator, and moves its switches. */

import { by, element } from "./dom.js";
import { drawPhones } from "./telefonos.js";

const POLL_MS = 700;
const WORDS = { STOPPED: "Sesión detenida", SCAN_QR_CODE: "Falta escanear el QR" };
let choices = { fallas: {}, tipos_de_avisos: {} };
let tag = "";
let pollTimer = 0;

async function call(path, body) {
  const options = body === undefined
    ? { headers: tag && path.endsWith("/telefonos") ? { "If-None-Match": tag } : {}, cache: "no-store" }
    : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  if (answer.ok || answer.status === 304) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail || `El simulador contestó ${answer.status}.`);
}

function tell(text) {
  by("alerta").hidden = !text;
  if (by("alerta").textContent !== text) by("alerta").textContent = text;
}

function plural(count, one, many) {
  return `${count.toLocaleString("es-MX")} ${count === 1 ? one : many}`;
}

/* The bar */

function drawBar(screen) {
  const { estado, avisos } = screen;
  const connected = estado.conexion === "conectado";
  const badge = by("conexion");
  const words = connected ? "Conectado" : WORDS[estado.sesion] ?? "Desconectado";
  if (badge.textContent !== words) badge.textContent = words;
  badge.className = `estado ${estado.conexion}`;
  const button = by("cambiar-conexion");
  button.textContent = connected ? "Cortar" : estado.sesion === "SCAN_QR_CODE" ? "Escanear" : "Restablecer";
  button.dataset.conexion = connected ? "desconectado" : "conectado";
  button.disabled = false;
  by("explica-conexion").textContent = connected
    ? "La mesa puede enviar y recibir."
    : "Lo que envíe la mesa se le niega; lo que escriban las personas espera.";
  setChoice(by("falla"), estado.falla);
  const hanging = screen.colgados ? ` Ahora: ${plural(screen.colgados, "envío colgado", "envíos colgados")}.` : "";
  by("explica-falla").textContent = (choices.fallas[estado.falla]?.explica ?? "") + hanging;
  setChoice(by("falla-archivos"), estado.falla_archivos);
  by("explica-falla-archivos").textContent = choices.fallas_de_archivos?.[estado.falla_archivos] ?? "";
  setChoice(by("avisos"), estado.avisos);
  by("explica-avisos").textContent = choices.tipos_de_avisos[estado.avisos] ?? "";
  by("leer-solo").checked = estado.leer_solo;
  by("leer-solo").disabled = false;
  by("aceptados").textContent = screen.aceptados.toLocaleString("es-MX");
  by("aceptados-texto").textContent = screen.aceptados === 1 ? "mensaje aceptado" : "mensajes aceptados";
  by("escritorio").hidden = !screen.escritorio;
  by("escritorio").href = screen.escritorio || "#";
  by("ocultos").hidden = !screen.ocultos;
  by("ocultos").textContent = `Hay ${plural(screen.ocultos, "teléfono más", "teléfonos más")} sin actividad reciente.`;
  const waiting = avisos.pendientes ? `: ${plural(avisos.pendientes, "aviso espera", "avisos esperan")}.` : ".";
  const lost = avisos.perdidos ? ` ${plural(avisos.perdidos, "aviso se perdió", "avisos se perdieron")}.` : "";
  tell(avisos.problema ? avisos.problema + waiting + lost : lost.trim());
}

function setChoice(select, value) {
  // Not while somebody is choosing.
  if (document.activeElement !== select || select.disabled) select.value = value;
  select.disabled = false;
}

/* Asking and changing */

async function poll() {
  clearTimeout(pollTimer);
  try {
    const answer = await call("/simulador/telefonos");
    if (answer.status !== 304) {
      tag = answer.headers.get("ETag") ?? "";
      const screen = await answer.json();
      drawBar(screen);
      drawPhones(screen.telefonos, actions);
    }
  } catch {
    tag = "";
    tell("El simulador no contesta. Si lo cerraste, esta página sigue sola cuando vuelva.");
  }
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, document.hidden ? POLL_MS * 5 : POLL_MS);
}

async function change(path, body) {
  try {
    await call(path, body);
    await poll();
  } catch (problem) {
    tell(problem.message);
  }
}

const actions = {
  change: (id, accion, texto) => change("/simulador/cambio", { id, accion, texto }),
  answer: (chatId, texto, id) => change("/simulador/respuesta", { telefono: chatId, texto, responde_a: id }),
  // Of no consequence: nobody is told when it fails.
  type: (chatId, escribiendo) => call("/simulador/escribe", { telefono: chatId, escribiendo }).catch(() => {}),
  read: (chatId) => change("/simulador/leido", { telefono: chatId }),
  write: async (chatId, texto) => {
    await call("/simulador/mensaje", { telefono: chatId, texto });
    poll();
  },
  send: async (chatId, what, body) => {
    await call(`/simulador/${what}`, { telefono: chatId, ...body });
    poll();
  },
};

by("cambiar-conexion").addEventListener("click", (event) => {
  event.target.disabled = true;
  change("/simulador/estado", { conexion: event.target.dataset.conexion });
});
for (const [id, key] of [["falla", "falla"], ["avisos", "avisos"], ["falla-archivos", "falla_archivos"]]) {
  by(id).addEventListener("change", (event) => {
    event.target.blur();
    change("/simulador/estado", { [key]: event.target.value });
  });
}
by("leer-solo").addEventListener("change", (event) => change("/simulador/estado", { leer_solo: event.target.checked }));
by("nuevo").addEventListener("submit", async (event) => {
  event.preventDefault();
  by("nuevo-error").textContent = "";
  try {
    await call("/simulador/telefonos", { telefono: by("nuevo-telefono").value, nombre: by("nuevo-nombre").value });
    by("nuevo").reset();
    poll();
  } catch (problem) {
    by("nuevo-error").textContent = problem.message;
  }
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });

async function begin() {
  try {
    choices = await (await call("/simulador/estado")).json();
    by("falla").replaceChildren(...Object.entries(choices.fallas).map(([value, fault]) => {
      const option = element("option", "", fault.nombre);
      option.value = value;
      return option;
    }));
    by("falla-archivos").replaceChildren(...Object.keys(choices.fallas_de_archivos).map((value) => {
      const option = element("option", "", value.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase()));
      option.value = value;
      return option;
    }));
    poll();
  } catch {
    tell("El simulador no contesta todavía.");
    setTimeout(begin, POLL_MS);
  }
}
begin();
