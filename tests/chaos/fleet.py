"""The desk's processes as a fleet that can be killed -9, paused and started again, each by its own pid."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.chaos import evidence
from tests.chaos.servers import PostgresServer, RedisServer, postgres_server, redis_server
from tests.programs import Desk, free_port, stop, until

SETTINGS = {
    "WHATSAPP_TIMEOUT_S": "1",
    "ENVIO_DUDA_S": "2",
    "ENVIO_ESPERA_S": "2",
    "ENVIO_POR_SEGUNDO": "0",
    "REABRIR_HORAS": "48",
}
# As in production, where DEBUG's record of every SQL statement is not kept: behind a proxy that adds a header.
PRODUCTION = {"DEBUG": "false", "TRUSTED_PROXIES": "127.0.0.1"}
PROXY = {"X-Forwarded-Proto": "https"}
WORKER = ("celery", "-A", "config", "worker", "-P", "threads", "-c", "32", "-l", "WARNING")
SIMULATOR = ("--delivered-after", "0.5", "--slow-answer", "0.5", "--refusal-delay", "0.1", "--retry-delay", "0.2",
             "--retry-attempts", "3000", "--tellers", "4", "--bitacora")  # fmt: skip


class Fleet(Desk):
    """A desk whose processes come back with the same command, port and faults."""

    redis: RedisServer | None = None
    postgres: PostgresServer | None = None

    def __init__(self, folder: Path, *, defaults: bool = False, **settings: str) -> None:
        """With `defaults` the desk keeps its own settings instead of our quick ones."""
        super().__init__(folder, **{**SETTINGS, **PRODUCTION, **settings})
        for key in SETTINGS if defaults else ():
            del self.environment[key]
        self.http.headers.update(PROXY)
        self.state: dict[str, Any] = {"leer_solo": False}
        self.webs = [self.port]

    @property
    def settings(self) -> str:
        return ", ".join(f"{key}={self.environment.get(key, 'default')}" for key in SETTINGS)

    @property
    def database(self) -> str:
        url = self.environment.get("DATABASE_URL") or f"sqlite:///{self.folder / 'chat.sqlite3'}"
        return url.removeprefix("sqlite:///")

    @property
    def told(self) -> Path:
        return self.folder / "told.jsonl"

    def start_fleet(self, webs: int = 1, workers: int = 1) -> None:
        """Migrate, start everything, log in, and have the database watched. Several webs need Redis."""
        self.prepare()
        evidence.watch(self.database)
        self.webs += [free_port() for _ in range(webs - 1)]
        names = ["simulator", *(f"web{number}" for number in range(webs))]
        if self.environment.get("REDIS_URL"):
            names += [*(f"worker{number}" for number in range(workers)), "beat"]
        for name in names:
            self.launch(name)
        until(self.well, 60, f"la mesa en {self.folder}")
        for number in range(webs):
            until(lambda number=number: self.serves(number), 60, f"web{number}")  # type: ignore[misc]
        self.log_in()

    def launch(self, name: str) -> None:
        """Start the process `name`, as at first."""
        if name == "simulator":
            options = ["--port", str(self.simulator_port), "--data-dir", str(self.folder), "--api-key", "clave"]
            options += ["--hmac-key", "secreto", "--webhook-url", f"{self.url}/webhooks/waha", *SIMULATOR]
            if "semilla" in self.state:
                self.state["semilla"] += (
                    1  # or every life of the simulator would meet the same faults at the same sends
                )
            options += ["--estado", json.dumps(self.state)]
            self.start(name, sys.executable, "-m", "whatsapp.simulator", *options)
        elif name == "beat":
            self.start(name, "celery", "-A", "config", "beat", "-s", str(self.folder / "beat"), "--pidfile=")
        elif name.startswith("worker"):
            self.start(name, *WORKER, "-n", f"{name}@%h")
        else:
            port, self.environment["PORT"] = self.environment["PORT"], str(self.webs[int(name[3:])])
            self.start(name, sys.executable, "-m", "config.serve")
            self.environment["PORT"] = port

    def kill(self, name: str) -> None:
        """kill -9, and start again at once."""
        stop(self.running[name], signal.SIGKILL)
        self.launch(name)

    def client(self) -> requests.Session:
        """One more program that talks to the desk, logged in."""
        session = requests.Session()
        session.trust_env = False
        session.headers.update(self.http.headers)
        return session

    def serves(self, number: int) -> bool:
        try:
            return self.http.get(f"http://127.0.0.1:{self.webs[number]}/salud", timeout=5).ok
        except requests.RequestException:
            return False

    def set_faults(self, **state: Any) -> None:
        """Faults that outlive the simulator; it must be answering."""
        self.state.update(state)
        until(lambda: self.tried_state(), 20, "el simulador")

    def tried_state(self) -> bool:
        try:
            answer = requests.post(f"{self.simulator_url}/simulador/estado", json=self.state, timeout=5)
        except requests.RequestException:
            return False
        answer.raise_for_status()
        return True

    def open_tickets(self, count: int) -> list[int]:
        """The tickets of `count` people who have just written."""
        phones = [f"52155{10_000_000 + number}" for number in range(count)]
        for phone in phones:
            self.write(phone, f"Mi equipo {phone} no enciende")

        def found() -> dict[str, int]:
            time.sleep(0.2)
            tickets = dict(evidence.query(self.database, evidence.TICKETS))
            return tickets if tickets.keys() >= set(phones) else {}

        numbers = until(found, 120, f"{count} tickets")
        return [numbers[phone] for phone in phones]


@contextmanager
def fleet(folder: Path, *, broker: bool = False, postgres: bool = False, webs: int = 1, workers: int = 1,
          defaults: bool = False, **settings: str) -> Iterator[Fleet]:  # fmt: skip
    """A running fleet with the servers it needs; all are stopped at the end, whatever happens."""
    with ExitStack() as stack:
        if broker:
            redis = stack.enter_context(redis_server(folder))
            settings["REDIS_URL"] = redis.url
        if postgres:
            server = stack.enter_context(postgres_server(folder))
            settings["DATABASE_URL"] = server.url
        started = Fleet(folder, defaults=defaults, **settings)
        print(f"ajustes: {started.settings}", flush=True)
        started.redis = redis if broker else None
        started.postgres = server if postgres else None
        stack.callback(started.stop_all)
        started.start_fleet(webs, workers)
        yield started
