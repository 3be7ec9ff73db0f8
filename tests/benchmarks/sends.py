"""Sending: from Enter to the gateway, and what waited during an outage. Beside a plain thread pool with requests."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Any

import requests

from tests.benchmarks.gateway import DELAY_S
from tests.benchmarks.measure import processor, share
from tests.benchmarks.report import Row
from tests.benchmarks.stand import Stand, Stands
from tests.fake_gateway import session_status, signature
from tests.programs import ROOT, until

SENDERS = 8
CEILING = SENDERS / DELAY_S
COMMITS = (
    "a message is committed as saved, as claimed under a lease and as tried before its first byte leaves, and as "
    "settled after the answer, because any process may be killed at any moment; the floors keep nothing. Django's "
    "questions are most of the processor time, "
)
PHONE = "5215510000001@c.us"


def call(stand: Stand, text: str) -> None:
    """What the desk's adapter asks of the gateway, and nothing else."""
    body = {"session": "default", "chatId": PHONE, "text": text}
    requests.post(f"{stand.gateway.url}/api/sendText", json=body, timeout=10).raise_for_status()


def write(stand: Stand, ticket: int, text: str) -> None:
    """A technician presses Enter."""
    answer = stand.send(ticket, text)
    assert answer.status_code == 200, answer.text


def arrived(stand: Stand, texts: set[str]) -> dict[str, float]:
    """When the gateway got each of `texts`, once it has them all."""

    def found() -> dict[str, float]:
        times = {text: when for when, _, text in stand.gateway.arrivals() if text in texts}
        return times if len(times) == len(texts) else {}

    return until(found, 120, f"{len(texts)} mensajes en el gateway")


def modes(stands: Stands) -> Iterable[tuple[str, Stand, int]]:
    """What sends, and the pid of the process that does: a Celery worker, and the one process of `make run`."""
    stand = stands.postgres
    assert stand.web
    yield "PostgreSQL + Redis", stand, stand.worker
    stand.halt("worker")
    stand = stands.sqlite
    stand.halt("web")
    yield "embedded", stand, stand.embedded
    stand.halt("embedded")


def enter(stands: Stands) -> Row:
    row = Row("enter", "From the POST of one message to its arrival at the gateway; one at a time, in turns with the "
              "same call made directly and by a thread pool.", "p50 at most 10 ms over a direct call")  # fmt: skip
    row.why = f"{COMMITS}and they are asked one after another."
    for name, stand, _ in modes(stands):
        waits: dict[str, list[float]] = defaultdict(list)
        with ThreadPoolExecutor(SENDERS) as pool:
            for number in range(max(10, int(200 * stands.scale))):
                ticket = stand.who["open"][number % len(stand.who["open"])]
                ways: dict[str, Callable[[str], Any]] = {
                    "a direct call": partial(call, stand),
                    "a thread pool": partial(pool.submit, call, stand),
                    "ours": partial(write, stand, ticket),
                }
                for way, begin in ways.items():
                    text, began = f"{name} {way} {number}", time.monotonic()
                    begin(text)
                    waits[way].append((arrived(stand, {text})[text] - began) * 1000)
        for way, found in waits.items():
            row.figures[f"{name}, {way}: ms, p50 and p99"] = f"{median(found):.1f} and {share(found, 0.99):.1f}"
        row.at_most(f"{name}: ms over a direct call", median(waits["ours"]) - median(waits["a direct call"]), 10)
    return row


def drain(stands: Stands) -> Row:
    row = Row("drain", f"1,000 messages queued in 100 chats go out after the session is back; the gateway takes 50 ms, "
              f"{SENDERS} at once: at most {CEILING:.0f} a second. From the webhook that says so to the last arrival.",
              "at least 0.85 of the ceiling, order kept")  # fmt: skip
    row.why = f"{COMMITS}and one Python process has one processor: the CPU for each message is what bounds it."
    chats = max(8, int(100 * stands.scale))
    count = 10 * chats
    for name, stand, sender in modes(stands):
        floor, rates, costs = [], [], []
        for number in range(max(1, stands.rounds // 2)):
            began = time.monotonic()
            texts = {f"piso {name} {number} {one}" for one in range(count)}
            with ThreadPoolExecutor(SENDERS) as pool:
                list(pool.map(partial(call, stand), texts))
            floor.append(count / (max(arrived(stand, texts).values()) - began))
            rate, cpu = one_outage(stand, sender, count, chats)
            rates.append(rate)
            costs.append(cpu)
        assert in_order(stand), "el orden"
        row.figures[f"{name}: messages"] = f"{count} in {chats} chats"
        row.figures[f"{name}: a second"] = round(median(rates), 1)
        row.figures[f"{name}, thread pool of {SENDERS}: a second"] = round(median(floor), 1)
        row.figures[f"{name}: CPU ms a message"] = round(median(costs), 1)
        row.at_least(f"{name}: of the ceiling", median(rates) / CEILING, 0.85)
    return row


def one_outage(stand: Stand, sender: int, count: int, chats: int) -> tuple[float, float]:
    """Messages a second, and the sender's processor milliseconds for each."""
    webhook(stand, "STOPPED")
    before = stand.gateway.count()
    command = [sys.executable, "-m", "tests.benchmarks.data", "queue", str(count), str(chats)]
    subprocess.run(command, cwd=ROOT, env=stand.environment, check=True)
    used, began = processor([sender]), time.monotonic()
    webhook(stand, "WORKING")
    until(lambda: stand.gateway.count() - before >= count, 60 + count / 10, "el envío de lo que esperaba")
    arrivals = stand.gateway.arrivals()[before:]
    assert len(arrivals) == count, f"{len(arrivals)} de {count}"
    until(lambda: not stand.get("/estado")["en_cola"], 10)
    return count / (arrivals[-1][0] - began), (processor([sender]) - used) / count * 1000


def webhook(stand: Stand, status: str) -> None:
    """The gateway tells that its session is in this state."""
    body = session_status(status)
    headers = {"X-Webhook-Hmac": signature(body), "X-Webhook-Hmac-Algorithm": "sha512"}
    requests.post(f"{stand.url}/webhooks/waha", data=body, headers=headers, timeout=10).raise_for_status()
    connected = "conectado" if status == "WORKING" else "desconectado"
    until(lambda: stand.get("/estado")["whatsapp"] == connected, 10)


def in_order(stand: Stand) -> bool:
    """Whether in each chat what was queued arrived by its number, and each once."""
    seqs: dict[str, list[int]] = defaultdict(list)
    for _, chat, text in stand.gateway.arrivals():
        if text.replace(" ", "").isdigit():
            seqs[chat].append(int(text.split()[1]))
    return all(numbers == sorted(set(numbers)) for numbers in seqs.values())
