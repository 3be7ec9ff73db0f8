"""Long threads loaded as one scrolls, and a person's whole history beside the chat."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.axe import looked_at
from tests.e2e.conftest import Screen
from tests.programs import ROOT, Desk, until


@pytest.fixture
def tickets(running: Desk, phone: str) -> list[int]:
    """400 messages of one person over three tickets: 60 and 90 that are closed, and 250 of the open one."""
    command = [sys.executable, "-m", "tests.e2e.long_thread", f"521{phone[3:]}"]
    done = subprocess.run(command, cwd=ROOT, env=running.environment, capture_output=True, text=True, check=True)
    numbers: list[int] = json.loads(done.stdout)
    return numbers


def seqs(rows: Locator) -> list[int]:
    script = "list => [...list.querySelectorAll('.mensaje')].map(one => Number(one.dataset.seq))"
    found: list[int] = rows.evaluate(script)
    return found


def scroll_up(container: Locator) -> tuple[int, float]:
    """To the top of what is loaded; returns the row that is read there and its place."""
    seq, place = container.evaluate(
        """box => {
          box.scrollTop = 0;
          const row = box.querySelector('.mensaje');
          return [Number(row.dataset.seq), row.getBoundingClientRect().top];
        }"""
    )
    return seq, place


def place_of(container: Locator, seq: int) -> float:
    place: float = container.locator(f"[data-seq='{seq}']").evaluate("row => row.getBoundingClientRect().top")
    return place


def test_a_persons_whole_history_stands_beside_the_chat(screen: Screen, running: Desk, tickets: list[int]) -> None:
    page, panel = screen.page, screen.page.locator("#persona")
    page.reload()
    screen.open(tickets[2])
    expect(panel).to_be_hidden()
    page.get_by_role("button", name="Persona", exact=False).click()
    expect(panel).to_contain_text("Patricia Núñez")
    expect(panel).to_contain_text("También: Paty")
    expect(panel).to_contain_text(re.compile(r"\+52 1 477 100 \d{4}"))
    expect(panel).to_contain_text(re.compile(r"\+52 1 478 100 \d{4}\s*Otro teléfono"))
    expect(panel).to_contain_text(re.compile(r"9988776655\d{4}@lid\s*LID de WhatsApp"))
    expect(panel).to_contain_text(re.compile("La conocemos desde el .* · 3 tickets"))
    expect(panel.locator("li", has_text="Impresora IMP-0310")).to_contain_text(f"#{tickets[0]}")
    expect(panel.locator("li", has_text="Laptop ACT-0042").locator("button")).to_have_count(2)
    listed = panel.locator(".persona-ticket")
    expect(listed).to_contain_text([f"#{number}" for number in reversed(tickets)])
    expect(listed.last).to_contain_text("Cerrado")
    expect(page.locator("#chat-texto")).to_be_in_viewport()
    screen.picture("persona")
    assert looked_at(page) == ""

    # A ticket opens its part of the one timeline, which goes on either way as one scrolls.
    listed.nth(1).click()
    rows, box = panel.locator(".mensajes"), panel.locator(".hilo")
    expect(rows.locator("[data-seq='61']")).to_be_in_viewport()
    expect(rows.locator(".capitulo", has_text=f"Ticket #{tickets[1]} · Laptop ACT-0042 · Cerrado")).to_be_visible()
    until(lambda: seqs(rows)[0] == 1 or scroll_up(box)[0] < 0)
    box.evaluate("box => { box.scrollTop = box.scrollHeight }")
    until(lambda: seqs(rows)[-1] == 400 or box.evaluate("box => { box.scrollTop = box.scrollHeight }"), 20)
    assert seqs(rows) == list(range(1, 401))
    box.evaluate("box => { box.scrollTop = box.scrollHeight }")
    running.send(tickets[2], "llegó mientras leías")
    expect(rows.locator(".mensaje", has_text="llegó mientras leías")).to_be_in_viewport()

    # It is open again with the next chat; Escape puts it away before the chat.
    page.reload()
    screen.panel()
    expect(panel.locator(".persona-ticket")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("dialog#chat")).to_be_visible()


def test_a_long_chat_opens_with_its_last_page_and_loads_older_ones_as_one_scrolls_up(
    screen: Screen, running: Desk, tickets: list[int]
) -> None:
    screen.page.reload()
    screen.open(tickets[2])
    box, rows = screen.page.locator("#chat-mensajes"), screen.page.locator("#chat-lista")
    expect(screen.bubble("(400)")).to_be_in_viewport()
    assert seqs(rows) == list(range(351, 401))
    for oldest in (301, 251, 201, 151):
        read, before = scroll_up(box)
        until(lambda oldest=oldest: seqs(rows)[0] == oldest)  # type: ignore[misc]
        assert abs(place_of(box, read) - before) < 2
    assert seqs(rows) == list(range(151, 401))
    expect(screen.page.locator("#chat-anteriores")).to_be_hidden()
    running.send(tickets[2], "algo nuevo")
    expect(screen.bubble("algo nuevo")).to_be_attached()
    assert seqs(rows) == list(range(151, 402))


def test_search_jumps_from_hit_to_hit_through_all_their_tickets(screen: Screen, tickets: list[int]) -> None:
    page = screen.page
    page.goto(f"{screen.running.url}/?historial={tickets[2]}")
    panel = screen.panel("historial")
    panel.get_by_role("button", name="Toda la conversación").click()
    rows, box = panel.locator("#historial-linea .mensajes"), panel.locator("#historial-linea .hilo")
    expect(rows.locator("[data-seq='151']")).to_be_in_viewport()
    find = panel.get_by_role("searchbox")
    find.fill("NUMERO serie")
    find.press("Enter")
    count = panel.locator("output")
    for place, seq in enumerate((159, 69, 9, 159), start=1):
        expect(count).to_have_text(f"{(place - 1) % 3 + 1} de 3")
        hit = rows.locator(f"[data-seq='{seq}']")
        expect(hit).to_be_in_viewport()
        expect(hit.locator("mark")).to_have_text(["número", "serie"])
        find.press("Enter")
    find.press("Shift+Enter")
    expect(count).to_have_text("1 de 3")
    find.fill("cartucho")
    expect(count).to_have_text("1 de 99")
    expect(rows.locator("[data-seq='397'] mark")).to_be_in_viewport()
    screen.picture("persona-buscar")
    assert looked_at(page) == ""
    find.fill("<img src=x>")
    expect(count).to_have_text("Sin resultados")
    find.press("Escape")
    expect(rows.locator("mark")).to_have_count(0)
    expect(count).to_be_empty()

    # What is read stays where it was when older rows are put above it.
    page.wait_for_function("document.querySelector('#historial-linea [data-mas=antes]').hidden === false")
    read, before = scroll_up(box)
    until(lambda: seqs(rows)[0] < read)
    assert abs(place_of(box, read) - before) < 2
    panel.get_by_role("button", name="Toda la conversación").click()
    expect(panel.locator("#historial-mensajes")).to_be_visible()


def test_on_a_phone_the_person_lies_over_the_chat(screen: Screen, tickets: list[int]) -> None:
    page, panel = screen.page, screen.page.locator("#persona")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.goto(f"{screen.running.url}/?chat={tickets[2]}")
    screen.panel()
    page.locator("#chat-persona").click()
    expect(panel).to_contain_text("Patricia Núñez")
    box = panel.bounding_box()
    assert box and box["width"] >= 389
    assert page.locator("#chat-redactar").evaluate("form => form.inert")
    screen.picture("persona-telefono")
    panel.get_by_role("button", name="Toda la conversación").click()
    expect(panel.locator("[data-seq='400']")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("#chat-persona")).to_be_focused()
    page.reload()
    screen.panel()
    expect(panel).to_be_hidden()
