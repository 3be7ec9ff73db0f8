/* The QR code of the session's page: asked for when somebody wants to see it, again every 20 s, until WhatsApp is there. */

const AGAIN_MS = 20000;
const box = document.getElementById("qr");
const button = document.getElementById("mostrar-qr");
const picture = document.getElementById("qr-imagen");
const words = document.getElementById("qr-palabras");
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
let timer = 0;

async function ask() {
  clearTimeout(timer);
  if (box.hidden) return;
  let answer = null;
  try {
    const response = await fetch(box.dataset.url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token },
    });
    if (response.ok) answer = await response.json();
  } catch {
    // Said below.
  }
  show(answer);
  if (!answer?.conectado) timer = setTimeout(ask, AGAIN_MS);
}

function show(answer) {
  picture.hidden = !answer?.imagen;
  if (answer?.imagen) picture.src = answer.imagen;
  else picture.removeAttribute("src");
  if (!answer) words.textContent = "La mesa no contesta; se intenta de nuevo.";
  else if (answer.conectado) words.textContent = "✓ WhatsApp está conectado. Recarga la página.";
  else words.textContent = answer.imagen ? "Escanea este código." : `Todavía no hay código: ${answer.detalle}.`;
}

button.addEventListener("click", () => {
  box.hidden = !box.hidden;
  button.setAttribute("aria-expanded", String(!box.hidden));
  button.textContent = box.hidden ? "Mostrar QR" : "Ocultar QR";
  ask();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
});
