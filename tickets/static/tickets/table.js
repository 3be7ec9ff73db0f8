// Keeps the list true while somebody looks at it: it asks when the live stream says that a row changed, else every 5 s,
// and touches only what is different.
(() => {
  "use strict";
  const timeZone = document.documentElement.dataset.zona; // The desk's, as all times on the page are.
  const EVERY_MS = 5000;
  const LIVE_EVERY_MS = 60_000; // While the stream tells of every change.
  const PAUSE_MS = [300, 5000]; // Between two askings that the stream causes: ten times what one takes, within this.
  const SPREAD_MS = 1500; // When all pages are told to ask for everything at the same moment.
  const GIVE_UP_MS = 8000;
  const PANELS = ["chat", "historial", "notificar"];
  const list = document.getElementById("lista");
  const pill = document.getElementById("estado-lista");
  const failure = document.getElementById("fallo");
  const announcement = document.getElementById("aviso");
  const seconds = new Intl.DateTimeFormat("es-MX", { timeStyle: "medium", hourCycle: "h23", timeZone });
  const minutes = new Intl.DateTimeFormat("es-MX", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  const seen = new Map(); // What the server last said of each row, without the clock's own changes.
  let etag = "";
  let skew = 0; // How far this computer's clock is behind the desk's.
  let lastGood = new Date();
  let failures = 0;
  let timer = 0;
  let asking = false;
  let askAgain = false;
  let live = false;
  let pauseUntil = 0;
  let hint = 0;

  function fragmentUrl() {
    const url = new URL(location.href);
    for (const name of PANELS) url.searchParams.delete(name);
    url.searchParams.set("parcial", "1");
    url.hash = "";
    return url;
  }

  function said(row) {
    const copy = row.cloneNode(true);
    copy.classList.remove("fresh");
    if (!copy.className) copy.removeAttribute("class");
    for (const time of copy.querySelectorAll("[data-espera]")) time.textContent = "";
    return copy.outerHTML;
  }

  // Where the focus is, in words that still mean something after the node is replaced.
  function rememberFocus() {
    const focused = document.activeElement;
    if (!list.contains(focused)) return () => {};
    const row = focused.closest("tr[data-ticket]");
    const inRow = focused.dataset.abrir ? `[data-abrir="${focused.dataset.abrir}"]` : "a.photo";
    const part = focused.closest("[data-parte]")?.dataset.parte;
    const index = [...list.querySelectorAll(`[data-parte="${part}"] a`)].indexOf(focused);
    return () => {
      if (document.activeElement === focused) return;
      const again = row
        ? list.querySelector(`tr[data-ticket="${row.dataset.ticket}"] ${inRow}`)
        : list.querySelectorAll(`[data-parte="${part}"] a`)[index];
      again?.focus({ preventScroll: true });
    };
  }

  function updateRows(body, incoming) {
    const rows = new Map([...body.children].map((row) => [row.dataset.ticket, row]));
    let place = body.firstElementChild;
    for (const next of incoming) {
      const id = next.dataset.ticket;
      const words = said(next);
      let row = rows.get(id);
      rows.delete(id);
      if (!row || seen.get(id) !== words) {
        next.classList.add("fresh");
        if (row) {
          if (place === row) place = next;
          row.replaceWith(next);
        }
        row = next;
        seen.set(id, words);
      }
      if (row === place) place = place.nextElementSibling;
      else body.insertBefore(row, place);
    }
    for (const [id, row] of rows) {
      row.remove();
      seen.delete(id);
    }
  }

  function update(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const refocus = rememberFocus();
    const oldBody = list.querySelector("tbody");
    const newBody = fresh.querySelector("tbody");
    for (const part of ["pestanas", "tabla", "paginas"]) {
      const before = list.querySelector(`[data-parte="${part}"]`);
      const after = fresh.querySelector(`[data-parte="${part}"]`);
      if (part === "tabla" && oldBody && newBody) updateRows(oldBody, [...newBody.children]);
      else if (before && after) before.outerHTML !== after.outerHTML && before.replaceWith(after);
      else if (before) before.remove();
      else if (after) list.append(after);
    }
    if (!oldBody || !newBody) rememberRows();
    refocus();
  }

  function rememberRows() {
    seen.clear();
    for (const row of list.querySelectorAll("tr[data-ticket]")) seen.set(row.dataset.ticket, said(row));
  }

  function tick() {
    for (const time of list.querySelectorAll("[data-espera]")) {
      const waited = Math.max(0, Math.floor((Date.now() + skew - new Date(time.dateTime)) / 60_000));
      const words =
        waited < 1 ? "<1 min" : waited < 60 ? `${waited} min` : waited < 2880 ? `${Math.floor(waited / 60)} h` : `${Math.floor(waited / 1440)} d`;
      if (time.textContent !== words) time.textContent = words;
    }
  }

  function say(text, state, aloud) {
    pill.textContent = text;
    pill.dataset.estado = state;
    pill.title = "";
    pill.hidden = false;
    if (aloud) announcement.textContent = text;
  }

  function succeed() {
    const wasDown = failures > 1;
    failures = 0;
    lastGood = new Date();
    failure.hidden = true;
    sayUpToDate();
    if (wasDown) announcement.textContent = "La lista vuelve a estar al día.";
  }

  function sayUpToDate() {
    say(live ? "Al día · en vivo" : `Al día · ${seconds.format(lastGood)}`, "bien", false);
    pill.title = `La lista es de las ${seconds.format(lastGood)}.`;
  }

  function fail(status) {
    failures += 1;
    if (failures === 1 && navigator.onLine) say("Reconectando…", "duda", false);
    else say(`Sin conexión desde ${minutes.format(lastGood)}`, "mal", failures === 2);
    if (!status) return;
    explain(`No se pudo actualizar la lista (error ${status}). Lo que ves es de las ${minutes.format(lastGood)}.`, "Reintentar");
  }

  function explain(text, action) {
    failure.querySelector("span").textContent = text;
    failure.querySelector("button").textContent = action;
    failure.hidden = false;
  }

  async function refresh() {
    if (asking) {
      askAgain = true;
      return;
    }
    clearTimeout(timer);
    clearTimeout(hint);
    hint = 0;
    asking = true;
    const began = Date.now();
    const url = fragmentUrl();
    try {
      const response = await fetch(url, {
        headers: etag ? { "If-None-Match": etag } : {},
        cache: "no-store",
        redirect: "manual",
        signal: AbortSignal.timeout(GIVE_UP_MS),
      });
      skew = (Date.parse(response.headers.get("Date")) || Date.now()) - Date.now();
      if (response.type === "opaqueredirect") {
        say("Sesión terminada", "mal", true);
        explain("Tu sesión terminó. Entra de nuevo para seguir.", "Entrar");
        failures += 1;
      } else if (response.status === 304) {
        succeed();
      } else if (response.ok) {
        const html = await response.text();
        // A row that moves under a pressed finger would open somebody else's chat.
        if (!list.querySelector("a:active") && url.href === fragmentUrl().href) {
          update(html);
          etag = response.headers.get("ETag") ?? "";
        }
        succeed();
      } else {
        fail(response.status);
      }
    } catch {
      fail(0);
    }
    tick();
    asking = false;
    const [least, most] = PAUSE_MS;
    pauseUntil = Date.now() + Math.min(most, Math.max(least, 10 * (Date.now() - began)));
    const soon = askAgain;
    askAgain = false;
    if (soon) refresh();
    else wait();
  }

  function wait() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(refresh, live && !failures ? LIVE_EVERY_MS : EVERY_MS);
  }

  // The stream says that the list reads differently. A busy desk says so many times a second.
  function refreshSoon(spread = 0) {
    if (hint || document.hidden) return;
    hint = setTimeout(refresh, Math.max(0, pauseUntil - Date.now()) + spread * Math.random());
  }

  failure.querySelector("button").addEventListener("click", () => {
    if (pill.textContent === "Sesión terminada") location.reload();
    else refresh();
  });
  for (const select of document.querySelectorAll("#filtros select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
  document.getElementById("filtros").addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
  window.addEventListener("tickets:refrescar", refresh);
  window.addEventListener("online", refresh);
  window.addEventListener("vivo:ticket", ({ detail }) => detail.fila && refreshSoon());
  window.addEventListener("vivo:todo", () => refreshSoon(SPREAD_MS));
  window.addEventListener("vivo:estado", ({ detail }) => {
    live = detail.vivo;
    if (!failures) sayUpToDate();
    if (live) wait();
    else refreshSoon(SPREAD_MS);
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));

  rememberRows();
  succeed();
  wait();
})();
