import { startChat } from "./chat.js";
import { start } from "./dialogs.js";
import { startHistorial } from "./historial.js";
import { startNotificar } from "./notificar.js";
import { startViewer } from "./viewer.js";

/** On a phone the keyboard covers the lower part of the page: the panels keep to what is left. */
function keepAboveKeyboard() {
  const view = window.visualViewport;
  const phone = window.matchMedia("(max-width: 640px)");
  const fit = () => {
    const covered = phone.matches && view.scale === 1;
    for (const panel of document.querySelectorAll("dialog.panel")) {
      panel.style.height = covered ? `${view.height}px` : "";
      panel.style.top = covered ? `${view.offsetTop}px` : "";
    }
  };
  for (const kind of ["resize", "scroll"]) view?.addEventListener(kind, fit);
}

startChat();
startHistorial();
startNotificar();
startViewer();
start();
keepAboveKeyboard();
