"""Technicians who send while Redis refuses or hangs: what their POSTs cost more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from statistics import median
from uuid import uuid4

from tests.benchmarks.measure import share
from tests.benchmarks.report import Row
from tests.benchmarks.stand import Stand, Stands
from tests.programs import until

AT_ONCE = 40


def without_broker(stands: Stands) -> Row:
    row = Row("broker", f"{AT_ONCE} technicians press Enter at once, each in a chat of their own, in the moment in "
              "which Redis begins to refuse or to hang; in turns with a Redis that is well. Everything has left before "
              "the next turn.", "p99 of the POSTs at most 0.7 s more")  # fmt: skip
    stand = stands.postgres
    assert stand.web and stand.worker
    ways: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "well": nullcontext, "refusing": stand.redis.refusing, "black-holed": stand.redis.silent,
    }  # fmt: skip
    waits: dict[str, list[float]] = {way: [] for way in ways}
    told: dict[str, Counter[str]] = {way: Counter() for way in ways}
    for number in range(stands.rounds):
        for way, trouble in ways.items():
            with trouble():
                texts = burst(stand, f"{way} {number}", waits[way], told[way])
                until(lambda: texts <= texts_at_gateway(stand), 60, "todo lo escrito")  # noqa: B023 - read at once
            until(stand.well, 60, "el worker")
    for way, found in waits.items():
        row.figures[f"{way}: ms, p50 and p99"] = f"{median(found):.0f} and {share(found, 0.99):.0f}"
        row.figures[f"{way}: POSTs were told"] = ", ".join(
            f"{count} × {what}" for what, count in told[way].most_common()
        )
    for way in ("refusing", "black-holed"):
        row.at_most(f"{way}: s more at p99", (share(waits[way], 0.99) - share(waits["well"], 0.99)) / 1000, 0.7)
    stand.halt("worker")
    return row


def burst(stand: Stand, name: str, waits: list[float], told: Counter[str]) -> set[str]:
    """All at once; the texts that were written. Appends each answer's milliseconds, and counts what it said."""
    texts = {f"{name} {one} {uuid4()}": ticket for one, ticket in enumerate(stand.who["open"][:AT_ONCE])}

    def post(text: str) -> None:
        began = time.monotonic()
        answer = stand.send(texts[text], text)
        waits.append((time.monotonic() - began) * 1000)
        told[f"{answer.status_code} {answer.json()['status']}"] += 1

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(post, texts))
    return set(texts)


def texts_at_gateway(stand: Stand) -> set[str]:
    return {text for _, _, text in stand.gateway.arrivals()}
