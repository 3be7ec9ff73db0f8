"""Quick replies by keyboard, and the page where technicians keep their own."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import LEFT, Screen
from tests.e2e.test_media import picture, sent_files
from tests.programs import Desk, until


def test_one_s_own_reply_is_written_found_by_keyboard_changed_and_sent_with_its_file(
    screen: Screen, running: Desk, ticket: int
) -> None:
    page = screen.page
    page.locator("details.menu summary").click()
    page.get_by_role("link", name="Respuestas rápidas").click()
    expect(page.get_by_text("Todavía no tienes ninguna")).to_be_visible()
    page.get_by_role("link", name="Nueva respuesta").click()

    # What cannot be filled is refused, and nothing that was written is lost.
    page.get_by_label("Título").fill("Cuidar la batería")
    page.get_by_label("Atajo").fill("bateria")
    text = page.get_by_role("textbox", name="Texto")
    text.fill("{saludo}, {apellido}")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("No se conoce {apellido}.")).to_be_visible()
    expect(page.get_by_label("Atajo")).to_have_value("bateria")
    text.fill("{saludo}, ")
    page.get_by_role("button", name="{nombre}", exact=True).click()
    text.press_sequentially(". En la imagen verás cómo cuidar la batería.")
    expect(page.locator("#vista")).to_have_text(re.compile("Buen.s .*, Juan Pérez. En la imagen"))
    page.locator("#id_upload").set_input_files({"name": "bateria.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    screen.picture("respuesta-nueva")
    page.get_by_role("button", name="Guardar").click()
    card = page.locator(".respuesta", has_text="Cuidar la batería")
    expect(card).to_contain_text("/bateria")
    until(lambda: page.reload() and card.locator("img").count(), what="la miniatura")
    screen.picture("respuestas-propias")

    page.goto(running.url)
    screen.open(ticket)
    box, found = page.locator("#chat-texto"), page.locator("#chat-respuestas [role=option]")
    box.press("/")
    expect(found.first).to_have_attribute("aria-selected", "true")
    assert found.count() > 1
    screen.picture("respuestas-al-escribir")
    box.press("ArrowDown")
    expect(found.nth(1)).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "chat-respuestas-lista-1")
    box.press_sequentially("batería")
    expect(found).to_have_count(1)
    shown = page.locator("#chat-respuestas-vista")
    expect(shown).to_contain_text("En la imagen verás")
    expect(shown).to_contain_text("bateria.jpg")
    before = len(running.accepted())
    box.press("Enter")
    expect(found).to_have_count(0)
    expect(box).to_have_value(re.compile("^Buen.s .*En la imagen verás"))
    expect(page.locator("#chat-por-enviar")).to_contain_text("bateria.jpg")
    expect(page.locator("#chat-por-enviar")).not_to_contain_text("Trayendo")
    assert len(running.accepted()) == before
    box.press_sequentially(" ¡Suerte!")
    box.press("Enter")
    expect(screen.bubble("¡Suerte!").locator(".pie")).to_contain_text(LEFT)
    assert [(name, words[-8:]) for name, words in sent_files(running)][-1] == ("bateria.jpg", "¡Suerte!")

    # It was used, so that it is the first now; Esc closes only the list.
    box.press("/")
    expect(found.first).to_contain_text("Cuidar la batería")
    box.press("Escape")
    expect(found).to_have_count(0)
    expect(box).to_have_value("/")
    expect(page.locator("dialog#chat")).to_be_visible()

    page.goto(f"{running.url}/respuestas")
    expect(card).to_contain_text("1 vez")
    card.get_by_role("link", name="Editar").click()
    page.get_by_text("Borrar…").click()
    page.get_by_role("button", name="Sí, borrar").click()
    expect(page.get_by_text("Todavía no tienes ninguna")).to_be_visible()


def test_what_is_searched_for_is_never_sent_and_notes_have_no_replies(
    screen: Screen, running: Desk, ticket: int
) -> None:
    page = screen.page
    page.set_viewport_size({"width": 390, "height": 844})
    screen.open(ticket)
    box, frame = page.locator("#chat-texto"), page.locator("#chat-respuestas")
    before = len(running.accepted())
    box.press_sequentially("/nada de eso")
    expect(frame).to_contain_text("Ninguna respuesta coincide con «nada de eso»")
    box.press("Enter")
    expect(box).to_have_value("/nada de eso")
    box.press("Escape")
    expect(frame).to_be_hidden()
    assert len(running.accepted()) == before

    # With something written already: after it, and without the "/" that the button put there.
    box.fill("Juan: ")
    page.get_by_role("button", name="Respuestas rápidas").click()
    expect(frame.get_by_role("option").first).to_be_visible()
    screen.picture("respuestas-rapidas-telefono")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shape = frame.bounding_box()
    assert shape is not None and shape["y"] >= 0
    box.press("Escape")
    expect(box).to_have_value("Juan: ")
    page.get_by_role("button", name="Respuestas rápidas").click()
    frame.get_by_role("option", name="Ticket resuelto").click()
    expect(box).to_have_value(re.compile(rf"^Juan: Hola .*#{ticket} está"))
    expect(box).to_be_focused()

    box.fill("")
    page.locator("#chat-nota").click()
    expect(page.get_by_role("button", name="Respuestas rápidas")).to_be_hidden()
    box.press("/")
    expect(box).to_have_value("/")
    expect(frame).to_be_hidden()
