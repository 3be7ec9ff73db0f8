"""Who has a ticket open and who types in it: POST /ticket/{id}/presencia, and the person's typing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from chat import inbound, presence
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import PERSON, post_webhook, receive, writes_now
from tickets.models import Ticket
from whatsapp.gateways.events import Typing
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db

Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "away_until", 0.0)


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(timezone.now(), tick=False) as travelling:
        yield travelling


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the open pages were told."""
    heard: Told = []
    monkeypatch.setattr("chat.live.announce", lambda event, data, users=None: heard.append((event, data)))
    return heard


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact(PERSON))


@pytest.fixture
def other(supervisora: User) -> Client:
    """Sofía's browser."""
    client = Client()
    client.force_login(supervisora)
    return client


def say(client: Client, ticket: Ticket, escribiendo: object = False, **more: Any) -> HttpResponse:
    body = {"escribiendo": escribiendo, **more}
    return client.post(f"/ticket/{ticket.pk}/presencia", body, content_type="application/json")


def who(client: Client, ticket: Ticket, escribiendo: bool = False, **more: Any) -> dict[str, bool]:
    """The first names of who is there, and whether they type."""
    answer = say(client, ticket, escribiendo, **more)
    assert answer.status_code == 200, answer.content
    return {one["nombre"].split()[0]: one["escribiendo"] for one in answer.json()["quien"]}


# The endpoint


def test_the_answer_names_who_has_the_ticket_open(
    desk: Client, other: Client, ticket: Ticket, tecnica: User, supervisora: User
) -> None:
    say(other, ticket)
    assert say(desk, ticket, True).json() == {
        "quien": [
            {"id": tecnica.pk, "nombre": "Ana Ruiz", "escribiendo": True},
            {"id": supervisora.pk, "nombre": "Sofía Soto", "escribiendo": False},
        ]
    }


def test_each_ticket_has_its_own_people(desk: Client, other: Client, ticket: Ticket) -> None:
    say(other, make_ticket())
    assert who(desk, ticket) == {"Ana": False}


def test_without_login_it_is_401_in_json(ticket: Ticket) -> None:
    answer = say(Client(), ticket)
    assert (answer.status_code, answer.json()["status"]) == (401, "sin_sesion")


def test_for_who_may_not_work_here_the_ticket_does_not_exist(extrana: User, ticket: Ticket) -> None:
    client = Client()
    client.force_login(extrana)
    assert say(client, ticket).status_code == 404


def test_a_session_needs_its_csrf_token(tecnica: User, ticket: Ticket) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(tecnica)
    assert say(client, ticket).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"escribiendo": None},
        {"escribiendo": "true"},
        {"escribiendo": 1},
        {"escribiendo": True, "fuera": 1},
        {"escribiendo": True, "borrador": 1},
        {"escribiendo": True, "pestana": 7},
        {"escribiendo": True, "pestana": "esta"},
    ],
    ids=str,
)
def test_a_body_that_says_nothing_clear_is_refused(desk: Client, ticket: Ticket, body: dict[str, Any]) -> None:
    answer = say(desk, ticket, **body)
    assert (answer.status_code, answer.json()["status"]) == (400, "datos_no_validos")


def test_who_may_no_longer_work_here_is_gone_at_once(
    desk: Client, other: Client, ticket: Ticket, supervisora: User
) -> None:
    say(other, ticket)
    supervisora.is_active = False
    supervisora.save()
    assert who(desk, ticket) == {"Ana": False}


def test_it_asks_little(desk: Client, other: Client, ticket: Ticket) -> None:
    say(other, ticket)
    with CaptureQueriesContext(connection) as captured:
        say(desk, ticket)
    assert len(captured) == 5, "session, user, their groups, the ticket, who works here"


# It ends by itself


def test_who_vanishes_is_gone_after_three_quarters_of_a_minute(
    desk: Client, other: Client, ticket: Ticket, clock: time_machine.Coordinates
) -> None:
    say(other, ticket)
    clock.shift(timedelta(seconds=44))
    assert who(desk, ticket) == {"Ana": False, "Sofía": False}
    clock.shift(timedelta(seconds=2))
    assert who(desk, ticket) == {"Ana": False}


def test_saying_it_again_in_time_keeps_one_there(
    desk: Client, other: Client, ticket: Ticket, clock: time_machine.Coordinates
) -> None:
    for _ in range(5):
        say(other, ticket)
        clock.shift(timedelta(seconds=20))
    assert "Sofía" in who(desk, ticket)


def test_typing_ends_by_itself_after_some_seconds(
    desk: Client, other: Client, ticket: Ticket, clock: time_machine.Coordinates
) -> None:
    say(other, ticket, True)
    clock.shift(timedelta(seconds=7))
    assert who(desk, ticket)["Sofía"] is True
    clock.shift(timedelta(seconds=2))
    assert who(desk, ticket)["Sofía"] is False


def test_who_says_goodbye_is_gone_at_once(desk: Client, other: Client, ticket: Ticket) -> None:
    say(other, ticket, True, pestana=str(uuid4()))
    tab = str(uuid4())
    say(other, ticket, True, pestana=tab)
    assert who(other, ticket, fuera=True, pestana=tab) == {}
    assert who(desk, ticket) == {"Ana": False}


def test_another_tab_of_the_same_person_takes_nothing_back(desk: Client, other: Client, ticket: Ticket) -> None:
    one, two = str(uuid4()), str(uuid4())
    say(other, ticket, pestana=one)
    say(other, ticket, True, pestana=two)
    say(other, ticket, fuera=True, pestana=one)
    assert who(desk, ticket)["Sofía"] is True


# The pages are told


def test_pages_are_told_the_whole_list_each_time_it_changes_and_only_then(
    desk: Client, other: Client, ticket: Ticket, told: Told
) -> None:
    def lists() -> list[dict[str, bool]]:
        found = [{one["nombre"]: one["escribiendo"] for one in data["quien"]} for _, data in told]
        told.clear()
        return found

    say(desk, ticket)
    say(desk, ticket)
    assert lists() == [{"Ana Ruiz": False}]
    say(other, ticket, True)
    say(other, ticket, True)
    say(desk, ticket)
    assert lists() == [{"Ana Ruiz": False, "Sofía Soto": True}]
    say(other, ticket)
    assert lists() == [{"Ana Ruiz": False, "Sofía Soto": False}]
    say(desk, ticket, fuera=True)
    say(other, ticket, fuera=True)
    assert lists() == [{"Sofía Soto": False}, {}]


def test_they_are_told_which_ticket(desk: Client, ticket: Ticket, told: Told) -> None:
    say(desk, ticket)
    assert [(event, data["ticket"]) for event, data in told] == [("presencia", ticket.pk)]


def test_they_are_told_of_who_vanished_by_the_next_who_speaks(
    desk: Client, other: Client, ticket: Ticket, told: Told, clock: time_machine.Coordinates
) -> None:
    say(other, ticket)
    say(desk, ticket)
    clock.shift(timedelta(seconds=30))
    say(desk, ticket)
    clock.shift(timedelta(seconds=20))
    told.clear()
    say(desk, ticket)
    assert [[one["nombre"] for one in data["quien"]] for _, data in told] == [["Ana Ruiz"]]


def test_who_came_while_the_pages_were_told_is_told_too(
    desk: Client, ticket: Ticket, supervisora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once: the last list that is told has both, whoever is slower."""
    lists: list[list[str]] = []

    def announce(event: str, data: dict[str, Any]) -> None:
        cache.set(presence.here(ticket.pk, supervisora.pk), "", presence.HERE_S)
        lists.append([one["nombre"] for one in data["quien"]])

    monkeypatch.setattr("chat.live.announce", announce)
    say(desk, ticket)
    assert lists == [["Ana Ruiz"], ["Ana Ruiz", "Sofía Soto"]]


# Redis away


class Away:
    """A cache that is not there; counts who asks."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        raise redis.ConnectionError("rechazada")


def test_with_the_cache_away_presence_is_unknown_and_nothing_else_happens(
    desk: Client, ticket: Ticket, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "cache", Away())
    answer = say(desk, ticket, True)
    assert (answer.status_code, answer.json()) == (200, {"quien": None})
    assert not told


def test_a_cache_that_is_away_is_not_asked_by_each_request(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away()
    monkeypatch.setattr(presence, "cache", away)
    for _ in range(5):
        say(desk, ticket, True)
    assert away.asked == 1
    monkeypatch.setattr(presence, "away_until", 0.0)
    say(desk, ticket, True)
    assert away.asked == 2


def test_a_redis_that_never_answers_is_given_up(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert max(settings.CACHE_TIMEOUTS[name] for name in ("socket_timeout", "socket_connect_timeout")) <= 0.5
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(presence, "cache", RedisCache(url, {"OPTIONS": settings.CACHE_TIMEOUTS}))
        assert say(desk, ticket).json() == {"quien": None}


# The person's typing


def test_pages_are_told_that_the_person_of_an_open_ticket_types(
    told: Told, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    receive()
    with django_capture_on_commit_callbacks(execute=True):
        post_webhook(writes_now())
    assert told == [("persona", {"ticket": Ticket.objects.get().pk})]
    last = WebhookEvent.objects.latest("pk")
    assert (last.state, last.reason) == ("ignorado", "La persona escribe")


def test_they_are_not_told_of_who_stopped_nor_of_who_has_no_open_ticket(
    told: Told, ticket: Ticket, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        post_webhook(writes_now(on=False))
        post_webhook(writes_now("5215512345678"))
        Ticket.objects.update(state="Cerrado")
        post_webhook(writes_now())
    assert told == []


def test_the_persons_typing_asks_one_question(ticket: Ticket) -> None:
    with CaptureQueriesContext(connection) as captured:
        inbound.handle(Typing(PERSON, True))
    assert len(captured) == 1
