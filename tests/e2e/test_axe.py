"""axe-core finds no violation on any page.

A new page is one line of PAGES; one that has to be opened by hand is a function that opens it. A state that is hard to
come to is looked at where its own test comes to it (`looked_at`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Route, expect

from tests.e2e.axe import WIDE, looked_at
from tests.e2e.conftest import LEFT, Screen
from tests.programs import Desk, desk

Way = Callable[[Screen], object]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Desk]:
    """A desk of its own, with one message of each kind in Carlos's chat."""
    with desk(tmp_path_factory.mktemp("axe")) as started:
        make_eva = "from django.contrib.auth.models import User; User.objects.create_user('eva', password='eva-demo')"
        started.manage("shell", "-v0", "-c", make_eva)
        yield started


@pytest.fixture(scope="module")
def eye(browser: Browser, running: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """The one tab in which all pages are looked at."""
    context = browser.new_context(viewport=WIDE, locale="es-MX", reduced_motion="reduce")
    screen = Screen(context.new_page(), running, tmp_path_factory.mktemp("pages"))
    screen.log_in()
    chat(screen)
    write_of_every_kind(screen)
    yield screen
    context.close()


def write_of_every_kind(screen: Screen) -> None:
    """An answer that arrived, a note with a mention, one that was refused, one in doubt, and one that waits."""
    screen.write("Ya vamos en camino")
    expect(screen.bubble("Ya vamos en camino")).to_contain_text(LEFT)
    screen.page.locator("#chat-nota").click()
    screen.page.locator("#chat-texto").fill("@supervisor ¿tenemos otra batería?")
    screen.page.locator("#chat-enviar").click()
    expect(screen.bubble("otra batería")).to_contain_text("Solo la mesa la ve")
    for fault, words in (("rechazar", "No se pudo enviar"), ("error_antes", "Sin confirmar")):
        screen.running.simulate(falla=fault)
        screen.write(f"prueba {fault}")
        expect(screen.bubble(f"prueba {fault}")).to_contain_text(words)
    screen.running.simulate(falla="ninguna", conexion="desconectado")
    screen.write("Esto espera")
    expect(screen.bubble("Esto espera")).to_contain_text("En cola")
    expect(screen.page.locator("#estado-whatsapp")).to_contain_text("desconectado")


def chat(screen: Screen) -> None:
    row = screen.page.locator("tr[data-ticket]", has_text="Carlos Medina").first
    screen.open(int(row.get_attribute("data-ticket") or 0))


def panel(name: str) -> Way:
    """Historial or Notificar of the first ticket of the table."""

    def opened(screen: Screen) -> None:
        screen.page.locator(f"tr[data-ticket] [data-abrir='{name}']").first.click()
        screen.panel(name)

    return opened


def transfer(screen: Screen) -> None:
    chat(screen)
    screen.page.locator("#chat-transferir").click()
    screen.page.locator("#chat-nota").click()
    expect(screen.page.locator("#chat-transferencia")).to_be_visible()


def replies(screen: Screen) -> None:
    chat(screen)
    screen.page.locator("#chat-texto").fill("")
    screen.page.locator("#chat-texto").press("/")
    expect(screen.page.locator("#chat-respuestas [role=option]").first).to_be_visible()


def menu(screen: Screen) -> None:
    screen.page.locator("details.menu summary").click()


def unfolded(path: str) -> Way:
    """A page with all that can be unfolded."""

    def opened(screen: Screen) -> None:
        screen.page.goto(f"{screen.running.url}{path}")
        screen.page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")

    return opened


def rendered(template: str, **context: str) -> Way:
    """A page of errors: a desk with DEBUG shows Django's own instead."""

    def opened(screen: Screen) -> None:
        def answer(route: Route) -> None:
            route.fulfill(body=render_to_string(template, context), content_type="text/html")

        screen.page.route("**/una-prueba", answer, times=1)
        screen.page.goto(f"{screen.running.url}/una-prueba")

    return opened


def of_the_admin(rows: str) -> Way:
    """The form of the first row of an administration's list."""

    def opened(screen: Screen) -> None:
        screen.page.goto(f"{screen.running.url}/admin/{rows}/")
        screen.page.locator("#result_list tbody th a").first.click()
        expect(screen.page.locator("#content h1")).to_be_visible()

    return opened


def simulator(screen: Screen) -> None:
    screen.page.goto(screen.running.simulator_url)
    expect(screen.page.locator(".telefono").first).to_be_visible()


def api(screen: Screen) -> None:
    """The first operations: one template draws them all, and axe-core's time grows with them."""
    screen.page.goto(f"{screen.running.url}/api/docs")
    screen.page.evaluate("for (const one of [...document.querySelectorAll('.operacion')].slice(5)) one.remove()")


NOBODY, ANA, SOFIA, EVA = "", "tecnico", "supervisor", "eva"
# Who looks, and at what: an address, or how one gets there from the table.
PAGES: dict[str, tuple[str, str | Way]] = {
    "table": (ANA, "/"),
    "table, nothing found": (ANA, "/?q=nadie+se+llama+así"),
    "menu": (ANA, menu),
    "chat": (ANA, chat),
    "chat with a transfer and a note": (ANA, transfer),
    "Historial": (ANA, panel("historial")),
    "Notificar": (ANA, panel("notificar")),
    "chat with quick replies": (ANA, replies),
    "quick replies": (ANA, "/respuestas"),
    "a new quick reply": (ANA, "/respuestas/nueva"),
    "alerts": (ANA, "/avisos"),
    "statistics": (SOFIA, unfolded("/estadisticas")),
    "statistics, without any": (SOFIA, "/estadisticas?desde=2020-01-01&hasta=2020-01-01"),
    "statistics, wrong dates": (SOFIA, "/estadisticas?desde=2020-01-02&hasta=2020-01-01"),
    "list behind a figure": (SOFIA, "/estadisticas/tickets?que=abiertos"),
    "empty list behind a figure": (SOFIA, "/estadisticas/tickets?que=abiertos&antiguedad=0&turno=asistente"),
    "login": (NOBODY, "/entrar"),
    "400": (NOBODY, rendered("400.html")),
    "403": (NOBODY, rendered("403.html")),
    "403 without cookie": (NOBODY, rendered("403_csrf.html")),
    "404": (NOBODY, rendered("404.html")),
    "500": (NOBODY, rendered("500.html")),
    "locked out": (NOBODY, rendered("bloqueado.html", mensaje="Espera 15 minutos.")),
    "without access": (EVA, "/"),
    "phones of the simulator": (NOBODY, simulator),
    "description of the API": (ANA, api),
    "admin": (SOFIA, "/admin/"),
    "admin: login": (NOBODY, "/admin/login/"),
    "admin: tickets": (SOFIA, "/admin/tickets/ticket/"),
    "admin: a ticket": (SOFIA, of_the_admin("tickets/ticket")),
    "admin: a contact": (SOFIA, of_the_admin("tickets/contact")),
    "admin: business hours": (SOFIA, "/admin/tickets/openinghours/"),
    "admin: holidays": (SOFIA, "/admin/tickets/holiday/"),
    "admin: predefined messages": (SOFIA, of_the_admin("chat/predefinedmessage")),
    "admin: connection": (SOFIA, "/admin/whatsapp/connection/waha/change/"),
    "admin: books": (SOFIA, "/admin/chat/message/libros/"),
    "admin: audit": (SOFIA, "/admin/chat/auditentry/"),
    "admin: messages": (SOFIA, "/admin/chat/message/"),
    "admin: a message": (SOFIA, of_the_admin("chat/message")),
    "admin: events": (SOFIA, "/admin/whatsapp/webhookevent/"),
    "admin: an event": (SOFIA, of_the_admin("whatsapp/webhookevent")),
    "admin: contacts": (SOFIA, "/admin/tickets/contact/"),
    "admin: users": (SOFIA, "/admin/auth/user/"),
    "admin: a user": (SOFIA, of_the_admin("auth/user")),
    "admin: merges": (SOFIA, "/admin/chat/merge/"),
    "admin: a new holiday": (SOFIA, "/admin/tickets/holiday/add/"),
}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(eye: Screen, name: str) -> None:
    who, way = PAGES[name]
    page = eye.page
    if who:
        eye.log_in(who)
    else:
        page.context.clear_cookies()
    if callable(way):
        way(eye)
    elif way != "/":
        page.goto(f"{eye.running.url}{way}")
    assert looked_at(page) == ""
