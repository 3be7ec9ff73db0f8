"""What is measured: a database full of tickets with the control and the desk in front of it, all real programs."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from tests.benchmarks.gateway import Gateway
from tests.benchmarks.load import Loaded, get, load, tags
from tests.benchmarks.measure import Round, processor, take_turns
from tests.chaos.fleet import PRODUCTION
from tests.chaos.servers import PostgresServer, postgres_server, redis_server
from tests.programs import ROOT, Desk, free_port, stop, until

PROCESSES, THREADS, MESSAGES = 2, 4, 20
SETTINGS = {
    **PRODUCTION,
    "WEB_PROCESSES": str(PROCESSES),
    "WEB_THREADS": str(THREADS),
    "WHATSAPP_TIMEOUT_S": "15",
    "ENVIO_ESPERA_S": "8",
    "ENVIO_POR_SEGUNDO": "0",
}
CONTROL = ["gunicorn", "tests.benchmarks.control:application", "--worker-class", "gthread", "--log-level", "error"]
WORKER = ["celery", "-A", "config", "worker", "-P", "threads", "-l", "WARNING", "--without-gossip", "--without-mingle"]


class Stand(Desk):
    """One desk with `tickets` tickets of 20 messages. Its processes are started when they are asked for."""

    def __init__(self, stack: ExitStack, tickets: int, *, postgres: bool, messages: int = MESSAGES) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
        self.server: PostgresServer | None = stack.enter_context(postgres_server(folder)) if postgres else None
        self.gateway = stack.enter_context(Gateway())
        url = self.server.url if self.server else f"sqlite:///{folder / 'chat.sqlite3'}"
        self.redis = stack.enter_context(redis_server(folder))
        super().__init__(folder, **SETTINGS, DATABASE_URL=url, REDIS_URL=self.redis.url, WAHA_URL=self.gateway.url)
        stack.callback(self.stop_all)
        self.stack, self.control_port, self.live_port = stack, free_port(), free_port()
        self.environment["LIVE_PORT"] = str(self.live_port)
        self.manage("migrate", "-v0")
        self.manage("collectstatic", "--no-input", "-v0")
        began = time.monotonic()
        command = [sys.executable, "-m", "tests.benchmarks.data", str(tickets), str(messages)]
        told = subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE)
        self.who: dict[str, Any] = json.loads(told.stdout)
        self.cookie = {"Cookie": f"sessionid={self.who['sessions'][0]}"}
        self.http.headers.update({"Authorization": f"Token {self.who['token']}", "X-Forwarded-Proto": "https"})
        print(f"{self.name}: {tickets} tickets de {messages} en {time.monotonic() - began:.0f} s", flush=True)

    @property
    def name(self) -> str:
        return "PostgreSQL" if self.server else "SQLite"

    @cached_property
    def control(self) -> int:
        """The control's pid, once it answers."""
        command = [*CONTROL, "--workers", str(PROCESSES), "--threads", str(THREADS)]
        self.start("control", *command, "--bind", f"127.0.0.1:{self.control_port}")
        until(lambda: answers(f"http://127.0.0.1:{self.control_port}/"), 30, "el control")
        return self.running["control"].pid

    @cached_property
    def web(self) -> int:
        """The pid of the desk's web server as production runs it, once it answers."""
        self.start("web", sys.executable, "-m", "config.web")
        until(lambda: answers(f"{self.url}/salud"), 30, "la mesa")
        return self.running["web"].pid

    @cached_property
    def worker(self) -> int:
        self.start("worker", *WORKER, "-c", "8")
        until(self.well, 60, "el worker")
        return self.running["worker"].pid

    @cached_property
    def live(self) -> int:
        self.start("live", sys.executable, "-m", "config.live")
        until(lambda: answers(f"http://127.0.0.1:{self.live_port}/salud"), 30, "live")
        return self.running["live"].pid

    @cached_property
    def embedded(self) -> int:
        """The one process of `make run`, which also sends."""
        redis = self.environment.pop("REDIS_URL")
        self.start("embedded", sys.executable, "-m", "config.serve")
        self.environment["REDIS_URL"] = redis
        until(self.well, 30, "la mesa")
        return self.running["embedded"].pid

    def well(self) -> bool:
        try:
            return bool(self.http.get(f"{self.url}/salud", timeout=5).json()["worker"] == "ok")
        except (requests.RequestException, ValueError):
            return False

    def paths(self, pattern: str, count: int = 2000) -> list[bytes]:
        """Requests of the technician for `count` random tickets."""
        chooser = random.Random(7)
        tickets = [chooser.randint(self.who["first"], self.who["last"]) for _ in range(count)]
        return [get(pattern.format(ticket), **self.cookie) for ticket in tickets]

    def tagged(self, requests: list[bytes]) -> list[bytes]:
        """The same, by a page that has seen these answers already."""
        assert self.web
        return tags(self.port, requests)

    def turn(self, who: str, requests: list[bytes], seconds: float, status: int = 200) -> Callable[[], Round]:
        """One measured burst at "web" or "control", after a short one that is not counted."""
        pid, port = (self.web, self.port) if who == "web" else (self.control, self.control_port)
        expected = frozenset({status})

        def measured() -> Round:
            load(port, requests, 0.3, expected=expected)
            before, database = processor([pid]), self.database_seconds()
            found: Loaded = load(port, requests, seconds, expected=expected)
            answers, waits = len(found.waits), sorted(found.waits)
            return Round(
                found.rate,
                (processor([pid]) - before) / answers * 1000,
                (self.database_seconds() - database) / answers * 1000,
                waits[answers // 2] * 1000,
            )

        return measured

    def database_seconds(self) -> float:
        return processor([self.server.process.pid]) if self.server else 0

    def halt(self, name: str) -> None:
        """Stop a process that is not needed any more, so that it is not measured with the next."""
        if process := self.running.pop(name, None):
            stop(process)
            vars(self).pop(name, None)


def answers(url: str) -> bool:
    try:
        requests.get(url, timeout=2)
    except requests.RequestException:
        return False
    return True


class Stands:
    """Both databases, each filled when it is first asked for, and how much of everything is measured."""

    def __init__(self, stack: ExitStack, scale: float, rounds: int) -> None:
        self.stack, self.rounds = stack, rounds
        self.tickets, self.seconds = max(100, int(10_000 * scale)), max(0.5, 2 * scale)
        self.scale = scale

    @cached_property
    def sqlite(self) -> Stand:
        return Stand(self.stack, self.tickets, postgres=False)

    @cached_property
    def postgres(self) -> Stand:
        return Stand(self.stack, self.tickets, postgres=True)

    def both(self) -> Iterator[Stand]:
        yield self.sqlite
        yield self.postgres

    def measure(self, stand: Stand, ways: dict[str, Callable[[], Round]]) -> dict[str, list[Round]]:
        """Each way and the control in turns, asked for the same tickets."""
        control = stand.turn("control", stand.paths("/ticket/{}/conversacion"), self.seconds)
        return take_turns({"control": control, **ways}, self.rounds)
