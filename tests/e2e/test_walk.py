"""The walk of a newcomer with two browser tabs: the simulator's phones and the desk."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.conftest import LEFT, Screen
from tests.programs import Desk, desk, until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Desk]:
    """A desk of its own, as a newcomer meets it: only the demo's tickets, and Juan's phone first."""
    with desk(tmp_path_factory.mktemp("walk")) as started:
        yield started


def test_a_newcomer_holds_a_conversation_in_two_tabs(screen: Screen, context: BrowserContext, running: Desk) -> None:
    simulator = context.new_page()
    simulator.goto(running.simulator_url)
    phone = simulator.locator(".telefono").first
    mouth = phone.locator("textarea")

    def say(text: str) -> None:
        mouth.fill(text)
        mouth.press("Enter")

    say("Mi laptop no enciende")
    expect(phone.get_by_text("¿", exact=False).last).to_be_visible()
    for answer in ("Juan Pérez, de Contabilidad", "no sé"):
        before = len(running.accepted())
        say(answer)
        until(lambda before=before: len(running.accepted()) > before, what="la siguiente pregunta")  # type: ignore[misc]
    row = screen.page.locator("tr[data-ticket]", has_text="Juan Pérez").first
    expect(row).to_be_visible()
    expect(row).to_contain_text("Laptop")
    number = int(row.get_attribute("data-ticket") or 0)

    screen.open(number)
    screen.write("Ya revisamos tu equipo, tiene problema de batería")
    expect(screen.bubble("problema de batería")).to_contain_text(LEFT)
    expect(phone).to_contain_text("problema de batería")
    expect(screen.bubble("problema de batería")).to_contain_text("Leído")

    simulator.get_by_role("button", name="Cortar").click()
    expect(simulator.locator("#conexion")).not_to_contain_text("Conectado")
    screen.write("Pasa por ella a partir de las 12 🙌")
    waiting = screen.bubble("a partir de las 12")
    expect(waiting).to_contain_text("En cola")
    expect(waiting).to_contain_text("saldrá solo")
    expect(screen.page.locator("#estado-whatsapp")).to_contain_text("desconectado")
    screen.picture("chat-desconectado")
    assert "a partir de las 12" not in phone.inner_text()

    simulator.locator("#cambiar-conexion").click()
    expect(phone).to_contain_text("a partir de las 12")
    expect(waiting).to_contain_text(re.compile("Entregado|Leído"))
    assert sum("a partir de las 12" in text for text in running.accepted()) == 1
    expect(screen.page.locator("#estado-whatsapp")).to_contain_text("WhatsApp conectado")
    simulator.screenshot(path=screen.pictures / "simulador.png")


def test_the_desk_has_its_pictures(screen: Screen, running: Desk) -> None:
    """The screenshots of README and manual: table and the three panels, wide, narrow and dark."""
    page = screen.page
    row = page.locator("tr[data-ticket]", has_text="Carlos Medina").first
    number = int(row.get_attribute("data-ticket") or 0)
    screen.picture("tabla")
    screen.open(number)
    screen.picture("chat")
    page.locator("#chat-texto").press("/")
    expect(page.locator("#chat-respuestas [role=option]").first).to_be_visible()
    screen.picture("respuestas-rapidas")
    page.locator("#chat-texto").press("Escape")
    page.locator("#chat-texto").fill("")
    page.emulate_media(color_scheme="dark")
    screen.picture("chat-oscuro")
    page.keyboard.press("Escape")
    screen.picture("tabla-oscura")
    page.emulate_media(color_scheme="light")
    screen.open(number, "historial")
    screen.picture("historial")
    page.keyboard.press("Escape")
    screen.open(number, "notificar")
    screen.picture("notificar")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    screen.picture("tabla-telefono")
    screen.open(number)
    screen.picture("chat-telefono")
