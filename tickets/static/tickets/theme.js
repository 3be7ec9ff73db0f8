// Loaded in <head> without defer, so that the page never flashes in the other theme.
(() => {
  "use strict";
  const KEY = "tema";
  const NEXT = { automático: "claro", claro: "oscuro", oscuro: "automático" };
  const THEMES = { claro: "light", oscuro: "dark" };
  let chosen = "automático";
  try {
    chosen = localStorage.getItem(KEY) ?? chosen;
  } catch {
    // Private windows may refuse storage: the system's theme is a good answer.
  }
  if (!(chosen in NEXT)) chosen = "automático";

  function apply() {
    const theme = THEMES[chosen];
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  }

  apply();
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("tema");
    if (!button) return;
    const label = () => (button.textContent = `Tema: ${chosen}`);
    label();
    button.hidden = false;
    button.addEventListener("click", () => {
      chosen = NEXT[chosen];
      try {
        localStorage.setItem(KEY, chosen);
      } catch {
        // It lasts for this page.
      }
      apply();
      label();
    });
  });
})();
