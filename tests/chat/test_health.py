"""GET /salud for machines, GET /estado for the desk's header."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat.models import Conversation, Worker
from config.auth import make_token
from tests.factory import make_ticket
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged

pytestmark = pytest.mark.django_db

DOWN = ConnectionChanged(connected=False, detail="Falta escanear el código QR de WhatsApp")


@pytest.fixture
def swept(db: None) -> None:
    Worker.objects.create(name="otra:1", seen=timezone.now())


def salud(status: int = 200) -> dict[str, str]:
    response = Client().get("/salud")
    assert response.status_code == status
    words: dict[str, str] = response.json()
    return words


def test_when_all_is_well_every_word_says_so_without_login(swept: None) -> None:
    assert salud() == {
        "status": "ok",
        "base_de_datos": "ok",
        "broker": "no se usa",
        "worker": "ok",
        "whatsapp": "conectado",
    }


def test_a_session_that_is_down_is_a_word_and_no_503(swept: None) -> None:
    connection.update(DOWN)
    words = salud()
    assert (words["status"], words["whatsapp"]) == ("degradado", "desconectado")


def test_nobody_who_sends_is_a_word_and_no_503() -> None:
    assert salud()["worker"] == "sin señal"
    Worker.objects.create(name="otra:1", seen=timezone.now() - timedelta(minutes=5))
    words = salud()
    assert (words["status"], words["worker"]) == ("degradado", "sin señal")


def test_asking_for_health_is_no_sign_of_life_of_a_worker() -> None:
    salud()
    assert salud()["worker"] == "sin señal"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A broker that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_broker_that_refuses_is_a_word_and_no_503(swept: None, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    words = salud()
    assert (words["status"], words["broker"]) == ("degradado", "sin conexión")


def test_a_broker_that_hangs_is_given_half_a_second(swept: None, settings: Settings, silent_port: int) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{silent_port}/0"
    started = time.monotonic()
    assert salud()["broker"] == "sin conexión"
    assert time.monotonic() - started < 2


def test_a_database_that_cannot_be_written_is_a_503(swept: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise DatabaseError("attempt to write a readonly database")

    monkeypatch.setattr(Worker.objects, "update_or_create", read_only)
    assert salud(503) == {"status": "error", "base_de_datos": "sin lectura o escritura"}


def test_a_database_that_cannot_be_read_is_a_503(swept: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr("chat.health.worker_alive", broken)
    assert salud(503)["status"] == "error"


def test_estado_tells_the_header_what_whatsapp_is_doing(desk: Client) -> None:
    ticket = make_ticket()
    Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "x")
    connection.update(DOWN)
    body = desk.get("/estado").json()
    assert (body["whatsapp"], body["detalle"], body["en_cola"]) == ("desconectado", DOWN.detail, 1)
    assert body["desde"]
    connection.update(ConnectionChanged(connected=True, detail="WhatsApp conectado"))
    assert desk.get("/estado").json()["whatsapp"] == "conectado"


def test_estado_tells_of_a_pause(desk: Client) -> None:
    assert desk.get("/estado").json()["pausa"] is None
    connection.pause("Lo pidió sofia")
    body = desk.get("/estado").json()
    assert body["pausa"]
    assert body["motivo_pausa"] == "Lo pidió sofia"


def test_estado_is_for_those_who_work_here(extrana: User, tecnica: User) -> None:
    assert Client().get("/estado").status_code == 401
    stranger = Client()
    stranger.force_login(extrana)
    assert stranger.get("/estado").status_code == 404
    headers = {"Authorization": f"Token {make_token(tecnica)}"}
    assert Client().get("/estado", headers=headers).status_code == 200
