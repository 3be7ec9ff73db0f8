"""Web and worker with a Redis that refuses, hangs or forgets: requests answer, and everything goes out by the sweep."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests

from tests.chaos.servers import RedisServer, redis_server
from tests.programs import Desk, desk, stop, until

WITHIN_S = 10.0


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def running(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk"), REDIS_URL=redis.url, ENVIO_ESPERA_S="2") as started:
        yield started


def new_person(desk: Desk) -> tuple[str, int]:
    """Somebody writes for the first time; their phone and their ticket."""
    phone = f"+52477{uuid4().int % 10_000_000:07}"
    desk.write(phone, "Mi impresora no imprime")
    return phone, desk.ticket_of(phone)


def answered(desk: Desk, ticket: int) -> bool:
    """Whether the assistant's first words have left."""
    return first_words(desk, ticket) in ("enviado", "entregado", "leido")


def first_words(desk: Desk, ticket: int) -> str:
    """The state of the assistant's first words; empty before there are any."""
    return next((str(entry["estado"]) for entry in desk.history(ticket) if entry["role"] == "assistant"), "")


@pytest.mark.parametrize("trouble", [RedisServer.refusing, RedisServer.silent], ids=["refused", "black-holed"])
def test_without_its_broker_a_post_answers_and_everything_goes_out_by_the_sweep(
    running: Desk, redis: RedisServer, trouble: object
) -> None:
    _, known = new_person(running)
    until(lambda: answered(running, known), 15)
    with trouble(redis):  # type: ignore[operator]
        text = f"sin broker {uuid4()}"
        began = time.monotonic()
        answer = running.send(known, text)
        assert answer.status_code in (200, 503), answer.text
        assert time.monotonic() - began < 4
        _, ticket = new_person(running)
        began = time.monotonic()
        until(lambda: answered(running, ticket), WITHIN_S, "la primera pregunta")
        until(lambda: text in running.accepted(), max(0.1, WITHIN_S - time.monotonic() + began), "el mensaje")
    assert running.accepted().count(text) == 1


@pytest.mark.parametrize("trouble", [RedisServer.refusing, RedisServer.silent], ids=["refused", "black-holed"])
def test_a_worker_that_starts_without_its_broker_sends_all_the_same(
    running: Desk, redis: RedisServer, trouble: object
) -> None:
    with trouble(redis):  # type: ignore[operator]
        stop(running.running["worker"], signal.SIGKILL)
        running.start_worker()
        _, ticket = new_person(running)
        until(lambda: answered(running, ticket), 2 * WITHIN_S, "la primera pregunta")


def test_a_worker_that_is_told_to_stop_ends_the_send_under_way(running: Desk, redis: RedisServer) -> None:
    running.simulate(falla="lento")  # accepted at once, answered late
    try:
        with redis.silent():  # so that the sweep sends, on threads that Celery does not know
            _, ticket = new_person(running)
            until(lambda: first_words(running, ticket) == "enviando", 2 * WITHIN_S, "la primera pregunta")
        assert stop(running.running["worker"]) == 0
        assert answered(running, ticket), running.history(ticket)
    finally:
        running.simulate(falla="ninguna")
        running.start_worker()


def stopped(worker: int, desk: Desk) -> bool:
    """Stop the worker; False, and it goes on, where that was while it held SQLite's lock, which nobody gets then."""
    os.kill(worker, signal.SIGSTOP)
    database = sqlite3.connect(f"{desk.environment['DATA_DIR']}/chat.sqlite3", timeout=0.5, isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        os.kill(worker, signal.SIGCONT)
        return False
    finally:
        database.close()
    return True


def test_what_a_wiped_broker_forgot_goes_out_by_the_sweep(running: Desk, redis: RedisServer) -> None:
    _, ticket = new_person(running)
    until(lambda: answered(running, ticket), 15)
    worker, text = running.running["worker"].pid, f"olvidado {uuid4()}"
    until(lambda: stopped(worker, running))
    try:
        answer = running.send(ticket, text)
        assert (answer.status_code, answer.json()["status"]) == (503, "en_cola"), answer.text
        redis.wipe()
    finally:
        os.kill(worker, signal.SIGCONT)
    until(lambda: text in running.accepted(), WITHIN_S, "el mensaje")
    assert running.accepted().count(text) == 1


def test_with_its_broker_back_wake_ups_arrive_again(running: Desk) -> None:
    """Sooner than any sweep would come: five in a row, each well before its 5 s."""
    _, ticket = new_person(running)
    until(lambda: running.get("/salud")["broker"] == "ok", 15)
    until(lambda: answered(running, ticket), 15)

    def quick() -> bool:
        began = time.monotonic()
        return running.send(ticket, f"pronto {uuid4()}").status_code == 200 and time.monotonic() - began < 1.5

    until(lambda: all(quick() for _ in range(5)), 30, "cinco envíos seguidos sin espera")


def writes(desk: Desk, ticket: int, on: bool) -> object:
    """A technician's page says whether they type; who is there, as the answer says."""
    answer = desk.post(f"/ticket/{ticket}/presencia", {"escribiendo": on})
    answer.raise_for_status()
    return answer.json()["quien"]


def seen_writing(desk: Desk, phone: str) -> bool:
    screen = requests.get(f"{desk.simulator_url}/simulador/telefonos", timeout=10).json()
    return any(one["escribiendo"] for one in screen["telefonos"] if one["telefono"] == phone)


def test_the_worker_shows_that_a_technician_types_and_hides_it_again(running: Desk) -> None:
    phone, ticket = new_person(running)
    until(lambda: answered(running, ticket), 15)
    writes(running, ticket, True)
    until(lambda: seen_writing(running, phone))
    writes(running, ticket, False)
    until(lambda: not seen_writing(running, phone))


def test_with_redis_silent_who_is_present_is_unknown_and_the_page_is_answered(
    running: Desk, redis: RedisServer
) -> None:
    _, ticket = new_person(running)
    until(lambda: writes(running, ticket, False))
    with redis.silent():
        assert writes(running, ticket, True) is None
