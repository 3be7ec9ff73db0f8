"""Real programs on free ports for tests: PostgreSQL, Redis, and the desk's own processes.

Each is started here, awaited by a condition, and stopped by its own pid.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import redis
import requests

from tests import prepared
from tests.ports import free_port
from tests.prepared import ROOT

Found = TypeVar("Found")


def until(condition: Callable[[], Found], seconds: float = 10, what: str = "") -> Found:
    """The first true value of `condition`; AssertionError after `seconds`."""
    ends, pause = time.monotonic() + seconds, 0.02
    while True:
        if value := condition():
            return value
        assert time.monotonic() < ends, f"no ocurrió en {seconds} s: {what or condition}"
        time.sleep(pause)
        pause = min(pause * 1.3, 0.1)  # asking all the time takes the processor from what is waited for


def need(path: str | None, package: str) -> str:
    """`path`, or a skip that says what to install; with CI=true a missing program is a failure."""
    if path:
        return path
    message = f"falta un programa: apt install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def stop(process: subprocess.Popen[Any], how: int = signal.SIGTERM, seconds: float = 10) -> int:
    """End a process that was started here; returns its exit status."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of our own; yields its URL."""
    program = need(shutil.which("redis-server"), "redis-server")
    port = free_port()
    arguments = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        until(lambda: answers(client.ping, redis.RedisError), what="Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        stop(process)


def answers(call: Callable[[], Any], *errors: type[Exception]) -> bool:
    try:
        call()
    except errors:
        return False
    return True


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL cluster of our own; yields the URL of an empty database. PostgreSQL refuses to run as root."""
    programs = sorted(glob("/usr/lib/postgresql/*/bin/initdb"))
    initdb = need(programs[-1] if programs else shutil.which("initdb"), "postgresql")
    server = str(Path(initdb).resolve().with_name("postgres"))
    data = folder / "postgres"
    data.mkdir()
    user: list[str] = []
    if os.geteuid() == 0:
        user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(data, "postgres")
        for parent in [folder, *folder.parents]:
            if parent.stat().st_uid == 0 and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
    port = free_port()
    common = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": "/"}
    subprocess.run([*user, initdb, "-D", str(data), "-U", "desk", "-A", "trust", "-E", "UTF8"], check=True, **common)  # type: ignore[call-overload]
    options = ["-p", str(port), "-c", f"unix_socket_directories={data}", "-c", "listen_addresses=127.0.0.1"]
    process = subprocess.Popen([*user, server, "-D", str(data), *options], stderr=subprocess.DEVNULL, cwd="/")
    try:
        address = f"host=127.0.0.1 port={port} user=desk"

        def create() -> None:
            with psycopg.connect(f"{address} dbname=postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE desk")

        until(lambda: answers(create, psycopg.OperationalError), what="PostgreSQL")
        yield f"postgres://desk@127.0.0.1:{port}/desk"
    finally:
        # The first child of runuser is the server itself: SIGINT is PostgreSQL's fast shutdown.
        stop(process, signal.SIGINT if not user else signal.SIGTERM)


class Desk:
    """The desk's own processes as `make run` starts them, and a client that talks to them as a program would."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port, self.simulator_port = free_port(), free_port()
        self.environment = {
            **{key: value for key, value in os.environ.items() if key not in ("REDIS_URL", "DATABASE_URL")},
            "ENV_FILE": os.devnull,
            "DEBUG": "true",
            "SECRET_KEY": "solo-para-las-pruebas",
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
            "SIMULATOR_PORT": str(self.simulator_port),
            "WAHA_API_KEY": "clave",
            "WAHA_HMAC_KEY": "secreto",
            "WAHA_URL": f"http://127.0.0.1:{self.simulator_port}",
            "WHATSAPP_TIMEOUT_S": "4",
            "ENVIO_ESPERA_S": "5",
            "ENVIO_POR_SEGUNDO": "0",
            "ENVIO_DUDA_S": "3",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **settings,
        }
        self.url, self.simulator_url = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.simulator_port}"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.http = requests.Session()
        self.http.trust_env = False

    def manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, check=True)

    def prepare(self) -> None:
        """A migrated database with the demo logins."""
        prepared.prepare(self.environment)

    def start(self, name: str, *command: str) -> None:
        """Start one process; its output goes to <name>.log in the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )

    def start_all(self) -> None:
        """Migrate, load the demo, and start web and simulator; worker too when there is Redis. Logs in as tecnico."""
        self.prepare()
        self.start("simulator", sys.executable, "manage.py", "simulador")
        self.start("web", sys.executable, "-m", "config.serve")
        if self.environment.get("REDIS_URL"):
            self.start_worker()
        until(lambda: self.well(), 30, f"la mesa en {self.folder}")
        self.log_in()

    def start_worker(self) -> None:
        self.start("worker", "celery", "-A", "config", "worker", "-P", "threads", "-c", "32", "-l", "WARNING")

    def well(self) -> bool:
        try:
            return bool(self.http.get(f"{self.url}/salud", timeout=5).json()["worker"] == "ok") and bool(
                self.http.get(f"{self.simulator_url}/ping", timeout=5)
            )
        except (requests.RequestException, ValueError):
            return False

    def log_in(self, username: str = "tecnico") -> None:
        body = {"username": username, "password": f"{username}-demo"}
        token = self.http.post(f"{self.url}/api/token", json=body, timeout=10).json()["token"]
        self.http.headers["Authorization"] = f"Token {token}"

    def get(self, path: str) -> Any:
        answer = self.http.get(f"{self.url}{path}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any) -> requests.Response:
        return self.http.post(f"{self.url}{path}", json=body, timeout=60)

    def send(self, ticket: int, text: str, **more: Any) -> requests.Response:
        return self.post(f"/ticket/{ticket}/enviar-mensaje", {"mensaje": text, **more})

    def simulate(self, **state: str) -> None:
        """Set the simulator's `conexion` or `falla`."""
        requests.post(f"{self.simulator_url}/simulador/estado", json=state, timeout=10).raise_for_status()

    def write(self, phone: str, text: str, **more: str) -> None:
        """A person writes from their phone; `nombre` is what they call themselves on WhatsApp."""
        body = {"telefono": phone, "texto": text, **more}
        requests.post(f"{self.simulator_url}/simulador/mensaje", json=body, timeout=10).raise_for_status()

    def accepted(self) -> list[str]:
        """Every text the gateway accepted, in order."""
        answer = requests.get(f"{self.simulator_url}/simulador/aceptados", timeout=10).json()
        return [item["texto"] for item in answer["aceptados"]]

    def history(self, ticket: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/ticket/{ticket}/conversacion")["historial"]
        return found

    def state_of(self, ticket: int, text: str) -> str:
        """The delivery state of the last message with this text."""
        return str(next(entry["estado"] for entry in reversed(self.history(ticket)) if entry["content"] == text))

    def ticket_of(self, phone: str) -> int:
        """The number of the newest ticket of a phone, once it is there."""
        params = {"telefono": phone}
        found = until(lambda: self.http.get(f"{self.url}/tickets", params=params, timeout=10).json()["tickets"])
        return int(found[0]["id"])

    def log(self, name: str = "web") -> str:
        return (self.folder / f"{name}.log").read_text()

    def stop_all(self) -> None:
        for process in self.running.values():
            stop(process)


@contextmanager
def desk(folder: Path, **settings: str) -> Iterator[Desk]:
    """A running desk; stopped at the end, whatever happens."""
    started = Desk(folder, **settings)
    try:
        started.start_all()
        yield started
    finally:
        started.stop_all()
