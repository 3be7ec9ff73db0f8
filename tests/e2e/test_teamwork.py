"""Two technicians in one ticket: notes, mentions, a transfer, and who answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import LEFT, Screen
from tests.programs import Desk


@pytest.fixture
def colleague(browser: Browser, running: Desk, tmp_path: Path) -> Iterator[Screen]:
    """Sofía's screen, in a browser of her own."""
    context = browser.new_context(viewport={"width": 1440, "height": 860}, locale="es-MX")
    shown = Screen(context.new_page(), running, tmp_path)
    shown.log_in("supervisor")
    yield shown
    context.close()
    assert not shown.violations


def test_two_technicians_share_a_ticket(screen: Screen, colleague: Screen, running: Desk, ticket: int) -> None:
    box, send = screen.page.locator("#chat-texto"), screen.page.locator("#chat-enviar")
    screen.open(ticket)
    colleague.open(ticket)
    expect(screen.bubble("Hola").locator(".pie")).to_contain_text(LEFT)
    sent = len(running.accepted())

    # A note, by keyboard: the mode is plain to see, is kept by a reload, and ends with the note.
    screen.page.locator("#chat-nota").press("Enter")
    expect(box).to_be_focused()
    expect(screen.page.get_by_text("solo la mesa la ve. No se envía")).to_be_visible()
    expect(send).to_have_text("📝 Guardar nota")
    box.fill("Es de dirección: con cuidado")
    screen.page.reload()
    expect(box).to_have_value("Es de dirección: con cuidado")
    expect(send).to_have_text("📝 Guardar nota")
    screen.picture("nota-al-escribir")
    box.press("Enter")
    for one, name in ((screen, "📝 Tu nota interna"), (colleague, "📝 Nota interna de Ana Ruiz")):
        bubble = one.bubble("Es de dirección")
        expect(bubble.locator(".nombre")).to_have_text(name)
        expect(bubble.locator(".pie")).to_contain_text("Solo la mesa la ve")
    expect(send).to_have_text("📤 Enviar")
    screen.write("Ya lo revisamos")
    expect(screen.bubble("Ya lo revisamos").locator(".pie")).to_contain_text(LEFT)
    assert "Ya lo revisamos" in running.accepted()
    assert "Es de dirección: con cuidado" not in running.accepted()
    screen.picture("nota")

    # Both answer: the second is told who writes, and decides.
    colleague.page.locator("#chat-texto").press_sequentially("Yo también")
    expect(screen.page.locator("#chat-presencia")).to_have_text("Sofía está escribiendo…")
    screen.write("Mañana te lo llevo")
    mine = screen.bubble("Mañana te lo llevo")
    expect(mine.locator(".tarjeta")).to_contain_text("Sofía Soto está escribiendo. ¿Enviar de todos modos?")
    assert "Mañana te lo llevo" not in running.accepted()
    screen.picture("alguien-escribe")
    mine.get_by_role("button", name="Enviar de todos modos").click()
    expect(mine.locator(".pie")).to_contain_text(LEFT)
    colleague.page.locator("#chat-texto").press_sequentially("!")
    screen.page.keyboard.press("Escape")
    notice = screen.open(ticket, "notificar").locator(".predefinido").first
    notice.get_by_role("button").click()
    expect(notice).to_contain_text("Sofía Soto está escribiendo. ¿Enviar de todos modos?")
    screen.picture("notificar-alguien-escribe")
    notice.get_by_role("button", name="Enviar de todos modos").click()
    expect(notice).to_contain_text("✓ Enviado")
    screen.page.keyboard.press("Escape")
    screen.open(ticket)

    # A mention, picked by keyboard: the colleague finds it under Menciones until they open the chat.
    colleague.page.locator("#chat-texto").fill("")
    colleague.page.locator("#chat [data-cerrar]").click()
    screen.page.locator("#chat-nota").press("Enter")
    box.press_sequentially("@sof")
    expect(screen.page.locator("#chat-menciones").get_by_role("option", name="Sofía Soto")).to_be_visible()
    screen.picture("mencion-al-escribir")
    box.press("Enter")
    box.press_sequentially("¿la conoces?")
    box.press("Enter")
    expect(screen.bubble("¿la conoces?").locator(".mencion")).to_have_text("@Sofía Soto")
    expect(screen.page.locator("#chat-participantes")).to_contain_text("Sofía Soto")
    tab = colleague.page.get_by_role("link", name="Menciones 1")
    expect(tab).to_be_visible()
    tab.click()
    colleague.open(ticket)
    expect(colleague.bubble("¿la conoces?")).to_be_visible()
    expect(colleague.page.get_by_role("link", name="Menciones 1")).to_have_count(0)

    # What was read is told until the server heard it.
    unheard = {"event": "requestfailed", "predicate": lambda one: one.url.endswith("/leido")}
    look_again = "dispatchEvent(new CustomEvent('vivo:todo'))"
    colleague.page.route("**/leido", lambda route: route.abort(), times=2)
    with colleague.page.expect_event(**unheard):
        screen.page.locator("#chat-nota").press("Enter")
        screen.write("@supervisor mira")
    with colleague.page.expect_event(**unheard):
        colleague.page.evaluate(look_again)
    with colleague.page.expect_response("**/leido"):
        colleague.page.evaluate(look_again)

    # A transfer with a note.
    screen.page.get_by_role("button", name="Transferir", exact=True).click()
    form = screen.page.locator("#chat-transferencia")
    form.locator("select").select_option(label="Sofía Soto")
    form.locator("input").fill("Te toca")
    screen.picture("transferir")
    form.get_by_role("button", name="Transferir").click()
    expect(form).to_be_hidden()
    for one, owner in ((screen, "Lo atiende Sofía Soto"), (colleague, "Lo atiendes tú")):
        expect(one.page.get_by_text("Ana Ruiz transfirió el ticket a Sofía Soto")).to_be_visible()
        expect(one.bubble("Te toca")).to_be_visible()
        expect(one.page.locator("#chat-tecnico")).to_have_text(owner)
    screen.page.get_by_role("button", name="Unirme").click()
    expect(colleague.page.locator("#chat-participantes")).to_contain_text("Ana Ruiz")
    assert len(running.accepted()) == sent + 3
    screen.picture("equipo")
    screen.page.set_viewport_size({"width": 390, "height": 844})
    screen.page.emulate_media(color_scheme="dark")
    screen.picture("equipo-telefono-oscuro")


def test_a_note_that_was_begun_stays_in_its_chat_and_is_headed_as_ours_while_it_waits(
    screen: Screen, running: Desk, ticket: int
) -> None:
    page, box, send = screen.page, screen.page.locator("#chat-texto"), screen.page.locator("#chat-enviar")
    running.write("+524779990077", "no imprime")
    other = running.ticket_of("+524779990077")
    page.reload()
    screen.open(other)
    box.fill("Borrador para la otra persona")
    box.press("Escape")
    screen.open(ticket)
    page.locator("#chat-nota").click()
    box.fill("secreto de la mesa")
    box.press("Escape")
    screen.open(other)
    expect(box).to_have_value("Borrador para la otra persona")
    expect(send).to_have_text("📤 Enviar")
    box.press("Escape")
    screen.open(ticket)
    expect(box).to_have_value("secreto de la mesa")
    expect(send).to_have_text("📝 Guardar nota")

    page.context.set_offline(True)
    box.press("Enter")
    expect(screen.bubble("secreto de la mesa").locator(".nombre")).to_have_text("📝 Tu nota interna")
    page.context.set_offline(False)
    expect(screen.bubble("secreto de la mesa").locator(".pie")).to_contain_text("Solo la mesa la ve")
    assert "secreto de la mesa" not in running.accepted()


def test_a_mention_is_shown_whatever_is_in_the_name(screen: Screen, running: Desk, ticket: int) -> None:
    box = screen.page.locator("#chat-texto")
    running.manage("createsuperuser", "--noinput", "--username", "jose.luna@empresa.mx", "--email", "jose@empresa.mx")
    with sqlite3.connect(running.folder / "chat.sqlite3", timeout=20) as connection:
        connection.execute("UPDATE auth_user SET first_name = 'José', last_name = 'Luna' WHERE username LIKE 'jose%'")
    screen.page.reload()
    screen.open(ticket)
    screen.page.locator("#chat-nota").click()
    box.press_sequentially("@luna")
    screen.page.locator("#chat-menciones").get_by_role("option", name="José Luna").click()
    expect(box).to_have_value("@jose.luna@empresa.mx ")
    box.press_sequentially("o @José ya sabe")
    screen.page.keyboard.press("Enter")
    expect(screen.bubble("@José Luna o @José Luna ya sabe").locator(".mencion")).to_have_count(2)
    screen.picture("mencion-de-correo")
