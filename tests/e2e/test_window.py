"""The 24-hour window in the chat and in Notificar, with a gateway that has templates."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.conftest import LEFT, Screen
from tests.programs import Desk, until

DAY = timedelta(hours=24)


class TemplateDesk(Desk):
    """A desk whose gateway has templates."""

    def start(self, name: str, *command: str) -> None:
        super().start(name, *((sys.executable, "-m", "tests.e2e.desk_with_templates") if name == "web" else command))

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.folder / "chat.sqlite3", timeout=20) as connection:
            connection.execute(statement, values)

    def heard(self, ticket: int, ago: timedelta) -> None:
        """The person of `ticket` wrote so long ago; every page is told at its next look."""
        moment = (datetime.now(UTC) - ago).strftime("%Y-%m-%d %H:%M:%S.%f")
        self.sql(
            "UPDATE chat_conversation SET last_inbound = ?, version = version + 1 WHERE contact_id = "
            "(SELECT contact_id FROM tickets_ticket WHERE id = ?)",
            moment,
            ticket,
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[TemplateDesk]:
    started = TemplateDesk(tmp_path_factory.mktemp("window"))
    try:
        started.start_all()
        until(lambda: "Plantillas leídas: 5" in started.log(), 20)
        yield started
    finally:
        started.stop_all()


@pytest.fixture
def closed(running: TemplateDesk, ticket: int) -> int:
    """A ticket whose person wrote 25 hours ago."""
    until(lambda: len(running.history(ticket)) > 1 and running.history(ticket)[-1]["estado"] != "en_cola")
    running.heard(ticket, timedelta(hours=25))
    return ticket


def test_the_countdown_is_quiet_at_first_and_loud_in_the_last_hour(
    screen: Screen, running: TemplateDesk, ticket: int
) -> None:
    screen.open(ticket)
    note = screen.page.locator("#chat-ventana")
    words = r"Puedes escribir libremente hasta mañana a las? \d\d:\d\d \(quedan 23 h \d+ min\)"
    expect(note).to_have_text(re.compile(words))
    expect(note).to_have_attribute("data-tono", "discreto")
    screen.picture("ventana-abierta")
    running.heard(ticket, timedelta(hours=23, minutes=20))
    expect(note).to_have_text(re.compile(r"\(quedan 39 min\)"))
    expect(note).to_have_attribute("data-tono", "urgente")
    screen.picture("ventana-urgente")


def test_the_composer_changes_by_itself_when_the_window_closes_and_when_the_person_writes(
    screen: Screen, running: TemplateDesk, ticket: int, phone: str
) -> None:
    screen.open(ticket)
    box = screen.page.locator("#chat-texto")
    box.fill("un borrador que vale")
    running.heard(ticket, DAY - timedelta(seconds=67))
    expect(screen.page.locator("#chat-ventana")).to_contain_text("menos de un minuto")
    picker = screen.page.locator("#chat-plantillas")
    expect(picker).to_be_visible(timeout=15_000)
    expect(box).not_to_be_visible()
    expect(picker).to_contain_text("Tu borrador se conserva")
    running.write(phone, "aquí sigo")
    expect(box).to_be_visible()
    expect(picker).not_to_be_visible()
    expect(box).to_have_value("un borrador que vale")


def test_a_template_is_found_filled_previewed_and_sent(screen: Screen, running: TemplateDesk, closed: int) -> None:
    screen.open(closed)
    picker = screen.page.locator("#chat-plantillas")
    expect(picker.locator(".plantillas-lista li")).to_have_count(4)
    screen.picture("ventana-cerrada")
    picker.get_by_label("Idioma").select_option("en_US")
    expect(picker.locator(".plantillas-lista li")).to_have_count(1)
    picker.get_by_label("Idioma").select_option("")
    picker.get_by_role("searchbox").fill("EQUIPO esta listo")
    picker.get_by_role("button", name=re.compile("Equipo listo")).click()
    fields = picker.locator(".campos input")
    expect(fields).to_have_count(5)
    expect(fields.nth(2)).to_have_value(str(closed))
    expect(fields.nth(1)).to_have_value("")  # nobody knows the name yet
    fields.nth(1).fill("Juan")
    picker.get_by_role("button", name="Enviar plantilla").click()
    expect(fields.nth(3)).to_be_focused()
    expect(picker.locator(".problema-campo").nth(3)).to_have_text("Escribe un valor.")
    fields.nth(3).fill("12:00")
    preview = picker.locator(".globo")
    expect(preview).to_contain_text(f"tu equipo del ticket #{closed} ya está listo. Pasa por él a las 12:00.")
    screen.picture("ventana-plantilla")
    picker.get_by_role("button", name="Enviar plantilla").click()
    expect(screen.bubble("a las 12:00")).to_contain_text(LEFT)
    expect(picker.locator(".plantillas-lista li")).to_have_count(1)  # what was searched for
    assert any("Hola Juan" in text for text in running.accepted())


def test_what_was_filled_in_survives_a_reload_and_a_lost_answer_sends_nothing_twice(
    screen: Screen, running: TemplateDesk, closed: int, context: BrowserContext
) -> None:
    screen.open(closed)
    picker = screen.page.locator("#chat-plantillas")
    picker.get_by_role("button", name=re.compile("Seguimos")).click()
    picker.locator(".campos input").nth(0).fill("doña Mari")
    screen.page.reload()
    expect(picker.locator(".campos input").nth(0)).to_have_value("doña Mari")

    def lose(route: object) -> None:
        route.fetch()  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    screen.page.route(
        "**/enviar-plantilla", lambda route: lose(route) if route.request.method == "POST" else route.fallback()
    )
    picker.get_by_role("button", name="Enviar plantilla").click()
    expect(picker.locator(".tarjeta")).to_contain_text("Sin conexión")
    screen.page.unroute("**/enviar-plantilla")
    picker.get_by_role("button", name="Enviar plantilla").click()
    expect(picker.locator(".plantillas-lista")).to_be_visible()
    assert sum("doña Mari" in text for text in running.accepted()) == 1


def test_hostile_values_stay_text_and_what_meta_refuses_is_said_before_it_is_sent(
    screen: Screen, running: TemplateDesk, closed: int
) -> None:
    screen.open(closed)
    picker = screen.page.locator("#chat-plantillas")
    picker.get_by_role("button", name=re.compile("Seguimos")).click()
    field = picker.locator(".campos input").nth(0)
    field.fill("<img src=x onerror=alert(1)>")
    expect(picker.locator(".globo")).to_contain_text("<img src=x onerror=alert(1)>")
    assert picker.locator("img").count() == 0
    field.fill("a    b")
    picker.get_by_role("button", name="Enviar plantilla").click()
    expect(picker.locator(".problema-campo").first).to_contain_text("tres espacios")
    field.fill("x" * 1024)
    picker.get_by_role("button", name="Enviar plantilla").click()
    expect(picker.locator(".tarjeta")).to_contain_text("1024")


def test_two_technicians_see_the_same_window(
    screen: Screen, running: TemplateDesk, closed: int, phone: str, context: BrowserContext, tmp_path: object
) -> None:
    other = Screen(context.new_page(), running, screen.pictures)
    other.page.goto(f"{running.url}/?chat={closed}")
    screen.open(closed)
    for page in (screen.page, other.page):
        expect(page.locator("#chat-plantillas")).to_be_visible()
    screen.page.get_by_role("button", name=re.compile("Retomar")).click()
    screen.page.get_by_role("button", name="Enviar plantilla").click()
    expect(other.bubble("¿podemos retomar")).to_be_visible()
    expect(other.page.locator("#chat-plantillas")).to_be_visible()
    running.write(phone, "sí, claro")
    for page in (screen.page, other.page):
        expect(page.locator("#chat-texto")).to_be_visible()


def test_without_an_approved_template_it_says_what_to_do_and_a_failure_can_be_retried(
    screen: Screen, running: TemplateDesk, closed: int
) -> None:
    running.sql("UPDATE whatsapp_template SET status = 'PAUSED' WHERE status = 'APPROVED'")
    screen.page.route("**/enviar-plantilla", lambda route: route.abort())
    screen.open(closed)
    picker = screen.page.locator("#chat-plantillas")
    expect(picker.get_by_role("alert").first).to_contain_text("No se pudieron cargar")
    screen.picture("ventana-error")
    screen.page.unroute("**/enviar-plantilla")
    picker.get_by_role("button", name="Reintentar").click()
    expect(picker).to_contain_text("No hay plantillas aprobadas. Hay 5 que aún no se pueden enviar")
    screen.picture("ventana-sin-plantillas")
    running.sql("UPDATE whatsapp_template SET status = 'APPROVED' WHERE status = 'PAUSED'")
    picker.get_by_role("button", name="Buscar de nuevo").click()
    expect(picker.locator(".plantillas-lista li")).to_have_count(4)


def test_notificar_sends_its_template_and_disables_what_has_none(
    screen: Screen, running: TemplateDesk, closed: int
) -> None:
    running.sql(
        "UPDATE chat_predefinedmessage SET template_id = (SELECT id FROM whatsapp_template WHERE name = "
        "'seguimos_trabajando'), template_values = '{nombre}' || char(10) || '{numero}' WHERE title LIKE 'Esperamos%'"
    )
    panel = screen.open(closed, "notificar")
    first = panel.locator(".predefinido", has_text="Equipo listo")
    expect(first).to_contain_text("no tiene plantilla")
    expect(first.get_by_role("button")).to_be_disabled()
    other = panel.locator(".predefinido", has_text="Esperamos")
    expect(other).to_contain_text(f"seguimos trabajando en tu ticket #{closed}")
    screen.picture("notificar-plantilla")
    other.get_by_role("button", name=re.compile("Enviar")).click()
    expect(other).to_contain_text("✓ Enviado")
    assert any(f"seguimos trabajando en tu ticket #{closed}" in text for text in running.accepted())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_closed_composer_fits_a_phone(screen: Screen, running: TemplateDesk, closed: int, scheme: str) -> None:
    screen.page.set_viewport_size({"width": 390, "height": 844})
    screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    screen.open(closed)
    picker = screen.page.locator("#chat-plantillas")
    expect(picker.locator(".plantillas-lista li")).to_have_count(4)
    screen.picture(f"ventana-telefono-{scheme}")
    picker.get_by_role("button", name=re.compile("Equipo listo")).click()
    picker.locator(".campos input").nth(3).fill("12:00")
    screen.picture(f"ventana-telefono-plantilla-{scheme}")
    assert screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert picker.evaluate("node => node.scrollWidth <= node.clientWidth")
