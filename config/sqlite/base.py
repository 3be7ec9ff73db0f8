"""Django's SQLite with a queue: the threads of one process write in turn, and so do the processes.

SQLite's own waiting is a poll with sleeps, and whoever sleeps is overtaken: with 40 threads writing, some waited 10 s
and longer, and after `timeout` got "database is locked" (tests/config/test_sqlite.py). In a queue of our own each
waits for those before it only. One thread of each process then waits for the other processes (`processes.py`).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from config.sqlite.processes import Turnstile

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Turns:
    """A lock that is given in the order in which it was asked for; `processes`, if any, have to agree."""

    def __init__(self) -> None:
        self.processes: Turnstile | None = None
        self.lock = threading.Lock()
        self.waiting: deque[threading.Event] = deque()
        self.taken = False

    def take(self, seconds: float) -> None:
        """Raises OperationalError when it is not our turn within `seconds`."""
        ends = time.monotonic() + seconds
        self.take_from_threads(seconds)
        if self.processes and not self.processes.take(ends - time.monotonic()):
            self.pass_on()
            raise OperationalError("database is locked: other processes are writing")

    def take_from_threads(self, seconds: float) -> None:
        mine = threading.Event()
        with self.lock:
            if not self.taken:
                self.taken = True
                return
            self.waiting.append(mine)
        if mine.wait(seconds):
            return
        with self.lock:
            if not mine.is_set():
                self.waiting.remove(mine)
                raise OperationalError("database is locked: too many writers of this process are waiting")

    def give_back(self) -> None:
        if self.processes:
            self.processes.give_back()
        self.pass_on()

    def pass_on(self) -> None:
        """To the next thread."""
        with self.lock:
            if self.waiting:
                self.waiting.popleft().set()
            else:
                self.taken = False


class Cursor(base.SQLiteCursorWrapper):
    """A statement that writes outside a transaction waits its turn too."""

    wrapper: DatabaseWrapper

    def execute(self, query: str, params: Any = None) -> Any:
        if self.wrapper.has_turn or not query.lstrip()[:7].upper().startswith(WRITES):
            return super().execute(query, params)
        self.wrapper.take_turn()
        try:
            return super().execute(query, params)
        finally:
            self.wrapper.give_turn_back()


class DatabaseWrapper(base.DatabaseWrapper):
    """`turns` is of all connections of this process: it has one SQLite database."""

    turns = Turns()
    has_turn = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        path = str(conn_params["database"])
        ours = self.turns.processes
        if (ours is None or ours.database != path) and path != ":memory:":
            self.turns.processes = Turnstile(path)
        return super().get_new_connection(conn_params)

    def take_turn(self) -> None:
        if not self.has_turn:
            self.turns.take(float(self.settings_dict["OPTIONS"].get("timeout", 5)))
            self.has_turn = True

    def _start_transaction_under_autocommit(self) -> None:
        self.take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self.give_turn_back()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self.give_turn_back()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self.give_turn_back()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self.give_turn_back()

    def give_turn_back(self) -> None:
        if self.has_turn:
            self.has_turn = False
            self.turns.give_back()

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = self.connection.cursor(factory=Cursor)
        cursor.wrapper = self
        return cursor
