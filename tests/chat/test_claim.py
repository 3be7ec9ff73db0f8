"""Two technicians do not answer at once: the second is told who is writing, and must confirm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import presence
from chat.models import Message, PredefinedMessage
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, receive
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("inline")]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "away_until", 0.0)


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(timezone.now(), tick=False) as travelling:
        yield travelling


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"))


@pytest.fixture
def other(supervisora: User) -> Client:
    """Sofía's browser."""
    client = Client()
    client.force_login(supervisora)
    return client


def here(client: Client, ticket: Ticket, escribiendo: bool = False, **more: Any) -> None:
    body = {"escribiendo": escribiendo, **more}
    assert client.post(f"/ticket/{ticket.pk}/presencia", body, content_type="application/json").status_code == 200


def send(client: Client, ticket: Ticket, **more: Any) -> HttpResponse:
    """Send as the page does: with what was on the screen."""
    body = {"mensaje": "Ya voy", "visto_hasta": 0, **more}
    return client.post(f"/ticket/{ticket.pk}/enviar-mensaje", body, content_type="application/json")


def test_who_sends_while_a_colleague_writes_is_told_who_and_nothing_is_saved(
    desk: Client, other: Client, ticket: Ticket, gateway: FakeGateway
) -> None:
    here(other, ticket, True)
    answer = send(desk, ticket)
    assert (answer.status_code, answer.json()["status"], answer.json()["quien"]) == (
        409,
        "alguien_escribe",
        ["Sofía Soto"],
    )
    assert "Sofía Soto está escribiendo" in answer.json()["detail"]
    assert not Message.objects.exists()
    assert gateway.calls == []


def test_who_confirms_sends(desk: Client, other: Client, ticket: Ticket, gateway: FakeGateway) -> None:
    here(other, ticket, True)
    assert send(desk, ticket, forzar=True).status_code == 200
    assert gateway.texts == ["Ya voy"]


def test_a_pause_between_two_words_is_still_writing_for_a_while(
    desk: Client, other: Client, ticket: Ticket, clock: time_machine.Coordinates
) -> None:
    here(other, ticket, True)
    here(other, ticket, False, borrador=True)
    clock.shift(19)
    assert send(desk, ticket).status_code == 409
    clock.shift(2)
    here(other, ticket, False, borrador=True)
    assert send(desk, ticket).status_code == 200


@pytest.mark.parametrize("ends", [{"borrador": False}, {"fuera": True}], ids=str)
def test_an_emptied_box_and_a_closed_chat_hold_nobody(
    desk: Client, other: Client, ticket: Ticket, ends: dict[str, bool]
) -> None:
    here(other, ticket, True)
    here(other, ticket, False, **ends)
    assert send(desk, ticket).status_code == 200


def test_ones_own_typing_and_that_in_another_ticket_hold_nobody(desk: Client, other: Client, ticket: Ticket) -> None:
    here(desk, ticket, True)
    here(other, ticket)
    here(other, make_ticket(), True)
    assert send(desk, ticket).status_code == 200


def test_a_program_that_shows_no_screen_is_not_asked(desk: Client, other: Client, ticket: Ticket) -> None:
    here(other, ticket, True)
    assert send(desk, ticket, visto_hasta=None).status_code == 200


def test_who_notifies_while_a_colleague_writes_confirms_it_too(
    desk: Client, other: Client, ticket: Ticket, gateway: FakeGateway
) -> None:
    notice = PredefinedMessage.objects.create(title="Listo", text="Ya está listo")

    def notify(**more: Any) -> HttpResponse:
        body = {"predefinido": notice.pk, "clave": str(uuid4()), **more}
        return desk.post(f"/ticket/{ticket.pk}/notificar", body, content_type="application/json")

    here(other, ticket, True)
    answer = notify()
    assert (answer.status_code, answer.json()["status"]) == (409, "alguien_escribe")
    assert not Message.objects.exists()
    assert notify(forzar=True).status_code == 200
    assert gateway.texts == ["Ya está listo"]


def test_a_repeat_of_what_was_saved_answers_its_outcome(
    desk: Client, other: Client, ticket: Ticket, gateway: FakeGateway
) -> None:
    key = str(uuid4())
    send(desk, ticket, clave=key)
    here(other, ticket, True)
    assert send(desk, ticket, clave=key).status_code == 200
    assert len(gateway.calls) == 1


def test_the_persons_new_words_are_told_first(desk: Client, other: Client) -> None:
    receive("¿Hola?")
    ticket = Ticket.objects.get()
    here(other, ticket, True)
    assert send(desk, ticket).json()["status"] == "hay_mensajes_nuevos"


def test_with_the_cache_away_nothing_is_refused(
    desk: Client, other: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    here(other, ticket, True)
    monkeypatch.setattr(presence, "away_until", float("inf"))
    assert send(desk, ticket).status_code == 200


def test_the_look_asks_the_database_nothing(desk: Client, other: Client, ticket: Ticket, tecnica: User) -> None:
    here(desk, ticket)
    here(other, ticket, True)
    with CaptureQueriesContext(connection) as asked:
        assert presence.writers(ticket.pk, tecnica.pk) == ["Sofía Soto"]
    assert not asked.captured_queries
