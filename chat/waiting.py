"""Where the drains of one process wait for the session's line: the first of them asks, the others sleep.

A gateway that hangs, or a limit of five messages a second, leaves a drain waiting in every thread there is. If all of
them asked three times a second, that alone would be most of a small machine's work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from chat import runtime

Answer = TypeVar("Answer")
# Who sleeps looks up so often, whether the process should end.
LOOK_UP_S = 1.0


class WaitingRoom:
    """One at a time is first. Who sleeps is woken to be the next, or by `free` to ask once."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.taken = False
        self.sleeping = self.called = 0

    def ask(self, question: Callable[[], Answer | float], seconds: float) -> Answer | None:
        """The first answer that is no number of seconds after which to ask again; None when the process ends.

        `seconds` is the answer that brought us here.
        """
        while not runtime.stopping.is_set():
            first, slept = self.sleep()
            pause = 0.0 if slept else seconds
            try:
                while not runtime.stopping.wait(pause):
                    answer = question()
                    if not isinstance(answer, float):
                        return answer
                    pause = seconds = answer
                    if not first:
                        break
            finally:
                if first:
                    self.leave()
        return None

    def sleep(self) -> tuple[bool, bool]:
        """Until we are first, or called; returns whether we are first, and whether we slept at all."""
        with self.changed:
            slept = self.taken
            self.sleeping += 1
            while self.taken and not self.called and not runtime.stopping.is_set():
                self.changed.wait(LOOK_UP_S)
            self.sleeping -= 1
            if self.taken:
                self.called = max(0, self.called - 1)
                return False, slept
            self.taken = True
            return True, slept

    def leave(self) -> None:
        with self.changed:
            self.taken = False
            self.changed.notify()

    def free(self) -> None:
        """A place in the line is free: somebody who sleeps asks now."""
        with self.changed:
            if self.called < self.sleeping:
                self.called += 1
                self.changed.notify()


room = WaitingRoom()
