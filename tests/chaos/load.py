"""Clients that send and never give up, and the one who kills."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from tests.chaos.fleet import Fleet
from tests.chaos.servers import PostgresServer

# How long a client waits before it tries the same key again; and for one answer.
PAUSE_S, TIMEOUT_S = 0.15, 15
# More messages than any run gets to.
ENDLESS = 1_000_000


class Load:
    """`count` messages with texts of their own, from `threads` clients, over all tickets and web processes.

    A client that gets no answer, or one without `seq` (not saved), sends the same key again until it does. Every
    answer goes to told.jsonl before the client goes on.
    """

    def __init__(self, fleet: Fleet, tickets: Sequence[int], count: int, seed: int, threads: int = 16) -> None:
        self.fleet, self.tickets, self.count, self.seed = fleet, tickets, count, seed
        self.lock, self.began = threading.Lock(), time.monotonic()
        self.next, self.done, self.retries = 0, 0, 0
        self.given_up = threading.Event()
        self.log = fleet.told.open("ab")
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(threads)]

    def start(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def join(self, seconds: float) -> None:
        """Wait for the last answer; AssertionError when it does not come in `seconds`."""
        ends = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, ends - time.monotonic()))
        self.given_up.set()
        assert self.done == self.count, f"{self.done} de {self.count} contestados en {seconds:.0f} s"

    def stop(self) -> None:
        """No new messages; those on their way are still answered."""
        self.given_up.set()
        for thread in self.threads:
            thread.join(30)

    def work(self, number: int) -> None:
        chance = random.Random(self.seed * 1000 + number)
        with self.fleet.client() as client:
            while not self.given_up.is_set():
                with self.lock:
                    message, self.next = self.next, self.next + 1
                if message >= self.count:
                    return
                key = str(uuid.UUID(int=chance.getrandbits(128), version=4))
                self.send(client, chance, message, key)
                with self.lock:
                    self.done += 1

    def send(self, client: requests.Session, chance: random.Random, message: int, key: str) -> None:
        ticket, text = chance.choice(self.tickets), f"mensaje {message} de la semilla {self.seed}"
        while not self.given_up.is_set():
            url = f"http://127.0.0.1:{chance.choice(self.fleet.webs)}/ticket/{ticket}/enviar-mensaje"
            if told := post(client, url, {"mensaje": text, "clave": key}):
                self.tell({"key": key, "ticket": ticket, "text": text, **told})
                if told["body"].get("seq"):
                    return
            with self.lock:
                self.retries += 1
            self.given_up.wait(PAUSE_S)

    def tell(self, line: dict[str, Any]) -> None:
        with self.lock:
            self.log.write(json.dumps({**line, "when": time.time()}).encode() + b"\n")
            self.log.flush()


def post(client: requests.Session, url: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """The status and body of the answer; None when there was none."""
    try:
        answer = client.post(url, json=body, timeout=TIMEOUT_S)
        return {"status": answer.status_code, "body": answer.json()}
    except (requests.RequestException, ValueError):
        return None


@dataclass
class Blow:
    """Something terrible that happens once `at` messages were answered."""

    at: int
    what: str
    strike: Callable[[], None]


def blows_of(fleet: Fleet, plan: dict[str, int], count: int, chance: random.Random) -> list[Blow]:
    """`plan` says how often each process is killed -9, at moments spread over `count` answers."""
    return [
        Blow(chance.randrange(count), f"kill -9 {name}", lambda name=name: fleet.kill(name))  # type: ignore[misc]
        for name, times in plan.items()
        for _ in range(times)
    ]


def restarts(server: PostgresServer) -> None:
    server.end()
    server.start()


def strike_all(load: Any, blows: list[Blow], chance: random.Random, seconds: float) -> int:
    """Every blow in its turn, each a random moment after its number of answers; returns how many fell in time."""
    ends, fallen = time.monotonic() + seconds, 0
    for blow in sorted(blows, key=lambda blow: blow.at):
        while load.done < min(blow.at, load.count - 1) and time.monotonic() < ends:
            load.given_up.wait(0.005)
        if time.monotonic() >= ends:
            break
        load.given_up.wait(chance.uniform(0, 0.2))
        blow.strike()
        fallen += 1
    return fallen
