"""The processes that write to one SQLite database take turns, by two locks on a file beside it.

SQLite's own waiting is a poll whose sleeps grow to 100 ms: a process that writes all the time overtakes another one for
a second and longer, and a send whose mark waits so long misses its deadline. Whoever waits here holds the second lock,
so that who has just written comes after it. The kernel frees both when a process dies (fcntl(2), which locks ranges
of a file for a process).
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

WRITES, IS_NEXT = 0, 1
LOOK_AGAIN_S = 0.001
# A process that was stopped while it was next must not stop all others with it.
PATIENCE_S = 0.25


class Turnstile:
    """One turn for all processes that write to the file `database`; each asks for it with one thread at a time."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.file: int | None = None

    def take(self, seconds: float) -> bool:
        """Wait for our turn; False when it did not come. Where no file can be locked there are no turns: True."""
        try:
            if self.file is None:
                self.file = os.open(f"{self.database}-turnos", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            next_too = self.lock(IS_NEXT, min(seconds, PATIENCE_S))
            try:
                return self.lock(WRITES, seconds)
            finally:
                if next_too:
                    self.unlock(IS_NEXT)
        except OSError:
            return True  # SQLite's own lock is what keeps the data whole

    def give_back(self) -> None:
        """What was written is committed by now: nothing here may fail it."""
        if self.file is not None:
            with suppress(OSError):
                self.unlock(WRITES)

    def lock(self, which: int, seconds: float) -> bool:
        assert self.file is not None
        ends = time.monotonic() + seconds
        while True:
            try:
                fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, which)
                return True
            except BlockingIOError:
                if time.monotonic() >= ends:
                    return False
            time.sleep(LOOK_AGAIN_S)

    def unlock(self, which: int) -> None:
        assert self.file is not None
        fcntl.lockf(self.file, fcntl.LOCK_UN, 1, which)
