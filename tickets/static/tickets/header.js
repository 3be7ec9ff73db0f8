// The header: the state of WhatsApp, and a menu that closes as menus do.
(() => {
  "use strict";
  const timeZone = document.documentElement.dataset.zona; // The desk's, as all times on the page are.
  const EVERY_MS = 5_000;
  const LIVE_EVERY_MS = 60_000; // While the stream tells when it changes.
  const pill = document.getElementById("estado-whatsapp");
  const clock = new Intl.DateTimeFormat("es-MX", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  const day = new Intl.DateTimeFormat("es-MX", { day: "numeric", month: "short", timeZone });

  function since(iso) {
    const date = new Date(iso);
    if (!iso || Number.isNaN(date.getTime())) return "";
    const today = day.format(date) === day.format(new Date());
    return ` desde ${today ? "" : `el ${day.format(date)}, `}${clock.format(date)}`;
  }

  function say(text, state, title = "") {
    if (pill.textContent !== text) pill.textContent = text;
    pill.dataset.estado = state;
    pill.title = title;
    pill.hidden = false;
  }

  async function ask() {
    if (document.hidden) return;
    let state;
    try {
      const response = await fetch("/estado", {
        headers: { Accept: "application/json" },
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(8000),
      });
      if (response.status === 403 || response.status === 404) return; // Not for this person to know.
      if (!response.ok) throw new Error(String(response.status));
      state = await response.json();
    } catch {
      say("WhatsApp: sin información", "duda", "No se pudo consultar el estado de WhatsApp.");
      return;
    }
    const waiting = Number(state.en_cola) || 0;
    const queue = waiting ? ` · ${waiting} ${waiting === 1 ? "mensaje" : "mensajes"} en espera` : "";
    if (state.pausa) {
      say(`Envío en pausa${since(state.pausa)}${queue}`, "duda", state.motivo_pausa);
      return;
    }
    if (state.whatsapp === "conectado") {
      say("WhatsApp conectado", "bien", state.detalle);
      return;
    }
    say(`WhatsApp desconectado${since(state.desde)}${queue}`, "mal", state.detalle);
  }

  let timer = setInterval(ask, EVERY_MS);
  ask();
  window.addEventListener("vivo:estado", ({ detail }) => {
    clearInterval(timer);
    timer = setInterval(ask, detail.vivo ? LIVE_EVERY_MS : EVERY_MS);
  });
  window.addEventListener("vivo:conexion", ask);
  window.addEventListener("vivo:todo", ask);
  window.addEventListener("tickets:refrescar", ask); // A send that failed says so up here at once.
  document.addEventListener("visibilitychange", ask);

  const menu = document.querySelector("details.menu");
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
})();
