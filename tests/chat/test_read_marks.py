"""Read marks go to WhatsApp when the chat was on the screen, where that is wanted and the gateway can."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from chat import runtime, tasks
from chat.models import Message
from config import settings as written
from tests.fake_gateway import PERSON, CourteousGateway, FakeGateway, receive
from tickets.models import Ticket
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(gateway: object, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> CourteousGateway:
    settings.LEIDO_EN_WHATSAPP = True
    courteous = CourteousGateway()
    monkeypatch.setattr("whatsapp.gateways.active", lambda: courteous)
    return courteous


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process sends, and what it leaves to its threads is done before it goes on."""

    def now(function: Callable[..., Any], *args: Any) -> None:
        function(*args)

    monkeypatch.setattr(runtime, "embedded", threading.Event())
    runtime.embedded.set()
    for pool in (runtime.pool, runtime.courtesies):
        monkeypatch.setattr(pool, "submit", now)


@pytest.fixture
def read(desk: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Callable[..., int]:
    """The technician had the conversation on the screen, up to `last` (everything by default)."""

    def on_screen(last: int | None = None) -> int:
        ticket = Ticket.objects.get()
        last = last or Message.objects.latest("seq").seq
        with django_capture_on_commit_callbacks(execute=True):
            answer: HttpResponse = desk.post(
                f"/ticket/{ticket.pk}/leido", {"hasta": last}, content_type="application/json"
            )
        return answer.status_code

    return on_screen


def marks(gateway: CourteousGateway) -> list[tuple[Any, ...]]:
    return [sign[1:] for sign in gateway.signs if sign[0] == "leído"]


def write(*ids: str) -> None:
    for message_id in ids:
        receive("Mi laptop no enciende", message_id=message_id)


def test_what_was_on_the_screen_is_marked_with_the_newest_last(gateway: CourteousGateway, read: Any) -> None:
    write("AAAA", "BBBB", "CCCC")
    assert read() == 204
    assert marks(gateway) == [(PERSON, ["AAAA", "BBBB", "CCCC"])]


def test_what_was_marked_before_is_not_marked_again(gateway: CourteousGateway, read: Any) -> None:
    write("AAAA")
    read()
    write("BBBB")
    read()
    read()
    assert marks(gateway) == [(PERSON, ["AAAA"]), (PERSON, ["BBBB"])]


def test_what_came_after_what_was_on_the_screen_is_not_marked(gateway: CourteousGateway, read: Any) -> None:
    write("AAAA", "BBBB")
    read(Message.objects.get(gateway_id="AAAA").seq)
    assert marks(gateway) == [(PERSON, ["AAAA"])]


def test_answering_says_too_that_it_was_read(
    gateway: CourteousGateway,
    desk: Client,
    nobody_sends: None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    settings: Settings,
) -> None:
    settings.ENVIO_ESPERA_S = 0
    write("AAAA")
    seen = Message.objects.get(gateway_id="AAAA").seq
    body = {"mensaje": "Voy", "visto_hasta": seen}
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(f"/ticket/{Ticket.objects.get().pk}/enviar-mensaje", body, content_type="application/json")
    assert marks(gateway) == [(PERSON, ["AAAA"])]


def test_what_came_under_another_address_is_marked_there(gateway: CourteousGateway, read: Any) -> None:
    write("AAAA")
    receive("Y otra cosa", phone="123456@lid", message_id="BBBB", _data={"key": {"remoteJidAlt": f"{PERSON}@c.us"}})
    Message.objects.filter(gateway_id="BBBB").update(address="123456@lid", ticket=Ticket.objects.earliest("pk"))
    tasks.mark_read.run(Ticket.objects.earliest("pk").pk, Message.objects.latest("seq").seq, 2)
    assert marks(gateway) == [(PERSON, ["AAAA"]), ("123456@lid", ["BBBB"])]


def test_without_the_setting_nothing_is_marked(gateway: CourteousGateway, read: Any, settings: Settings) -> None:
    settings.LEIDO_EN_WHATSAPP = False
    write("AAAA")
    read()
    assert marks(gateway) == []


def test_it_is_off_unless_somebody_wants_it() -> None:
    assert written.LEIDO_EN_WHATSAPP is False


def test_a_gateway_that_cannot_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    write("AAAA")
    monkeypatch.setattr("whatsapp.gateways.active", FakeGateway)
    tasks.mark_read.run(Ticket.objects.get().pk, Message.objects.latest("seq").seq, 1)  # it would raise


def test_while_the_breaker_is_open_nothing_is_asked(gateway: CourteousGateway, read: Any) -> None:
    write("AAAA")
    connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    read()
    assert marks(gateway) == []


def test_a_mark_that_fails_is_no_failure_of_the_request(
    gateway: CourteousGateway, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("roto")

    monkeypatch.setattr(runtime.courtesies, "submit", broken)
    write("AAAA")
    assert read() == 204
    assert Ticket.objects.get().unread == 0
