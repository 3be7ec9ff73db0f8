"""The processes of Procfile.prod behind the Caddyfile, on free ports, and what a test does with them."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from honcho.environ import parse_procfile

from tests.programs import ROOT, Desk, free_port, need, stop, until

PROCESSES: dict[str, str] = parse_procfile((ROOT / "Procfile.prod").read_text()).processes
THREADS = 4
BODY_MAX = 100_000
SIMULATOR = ("--api-key", "clave", "--hmac-key", "secreto", "--delivered-after", "0.1")


class Production(Desk):
    """A desk whose every request goes through Caddy. The gateway may hang for longer than any test."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(
            folder,
            DEBUG="false",
            SECRET_KEY="solo-para-estas-pruebas-" + "abcdefghij" * 5,
            TRUSTED_PROXIES="127.0.0.1,::1",
            DJANGO_SETTINGS_MODULE="config.settings",
            LIVE_PORT=str(free_port()),
            WEB_PROCESSES="1",
            WEB_THREADS=str(THREADS),
            WHATSAPP_TIMEOUT_S="30",
            ENVIO_ESPERA_S="30",
            **settings,
        )
        self.https_port, self.http_port = free_port(), free_port()
        self.environment |= {
            "DOMINIO": "localhost",
            "HTTPS_PORT": str(self.https_port),
            "HTTP_PORT": str(self.http_port),
            "WEB": f"127.0.0.1:{self.port}",
            "LIVE": f"127.0.0.1:{self.environment['LIVE_PORT']}",
            "CUERPO_MAX": f"{BODY_MAX}B",
            "CADDY_ADMIN": f"127.0.0.1:{free_port()}",
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        self.url = f"https://localhost:{self.https_port}"
        self.http.verify = str(folder / "caddy" / "pki" / "authorities" / "local" / "root.crt")

    def prepare(self) -> None:
        """The database with its demo logins, and the static files."""
        super().prepare()
        self.manage("collectstatic", "--no-input", "-v0")

    def start_simulator(self) -> None:
        options = ["--port", str(self.simulator_port), "--data-dir", str(self.folder), *SIMULATOR]
        options += ["--webhook-url", f"http://127.0.0.1:{self.port}/webhooks/waha"]
        self.start("simulator", sys.executable, "-m", "whatsapp.simulator", *options)

    def start_proxy(self) -> None:
        caddy = need(shutil.which("caddy"), "caddy")
        self.start("caddy", caddy, "run", "--config", "Caddyfile", "--adapter", "caddyfile")
        until(lambda: Path(str(self.http.verify)).exists(), 20, "el certificado de Caddy")

    def start_process(self, name: str) -> None:
        """One line of Procfile.prod."""
        self.start(name, "sh", "-c", f"exec {PROCESSES[name]}")

    def listen(self) -> requests.Response:
        """The stream of /eventos, open."""
        return self.http.get(f"{self.url}/eventos", stream=True, timeout=20)


def told(lines: Iterator[str], event: str, **data: Any) -> bool:
    """Whether the stream of `lines` tells of `event` with these values before it ends."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name == event and data.items() <= json.loads(line[len("data: ") :]).items():
            return True
    return False


def new_ticket(desk: Desk) -> int:
    """The ticket of a person who has just written for the first time, and was answered by the assistant."""
    phone = f"+52477{uuid4().int % 10_000_000:07}"
    desk.write(phone, "Mi laptop no enciende")
    ticket = desk.ticket_of(phone)
    until(lambda: answered(desk, ticket), 20, "la primera pregunta del asistente")
    return ticket


def answered(desk: Desk, ticket: int) -> bool:
    said = [entry["estado"] for entry in desk.history(ticket) if entry["role"] == "assistant"]
    return bool(said) and set(said) <= {"enviado", "entregado", "leido"}


@contextmanager
def hanging(desk: Production) -> Iterator[None]:
    """A gateway that takes every message and answers none; at the end it is another one, that works."""
    desk.simulate(falla="colgar")
    try:
        yield
    finally:
        stop(desk.running["simulator"], signal.SIGKILL)
        desk.start_simulator()
        until(desk.well, 20, "el simulador")
