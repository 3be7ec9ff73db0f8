"""Runs in which the clients are the ones who misbehave: many at once, many times, or forged."""

from __future__ import annotations

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.chaos.fleet import Fleet, fleet
from tests.chaos.load import ENDLESS, PAUSE_S, Load, post
from tests.chaos.report import Report


def equal_posts(folder: Path, name: str, seed: int, *, keys: int = 1_000, times: int = 5, chats: int = 50,
                postgres: bool = False) -> Report:  # fmt: skip
    """`keys` idempotency keys, `times` equal POSTs of each at once; then another text under the same key."""
    report = Report(
        name, f"{keys} keys, {times} equal POSTs at once: {keys} rows and sends, equal answers, then 409", seed
    )
    with fleet(folder, broker=postgres, postgres=postgres, webs=2 if postgres else 1) as desk:
        tickets, chance = desk.open_tickets(chats), random.Random(seed)
        log = Load(desk, tickets, 0, seed)
        unequal = conflicts = 0
        with ThreadPoolExecutor(times) as pool:
            for number in range(keys):
                ticket, text = chance.choice(tickets), f"mensaje {number} de la semilla {seed}"
                key = str(uuid.UUID(int=chance.getrandbits(128), version=4))
                gate = threading.Barrier(times)
                tries = [pool.submit(at_once, desk, gate, ticket, text, key) for _ in range(times)]
                answers = [one.result() for one in tries]
                for answer in answers:
                    log.tell({"key": key, "ticket": ticket, "text": text, **answer})
                unequal += any(said(answer) != said(answers[0]) for answer in answers)
                other = at_once(desk, threading.Barrier(1), ticket, f"{text}, cambiado", key)
                conflicts += (other["status"], other["body"].get("status")) == (409, "clave_con_otro_texto")
        report.figures |= {"keys": keys, "keys with unequal answers": unequal, "409 for another text": conflicts}
        report.require(unequal == 0, f"{unequal} claves con respuestas distintas")
        report.require(conflicts == keys, f"{conflicts} de {keys} conflictos")
        report.judge(desk)
        report.require(report.figures["acknowledged"] == keys, "faltan claves")
    return report


def said(answer: dict[str, Any]) -> tuple[Any, Any]:
    return answer["status"], answer["body"]


def at_once(desk: Fleet, gate: threading.Barrier, ticket: int, text: str, key: str) -> dict[str, Any]:
    """One POST together with its twins, tried again until it is answered."""
    with desk.client() as client:
        gate.wait(30)
        while True:
            url = f"http://127.0.0.1:{random.choice(desk.webs)}/ticket/{ticket}/enviar-mensaje"
            if answer := post(client, url, {"mensaje": text, "clave": key}):
                return answer
            time.sleep(PAUSE_S)


def writers(folder: Path, name: str, seed: int, *, seconds: float = 120, webs: int = 6, workers: int = 2,
            chats: int = 60, threads: int = 24) -> Report:  # fmt: skip
    """SQLite written by `webs` and `workers` processes at once; nobody may read "database is locked"."""
    report = Report(
        name, f"SQLite, {webs} web and {workers} worker writers, {seconds:.0f} s: 0 database is locked", seed
    )
    with fleet(folder, broker=True, webs=webs, workers=workers) as desk:
        tickets = desk.open_tickets(chats)
        load = Load(desk, tickets, ENDLESS, seed, threads).start()
        load.given_up.wait(seconds)
        load.stop()
        report.figures |= {"messages": load.done, "retries by clients": load.retries}
        report.judge(desk, 300)
        locked = sum(
            path.read_text().count("OperationalError: database is locked") for path in desk.folder.glob("*.log")
        )
        report.figures["database is locked"] = locked
        report.require(locked == 0, f"{locked} veces «database is locked»")
    return report
