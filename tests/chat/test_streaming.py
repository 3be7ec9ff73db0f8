"""GET /eventos: who may listen, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from chat import streaming
from chat.hub import Stream, hub
from chat.models import Conversation
from config.auth import make_token
from tests.factory import make_ticket
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged


@pytest.fixture
def unthreaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is asked here, where the test's transaction is."""

    async def ask(function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    monkeypatch.setattr(streaming, "ask", ask)


def run(job: Coroutine[Any, Any, None]) -> None:
    """To its end, without an event loop: Django would open another connection there."""
    with suppress(StopIteration):
        while True:
            job.send(None)


def stream_of(client: Client, user: User) -> Stream:
    return Stream(user.pk, (client.session.session_key, user.get_session_auth_hash()))


def allowed(stream: Stream) -> bool:
    return stream in streaming.still_allowed([stream])


def test_without_login_it_is_401_in_json(db: None, client: Client) -> None:
    answer = client.get("/eventos", headers={"accept": "text/event-stream"})
    assert answer.status_code == 401
    assert answer.json()["detail"]


def test_who_may_not_work_here_gets_404(extrana: User, client: Client) -> None:
    client.force_login(extrana)
    assert client.get("/eventos").status_code == 404


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_process_that_serves_no_streams_says_where_they_are(desk: Client, method: str) -> None:
    answer = getattr(desk, method)("/eventos")
    assert answer.status_code == 503
    if method == "get":
        assert "live" in answer.json()["detail"]


def test_a_stream_goes_on_while_its_person_may_work_and_its_session_lives(desk: Client, tecnica: User) -> None:
    assert allowed(stream_of(desk, tecnica))


def test_a_stream_ends_with_the_session(desk: Client, tecnica: User) -> None:
    stream = stream_of(desk, tecnica)
    desk.logout()
    assert not allowed(stream)


def test_a_stream_ends_with_a_changed_password(desk: Client, tecnica: User) -> None:
    stream = stream_of(desk, tecnica)
    tecnica.set_password("otra")
    tecnica.save()
    assert not allowed(stream)


def test_a_stream_ends_when_its_person_is_disabled(desk: Client, tecnica: User) -> None:
    stream = stream_of(desk, tecnica)
    User.objects.update(is_active=False)
    assert not allowed(stream)


def test_a_stream_ends_when_its_person_leaves_the_group(desk: Client, tecnica: User) -> None:
    stream = stream_of(desk, tecnica)
    tecnica.groups.clear()
    assert not allowed(stream)


def test_a_stream_of_a_token_needs_no_session(tecnica: User) -> None:
    assert make_token(tecnica)
    assert allowed(Stream(tecnica.pk, (None, tecnica.get_session_auth_hash())))


def test_checking_five_hundred_streams_costs_two_queries_per_two_hundred(
    desk: Client, tecnica: User, django_assert_num_queries: Callable[[int], Any]
) -> None:
    streams = [stream_of(desk, tecnica) for _ in range(500)]
    with django_assert_num_queries(6):
        assert streaming.still_allowed(streams) == set(streams)


@pytest.mark.django_db
def test_a_heartbeat_ends_who_may_not_listen_and_wakes_the_others(
    unthreaded: None, desk: Client, tecnica: User, extrana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = stream_of(desk, tecnica), Stream(extrana.pk, (None, extrana.get_session_auth_hash()))
    monkeypatch.setattr(hub, "streams", {good, bad})
    run(streaming.beat())
    assert (good.beat, good.ended, bad.ended) == (True, False, True)


@pytest.mark.django_db
def test_a_page_that_has_not_taken_the_last_heartbeat_is_dropped(
    unthreaded: None, desk: Client, tecnica: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = stream_of(desk, tecnica)
    monkeypatch.setattr(hub, "streams", {stuck})

    stuck.task = Mock()  # in a send that never ends
    for _ in range(2):
        run(streaming.beat())
    assert stuck.task.cancel.call_count == 1


def queue_one() -> None:
    ticket = make_ticket()
    Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "Voy en camino")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The events that the hub was told, with somebody listening."""
    events: list[str] = []
    monkeypatch.setattr(hub, "streams", {Stream(1, None)})
    monkeypatch.setattr(hub, "publish", lambda key, users=None: events.append(key[0]))
    return events


@pytest.mark.django_db
def test_a_change_of_whatsapp_s_state_is_told_once(unthreaded: None, told: list[str]) -> None:
    look = streaming.watch()
    run(look())
    told.clear()
    connection.update(ConnectionChanged(connected=False, detail="se cayó"))
    for _ in range(2):
        run(look())
    assert told == ["conexion"]


@pytest.mark.django_db
def test_the_count_of_what_waits_is_told_only_while_nothing_may_be_sent(unthreaded: None, told: list[str]) -> None:
    look = streaming.watch()
    run(look())
    told.clear()
    queue_one()
    run(look())
    assert told == []
    connection.pause("Lo pidió Sofía")
    run(look())
    queue_one()
    run(look())
    assert told == ["conexion", "conexion"]


@pytest.mark.django_db
def test_nobody_is_asked_while_no_page_is_open(
    unthreaded: None, django_assert_num_queries: Callable[[int], Any], settings: Settings
) -> None:
    with django_assert_num_queries(0):
        run(streaming.watch()())
