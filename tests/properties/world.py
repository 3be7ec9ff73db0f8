"""The world the machine runs in: a clock it turns itself, a database in memory, and people and tickets to begin with.

The code under test is the real one, with real commits. Time is the machine's, in Python and in SQL, so that an
example runs the same every time and a lease ends without anybody waiting for it.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone

from chat import delivery, restore, runtime
from chat.models import Conversation
from tests.factory import make_contact, make_ticket, make_user
from tests.properties.quick import compiled_once
from tests.properties.rows import rows
from tickets import prepared

START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
# Shorter than the lease (2 x 5 + 2 s), so that a lease that is not respected shows before the doubt's own wait ends.
TIMES = {"WHATSAPP_TIMEOUT_S": 5, "ENVIO_DUDA_S": 4, "ENVIO_POR_SEGUNDO": 0}
TABLES = ("tickets_segment", "chat_auditentry", "chat_message", "whatsapp_webhookevent", "whatsapp_connection")
KEPT = ("tickets_contact", "tickets_alias", "tickets_ticket", "chat_conversation")
# Every change of a message's state, written by the database itself: the code under test cannot hide one.
WITNESS = """
CREATE TEMP TABLE moves (message, old, new, settled_by, version_before, version_after);
CREATE TEMP TRIGGER witness AFTER UPDATE OF state ON main.chat_message WHEN OLD.state <> NEW.state BEGIN
    INSERT INTO moves VALUES (OLD.id, OLD.state, NEW.state, OLD.settled_by_id, OLD.version, NEW.version);
END;
"""


class Clock:
    """The time, as Python, the database and the machine's boot clock tell it: only `sleep` moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def boot(self) -> float:
        return self.seconds

    def stamp(self) -> str:
        return self.now().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def told_by_clock(function: Now, compiler: Any, database: Any, **context: Any) -> Any:
    return function.as_sql(compiler, database, template="CLOCK()", **context)


class Patience:
    """In the place of `runtime.stopping`: a wait ends at once, a while later; the more of them, the later."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.waits = clock, 0

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float) -> bool:
        if seconds:
            self.waits += 1
            self.clock.sleep(seconds + 2 ** min(self.waits, 6))
        return False


class World:
    """What lasts over the examples of one run: the clock, the author, and the rows every example begins with."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.patience = Patience(self.clock)
        self.author: User = make_user("ana")
        juan, eva = make_contact(), make_contact(name="", department="")
        # Of a thread with two tickets, a finished one and one that nobody has begun to answer, and of another thread.
        self.tickets = [
            make_ticket(juan).pk,
            make_ticket(juan, state="Cerrado", resolved=START).pk,
            make_ticket(eva, name="", department="", equipment="", asset="", fault="").pk,
        ]
        self.addresses = [juan.address, eva.address]
        self.conversations = [Conversation.objects.create(contact=contact).pk for contact in (juan, eva)]
        self.kept = {table: rows(f"SELECT * FROM {table}") for table in KEPT}

    def restart(self) -> None:
        """Back to the beginning: faster than a flush by two orders."""
        self.clock.seconds = 0.0
        with connection.cursor() as cursor:
            for table in (*TABLES, *reversed(KEPT), "moves"):
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("DELETE FROM sqlite_sequence")  # the same numbers every time
            for table, kept in self.kept.items():
                cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(kept[0]))})", kept)


@contextmanager
def in_memory(clock: Clock) -> Iterator[None]:
    """Put a copy of the test database in memory in the connection's place, so that commits cost nothing."""
    connection.ensure_connection()
    on_disk = connection.connection
    memory = connection.get_new_connection({**connection.get_connection_params(), "database": ":memory:"})
    memory.isolation_level = None  # autocommit, as Django does when it connects
    memory.create_function("CLOCK", 0, clock.stamp)
    connection.connection = memory
    try:
        on_disk.backup(memory)
        memory.executescript(WITNESS)
        yield
    finally:
        memory.close()
        connection.connection = on_disk


@contextmanager
def running(gateway: Any) -> Iterator[World]:
    """The world, while it lasts: `gateway` is the active one, and what goes to a thread is done at once."""

    def at_once(function: Callable[..., Any], *args: Any) -> None:
        function(*args)

    with ExitStack() as stack:
        clock = Clock()
        stack.enter_context(in_memory(clock))
        stack.enter_context(compiled_once())
        world = World(clock)
        stack.enter_context(override_settings(**TIMES, REDIS_URL=""))
        stack.enter_context(patch.object(timezone, "now", clock.now))
        stack.enter_context(patch.object(Now, "as_sqlite", told_by_clock))
        stack.enter_context(patch.dict(prepared.written, clear=True))
        stack.enter_context(patch.object(delivery, "boot_time", clock.boot))
        for model in apps.get_models():
            for field in model._meta.local_fields:
                if getattr(field.default, "__qualname__", "") == "now":
                    stack.enter_context(patch.object(field, "_get_default", clock.now))
        stack.enter_context(patch.object(delivery, "CRASH_PAUSE_S", 0))
        stack.enter_context(patch.object(runtime.pool, "submit", at_once))
        stack.enter_context(patch.object(restore, "beat", lambda name: None))
        stack.enter_context(patch("whatsapp.gateways.active", lambda: gateway))
        stack.enter_context(patch.object(runtime, "stopping", world.patience))
        gc.disable()  # a tenth of the time; the machine collects between its batches
        stack.callback(gc.enable)
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        yield world
