"""The web processes of production: what ends them, what replaces them, and what they refuse."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tests.programs import ROOT, Desk, answers, postgres_server, redis_server, until


@contextmanager
def web(folder: Path) -> Iterator[Desk]:
    """Two web processes on SQLite."""
    with redis_server(folder) as redis:
        desk = Desk(folder, REDIS_URL=redis, WEB_PROCESSES="2", WEB_THREADS="2")
        desk.prepare()
        desk.start("web", sys.executable, "-m", "config.web")
        try:
            until(lambda: serves(desk), 30, "la mesa")
            yield desk
        finally:
            desk.stop_all()


def serves(desk: Desk) -> bool:
    return answers(lambda: requests.get(f"{desk.url}/salud", timeout=5), requests.RequestException)


def processes(desk: Desk) -> list[int]:
    """The pids that the first process has started."""
    main = desk.running["web"].pid
    return [int(pid) for pid in Path(f"/proc/{main}/task/{main}/children").read_text().split()]


def gone(pid: int) -> bool:
    """Whether it ended; in a container nobody may have collected it yet."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_process_that_dies_is_replaced_and_all_end_with_the_first_whatever_ended_it(tmp_path: Path) -> None:
    with web(tmp_path) as desk:
        before = until(lambda: processes(desk) if len(processes(desk)) == 2 else [])
        os.kill(before[0], signal.SIGKILL)
        after = until(lambda: now if len(now := processes(desk)) == 2 and before[0] not in now else [], 20)
        until(lambda: serves(desk))
        desk.running["web"].kill()
        until(lambda: all(gone(pid) for pid in after), 20, "el fin de los procesos")
        assert not serves(desk)


def refusal(folder: Path, **settings: str) -> str:
    """What `python -m config.web` says when it does not start."""
    environment = Desk(folder).environment | settings
    command = [sys.executable, "-m", "config.web"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    return ended.stderr


def test_several_processes_want_redis(tmp_path: Path) -> None:
    assert "Varios procesos necesitan REDIS_URL" in refusal(tmp_path)


def test_a_port_that_another_desk_uses_is_said_in_words(tmp_path: Path) -> None:
    """Each process listens for itself, and two desks would share the port without a word."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = refusal(tmp_path, REDIS_URL="redis://127.0.0.1:9/0", PORT=str(port))
    assert f"No se puede usar el puerto {port}" in told


@contextmanager
def web_on_postgres(folder: Path) -> Iterator[Desk]:
    """One web process with its forty threads."""
    with redis_server(folder) as redis, postgres_server(folder) as postgres:
        desk = Desk(folder, REDIS_URL=redis, DATABASE_URL=postgres, WEB_PROCESSES="1", WEB_THREADS="40")
        desk.environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        desk.prepare()
        desk.start("web", sys.executable, "-m", "config.web")
        try:
            until(lambda: serves(desk), 30, "la mesa")
            desk.log_in()
            yield desk
        finally:
            desk.stop_all()


TICKET_WITH_EVIDENCE = """
import django; django.setup()
from django.core.files.base import ContentFile
from tests.factory import make_ticket
ticket = make_ticket()
ticket.evidence.save("grande.bin", ContentFile(bytes(40_000_000)))
print(ticket.pk)
"""


def test_many_files_that_come_and_go_slowly_leave_the_database_to_the_others(tmp_path: Path) -> None:
    slow = 12  # more than a process has connections
    with web_on_postgres(tmp_path) as desk, ExitStack() as stack:
        command = [sys.executable, "-c", TICKET_WITH_EVIDENCE]
        ticket = subprocess.check_output(command, cwd=ROOT, env=desk.environment, text=True).strip()

        def ask(first: str, *more: str) -> socket.socket:
            opened = stack.enter_context(socket.create_connection(("127.0.0.1", desk.port), timeout=20))
            headers = ["Host: 127.0.0.1", f"Authorization: {desk.http.headers['Authorization']!s}", *more]
            opened.sendall("\r\n".join([f"{first} HTTP/1.1", *headers, "", ""]).encode())
            return opened

        for _ in range(slow):
            form = ("Content-Type: multipart/form-data; boundary=x", "Content-Length: 9000000", "Expect: 100-continue")
            assert ask(f"POST /ticket/{ticket}/enviar-archivo", *form).recv(12) == b"HTTP/1.1 100"  # now it is read
            assert ask(f"GET /ticket/{ticket}/evidencia").recv(12) == b"HTTP/1.1 200"
        assert desk.http.get(f"{desk.url}/tickets", timeout=30).status_code == 200
