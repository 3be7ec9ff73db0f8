"""Files in the chat panel, as a technician sees, opens and sends them."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import LEFT, Screen
from tests.programs import Desk, until

MP3 = (b"\xff\xfb\x90\x00" + bytes(413)) * 400  # ten silent seconds
HTML = b"<!doctype html><script>window.hostil = true; alert(1)</script>"


def picture(size: tuple[int, int] = (1200, 900), kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return out.getvalue()


def person_sends(running: Desk, phone: str, what: str = "archivo", **body: Any) -> None:
    url = f"{running.simulator_url}/simulador/{what}"
    requests.post(url, json={"telefono": phone, **body}, timeout=10).raise_for_status()


def file(name: str, mime: str, content: bytes) -> dict[str, str]:
    return {"nombre": name, "tipo": mime, "base64": base64.b64encode(content).decode()}


def last(screen: Screen, role: str = "user") -> Locator:
    return screen.page.locator(f"#chat-lista .mensaje[data-rol='{role}']").last


def drop(page: Page, name: str, mime: str, content: bytes, event: str = "drop") -> None:
    """Drop a file on the panel, or paste it there."""
    page.evaluate(
        """([event, name, mime, base64]) => {
          const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], name, { type: mime }));
          const kind = event === "paste" ? ClipboardEvent : DragEvent;
          const more = event === "paste" ? { clipboardData: data } : { dataTransfer: data };
          const happened = new kind(event, { bubbles: true, cancelable: true, ...more });
          document.getElementById("chat-texto").dispatchEvent(happened);
        }""",
        [event, name, mime, base64.b64encode(content).decode()],
    )


def sent_files(running: Desk) -> list[tuple[str, str]]:
    answer = requests.get(f"{running.simulator_url}/simulador/aceptados", timeout=10).json()
    return [(item["adjunto"]["nombre"], item["texto"]) for item in answer["aceptados"] if item.get("adjunto")]


@pytest.fixture(autouse=True)
def files_are_served(running: Desk) -> Iterator[None]:
    yield
    running.simulate(falla_archivos="ninguna")


def file_is(running: Desk, ticket: int, state: str) -> bool:
    return any(entry["adjunto"] and entry["adjunto"]["estado"] == state for entry in running.history(ticket))


# What people send


def test_a_picture_opens_at_its_full_size_and_escape_closes_only_it(
    screen: Screen, ticket: int, phone: str, running: Desk
) -> None:
    screen.open(ticket)
    person_sends(running, phone, archivo=file("falla.jpg", "image/jpeg", picture()), texto="Mira")
    shown = last(screen).get_by_role("button", name="Ver la imagen: Mira")
    expect(shown.locator("img")).to_have_attribute("alt", "Imagen: Mira")
    assert shown.locator("img").evaluate("img => [img.width, img.height]") == [280, 210]
    shown.focus()
    screen.page.keyboard.press("Enter")
    viewer = screen.page.locator("dialog#visor[open]")
    expect(viewer.get_by_role("img")).to_have_js_property("naturalWidth", 1200)
    screen.page.keyboard.press("Escape")
    expect(screen.page.locator("dialog#visor")).not_to_be_visible()
    expect(screen.page.locator("dialog#chat")).to_be_visible()
    expect(shown).to_be_focused()


def test_nothing_moves_when_a_picture_comes(screen: Screen, ticket: int, phone: str, running: Desk) -> None:
    person_sends(running, phone, archivo=file("falla.jpg", "image/jpeg", picture()))
    until(lambda: file_is(running, ticket, "listo"))
    held: list[Route] = []
    screen.page.route("**/miniatura", lambda route: held.append(route))
    screen.open(ticket)
    until(lambda: screen.page.wait_for_timeout(20) or held)  # the browser only speaks while it is listened to
    picture_box = "img => [img.offsetTop, img.offsetWidth, img.offsetHeight]"
    before = last(screen).locator("img").evaluate(picture_box)
    held[0].continue_()
    expect(last(screen).locator("img")).to_have_js_property("complete", True)
    assert last(screen).locator("img").evaluate(picture_box) == before == [before[0], 280, 210]


def test_sound_can_be_played_and_wound_forward(screen: Screen, ticket: int, phone: str, running: Desk) -> None:
    screen.open(ticket)
    person_sends(running, phone, archivo=file("nota.mp3", "audio/mpeg", MP3))
    player = last(screen).locator("audio")
    expect(player).to_have_attribute("aria-label", "Audio: nota.mp3")
    expect(player).to_have_js_property("readyState", 4)
    assert player.evaluate("player => player.seekable.length && player.seekable.end(0)") > 9
    player.evaluate("player => { player.currentTime = 8; }")
    expect(player).to_have_js_property("currentTime", 8)


def test_what_is_not_what_it_says_is_only_a_download(screen: Screen, ticket: int, phone: str, running: Desk) -> None:
    screen.open(ticket)
    person_sends(running, phone, archivo=file("foto.jpg", "image/jpeg", HTML))
    card = last(screen).locator("a.archivo")
    expect(card).to_contain_text("foto.jpg")
    with screen.page.expect_download() as download:
        card.click()
    assert download.value.suggested_filename == "foto.jpg"
    screen.page.goto(f"{running.url}/?chat={ticket}")
    assert not screen.page.evaluate("window.hostil")


def test_a_place_has_a_link_to_the_map_and_a_contact_its_phones(
    screen: Screen, ticket: int, phone: str, running: Desk
) -> None:
    screen.open(ticket)
    person_sends(running, phone, "ubicacion", latitud=21.12908, longitud=-101.67374, lugar="Oficina\nBlvd. 100")
    place = last(screen).locator("a.archivo")
    expect(place).to_have_attribute(
        "href", re.compile(r"^https://www\.openstreetmap\.org/\?mlat=21\.12908&mlon=-101\.6")
    )
    expect(place).to_have_attribute("rel", "noopener noreferrer")
    expect(place).to_contain_text("Oficina")
    expect(place).to_contain_text("21.12908, -101.67374")
    person_sends(running, phone, "contacto", contacto="Ana Torres", numero="+52 477 123 4567")
    expect(last(screen).get_by_role("link", name="+524771234567")).to_have_attribute("href", "tel:+524771234567")


def test_a_file_that_cannot_be_fetched_says_so_and_is_fetched_on_demand(
    screen: Screen, ticket: int, phone: str, running: Desk
) -> None:
    screen.open(ticket)
    running.simulate(falla_archivos="no_existe")
    person_sends(running, phone, archivo=file("falla.jpg", "image/jpeg", picture()))
    expect(last(screen)).to_contain_text("No se pudo descargar")
    expect(last(screen)).to_contain_text("WAHA ya no tiene este archivo")
    running.simulate(falla_archivos="ninguna")
    last(screen).get_by_role("button", name="Reintentar").click()
    expect(last(screen).locator(".foto img")).to_be_visible()


def test_the_historial_shows_files_and_changes_nothing(screen: Screen, ticket: int, phone: str, running: Desk) -> None:
    running.simulate(falla_archivos="no_existe")
    person_sends(running, phone, archivo=file("falla.jpg", "image/jpeg", picture()))
    until(lambda: file_is(running, ticket, "fallido"))
    panel = screen.open(ticket, "historial")
    expect(panel).to_contain_text("No se pudo descargar")
    expect(panel.get_by_role("button", name="Reintentar")).not_to_be_visible()


# What the technician sends


def test_a_picture_is_sent_by_the_button_with_its_caption(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    with screen.page.expect_file_chooser() as chooser:
        screen.page.get_by_role("button", name="Adjuntar un archivo").click()
    chooser.value.set_files({"name": "así.png", "mimeType": "image/png", "buffer": picture(kind="PNG")})
    card = screen.page.locator("#chat-por-enviar")
    expect(card).to_contain_text("así.png")
    expect(card.locator("img")).to_be_visible()
    expect(screen.page.locator("#chat-texto")).to_be_focused()
    screen.write("Conéctalo así")
    expect(card).not_to_be_visible()
    bubble = last(screen, "tecnico")
    expect(bubble).to_contain_text(LEFT)
    expect(bubble.locator(".leyenda")).to_have_text("Conéctalo así")
    expect(bubble.locator("img")).to_be_visible()
    assert ("así.png", "Conéctalo así") in sent_files(running)
    assert screen.page.locator("#chat-lista .mensaje[data-rol='tecnico']").count() == 1


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_file_is_attached_by_dropping_or_pasting_it(screen: Screen, ticket: int, running: Desk, how: str) -> None:
    screen.open(ticket)
    expect(screen.page.get_by_role("button", name="Adjuntar un archivo")).to_be_visible()
    drop(screen.page, f"{how}.pdf", "application/pdf", b"%PDF-1.7\n", how)
    expect(screen.page.locator("#chat-por-enviar")).to_contain_text(f"{how}.pdf")
    screen.page.get_by_role("button", name="📤 Enviar").click()
    expect(last(screen, "tecnico").locator("a.archivo")).to_contain_text(f"{how}.pdf")
    assert (f"{how}.pdf", "") in sent_files(running)


def test_a_file_can_be_taken_away_again_by_the_keyboard(screen: Screen, ticket: int) -> None:
    screen.open(ticket)
    drop(screen.page, "a.pdf", "application/pdf", b"%PDF-1.7\n")
    screen.page.get_by_role("button", name="Quitar a.pdf").press("Enter")
    expect(screen.page.locator("#chat-por-enviar")).not_to_be_visible()
    expect(screen.page.locator("#chat-texto")).to_be_focused()


def test_a_file_that_is_too_large_says_so_and_stays(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    large = {"name": "grande.jpg", "mimeType": "image/jpeg", "buffer": picture() + bytes(17 * 2**20)}
    screen.page.locator("#chat-archivo").set_input_files(large)
    expect(screen.page.locator("#chat-por-enviar")).to_contain_text(
        "WhatsApp acepta imágenes de hasta 16 MB; esta pesa 17 MB"
    )
    screen.write("no sale")
    expect(screen.page.locator("#chat-texto")).to_have_value("no sale")
    assert running.history(ticket)[-1]["role"] != "tecnico"


def test_a_kind_that_takes_any_type_has_its_own_limit(screen: Screen, ticket: int) -> None:
    screen.open(ticket)
    problem = screen.page.evaluate(
        """async () => {
          const files = await import("/static/chat/attach.js");
          files.offer({ tipos: { audio: { bytes: 1048576, tipos: [] }, document: { bytes: 9e9, tipos: [] } } });
          files.attach(new File([new Uint8Array(2097152)], "a.ogg", { type: "audio/ogg" }));
          return files.fileProblem();
        }"""
    )
    assert problem == "WhatsApp acepta audios de hasta 1 MB; este pesa 2 MB."


def test_the_way_up_is_shown_and_an_error_keeps_the_file(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    held: list[Route] = []
    screen.page.route("**/enviar-archivo", lambda route: held.append(route))
    drop(screen.page, "a.jpg", "image/jpeg", picture())
    screen.write("con palabras")
    bubble = last(screen, "tecnico")
    expect(bubble.get_by_role("progressbar")).to_be_visible()
    expect(bubble.locator("img")).to_be_visible()
    until(lambda: screen.page.wait_for_timeout(20) or held)  # the browser only speaks while it is listened to
    held.pop().abort()
    expect(bubble).to_contain_text("Sin conexión con el servidor")
    screen.page.unroute_all()
    expect(bubble).to_contain_text(LEFT)  # it is tried again by itself
    assert sent_files(running).count(("a.jpg", "con palabras")) == 1


def test_a_refused_file_goes_back_beside_its_words(screen: Screen, ticket: int) -> None:
    screen.open(ticket)
    body = '{"detail": "WhatsApp no acepta este archivo.", "status": "datos_no_validos"}'
    screen.page.route(
        "**/enviar-archivo", lambda route: route.fulfill(status=400, content_type="application/json", body=body)
    )
    drop(screen.page, "a.pdf", "application/pdf", b"%PDF-1.7\n")
    screen.write("con palabras")
    bubble = last(screen, "tecnico")
    expect(bubble).to_contain_text("WhatsApp no acepta este archivo.")
    bubble.get_by_role("button", name="Editar").click()
    expect(screen.page.locator("#chat-por-enviar")).to_contain_text("a.pdf")
    expect(screen.page.locator("#chat-texto")).to_have_value("con palabras")


def test_each_ticket_keeps_its_own_file(screen: Screen, ticket: int, running: Desk) -> None:
    running.write("+524779990000", "Otra cosa")
    other = running.ticket_of("+524779990000")
    screen.open(ticket)
    drop(screen.page, "a.pdf", "application/pdf", b"%PDF-1.7\n")
    screen.page.keyboard.press("Escape")
    screen.open(other)
    expect(screen.page.locator("#chat-por-enviar")).not_to_be_visible()
    screen.page.keyboard.press("Escape")
    screen.open(ticket)
    expect(screen.page.locator("#chat-por-enviar")).to_contain_text("a.pdf")


def test_reenviar_sends_the_file_again(screen: Screen, ticket: int, running: Desk) -> None:
    screen.open(ticket)
    running.simulate(falla="rechazar")
    drop(screen.page, "otra vez.pdf", "application/pdf", b"%PDF-1.7\n")
    screen.page.get_by_role("button", name="📤 Enviar").click()
    bubble = last(screen, "tecnico")
    expect(bubble).to_contain_text("No se pudo enviar")
    running.simulate(falla="ninguna")
    bubble.get_by_role("button", name="Reenviar").click()
    until(lambda: ("otra vez.pdf", "") in sent_files(running))


def test_on_a_phone_nothing_is_wider_than_the_screen(screen: Screen, ticket: int, phone: str, running: Desk) -> None:
    screen.page.set_viewport_size({"width": 390, "height": 844})
    name = "x" * 90 + ".pdf"
    person_sends(running, phone, archivo=file(name, "application/pdf", b"%PDF-1.7\n"))
    person_sends(running, phone, archivo=file("panorama.jpg", "image/jpeg", picture((3000, 300))))
    person_sends(running, phone, archivo=file("nota.mp3", "audio/mpeg", MP3))
    screen.page.goto(f"{running.url}/?chat={ticket}")
    screen.panel()
    expect(last(screen).locator("audio")).to_be_visible()
    thread = screen.page.locator("#chat-mensajes")
    assert thread.evaluate("node => node.scrollWidth <= node.clientWidth")
    panel = screen.page.locator("dialog#chat")
    assert panel.evaluate("node => node.scrollHeight <= node.clientHeight")
    drop(screen.page, name, "application/pdf", b"%PDF-1.7\n")
    form = screen.page.locator("#chat-redactar")
    assert form.evaluate("node => node.scrollWidth <= node.clientWidth")
