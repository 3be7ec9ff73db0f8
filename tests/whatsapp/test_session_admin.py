"""The session's page in the admin: what it says, and what a supervisor can do there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from tests.factory import make_user
from tests.supervision import browser_of, text_of
from whatsapp import connection, gateways, wire
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Failure, Unreachable
from whatsapp.gateways.waha import Waha
from whatsapp.models import Connection, ConnectionChange

pytestmark = pytest.mark.django_db
PAGE = "/admin/whatsapp/connection/waha/"
PNG = b"\x89PNG\r\n\x1a\n"
NOON = datetime(2026, 2, 5, 18, 0, tzinfo=UTC)


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


@pytest.fixture
def waha(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A WAHA that takes every order; returns what it was ordered."""
    orders: list[str] = []
    monkeypatch.setattr(Waha, "qr", lambda self: PNG)
    monkeypatch.setattr(Waha, "restart", lambda self: orders.append("restart"))
    monkeypatch.setattr(Waha, "log_out", lambda self: orders.append("log_out"))
    monkeypatch.setattr(Waha, "status", lambda self: ConnectionChanged(False, "Falta escanear el código QR"))
    return orders


def down(detail: str = "La sesión de WhatsApp está detenida") -> None:
    connection.update(ConnectionChanged(False, detail))


def up() -> None:
    connection.update(ConnectionChanged(True, "WhatsApp conectado"))


def test_the_page_says_the_state_since_when_and_what_was_before(admin: Client) -> None:
    connection.current()
    with time_machine.travel(NOON, tick=False):
        down()
    with time_machine.travel(NOON + timedelta(hours=3), tick=False):
        up()
    ConnectionChange.objects.filter(connected=True).update(filled=NOON, found=7)
    shown = " ".join(re.sub("<[^>]+>", " ", text_of(admin.get(f"{PAGE}change/"))).split())
    assert "✓ Conectado desde el 5 feb 2026, 15:00:00 · WhatsApp conectado" in shown
    assert "5 feb 2026, 15:00:00 ✓ Conectado WhatsApp conectado 3 horas 7" in shown
    assert "5 feb 2026, 12:00:00 ✕ Desconectado La sesión de WhatsApp está detenida — —" in shown


def test_only_the_last_fifty_changes_are_shown_newest_first(admin: Client) -> None:
    connection.current()
    for number in range(60):
        ConnectionChange.objects.create(gateway="waha", connected=False, detail=f"cambio-{number:02}")
    shown = text_of(admin.get(f"{PAGE}change/"))
    assert "cambio-59" in shown and "cambio-10" in shown and "cambio-09" not in shown
    assert shown.index("cambio-59") < shown.index("cambio-58")


def test_the_qr_code_is_given_while_there_is_something_to_scan(admin: Client, waha: list[str]) -> None:
    down("Falta escanear el código QR de WhatsApp")
    answer = admin.post(f"{PAGE}qr/")
    assert "no-store" in answer["Cache-Control"]
    assert answer.json() == {
        "conectado": False,
        "detalle": "Falta escanear el código QR de WhatsApp",
        "imagen": "data:image/png;base64,iVBORw0KGgo=",
    }
    up()
    assert admin.post(f"{PAGE}qr/").json()["imagen"] is None


def test_the_qr_code_is_only_posted_for_because_asking_may_start_the_session(
    admin: Client, waha: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    down()
    monkeypatch.setattr(Waha, "qr", lambda self: pytest.fail("un GET no cambia nada"))
    assert admin.get(f"{PAGE}qr/").status_code == 405


@pytest.mark.parametrize("name", ["waha", "evolution"])
def test_a_qr_code_is_waited_for_a_few_seconds_only(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, name: str
) -> None:
    settings.WHATSAPP_TIMEOUT_S, settings.EVOLUTION_URL = 60, "http://evolution"
    settings.EVOLUTION_INSTANCE, settings.EVOLUTION_API_KEY = "mesa", "llave"
    waits: list[float] = []
    monkeypatch.setattr(wire, "call", lambda *_, deadline_s, **__: waits.append(deadline_s) or Unreachable("no"))
    assert isinstance(gateways.GATEWAYS[name]().qr(), Failure)
    assert waits and max(waits) <= 7


def test_why_there_is_no_qr_code_is_said(admin: Client, waha: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    down()
    monkeypatch.setattr(Waha, "qr", lambda self: Failure("WAHA no contesta: conexión rechazada"))
    assert admin.post(f"{PAGE}qr/").json()["detalle"] == "WAHA no contesta: conexión rechazada"


def test_restarting_is_ordered_and_the_new_state_asked_for(admin: Client, waha: list[str]) -> None:
    connection.current()
    shown = text_of(admin.post(f"{PAGE}reiniciar/", follow=True))
    assert waha == ["restart"] and "La sesión se reinicia" in shown
    assert not Connection.objects.get().connected


def test_logging_out_is_asked_about_first(admin: Client, waha: list[str]) -> None:
    connection.current()
    shown = text_of(admin.get(f"{PAGE}cerrar-sesion/"))
    assert "olvidará el teléfono" in shown and waha == []
    shown = text_of(admin.post(f"{PAGE}cerrar-sesion/", follow=True))
    assert waha == ["log_out"] and "escanea el código QR" in shown


@pytest.mark.parametrize("order", ["reiniciar", "cerrar-sesion"])
def test_an_order_that_failed_says_why(admin: Client, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    connection.current()
    for method in ("restart", "log_out"):
        monkeypatch.setattr(Waha, method, lambda self: Failure("WAHA no aceptó la orden: HTTP 500"))
    assert "WAHA no aceptó la orden" in text_of(admin.post(f"{PAGE}{order}/", follow=True))
    assert Connection.objects.get().connected


def test_a_restart_is_only_posted(admin: Client, waha: list[str]) -> None:
    connection.current()
    assert admin.get(f"{PAGE}reiniciar/").status_code == 405
    assert waha == []


@pytest.mark.parametrize("path", ["qr/", "reiniciar/", "cerrar-sesion/"])
def test_who_may_not_pause_may_not_care_for_the_session(waha: list[str], path: str) -> None:
    connection.current()
    reader = make_user("leo", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_connection"))
    client = browser_of(reader)
    assert client.get(f"{PAGE}{path}").status_code == 403
    assert client.post(f"{PAGE}{path}").status_code == 403
    shown = text_of(client.get(f"{PAGE}change/"))
    assert "Comprobar ahora" in client.get(f"{PAGE}change/").content.decode()
    assert "Cerrar sesión…" not in shown and waha == []


@pytest.mark.parametrize("path", ["qr/", "reiniciar/", "cerrar-sesion/"])
def test_where_the_gateway_cannot_there_are_no_buttons(
    admin: Client, waha: list[str], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    down()
    assert "Mostrar QR" in admin.get(f"{PAGE}change/").content.decode()
    monkeypatch.setattr(Waha, "can", frozenset({"echo"}))
    page = admin.get(f"{PAGE}change/").content.decode()
    assert not any(word in page for word in ("Mostrar QR", "Reiniciar la sesión", "Cerrar sesión…", "qr.js"))
    assert admin.post(f"{PAGE}{path}").status_code == 404
    assert waha == []


def test_a_gateway_not_in_use_has_no_session_to_care_for(admin: Client, waha: list[str], settings: Settings) -> None:
    Connection.objects.create(gateway="evolution")
    page = "/admin/whatsapp/connection/evolution/"
    assert "Reiniciar la sesión" not in admin.get(f"{page}change/").content.decode()
    assert admin.post(f"{page}reiniciar/").status_code == 404


def test_a_session_that_does_not_exist_is_not_found(admin: Client, waha: list[str]) -> None:
    assert admin.post("/admin/whatsapp/connection/nadie/reiniciar/").status_code == 404


def test_the_qr_code_is_not_offered_while_the_session_works(admin: Client) -> None:
    connection.current()
    assert "Mostrar QR" not in admin.get(f"{PAGE}change/").content.decode()
