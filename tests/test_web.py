"""The web processes of production: what ends them, what replaces them, and what they refuse."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.programs import ROOT, Desk, answers, redis_server, until


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
