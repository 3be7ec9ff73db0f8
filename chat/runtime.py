"""The threads of one process: a pool for what tasks do, the sweep, and the periodic table when there is no beat.

`timer` runs inside the web process only when there is no Redis; `sweeper` and `pool` run in every process that
sends, `courtesies` wherever they are wanted. All threads are daemons, because non-daemon ones are joined at exit and
would outlast a hanging gateway.
"""

from __future__ import annotations

import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from math import inf
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection

logger = logging.getLogger(__name__)

# Set when this process should end: waits everywhere watch it, so that Ctrl-C is obeyed within 2 s.
stopping = threading.Event()
SWEEP_S = 5.0
# What a send needs besides its call: the row is read and marked before, and its outcome written after.
END_S = 2.0


class Pool:
    """Daemon threads, made on demand up to `size`, that run what is submitted and give back their connections."""

    def __init__(self, size: int, name: str) -> None:
        self.size, self.name = size, name
        self.tasks: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self.lock = threading.Condition()
        self.threads = self.busy = 0

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Run `function(*args)` on a free thread, soon; what it raises is logged."""
        context = copy_context()
        self.tasks.put(lambda: context.run(function, *args))
        with self.lock:
            self.busy += 1
            if self.busy > self.threads < self.size:
                self.threads += 1
                threading.Thread(target=self.work, daemon=True, name=f"{self.name}-{self.threads}").start()

    def offer(self, function: Callable[..., Any], *args: Any, waiting: int = 0) -> bool:
        """`submit`, unless all threads are busy and `waiting` tasks wait already; returns whether it was taken."""
        taken = self.busy < self.size + waiting
        if taken:
            self.submit(function, *args)
        return taken

    def work(self) -> None:
        while True:
            task = self.tasks.get()
            try:
                task()
            except Exception:
                logger.exception("Error interno en una tarea")
            finally:
                close_old_connections()
                with self.lock:
                    self.busy -= 1
                    self.lock.notify_all()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing runs or waits here, `seconds` at most; returns whether that came true."""
        with self.lock:
            return self.lock.wait_for(lambda: not self.busy, seconds)


class Repeating:
    """A daemon thread that calls `function` at once and then every `seconds`; errors are logged and survived."""

    def __init__(self, function: Callable[[], Any], seconds: float, name: str) -> None:
        self.function, self.seconds, self.name = function, seconds, name
        self.ended = threading.Event()

    def start(self) -> None:
        self.ended.clear()
        threading.Thread(target=self.work, daemon=True, name=self.name).start()

    def stop(self) -> None:
        self.ended.set()

    def work(self) -> None:
        while not self.ended.is_set():
            try:
                self.function()
            except Exception:
                logger.exception("Error interno en %s", self.name)
            finally:
                close_old_connections()
            self.ended.wait(self.seconds)


def let_go_of_database() -> None:
    """Give this thread's pooled connection back before a long wait, or waiting ones would use up the pool.

    SQLite has no pool, and opening it again costs more than keeping it.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def process_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def sweep() -> None:
    from chat import sweeping

    sweeping.sweep()


def run_due(last: dict[str, float]) -> None:
    """Run the entries of the periodic table whose time has come; `last` remembers when each one ran."""
    from chat import tasks  # registers them

    for key, entry in settings.CELERY_BEAT_SCHEDULE.items():
        if time.monotonic() - last.get(key, -inf) >= entry["schedule"]:
            last[key] = time.monotonic()
            tasks.BY_NAME[entry["task"]].run()


class Bells:
    """Rung in this process when an outcome is known, so that whoever waits for it need not ask all the time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: dict[int, list[threading.Event]] = {}

    @contextmanager
    def listening(self, key: int) -> Iterator[threading.Event]:
        """An event that is set when `key` is rung."""
        bell = threading.Event()
        with self.lock:
            self.waiting.setdefault(key, []).append(bell)
        try:
            yield bell
        finally:
            with self.lock:
                self.waiting[key].remove(bell)
                if not self.waiting[key]:
                    del self.waiting[key]

    def ring(self, key: int) -> None:
        with self.lock:
            for bell in self.waiting.get(key, ()):
                bell.set()


bells = Bells()
pool = Pool(32, "tarea")
# For what may be lost and must keep no message waiting: a gateway that hangs on it takes these threads only.
courtesies = Pool(4, "cortesía")
# Those that wait for the assistant's model: however long it takes, sending has all of `pool`.
thinkers = Pool(8, "asistente")
sweeper = Repeating(sweep, SWEEP_S, "barrido")
timer = Repeating(partial(run_due, {}), 60, "periódica")
# Set where wake-ups go to this process's own `pool`: it sends, so that nobody else need be told.
embedded = threading.Event()


def start_sending() -> None:
    """Start what every process that sends runs: the sweep, and `pool` for what it and other tasks wake."""
    stopping.clear()
    embedded.set()
    sweeper.start()


def stop_sending() -> None:
    stopping.set()
    embedded.clear()
    sweeper.stop()


def end_sends() -> bool:
    """After `stop_sending`: let the sends under way have their answers, or they end in doubt. False: not all did."""
    return pool.wait_idle(settings.WHATSAPP_TIMEOUT_S + END_S)


def start_embedded() -> None:
    """Start what a web process without Redis runs besides the web: the sweep and the periodic table."""
    start_sending()
    timer.start()


def stop_embedded() -> None:
    stop_sending()
    timer.stop()
