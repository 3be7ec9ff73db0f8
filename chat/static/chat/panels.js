import { startChat } from "./chat.js";
import { start } from "./dialogs.js";
import { startHistorial } from "./historial.js";
import { startNotificar } from "./notificar.js";

startChat();
startHistorial();
startNotificar();
start();
