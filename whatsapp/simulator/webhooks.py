"""Tell the desk what happened, one event after another.

Order is kept: an event that fails is tried again before the next one goes, every `delay` seconds and `attempts` times
(WAHA's own 2 s and 15). So a desk that is restarting loses nothing, and an event that it never takes holds the others
up for half a minute, not for ever. What the real WAHA does not promise, order, can be taken away on purpose.
"""

import hashlib
import hmac
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from . import faults
from .jsonlines import to_bytes
from .waha import VERSION

logger = logging.getLogger(__name__)

# Long enough for more events to gather, so that the last one can go first.
SHUFFLE_S = 0.4
TIMEOUT_S = (2, 15)


def signature(body: bytes, key: str) -> str:
    """In: the exact bytes of a body. Out: what goes in X-Webhook-Hmac."""
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


@dataclass
class Notice:
    """One event on its way; `delivered` is called when the desk took it."""

    body: bytes
    delivered: Callable[[], None] | None = None


class WebhookSender:
    """A queue in memory and the one thread that empties it; `changed` is called when there is news of it.

    `lost` counts the events that were given up; `failing` says what is wrong now, in words for the page, or nothing.
    """

    def __init__(self, url: str, hmac_key: str, delay: float, attempts: int, changed: Callable[[], None]) -> None:
        self.url = url
        self.mode = faults.ORDERLY
        self.lost = 0
        self.failing = ""
        self._hmac_key = hmac_key
        self._delay = delay
        self._attempts = attempts
        self._changed = changed
        self._queue: deque[Notice] = deque()
        self._current = 0
        self._wake = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="simulador-avisos", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def put(self, event: Mapping[str, object], delivered: Callable[[], None] | None = None) -> None:
        """In: a whole event, serialized now so that every attempt carries the same bytes."""
        if self.url:
            with self._wake:
                self._queue.append(Notice(to_bytes(event), delivered))
                self._wake.notify()

    def pending(self) -> int:
        """Out: how many the desk has not taken yet."""
        with self._wake:
            return len(self._queue) + self._current

    def stop(self) -> None:
        """Stop within a second, whatever waits."""
        self._stop.set()
        with self._wake:
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def _loop(self) -> None:
        with requests.Session() as session:
            # A proxy in the environment must not see, or break, what stays on this machine.
            session.trust_env = False
            while (notice := self._next()) is not None:
                self._deliver(session, notice)
                self._current = 0
                self._changed()

    def _next(self) -> Notice | None:
        with self._wake:
            while not self._queue and not self._stop.is_set():
                self._wake.wait()
        if self.mode == faults.SHUFFLED:
            self._stop.wait(SHUFFLE_S)
        if self._stop.is_set():
            return None
        with self._wake:
            self._current = 1
            return self._queue.pop() if self.mode == faults.SHUFFLED else self._queue.popleft()

    def _deliver(self, session: requests.Session, notice: Notice) -> None:
        for _ in range(self._attempts):
            problem = self._post(session, notice.body)
            if problem != self.failing:
                self.failing = problem
                self._changed()
            if not problem:
                if self.mode == faults.REPEATED:
                    self._post(session, notice.body)
                if notice.delivered:
                    notice.delivered()
                return
            if self._stop.wait(self._delay):
                return
        self.lost += 1
        logger.warning("Aviso perdido tras %s intentos: %s", self._attempts, self.failing)

    def _post(self, session: requests.Session, body: bytes) -> str:
        """Out: what went wrong, in words for the page; empty when the desk took it."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"WAHA/{VERSION}",
            "X-Webhook-Request-Id": uuid.uuid4().hex,
            "X-Webhook-Timestamp": str(int(time.time() * 1000)),
        }
        if self._hmac_key:
            headers["X-Webhook-Hmac"] = signature(body, self._hmac_key)
            headers["X-Webhook-Hmac-Algorithm"] = "sha512"
        try:
            answer = session.post(self.url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException:
            return "La mesa no contesta"
        return "" if answer.ok and not answer.is_redirect else f"La mesa contestó {answer.status_code}"
