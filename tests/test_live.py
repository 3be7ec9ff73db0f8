"""/eventos of running processes: what happens in any of them reaches every stream, and a lost Redis is said."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
import requests

from tests.chaos.servers import RedisServer, redis_server
from tests.programs import Desk, desk, free_port, stop, until

PERSON = "+5214771239876"


class Stream:
    """An open stream and what it was told, as (event, data)."""

    def __init__(self, desk: Desk, url: str, last: str = "") -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.last, self.ended = last, False
        headers = {"Authorization": str(desk.http.headers["Authorization"]), "Last-Event-ID": last}
        self.answer = requests.get(f"{url}/eventos", headers=headers, stream=True, timeout=60)
        assert self.answer.status_code == 200, self.answer.text
        Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        event = ""
        with suppress(requests.RequestException, AttributeError):
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last = value
                elif name == "event":
                    event = value
                elif name == "data":
                    self.events.append((event, json.loads(value)))
        self.ended = True

    def heard(self, event: str, **data: object) -> bool:
        return any(name == event and data.items() <= told.items() for name, told in self.events)


@contextmanager
def stream(desk: Desk, url: str, last: str = "") -> Iterator[Stream]:
    opened = Stream(desk, url, last)
    try:
        until(lambda: opened.heard("hola"))
        yield opened
    finally:
        opened.answer.close()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("alone")) as started:
        yield started


def test_a_token_hears_of_a_message_from_a_phone(alone: Desk) -> None:
    with stream(alone, alone.url) as told:
        alone.write(PERSON, "No imprime")
        ticket = alone.ticket_of(PERSON)
        until(lambda: told.heard("ticket", ticket=ticket, fila=True))


def test_a_stream_that_was_cut_hears_what_it_missed(alone: Desk) -> None:
    alone.write(PERSON, "Tampoco escanea")
    ticket = alone.ticket_of(PERSON)
    with stream(alone, alone.url) as told:
        alone.send(ticket, "Voy")
        until(lambda: told.last and told.heard("ticket", ticket=ticket))
        last = told.last
    alone.send(ticket, "Ya casi")
    with stream(alone, alone.url, last) as told:
        until(lambda: told.heard("ticket", ticket=ticket))
        assert not told.heard("todo")


def test_sigterm_ends_a_process_with_open_streams_within_two_seconds(tmp_path: Path) -> None:
    with desk(tmp_path) as started, stream(started, started.url) as told:
        began = time.monotonic()
        stop(started.running["web"], signal.SIGTERM)
        assert time.monotonic() - began < 2
        until(lambda: told.ended)
        assert told.heard("fin")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def apart(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, str]]:
    """Web, worker, and a `live` process of its own."""
    port = free_port()
    with desk(tmp_path_factory.mktemp("apart"), REDIS_URL=redis.url, LIVE_PORT=str(port)) as started:
        started.start("live", sys.executable, "-m", "config.live")
        url = f"http://127.0.0.1:{port}"
        until(lambda: serves(url), 30)
        yield started, url


def serves(url: str) -> bool:
    try:
        return requests.get(f"{url}/salud", timeout=5).ok
    except requests.RequestException:
        return False


def test_the_live_process_tells_what_web_and_worker_do(apart: tuple[Desk, str]) -> None:
    started, url = apart
    with stream(started, url) as told:
        until(lambda: told.heard("todo"))  # Redis reaches it
        started.write(PERSON, "No imprime")
        ticket = started.ticket_of(PERSON)
        until(lambda: told.heard("ticket", ticket=ticket, fila=True))
        told.events.clear()
        started.send(ticket, "Voy")
        until(lambda: started.state_of(ticket, "Voy") in ("entregado", "leido"))
        until(lambda: told.heard("ticket", ticket=ticket, fila=False))


def test_the_live_process_serves_nothing_else(apart: tuple[Desk, str]) -> None:
    assert requests.get(f"{apart[1]}/tickets", timeout=5).status_code == 404


def test_a_stream_is_told_when_redis_is_away_and_when_it_is_back(apart: tuple[Desk, str], redis: RedisServer) -> None:
    started, url = apart
    with stream(started, url) as told:
        until(lambda: told.heard("todo"))
        told.events.clear()
        redis.kill()
        try:
            until(lambda: told.heard("corte"), 15)
        finally:
            redis.start()
        until(lambda: told.heard("todo"), 15)
        ticket = started.ticket_of(PERSON)
        told.events.clear()
        started.send(ticket, "De vuelta")
        until(lambda: told.heard("ticket", ticket=ticket) or told.heard("todo"))


def test_who_stops_reading_is_told_to_ask_for_everything_instead_of_all_that_it_missed(
    apart: tuple[Desk, str], redis: RedisServer
) -> None:
    started, url = apart
    with closing(plain(started, url)) as quick, closing(plain(started, url)) as slow:
        read_until(slow, b"event: todo")  # Redis reaches it
        for number in range(1000):  # many times what the buffers between two sockets hold
            data = {"ticket": number, "relleno": "x" * 10_000}
            redis.client.publish("chat-en-vivo:vivo", json.dumps(["ticket", data, None]))
            if number % 50 == 49:
                read_until(quick, b'"ticket": %d,' % number)
        assert read_until(slow, b"event: todo").count(b"event: ticket") < 900


def plain(desk: Desk, url: str) -> socket.socket:
    """A stream as a bare socket with a small buffer, of which nothing is read but what the test reads."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(10)
    opened.connect(("127.0.0.1", int(url.rpartition(":")[2])))
    token = desk.http.headers["Authorization"]
    opened.sendall(f"GET /eventos HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n\r\n".encode())
    return opened


def read_until(opened: socket.socket, words: bytes) -> bytes:
    """What comes until `words` have come."""
    told = b""
    while words not in told[-1_100_000:]:
        came = opened.recv(1_000_000)
        assert came, told[-300:]
        told += came
    return told


def test_the_live_process_refuses_to_start_without_redis(tmp_path: Path) -> None:
    lonely = Desk(tmp_path)
    lonely.prepare()
    lonely.start("live", sys.executable, "-m", "config.live")
    assert lonely.running["live"].wait(20) == 1
    assert "REDIS_URL" in lonely.log("live")
