"""Two technicians in one ticket, and its person: who is here, and who types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Screen
from tests.programs import Desk


@pytest.fixture
def colleague(browser: Browser, running: Desk, tmp_path: Path) -> Iterator[Screen]:
    """Another technician's screen, in a browser of their own."""
    context = browser.new_context(viewport={"width": 1440, "height": 860}, locale="es-MX")
    shown = Screen(context.new_page(), running, tmp_path)
    shown.log_in("supervisor")
    yield shown
    context.close()
    assert not shown.violations


@pytest.fixture
def phones(browser: Browser, running: Desk) -> Iterator[Page]:
    """The simulator's page."""
    page = browser.new_page(locale="es-MX")
    page.goto(running.simulator_url)
    yield page
    page.close()


def test_two_technicians_in_one_ticket_see_each_other_and_its_person_sees_who_types(
    screen: Screen, colleague: Screen, phones: Page, running: Desk, ticket: int, phone: str
) -> None:
    mine, theirs = (one.page.locator("#chat-presencia") for one in (screen, colleague))
    screen.open(ticket)
    expect(mine).to_be_hidden()
    colleague.open(ticket)
    expect(mine).to_have_text("Sofía también está aquí")
    expect(theirs).to_have_text("Ana también está aquí")

    # Typing: the colleague and the person see it, and no more once the box is empty again.
    handset = phones.get_by_role("region", name=f"Teléfono de {phone}")
    screen.page.locator("#chat-texto").press_sequentially("Voy")
    expect(theirs).to_have_text("Ana está escribiendo…")
    expect(handset.locator(".numero")).to_have_text("La mesa está escribiendo…")
    screen.page.locator("#chat-texto").fill("")
    expect(theirs).to_have_text("Ana también está aquí")
    expect(handset.locator(".numero")).not_to_have_text("La mesa está escribiendo…")

    # The person's typing, until their message is here.
    handset.locator("textarea").press_sequentially("Ya enciende")
    for one in (screen, colleague):
        expect(one.page.locator(".tecleando")).to_contain_text("está escribiendo…")
    handset.locator("textarea").press("Enter")
    for one in (screen, colleague):
        expect(one.bubble("Ya enciende")).to_be_visible()
        expect(one.page.locator(".tecleando")).to_have_count(0)

    colleague.page.locator("#chat [data-cerrar]").click()
    expect(mine).to_be_hidden()
