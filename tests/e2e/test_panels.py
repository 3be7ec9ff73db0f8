"""Historial and Notificar, the table while nobody touches it, and hostile text through the real pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.conftest import Screen
from tests.programs import Desk, until

XSS = json.loads((Path(__file__).parent / "xss.json").read_text())


def test_historial_is_whole_read_only_printable_and_a_download(screen: Screen, ticket: int, running: Desk) -> None:
    running.send(ticket, "Ya quedó tu laptop")
    panel = screen.open(ticket, "historial")
    expect(panel).to_contain_text("Mi laptop no enciende")
    expect(panel).to_contain_text("Ya quedó tu laptop")
    expect(panel.locator("textarea, form")).to_have_count(0)
    screen.page.emulate_media(media="print")
    expect(screen.page.locator("table.tickets")).not_to_be_visible()
    expect(panel).to_contain_text("Ya quedó tu laptop")
    screen.page.emulate_media(media="screen")
    with screen.page.expect_download() as download:
        panel.get_by_role("link", name="Descargar").click()
    assert "Ya quedó tu laptop" in Path(download.value.path()).read_text()


def test_notificar_previews_sends_and_warns_when_it_already_went_out(
    screen: Screen, ticket: int, running: Desk
) -> None:
    panel = screen.open(ticket, "notificar")
    expect(panel).to_contain_text(f"ticket #{ticket}")
    expect(panel).not_to_contain_text("{numero}")
    panel.get_by_role("button", name=re.compile("Enviar")).first.click()
    until(lambda: any(f"#{ticket}" in text and "listo" in text for text in running.accepted()))
    screen.page.keyboard.press("Escape")
    panel = screen.open(ticket, "notificar")
    expect(panel).to_contain_text("Ya se envió")
    expect(panel.get_by_role("button", name=re.compile("Enviar otra vez")).first).to_be_visible()


def test_a_ticket_appears_and_changes_without_touching_the_page(screen: Screen, running: Desk, phone: str) -> None:
    running.write(phone, "aparece solo")
    number = running.ticket_of(phone)
    expect(screen.row(number)).to_be_visible()
    expect(screen.row(number)).to_have_class(re.compile("unread"))
    expect(screen.page.locator("tr[data-ticket]").first).to_have_attribute("data-ticket", str(number))


def test_opening_the_chat_marks_it_read(screen: Screen, ticket: int) -> None:
    screen.open(ticket)
    expect(screen.row(ticket)).not_to_have_class(re.compile("unread"))


def test_search_finds_without_regard_to_accents_or_case(screen: Screen) -> None:
    box = screen.page.get_by_role("searchbox")
    box.fill("MARIA lopez")
    box.press("Enter")
    expect(screen.page.locator("tr[data-ticket]", has_text="María López").first).to_be_visible()
    expect(screen.page.locator("tr[data-ticket]", has_text="Carlos Medina")).to_have_count(0)


def test_200_hostile_texts_stay_text(screen: Screen, running: Desk, phone: str) -> None:
    assert len(XSS) >= 200
    for text in XSS:
        running.write(phone, text)
    number = running.ticket_of(phone)
    until(lambda: sum(entry["role"] == "user" for entry in running.history(number)) == len(XSS), 60)
    for panel in ("chat", "historial"):
        screen.page.goto(f"{running.url}/?{panel}={number}")
        shown = screen.panel(panel)
        while (older := shown.locator("#chat-anteriores")).count() and older.is_visible():
            rows = shown.locator(".mensaje").count()
            older.click()
            expect(shown.locator(".mensaje").nth(rows)).to_be_attached()
        expect(shown.locator(".mensaje[data-rol='user']")).to_have_count(len(XSS))
        strays = "script, img, svg, iframe, object, embed, style, base, meta, video, audio, details, marquee, math"
        assert shown.locator(f".texto :is({strays})").count() == 0
        assert screen.page.locator("body > script:not([src])").count() == 0
        hrefs = shown.locator(".texto a").evaluate_all("links => links.map(link => link.protocol)")
        assert set(hrefs) <= {"http:", "https:"}
    assert screen.page.evaluate("window.hacked === undefined")


def test_hostile_push_names_stay_text_on_the_desk_and_in_the_admin(screen: Screen, running: Desk) -> None:
    names = [text for text in XSS if "<" in text and len(text) < 100][::12]
    for place, name in enumerate(names):
        running.write(f"+52477300{place:04}", "hola", nombre=name)
    last = running.ticket_of(f"+52477300{len(names) - 1:04}")
    until(lambda: len(running.get("/tickets")["tickets"]) >= len(names))
    screen.page.reload()
    expect(screen.row(last)).to_contain_text(names[-1][:20])
    strays = "tbody :is(script, img, svg, iframe, object, embed, style, base, meta, video, audio, marquee, math)"
    assert screen.page.locator(strays).count() == 0
    screen.page.context.clear_cookies()
    screen.log_in("supervisor")
    for page in ("tickets/ticket/", "tickets/contact/", "whatsapp/webhookevent/", f"tickets/ticket/{last}/change/"):
        screen.page.goto(f"{running.url}/admin/{page}")
        assert screen.page.locator("#content :is(iframe, object, embed, video, audio, marquee, math)").count() == 0
        assert screen.page.evaluate("window.hacked === undefined")


def test_the_desk_works_at_phone_width(screen: Screen, ticket: int, running: Desk) -> None:
    screen.page.set_viewport_size({"width": 390, "height": 844})
    assert screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    panel = screen.open(ticket)
    box = panel.bounding_box()
    assert box is not None and box["width"] >= 389
    screen.write("desde el celular")
    until(lambda: "desde el celular" in running.accepted())
    assert screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
