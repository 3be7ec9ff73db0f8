"""Runs in which the database cannot be written, or is away."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.chaos.evidence import query
from tests.chaos.fleet import Fleet, fleet
from tests.chaos.load import Load, post
from tests.chaos.report import Report
from tests.programs import until

GOAL = "POST 503 in Spanish, nothing half-written, well again within 10 s, no call without a committed `enviando`"


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own; needs root."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def full_disk(folder: Path, name: str, seed: int, *, messages: int = 200, chats: int = 10) -> Report:
    """The disk with the database of an embedded desk has no byte left, and then it has again."""
    with small_disk(folder, 16) as disk, fleet(folder, DATABASE_URL=f"sqlite:///{disk / 'chat.sqlite3'}") as desk:
        filler = disk / "filler"

        def fill() -> None:
            with filler.open("wb", buffering=0) as file:
                for size in (65_536, 512, 1):
                    while written(file, size):
                        pass

        return trouble(desk, name, seed, messages, chats, fill, filler.unlink)


def written(file: Any, size: int) -> bool:
    try:
        return bool(file.write(b"x" * size) == size)
    except OSError:
        return False


def read_only(folder: Path, name: str, seed: int, *, messages: int = 200, chats: int = 10) -> Report:
    """The folder of an embedded desk's database turns immutable (chattr +i, needs root): SQLite reads, not writes."""
    home = folder / "base"
    home.mkdir()

    def change(mark: str) -> None:
        subprocess.run(["chattr", mark, str(home)], check=True)

    with fleet(folder, DATABASE_URL=f"sqlite:///{home / 'chat.sqlite3'}") as desk:
        try:
            return trouble(desk, name, seed, messages, chats, lambda: change("+i"), lambda: change("-i"))
        finally:
            change("-i")


def postgres_away(folder: Path, name: str, seed: int, *, seconds: float = 60, messages: int = 200,
                  chats: int = 10) -> Report:  # fmt: skip
    """PostgreSQL is away for `seconds`."""
    with fleet(folder, broker=True, postgres=True) as desk:
        assert desk.postgres
        server = desk.postgres

        return trouble(desk, name, seed, messages, chats, server.end, server.start, seconds)


def trouble(desk: Fleet, name: str, seed: int, messages: int, chats: int, begin: Callable[[], Any],
            end: Callable[[], Any], seconds: float = 10) -> Report:  # fmt: skip
    """Clients write; in the middle trouble begins, lasts `seconds` and ends. One ticket is kept out of the crowd."""
    report = Report(name, GOAL, seed)
    *tickets, quiet = desk.open_tickets(chats + 1)
    Load(desk, tickets, messages // 2, seed).start().join(600)
    load = Load(desk, tickets, messages, seed + 1).start()
    until(lambda: load.done > messages // 4, 300)
    client = desk.client()
    begin()
    began = time.monotonic()
    answers: list[tuple[str, dict[str, Any] | None]] = []
    while time.monotonic() - began < seconds or not answers:
        text = f"durante {len(answers)} de la semilla {seed}"
        url = f"{desk.url}/ticket/{quiet}/enviar-mensaje"
        answers.append((text, post(client, url, {"mensaje": text})))
        time.sleep(0.2)
    end()
    back = time.monotonic()
    until(lambda: well(client, desk, quiet, f"después de la semilla {seed}"), 120, "que vuelva")
    report.figures["seconds until it sends again"] = round(time.monotonic() - back, 1)
    report.require(time.monotonic() - back <= 10, "tardó más de 10 s en volver")
    load.join(600)
    statuses: dict[str, int] = {}
    unsaved = [(text, answer) for text, answer in answers if not (answer and answer["body"].get("seq"))]
    for _, answer in answers:
        said = f"{answer['status']} {answer['body'].get('status')}" if answer else "no answer"
        statuses[said] = statuses.get(said, 0) + 1
    report.figures["answers during the trouble"] = ", ".join(f"{said}: {n}" for said, n in statuses.items())
    wrong = [answer for _, answer in unsaved if not answer or answer["status"] != 503 or "guard" not in str(answer)]
    report.require(not wrong, f"{len(wrong)} respuestas que no son un 503 en español: {wrong[:1]}")
    report.judge(desk)
    texts = {row[0] for row in query(desk.database, "SELECT text FROM chat_message")}
    report.require(not any(text in texts for text, answer in unsaved if answer), "se guardó lo que se dijo no guardado")
    return report


def well(client: requests.Session, desk: Fleet, ticket: int, text: str) -> bool:
    answer = post(client, f"{desk.url}/ticket/{ticket}/enviar-mensaje", {"mensaje": text, "forzar": True})
    return answer is not None and answer["status"] == 200
