import { highlight } from "./highlight.js";

const PAUSE_MS = 300;

/**
 * The search box of a timeline: counts what it finds and goes from one to the next, the newest first.
 * @param {HTMLElement} root
 * @param {object} timeline the Timeline that it searches
 */
export function startSearch(root, timeline) {
  const bar = root.querySelector(".buscar");
  const box = bar.querySelector("input");
  const count = bar.querySelector("output");
  const search = { words: [], clear };
  let hits = [];
  let total = 0;
  let at = 0;
  let timer = null;
  let searched = "";

  function clear() {
    clearTimeout(timer);
    box.value = searched = "";
    found({ palabras: [], aciertos: [], total: 0 });
  }

  function found(body) {
    search.words = body.palabras;
    hits = body.aciertos;
    total = body.total;
    at = 0;
    tell();
  }

  function tell(problem = "") {
    const more = total > hits.length ? ` (se recorren las ${hits.length} más recientes)` : "";
    const words = hits.length ? `${at + 1} de ${total}${more}` : "Sin resultados";
    count.textContent = problem || (search.words.length ? words : "");
    for (const button of bar.querySelectorAll("[data-salto]")) button.disabled = !hits.length;
  }

  async function look() {
    clearTimeout(timer);
    const text = (searched = box.value.trim());
    if (!text) found({ palabras: [], aciertos: [], total: 0 });
    else {
      try {
        const { body } = await timeline.ask(`buscar?q=${encodeURIComponent(text)}`);
        if (text !== searched) return;
        if (body.hilo !== timeline.numbering) await timeline.begin(""); // every message has another number
        found(body);
      } catch (error) {
        if (error.name !== "AbortError" && text === searched) tell(error.message);
        return;
      }
    }
    highlight(timeline.thread.list, search.words);
    if (hits.length) await timeline.jump(hits[at]);
  }

  /** @param {number} step 1 to what was said before, -1 to what was said after */
  function go(step) {
    if (box.value.trim() !== searched) return look();
    if (!hits.length) return;
    at = (at + step + hits.length) % hits.length;
    tell();
    timeline.jump(hits[at]);
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && box.value) {
      event.preventDefault();
      event.stopPropagation();
      clear();
      highlight(timeline.thread.list, []);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      go(event.shiftKey ? -1 : 1);
    }
  });
  for (const button of bar.querySelectorAll("[data-salto]")) {
    button.addEventListener("click", () => go(Number(button.dataset.salto)));
  }
  return search;
}
