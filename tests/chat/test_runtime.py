"""The threads of one process, the periodic table, and wake-ups with and without a broker."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from kombu import pools
from pytest_django import Settings

from chat import delivery, runtime, tasks
from chat import wake as wake_ups
from chat.runtime import Pool, Repeating
from chat.wake import wake, wake_on_commit
from config.celery import app
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway
from tickets.models import Ticket
from whatsapp.models import WebhookEvent

WAIT = 10


def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread is about to do."""
    ends = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.005)


# The pool


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that gave their connections back, without closing the test's own."""
    names: list[str] = []
    monkeypatch.setattr(runtime, "close_old_connections", lambda: names.append(threading.current_thread().name))
    return names


def test_a_pool_runs_what_is_submitted_with_its_arguments(closed: list[str]) -> None:
    seen: list[int] = []
    pool = Pool(2, "prueba")
    for n in range(5):
        pool.submit(seen.append, n)
    until(lambda: len(seen) == 5)
    assert sorted(seen) == [0, 1, 2, 3, 4]


def test_a_pool_makes_threads_on_demand_and_no_more_than_its_size(closed: list[str]) -> None:
    pool, gate, running = Pool(3, "prueba"), threading.Event(), []
    assert pool.threads == 0

    def hold() -> None:
        running.append(1)
        gate.wait(WAIT)

    pool.submit(hold)
    assert pool.threads == 1
    for _ in range(9):
        pool.submit(hold)
    until(lambda: len(running) == 3)
    assert pool.threads == 3
    gate.set()
    until(lambda: len(running) == 10)
    until(lambda: pool.busy == 0)


def test_an_idle_thread_is_used_again(closed: list[str]) -> None:
    pool, done = Pool(8, "prueba"), []
    for n in range(5):
        pool.submit(done.append, n)
        until(lambda: pool.busy == 0)
    assert done == [0, 1, 2, 3, 4]
    assert pool.threads == 1


def test_a_pool_survives_what_a_task_raises_and_logs_it(closed: list[str], caplog: pytest.LogCaptureFixture) -> None:
    pool, done = Pool(1, "prueba"), []

    def broken() -> None:
        raise ZeroDivisionError("nuestro")

    pool.submit(broken)
    pool.submit(done.append, 1)
    until(lambda: done)
    assert "Error interno en una tarea" in caplog.text
    assert "ZeroDivisionError: nuestro" in caplog.text


def test_a_pool_closes_its_connections_after_each_task(closed: list[str]) -> None:
    pool = Pool(1, "prueba")
    for _ in range(3):
        pool.submit(int)
    until(lambda: len(closed) == 3)
    assert set(closed) == {"prueba-1"}


def test_a_pools_threads_do_not_hold_up_the_end_of_the_process(closed: list[str]) -> None:
    flags: list[bool] = []
    Pool(1, "prueba").submit(lambda: flags.append(threading.current_thread().daemon))
    until(lambda: flags)
    assert flags == [True]


def test_a_task_logs_under_the_request_that_submitted_it(closed: list[str]) -> None:
    who: ContextVar[str] = ContextVar("who", default="-")
    seen: list[str] = []
    who.set("abc")
    Pool(1, "prueba").submit(lambda: seen.append(who.get()))
    until(lambda: seen)
    assert seen == ["abc"]


# What repeats


def test_it_runs_at_once_and_again_until_it_is_stopped(closed: list[str]) -> None:
    times: list[float] = []
    repeating = Repeating(lambda: times.append(time.monotonic()), 0.01, "prueba")
    repeating.start()
    until(lambda: len(times) >= 3)
    repeating.stop()
    until(lambda: not [t for t in threading.enumerate() if t.name == "prueba"])
    count = len(times)
    repeating.start()
    until(lambda: len(times) > count)
    repeating.stop()


def test_it_survives_an_error_and_logs_it(closed: list[str], caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def broken() -> None:
        calls.append(1)
        raise ZeroDivisionError

    repeating = Repeating(broken, 0.01, "barrido de prueba")
    repeating.start()
    until(lambda: len(calls) >= 2)
    repeating.stop()
    assert "Error interno en barrido de prueba" in caplog.text


def test_a_stop_does_not_wait_for_the_next_round(closed: list[str]) -> None:
    done = threading.Event()
    repeating = Repeating(done.set, 3600, "de cada hora")
    repeating.start()
    assert done.wait(WAIT)
    repeating.stop()
    until(lambda: not [t for t in threading.enumerate() if t.name == "de cada hora"])


@pytest.mark.django_db
def test_the_periodic_table_runs_each_entry_when_its_time_has_come(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(tasks.purge_events, "run", lambda: ran.append("eventos"))
    monkeypatch.setattr(tasks.purge_sessions, "run", lambda: ran.append("sesiones"))
    settings.CELERY_BEAT_SCHEDULE = {
        "a": {"task": "chat.purge_events", "schedule": 60.0},
        "b": {"task": "chat.purge_sessions", "schedule": 600.0},
    }
    now = [1000.0]
    monkeypatch.setattr(runtime.time, "monotonic", lambda: now[0])
    last: dict[str, float] = {}
    runtime.run_due(last)
    assert ran == ["eventos", "sesiones"]
    now[0] += 59
    runtime.run_due(last)
    assert ran == ["eventos", "sesiones"]
    now[0] += 1
    runtime.run_due(last)
    assert ran == ["eventos", "sesiones", "eventos"]


@pytest.mark.django_db
def test_every_entry_of_the_periodic_table_names_a_task_that_runs(settings: Settings) -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        tasks.BY_NAME[entry["task"]].run()
        assert entry["task"] in app.tasks


@pytest.mark.django_db
def test_old_events_are_purged_by_the_setting(settings: Settings) -> None:
    for days in (5, 9):
        received = timezone.now() - timedelta(days=days)
        WebhookEvent.objects.create(
            gateway="waha", external_id=str(days), body="", state="procesado", received=received
        )
    settings.EVENTOS_DIAS = 7
    tasks.purge_events.run()
    assert [row.external_id for row in WebhookEvent.objects.all()] == ["5"]


# Wake-ups


@pytest.fixture
def embedded() -> Iterator[None]:
    runtime.embedded.set()
    yield
    runtime.embedded.clear()


def test_without_redis_an_embedded_process_wakes_its_own_pool(
    embedded: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = ""
    submitted: list[Any] = []
    monkeypatch.setattr(runtime.pool, "submit", lambda *call: submitted.append(call))
    assert wake(tasks.drain, 7) is True
    assert submitted == [(tasks.drain.run, 7)]


def test_a_process_that_sends_needs_no_broker_to_wake_itself(
    embedded: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://broker.invalid/0"
    monkeypatch.setattr(tasks.drain, "apply_async", lambda *_, **__: pytest.fail("it asked the broker"))
    submitted: list[Any] = []
    monkeypatch.setattr(runtime.pool, "submit", lambda *call: submitted.append(call))
    assert wake(tasks.drain, 7) is True
    assert submitted == [(tasks.drain.run, 7)]


def test_without_redis_and_not_embedded_nobody_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = ""
    monkeypatch.setattr(runtime.pool, "submit", lambda *_: pytest.fail("there is no pool here"))
    assert wake(tasks.drain, 7) is False


def broker_at(port: int, settings: Settings) -> Iterator[None]:
    """Publish to 127.0.0.1:`port`, with the options of the web process."""
    before = app.conf.broker_url
    settings.REDIS_URL = app.conf.broker_url = f"redis://127.0.0.1:{port}/0"
    forget_pools()
    yield
    app.conf.broker_url = before
    forget_pools()


def forget_pools() -> None:
    wake_ups.rests_until = 0.0
    app.pool.force_close_all()
    app._pool = None
    app.amqp._producer_pool = None
    pools.reset()


@pytest.fixture
def refusing_broker(settings: Settings) -> Iterator[None]:
    yield from broker_at(1, settings)


@pytest.fixture
def silent_broker(settings: Settings) -> Iterator[None]:
    """It takes connections and never answers: what a firewall in between looks like."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield from broker_at(server.getsockname()[1], settings)


@pytest.fixture(params=["refusing_broker", "silent_broker"])
def lost_broker(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(request.param)


def test_a_broker_that_cannot_be_reached_is_false_within_a_second(
    lost_broker: None, caplog: pytest.LogCaptureFixture
) -> None:
    import_module("kombu.transport.redis")  # loading it the first time is not what is measured
    started = time.monotonic()
    assert wake(tasks.drain, 7) is False
    assert time.monotonic() - started < 1
    assert "Sin aviso al worker" in caplog.text


def test_as_many_as_requests_can_be_ask_a_lost_broker_at_once_and_not_in_turn(
    lost_broker: None, settings: Settings
) -> None:
    import_module("kombu.transport.redis")
    with ThreadPoolExecutor(settings.WEB_THREADS) as requests:
        told = list(requests.map(lambda n: wake(tasks.drain, n), range(settings.WEB_THREADS)))
    assert not any(told)
    assert app.amqp.producer_pool.limit == settings.WEB_THREADS


def test_a_broker_that_failed_is_not_asked_again_for_a_while(
    refusing_broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wake(tasks.drain, 7) is False
    asked: list[Any] = []
    monkeypatch.setattr(tasks.drain, "apply_async", lambda *given, **_: asked.append(given))
    assert (wake(tasks.drain, 7), asked) == (False, [])
    wake_ups.rests_until -= wake_ups.REST_S
    assert (wake(tasks.drain, 7), len(asked)) == (True, 1)


@pytest.mark.django_db(transaction=True)
def test_a_post_still_sends_when_the_broker_cannot_be_reached(
    lost_broker: None, desk: Client, gateway: FakeGateway
) -> None:
    ticket = make_ticket()
    started = time.monotonic()
    response = desk.post(f"/ticket/{ticket.pk}/enviar-mensaje", '{"mensaje": "hola"}', content_type="application/json")
    assert response.status_code == 200
    assert time.monotonic() - started < 2
    assert gateway.texts == ["hola"]


@pytest.mark.django_db(transaction=True)
def test_a_lost_wake_up_after_a_commit_never_undoes_the_commit(lost_broker: None) -> None:
    with transaction.atomic():
        make_ticket()
        wake_on_commit(tasks.drain, 7)
    assert Ticket.objects.count() == 1


def test_what_celery_carries_are_ids_that_expire(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://broker.invalid/0"
    published: list[Any] = []
    monkeypatch.setattr(tasks.drain, "apply_async", lambda *args, **options: published.append((args, options)))
    assert wake(tasks.drain, 7) is True
    assert published == [(((7,),), {"retry": False, "expires": 60})]


@pytest.mark.django_db
def test_the_task_of_a_conversation_drains_it(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    drained: list[int] = []
    monkeypatch.setattr(delivery, "drain", drained.append)
    tasks.drain.run(7)
    assert drained == [7]


def test_stopping_an_embedded_process_stops_its_threads_and_what_waits() -> None:
    runtime.stop_embedded()
    assert runtime.stopping.is_set()
    assert not runtime.embedded.is_set()
    assert runtime.sweeper.ended.is_set()
    assert runtime.timer.ended.is_set()


# The bells


def test_a_bell_wakes_who_listens_to_its_key_and_nobody_else() -> None:
    bells = runtime.Bells()
    with bells.listening(1) as mine, bells.listening(1) as too, bells.listening(2) as other:
        bells.ring(1)
        assert mine.is_set() and too.is_set() and not other.is_set()
    bells.ring(1)
    assert bells.waiting == {}
