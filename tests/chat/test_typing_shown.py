"""While a technician types, the person sees it on their WhatsApp: seldom told, and never left on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import redis
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat import presence, runtime, typing_shown
from chat.models import Conversation
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import PERSON, CourteousGateway, receive
from tests.programs import until
from tickets.models import Ticket
from whatsapp import connection
from whatsapp.gateways.base import Ability
from whatsapp.gateways.events import ConnectionChanged

pytestmark = pytest.mark.django_db

SHOWN, HIDDEN = ("escribiendo", PERSON, None), ("ya no", PERSON, None)


class Idle:
    """A thread that never runs: the test itself looks."""

    def __init__(self, **_: Any) -> None: ...

    def start(self) -> None: ...


@pytest.fixture(autouse=True)
def keeper(monkeypatch: pytest.MonkeyPatch) -> typing_shown.Keeper:
    monkeypatch.setattr(presence, "away_until", 0.0)
    monkeypatch.setattr(typing_shown, "Thread", Idle)
    monkeypatch.setattr(typing_shown, "keeper", typing_shown.Keeper())
    return typing_shown.keeper


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
def gateway(gateway: object, monkeypatch: pytest.MonkeyPatch) -> CourteousGateway:
    courteous = CourteousGateway()
    monkeypatch.setattr("whatsapp.gateways.active", lambda: courteous)
    # Watching has a test of its own.
    monkeypatch.setattr(courteous, "watch", lambda address: None)
    return courteous


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(timezone.now(), tick=False) as travelling:
        yield travelling


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact(PERSON))


def types(client: Client, ticket: Ticket, on: bool = True, **more: Any) -> None:
    body = {"escribiendo": on, **more}
    assert client.post(f"/ticket/{ticket.pk}/presencia", body, content_type="application/json").status_code == 200


def test_the_person_sees_that_a_technician_types_and_no_more_once_they_stop(
    desk: Client, ticket: Ticket, gateway: CourteousGateway, keeper: typing_shown.Keeper
) -> None:
    types(desk, ticket)
    assert keeper.look() is True
    assert gateway.signs == [SHOWN]
    types(desk, ticket, on=False)
    assert keeper.look() is False
    assert gateway.signs == [SHOWN, HIDDEN]


def test_it_is_told_at_most_every_ten_seconds_however_many_type(
    desk: Client,
    supervisora: User,
    ticket: Ticket,
    gateway: CourteousGateway,
    keeper: typing_shown.Keeper,
    clock: time_machine.Coordinates,
) -> None:
    other = Client()
    other.force_login(supervisora)
    for _ in range(10):  # half a minute of it
        types(desk, ticket)
        types(other, ticket)
        keeper.look()
        clock.shift(timedelta(seconds=3))
    assert gateway.signs == [SHOWN] * 3


def test_a_technician_who_vanishes_types_no_more(
    desk: Client,
    ticket: Ticket,
    gateway: CourteousGateway,
    keeper: typing_shown.Keeper,
    clock: time_machine.Coordinates,
) -> None:
    types(desk, ticket)
    clock.shift(timedelta(seconds=9))
    keeper.look()
    assert gateway.signs == [SHOWN, HIDDEN]


def test_what_is_shown_anew_just_after_it_ended_ends_too(
    desk: Client,
    ticket: Ticket,
    gateway: CourteousGateway,
    keeper: typing_shown.Keeper,
    clock: time_machine.Coordinates,
) -> None:
    types(desk, ticket)
    clock.shift(timedelta(seconds=9))
    types(desk, ticket, on=False)
    keeper.look()
    clock.shift(timedelta(seconds=1.5))
    types(desk, ticket)
    types(desk, ticket, on=False)
    keeper.look()
    assert gateway.signs == [SHOWN, HIDDEN] * 2


def test_closing_the_chat_ends_it(
    desk: Client, ticket: Ticket, gateway: CourteousGateway, keeper: typing_shown.Keeper
) -> None:
    types(desk, ticket)
    types(desk, ticket, on=False, fuera=True)
    keeper.look()
    assert gateway.signs == [SHOWN, HIDDEN]


def test_the_end_of_the_process_ends_it(
    desk: Client, ticket: Ticket, gateway: CourteousGateway, keeper: typing_shown.Keeper
) -> None:
    types(desk, ticket)
    runtime.stopping.set()
    assert keeper.look() is False
    assert gateway.signs == [SHOWN, HIDDEN]


def test_a_pause_of_sending_ends_what_is_shown(
    desk: Client, ticket: Ticket, gateway: CourteousGateway, keeper: typing_shown.Keeper
) -> None:
    types(desk, ticket)
    connection.pause("mantenimiento")
    types(desk, ticket, on=False)
    keeper.look()
    assert gateway.signs == [SHOWN, HIDDEN]


def test_it_ends_once_however_many_processes_showed_it(
    desk: Client, ticket: Ticket, gateway: CourteousGateway, keeper: typing_shown.Keeper
) -> None:
    types(desk, ticket)
    other = typing_shown.Keeper()
    other.keep(next(iter(keeper.shown.values())))
    types(desk, ticket, on=False)
    keeper.look()
    other.look()
    assert gateway.signs == [SHOWN, HIDDEN]


def test_with_the_cache_gone_it_ends(
    desk: Client,
    ticket: Ticket,
    gateway: CourteousGateway,
    keeper: typing_shown.Keeper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    types(desk, ticket)

    def away(*_: Any) -> None:
        raise redis.TimeoutError

    monkeypatch.setattr(cache, "get", away)
    monkeypatch.setattr(cache, "add", away)
    keeper.look()
    assert gateway.signs == [SHOWN, HIDDEN]


def test_what_is_shown_anew_while_it_ends_is_still_watched(
    desk: Client, ticket: Ticket, keeper: typing_shown.Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    types(desk, ticket)
    (one,) = keeper.shown.values()
    again = typing_shown.Shown(one.ticket, one.who, one.contact, one.address)
    monkeypatch.setattr(runtime.courtesies, "offer", lambda *_, **__: keeper.keep(again) or True)
    types(desk, ticket, on=False)
    assert keeper.look() is True
    assert list(keeper.shown.values()) == [again]


# When it is not shown


def test_not_while_the_breaker_is_open(desk: Client, ticket: Ticket, gateway: CourteousGateway) -> None:
    connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    types(desk, ticket)
    assert gateway.signs == []


def test_not_while_sending_is_paused(desk: Client, ticket: Ticket, gateway: CourteousGateway) -> None:
    connection.pause("mantenimiento")
    types(desk, ticket)
    assert gateway.signs == []


def test_not_by_setting(desk: Client, ticket: Ticket, gateway: CourteousGateway, settings: Settings) -> None:
    settings.ESCRIBIENDO_EN_WHATSAPP = False
    types(desk, ticket)
    assert gateway.signs == []


def test_not_where_the_gateway_cannot(desk: Client, ticket: Ticket, gateway: CourteousGateway) -> None:
    type(gateway).can, can = type(gateway).can - {"typing"}, type(gateway).can
    try:
        types(desk, ticket)
    finally:
        type(gateway).can = can
    assert gateway.signs == []


def test_not_for_who_stopped_before_a_worker_came_to_it(
    ticket: Ticket, tecnica: User, gateway: CourteousGateway
) -> None:
    typing_shown.show(ticket.pk, tecnica.pk)
    assert gateway.signs == []


def test_not_for_a_ticket_that_is_gone(tecnica: User, gateway: CourteousGateway) -> None:
    cache.set(presence.types_in(999, tecnica.pk), "", 8)
    typing_shown.show(999, tecnica.pk)
    assert gateway.signs == []


def test_a_gateway_that_hangs_on_it_takes_no_thread_that_sends(
    desk: Client, ticket: Ticket, gateway: CourteousGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All threads for courtesies hang: what comes then is dropped, and nothing waits on those that send."""
    monkeypatch.setattr(runtime.courtesies, "busy", runtime.courtesies.size)
    types(desk, ticket)
    assert gateway.signs == []


def test_what_could_not_end_yet_is_tried_again(
    desk: Client,
    ticket: Ticket,
    gateway: CourteousGateway,
    keeper: typing_shown.Keeper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    types(desk, ticket)
    types(desk, ticket, on=False)
    with monkeypatch.context() as hanging:
        hanging.setattr(runtime.courtesies, "busy", runtime.courtesies.size)
        assert keeper.look() is True
    assert gateway.signs == [SHOWN]
    keeper.look()
    assert gateway.signs == [SHOWN, HIDDEN]


# Meta


class Meta(CourteousGateway):
    """Needs the person's last message, marks it as read with it, and has a window of 24 hours."""

    can: ClassVar[frozenset[Ability]] = CourteousGateway.can | {"templates"}
    typing_marks_read = True


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Meta:
    settings.LEIDO_EN_WHATSAPP = True
    meta = Meta()
    monkeypatch.setattr("whatsapp.gateways.active", lambda: meta)
    return meta


def test_the_persons_last_message_is_named(desk: Client, meta: Meta) -> None:
    receive("Hola", message_id="AAAA")
    receive("¿Siguen ahí?", message_id="BBBB")
    types(desk, Ticket.objects.get())
    assert ("escribiendo", PERSON, "BBBB") in meta.signs


def test_not_outside_of_the_24_hours(desk: Client, meta: Meta) -> None:
    receive("Hola", message_id="AAAA")
    Conversation.objects.update(last_inbound=timezone.now() - timedelta(hours=25))
    types(desk, Ticket.objects.get())
    assert [sign for sign in meta.signs if sign[0] == "escribiendo"] == []


def test_not_where_it_would_mark_as_read_what_nobody_wants_marked(desk: Client, meta: Meta, settings: Settings) -> None:
    settings.LEIDO_EN_WHATSAPP = False
    receive("Hola", message_id="AAAA")
    types(desk, Ticket.objects.get())
    assert [sign for sign in meta.signs if sign[0] == "escribiendo"] == []


# Asking to be told when the person writes


def test_a_gateway_is_asked_to_tell_when_the_person_writes_once_somebody_opens_their_chat(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Coordinates
) -> None:
    watching = CourteousGateway()
    monkeypatch.setattr("whatsapp.gateways.active", lambda: watching)
    for _ in range(12):  # four minutes with the chat open
        types(desk, ticket, on=False)
        clock.shift(timedelta(seconds=20))
    assert watching.signs == [("vigilar", PERSON)]
    clock.shift(timedelta(minutes=2))
    types(desk, ticket, on=False)
    assert watching.signs == [("vigilar", PERSON)] * 2


def test_it_is_not_asked_while_it_is_disconnected(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = CourteousGateway()
    monkeypatch.setattr("whatsapp.gateways.active", lambda: watching)
    connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    types(desk, ticket, on=False)
    assert watching.signs == []


# The thread


def test_its_thread_ends_when_nothing_is_shown_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing_shown, "Thread", threading.Thread)
    monkeypatch.setattr(typing_shown, "LOOK_S", 0.01)
    monkeypatch.setattr(typing_shown, "hide", lambda shown: None)
    keeper = typing_shown.Keeper()
    keeper.keep(typing_shown.Shown(1, 1, 1, PERSON))
    until(lambda: not keeper.watching)
    assert not keeper.shown
