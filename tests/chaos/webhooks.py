"""A storm of webhooks: repeated, shuffled, forged and cut, while the one who receives them is killed."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.chaos.fleet import Fleet, fleet
from tests.chaos.load import PAUSE_S, TIMEOUT_S, blows_of, strike_all
from tests.chaos.report import Report
from whatsapp.simulator import waha
from whatsapp.simulator.jsonlines import to_bytes
from whatsapp.simulator.phones import Message
from whatsapp.simulator.webhooks import signature, spoiled

# How far apart two neighbours may arrive, in events.
SHUFFLE = 200


@dataclass
class Notice:
    """One webhook to deliver: `kind` is escrito, tecleado, palomita, falso or truncado."""

    kind: str
    message: Message
    body: bytes
    signed: bytes

    @property
    def event(self) -> str:
        """How the desk would name its event: one that cannot be read is named by its bytes."""
        try:
            said = json.loads(self.body)
        except ValueError:
            return f"?:{hashlib.sha256(self.body).hexdigest()}"
        return f"{said['event']}:{said['id']}"

    @property
    def bad(self) -> bool:
        return self.kind in ("falso", "truncado")


def notices(events: int, chats: int, chance: random.Random) -> list[Notice]:
    """About `events` notices as they arrive: a third a person's words, the rest typed on the phone and ticked."""
    people = [f"52155{10_000_000 + number}@c.us" for number in range(chats)]
    made: list[tuple[float, Notice]] = []

    def put(kind: str, message: Message, event: str, payload: waha.Body) -> None:
        place = len(made) + chance.uniform(0, SHUFFLE)
        body = to_bytes(waha.event(event, "default", payload))
        for _ in range(1 + (chance.randrange(1, 11) if chance.random() < 0.05 else 0)):
            made.append((place + chance.uniform(0, SHUFFLE), Notice(kind, message, body, body)))
        for fault, name in (("firma_falsa", "falso"), ("truncado", "truncado")):
            if chance.random() < 0.01:
                false = Message(f"FALSO{len(made)}", message.chat_id, f"falso {len(made)}", message.from_me)
                forged = to_bytes(waha.event(event, "default", waha.message(false, "")))
                content = body if fault == "truncado" else forged
                made.append((place, Notice(name, false, *spoiled(fault, content))))

    number = 0
    while len(made) < events:
        number += 1
        own = chance.random() < 0.33
        message = Message(f"3EB0{number:018X}", chance.choice(people), f"aviso {number}", from_me=own)
        payload = waha.message(message, "Persona") | ({"source": "app"} if own else {})
        put("tecleado" if own else "escrito", message, "message.any", payload)
        for level in (1, 2, 3) if own else ():
            put("palomita", message, "message.ack", waha.ack(message, level))
    return [notice for _, notice in sorted(made, key=lambda one: one[0])]


class Storm:
    """Delivers notices from several threads, each until it is taken; forged ones until they are answered."""

    def __init__(self, fleet: Fleet, waiting: list[Notice], threads: int = 16) -> None:
        self.fleet, self.waiting, self.count = fleet, waiting, len(waiting)
        self.lock, self.given_up = threading.Lock(), threading.Event()
        self.next = self.done = self.retries = 0
        self.log = (fleet.folder / "simulador" / "avisos.jsonl").open("ab")
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(threads)]

    def work(self) -> None:
        with requests.Session() as client:
            client.trust_env = False
            while not self.given_up.is_set():
                with self.lock:
                    number, self.next = self.next, self.next + 1
                if number >= self.count:
                    return
                self.deliver(client, self.waiting[number])
                with self.lock:
                    self.done += 1

    def deliver(self, client: requests.Session, notice: Notice) -> None:
        headers = {"X-Webhook-Hmac": signature(notice.signed, "secreto")}
        while not self.given_up.is_set():
            try:
                url = f"{self.fleet.url}/webhooks/waha"
                status = client.post(url, data=notice.body, headers=headers, timeout=TIMEOUT_S).status_code
            except requests.RequestException:
                status = 0
            if status == 200 or (notice.bad and status and status < 500):
                line = {**notice.message.accepted(), "que": notice.kind, "aviso": notice.event, "estado": status}
                with self.lock:
                    self.log.write(json.dumps(line).encode() + b"\n")
                    self.log.flush()
                return
            with self.lock:
                self.retries += 1
            self.given_up.wait(PAUSE_S)


def storm(folder: Path, name: str, seed: int, *, events: int = 20_000, chats: int = 100, kills: int = 50,
          limit: float = 1_800) -> Report:  # fmt: skip
    """`events` webhooks while the receiver is killed -9."""
    goal = f"{events} webhooks repeated, shuffled, 1 % forged, 1 % truncated, {kills} kill -9 of the receiver: "
    report = Report(name, f"{goal}0 lost, 0 duplicated, all forged refused", seed)
    chance = random.Random(seed)
    with fleet(folder) as desk:
        for ticket in desk.open_tickets(chats):
            desk.send(ticket, f"saludo al ticket {ticket}")
        wind = Storm(desk, notices(events, chats, chance))
        began = time.monotonic()
        for thread in wind.threads:
            thread.start()
        fallen = strike_all(wind, blows_of(desk, {"web0": kills}, wind.count, chance), chance, limit)
        for thread in wind.threads:
            thread.join(max(1, limit - (time.monotonic() - began)))
        wind.given_up.set()
        report.require(wind.done == wind.count, f"{wind.done} de {wind.count} avisos en {limit:.0f} s")
        report.require(fallen == kills, f"{fallen} de {kills} golpes")
        report.figures |= {"webhooks": wind.count, "kills": fallen, "retries by the gateway": wind.retries}
        report.figures["seconds of load"] = round(time.monotonic() - began, 1)
        report.judge(desk, 300)
    return report
