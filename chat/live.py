"""Telling every open page that something changed, from whichever process it happened in (docs/live.md).

With Redis an announcement goes to all `live` processes by pub/sub; without it the hub of this, the only process, is
told. Never content: a page that hears of a change asks for it, and is checked again when it does.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import transaction

from chat.hub import hub

logger = logging.getLogger(__name__)

CHANNEL = "chat-en-vivo:vivo"
MOST_WAITING = 10_000
PAUSE_S = 1.0
# What pages are told when announcements were lost: ask for everything again.
LOST = json.dumps(["todo", {}, None])


def announce(event: str, data: dict[str, Any], users: Collection[int] | None = None) -> None:
    """Tell the open pages (only those of `users`, by id) that `event` happened. Never raises, waits or asks anything.

    Who does not listen now misses it.
    """
    if settings.REDIS_URL:
        publisher.put(json.dumps([event, data, users if users is None else sorted(users)]))
    else:
        hub.tell(event, data, users)


def announce_on_commit(event: str, data: dict[str, Any], users: Collection[int] | None = None) -> None:
    """`announce` once the surrounding transaction is committed."""

    def tell() -> None:
        announce(event, data, users)

    transaction.on_commit(tell, robust=True)


class Publisher:
    """One daemon thread per process that hands announcements to Redis, so that a dead one costs nobody any time."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.process = 0  # where the thread runs: a forked child has none
        self.dropped = False

    def put(self, line: str) -> None:
        """Publish `line` soon. What comes faster than Redis takes it is dropped, and pages are told to ask anew."""
        if self.process != os.getpid():
            self.start()
        if self.waiting.qsize() < MOST_WAITING:
            self.waiting.put(line)
        else:
            self.dropped = True

    def start(self) -> None:
        with self.lock:
            if self.process != os.getpid():
                self.waiting = queue.SimpleQueue()
                threading.Thread(target=self.work, args=(self.waiting,), daemon=True, name="anuncios").start()
                self.process = os.getpid()

    def work(self, waiting: queue.SimpleQueue[str]) -> None:
        import redis  # a tenth of a start, and most desks have none

        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)
        lost = False
        while True:
            try:
                lines = [waiting.get(timeout=PAUSE_S if lost else None)]
            except queue.Empty:
                lines = []  # what was lost is told of all the same
            lines = each_last([*lines, *drained(waiting)])
            missing = lost or self.dropped
            if missing:
                self.dropped = False
            try:
                with client.pipeline(transaction=False) as pipe:
                    for line in [LOST, *lines] if missing else lines:
                        pipe.publish(CHANNEL, line)
                    pipe.execute()
                lost = False
            except Exception as error:
                if not lost:
                    logger.warning("Redis no toma los avisos a las páginas abiertas (%s)", error)
                lost = True
                threading.Event().wait(PAUSE_S)


def each_last(lines: list[str]) -> list[str]:
    """Every line once, where it came last: what was told before it may no longer be so."""
    return list(dict.fromkeys(reversed(lines)))[::-1]


def drained(waiting: queue.SimpleQueue[str]) -> list[str]:
    """What waits by now, in order."""
    lines = []
    while not waiting.empty():
        lines.append(waiting.get())
    return lines


publisher = Publisher()
