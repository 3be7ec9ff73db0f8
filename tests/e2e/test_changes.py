"""What a technician sees of messages that changed, and what a supervisor sees of the session."""

from __future__ import annotations

import re
from typing import Any

import requests
from playwright.sync_api import BrowserContext, expect

from tests.e2e.conftest import Screen
from tests.programs import Desk, until


def phone_does(running: Desk, path: str, **body: Any) -> dict[str, Any]:
    answer = requests.post(f"{running.simulator_url}/simulador/{path}", json=body, timeout=10)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def writes(running: Desk, phone: str, ticket: int, text: str) -> str:
    """A person writes, and the desk has it; returns the message's id."""
    written: str = phone_does(running, "mensaje", telefono=phone, texto=text)["id"]
    until(lambda: any(entry["content"] == text for entry in running.history(ticket)))
    return written


def test_an_edited_message_shows_its_new_words_and_the_first_on_demand(
    screen: Screen, ticket: int, running: Desk, phone: str
) -> None:
    written = writes(running, phone, ticket, "Es la del segundo piso")
    screen.open(ticket)
    expect(screen.bubble("Es la del segundo piso")).to_be_visible()
    phone_does(running, "cambio", id=written, accion="editar", texto="Es la del tercer piso")
    bubble = screen.bubble("Es la del tercer piso")
    expect(bubble).to_contain_text("Editado")
    expect(bubble.locator(".antes").get_by_text("Es la del segundo piso")).not_to_be_visible()
    bubble.get_by_text("Ver lo que decía antes").click()
    expect(bubble.locator(".antes").get_by_text("Es la del segundo piso")).to_be_visible()


def test_a_deleted_message_says_so_and_keeps_its_words_on_demand(
    screen: Screen, ticket: int, running: Desk, phone: str
) -> None:
    written = writes(running, phone, ticket, "mi clave es <b>perro</b>")
    screen.open(ticket)
    phone_does(running, "cambio", id=written, accion="eliminar")
    bubble = screen.bubble("Eliminado por la persona")
    words = bubble.locator(".antes").get_by_text("mi clave es <b>perro</b>")
    expect(words).not_to_be_visible()
    bubble.get_by_text("Ver lo que decía").click()
    expect(words).to_be_visible()
    screen.page.evaluate("dispatchEvent(new CustomEvent('tickets:cambio'))")
    expect(words).to_be_visible()


def test_reactions_of_both_sides_are_on_the_bubble(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    screen.write("Ya quedó")
    expect(screen.bubble("Ya quedó")).to_contain_text("Leído")
    sent = requests.get(f"{running.simulator_url}/simulador/aceptados", timeout=10).json()["aceptados"][-1]["id"]
    phone_does(running, "cambio", id=sent, accion="reaccionar", texto="👍")
    phone_does(running, "cambio", id=sent, accion="reaccionar", texto="❤️", mesa=True)
    emojis = screen.bubble("Ya quedó").locator(".reaccion")
    expect(emojis).to_have_text(["👍", "❤️"])
    phone_does(running, "cambio", id=sent, accion="reaccionar", texto="")
    expect(emojis).to_have_text(["❤️"])


def test_an_answer_shows_what_it_answers_and_leads_there(
    screen: Screen, ticket: int, running: Desk, phone: str
) -> None:
    written = writes(running, phone, ticket, "¿Cuál de las dos impresoras?")
    for number in range(12):
        writes(running, phone, ticket, f"renglón {number}\n\n\nfin")
    phone_does(running, "respuesta", telefono=phone, texto="La de la entrada", responde_a=written)
    screen.open(ticket)
    quote = screen.bubble("La de la entrada").locator(".cita")
    expect(quote).to_contain_text("¿Cuál de las dos impresoras?")
    quote.click()
    first = screen.page.locator(f"#chat-lista .mensaje[data-seq='{quote.get_attribute('data-cita')}']")
    expect(first).to_be_in_viewport()


OUTAGE = """
from datetime import timedelta
from django.utils import timezone
from whatsapp.models import ConnectionChange
now = timezone.now()
ConnectionChange.objects.create(
    gateway="waha", connected=True, at=now - timedelta(minutes=1), down_since=now - timedelta(hours=3)
)
"""


def test_what_was_missed_in_an_outage_comes_back_under_a_line_that_says_so(
    screen: Screen, ticket: int, running: Desk, phone: str
) -> None:
    screen.open(ticket)
    phone_does(running, "respuesta", telefono=phone, texto="¿siguen ahí?", callado=True)
    running.manage("shell", "-v0", "-c", OUTAGE)
    expect(screen.bubble("¿siguen ahí?")).to_be_visible(timeout=20_000)
    line = screen.page.locator("#chat-lista .corte")
    expect(line).to_have_text(re.compile(r"^Mensajes (de \d\d:\d\d a \d\d:\d\d|del .+ al .+) recuperados$"))
    following = line.locator("xpath=following-sibling::li[1]")
    expect(following).to_contain_text("¿siguen ahí?")


def test_the_code_of_a_failure_is_there_for_who_looks(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    running.simulate(falla="rechazar")
    screen.write("nunca llega")
    card = screen.bubble("nunca llega").locator(".tarjeta p").first
    expect(card).to_contain_text("No se pudo enviar")
    expect(card).to_have_attribute("title", "Código del gateway: 400")


def test_a_supervisor_logs_the_session_out_and_scans_its_qr_code(context: BrowserContext, running: Desk) -> None:
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if "Refused" in message.text else None)
    page.goto(f"{running.url}/entrar?next=/admin/whatsapp/connection/waha/change/")
    page.get_by_label("Usuario").fill("supervisor")
    page.get_by_label("Contraseña").fill("supervisor-demo")
    page.get_by_role("button", name="Entrar").click()
    expect(page.locator("#sesion-estado")).to_contain_text("Conectado desde")
    page.get_by_role("link", name="Cerrar sesión…").click()
    page.get_by_role("button", name="Cerrar la sesión de WhatsApp").click()
    expect(page.locator("#sesion-estado")).to_contain_text("Falta escanear el código QR")
    page.get_by_role("button", name="Mostrar QR").click()
    expect(page.locator("#qr-imagen")).to_be_visible()
    assert page.locator("#qr-imagen").evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    running.simulate(conexion="conectado")
    until(lambda: running.get("/estado")["whatsapp"] == "conectado", 20)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#qr-palabras")).to_contain_text("WhatsApp está conectado")
    page.reload()
    expect(page.locator("#sesion-estado")).to_contain_text("✓ Conectado")
    assert not errors
