"""Do something a little later, in one thread."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Clock:
    """A heap of things to do; things due at the same moment keep the order in which they were asked for."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="simulador-reloj", daemon=True)

    def start(self) -> None:
        """Begin to keep time; what was asked for before waits until now."""
        self._thread.start()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """In: how long from now, and what to do then."""
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._number), action))
            self._changed.notify()

    def stop(self) -> None:
        """What is not due yet never happens."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def _loop(self) -> None:
        while (action := self._next()) is not None:
            try:
                action()
            except Exception:
                logger.exception("Una tarea del simulador falló")

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._stopping:
                if not self._heap:
                    self._changed.wait()
                elif (wait := self._heap[0][0] - time.monotonic()) > 0:
                    self._changed.wait(wait)
                else:
                    return heapq.heappop(self._heap)[2]
            return None
