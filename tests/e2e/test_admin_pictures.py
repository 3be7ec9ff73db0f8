"""A supervisor's walk through the administration, which also takes the manual's pictures of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import PICTURES, Screen
from tests.programs import Desk, until

Shown = Callable[[str, str], Page]


@pytest.fixture
def shown(context: BrowserContext, running: Desk, tmp_path: Path) -> Shown:
    """Opens a page of the administration as its supervisor, and keeps its picture under a name."""
    screen = Screen(context.new_page(), running, Path(PICTURES) if PICTURES else tmp_path)
    screen.log_in("supervisor")
    screen.page.set_viewport_size({"width": 1440, "height": 820})

    def show(path: str, name: str) -> Page:
        screen.page.goto(f"{running.url}{path}")
        expect(screen.page.get_by_role("heading", level=1).first).to_be_visible()
        screen.page.screenshot(path=screen.pictures / f"{name}.png", animations="disabled")
        assert not screen.violations
        return screen.page

    return show


def test_a_supervisor_sees_the_queue_and_a_ticket_with_its_conversation(shown: Shown, running: Desk) -> None:
    page = shown("/admin/", "admin-inicio")
    expect(page.locator("body")).to_contain_text("Supervisión de la mesa de ayuda")
    page = shown("/admin/tickets/ticket/", "admin-tickets")
    expect(page.locator("#result_list tbody tr").first).to_be_visible()
    page.goto(f"{running.url}/admin/tickets/ticket/?q=Carlos")
    expect(page.locator("#result_list")).to_contain_text("Carlos Medina")
    number = running.ticket_of("+524775550147")
    page = shown(f"/admin/tickets/ticket/{number}/change/", "admin-ticket")
    expect(page.locator(".hilo")).to_contain_text("Mi laptop no enciende")


def test_a_supervisor_sees_the_connection_and_every_event(shown: Shown, running: Desk, phone: str) -> None:
    running.write(phone, "Se me olvidó la contraseña")
    running.ticket_of(phone)
    page = shown("/admin/whatsapp/webhookevent/", "admin-eventos")
    until(lambda: page.locator("#result_list tbody tr").count(), what="los eventos")
    expect(page.locator("#result_list")).to_contain_text("Procesado")
    page = shown("/admin/whatsapp/connection/waha/change/", "admin-conexion")
    expect(page.get_by_role("button", name="Comprobar ahora")).to_be_visible()


def test_a_supervisor_writes_the_predefined_messages(shown: Shown) -> None:
    page = shown("/admin/chat/predefinedmessage/", "admin-predefinidos")
    expect(page.locator("#result_list")).to_contain_text("Equipo listo")
    shown("/admin/auth/user/add/", "admin-usuario")


def test_a_supervisor_sees_who_did_what_and_from_where(shown: Shown, running: Desk) -> None:
    number = running.ticket_of("+524775550147")
    page = shown(f"/admin/tickets/ticket/{number}/change/", "antes")
    page.get_by_label("Prioridad").select_option("Alta")
    page.get_by_role("button", name="Guardar", exact=True).click()
    page = shown("/admin/chat/auditentry/", "admin-auditoria")
    first = page.locator("#result_list tbody tr").first
    expect(first).to_contain_text("Prioridad: Normal → Alta")
    expect(first).to_contain_text("127.0.0.1")
