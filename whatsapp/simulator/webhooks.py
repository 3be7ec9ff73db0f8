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
from .clock import Clock
from .jsonlines import to_bytes
from .options import Options
from .switches import Switches
from .waha import VERSION

logger = logging.getLogger(__name__)

# Long enough for more events to gather, so that the last one can go first.
SHUFFLE_S = 0.4
LARGER_THAN_ANY = 2 * 1024 * 1024
TIMEOUT_S = (2, 15)


def signature(body: bytes, key: str) -> str:
    """In: the exact bytes of a body. Out: what goes in X-Webhook-Hmac."""
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


@dataclass
class Notice:
    """One event on its way; `delivered` is called when the desk took it."""

    body: bytes
    delivered: Callable[[], None] | None = None
    put_off: bool = False
    drawn: frozenset[str] = frozenset()


def lateness(drawn: frozenset[str], rates: faults.Rates) -> float:
    """Out: the seconds that a notice is held back by what was drawn for it."""
    if "tarde" in drawn:
        return rates.between(1, 5)
    return rates.between(0, 0.5) if "desordenado" in drawn else 0


def spoiled(fault: str, body: bytes) -> tuple[bytes, bytes]:
    """Out: the bytes to send instead of `body`, and the bytes to sign."""
    if fault == "truncado":
        return body[: len(body) // 2], body
    if fault == "demasiado_grande":
        large = body + b" " * LARGER_THAN_ANY
        return large, large
    return body.replace(b'"evt_', b'"falso_'), b"otra cosa"


class WebhookSender:
    """A queue in memory and the threads that empty it, one by default; `changed` is called when there is news of it.

    `lost` counts the events that were given up; `failing` says what is wrong now, in words for the page, or nothing.
    """

    def __init__(self, options: Options, switches: Switches, changed: Callable[[], None]) -> None:
        self.url = options.webhook_url
        self.mode = faults.ORDERLY
        self.lost = 0
        self.failing = ""
        self._hmac_key = options.hmac_key
        self._delay = options.retry_delay
        self._attempts = options.retry_attempts
        self._switches = switches
        self._changed = changed
        self._queue: deque[Notice] = deque()
        self._current = self._put_off = 0
        self._clock = Clock()
        self._wake = threading.Condition()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, name=f"simulador-avisos-{number}", daemon=True)
            for number in range(options.tellers)
        ]

    def start(self) -> None:
        """Begin to deliver."""
        self._clock.start()
        for thread in self._threads:
            thread.start()

    def put(self, event: Mapping[str, object], delivered: Callable[[], None] | None = None) -> None:
        """In: a whole event, serialized now so that every attempt carries the same bytes."""
        if self.url:
            self._enqueue(Notice(to_bytes(event), delivered))

    def _enqueue(self, notice: Notice) -> None:
        with self._wake:
            self._put_off -= notice.put_off
            self._queue.append(notice)
            self._wake.notify()

    def pending(self) -> int:
        """Out: how many the desk has not taken yet."""
        with self._wake:
            return len(self._queue) + self._current + self._put_off

    def stop(self) -> None:
        """Stop within a second, whatever waits."""
        self._stop.set()
        self._clock.stop()
        with self._wake:
            self._wake.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=1)

    def _loop(self) -> None:
        with requests.Session() as session:
            # A proxy in the environment must not see, or break, what stays on this machine.
            session.trust_env = False
            while (notice := self._next()) is not None:
                self._deliver(session, notice)
                with self._wake:
                    self._current -= 1
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
            if not self._queue:  # another thread was faster
                return self._next()
            self._current += 1
            return self._queue.pop() if self.mode == faults.SHUFFLED else self._queue.popleft()

    def _deliver(self, session: requests.Session, notice: Notice) -> None:
        drawn = notice.drawn if notice.put_off else self._switches.rates.drawn_for_notice()
        if not notice.put_off and (wait := lateness(drawn, self._switches.rates)):
            with self._wake:
                self._put_off += 1
            late = Notice(notice.body, notice.delivered, put_off=True, drawn=drawn)
            self._clock.later(wait, lambda: self._enqueue(late))
            return
        for fault in drawn & {"firma_falsa", "truncado", "demasiado_grande"}:
            self._switches.note("aviso_malo", falla=fault, estado=self._post(session, *spoiled(fault, notice.body)))
        for _ in range(self._attempts):
            problem = self._post(session, notice.body)
            if problem != self.failing:
                self.failing = problem
                self._changed()
            if not problem:
                repeats = int(self._switches.rates.between(1, 11)) if "repetido" in drawn else 0
                for _ in range(repeats + (self.mode == faults.REPEATED)):
                    self._post(session, notice.body)
                if notice.delivered:
                    notice.delivered()
                return
            if self._stop.wait(self._delay):
                return
        self.lost += 1
        logger.warning("Aviso perdido tras %s intentos: %s", self._attempts, self.failing)

    def _post(self, session: requests.Session, body: bytes, signed: bytes | None = None) -> str:
        """In: the bytes, and what to sign when not them. Out: what went wrong, in words for the page, or nothing."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"WAHA/{VERSION}",
            "X-Webhook-Request-Id": uuid.uuid4().hex,
            "X-Webhook-Timestamp": str(int(time.time() * 1000)),
        }
        if self._hmac_key:
            headers["X-Webhook-Hmac"] = signature(body if signed is None else signed, self._hmac_key)
            headers["X-Webhook-Hmac-Algorithm"] = "sha512"
        try:
            answer = session.post(self.url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException:
            return "La mesa no contesta"
        return "" if answer.ok and not answer.is_redirect else f"La mesa contestó {answer.status_code}"
