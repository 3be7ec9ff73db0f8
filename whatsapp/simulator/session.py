"""The session: connected to WhatsApp, cut off from it, or stopped; and what waits until it is connected again."""

import threading
import time
from collections.abc import Callable
from typing import Any

from .waha import SCAN_QR_CODE, STARTING, STOPPED, WORKING


class Session:
    """Two switches, as in life: the network (the page's) and start and stop (the API's)."""

    def __init__(self, name: str, lock: threading.RLock, announce: Callable[[dict[str, Any]], None]) -> None:
        self.name = name
        self._lock = lock
        self._changed = threading.Condition(lock)
        self._announce = announce
        self._connected = True
        self._started = True
        self._linked = True
        self._closing = False
        self._statuses: list[dict[str, Any]] = []
        self._waiting: list[Callable[[], None]] = []

    @property
    def status(self) -> str:
        """The status in WAHA's words."""
        if not self._started:
            return STOPPED
        if not self._linked:
            return SCAN_QR_CODE
        return WORKING if self._connected else STARTING

    @property
    def connected(self) -> bool:
        return self.status == WORKING

    def set_connection(self, connected: bool) -> None:
        """The switch on the page. Restoring it also starts a session that was stopped, and scans its QR code."""
        self._change(started=connected or self._started, connected=connected, linked=connected or self._linked)

    def start(self) -> None:
        """`POST /api/sessions/{s}/start`: without a network it stays STARTING."""
        self._change(started=True, connected=self._connected)

    def stop(self) -> None:
        """`POST /api/sessions/{s}/stop`."""
        self._change(started=False, connected=self._connected)

    def log_out(self) -> None:
        """`POST /api/sessions/{s}/logout`: it starts again and waits for a phone."""
        self._change(started=True, connected=self._connected, linked=False)

    def wait_until_working(self, seconds: float) -> str:
        """Out: the status; like WAHA, a session that is coming up gets some seconds before the refusal."""
        with self._lock:
            self._changed.wait_for(lambda: self.status != STARTING or self._closing, seconds)
            return self.status

    def when_connected(self, action: Callable[[], None]) -> None:
        """Do it now, or in this order when the connection is back."""
        with self._lock:
            if self.status == WORKING:
                action()
            else:
                self._waiting.append(action)

    def announce(self) -> None:
        """Tell the desk the status, with the last three."""
        with self._lock:
            self._statuses = [*self._statuses, {"status": self.status, "timestamp": int(time.time() * 1000)}][-3:]
            self._announce({"name": self.name, "status": self.status, "statuses": self._statuses, "data": None})

    def close(self) -> None:
        """Release whoever waits for the connection."""
        with self._lock:
            self._closing = True
            self._changed.notify_all()

    def _change(self, started: bool, connected: bool, linked: bool | None = None) -> None:
        with self._lock:
            before = self.status
            self._started, self._connected = started, connected
            self._linked = self._linked if linked is None else linked
            if self.status == before:
                return
            self._changed.notify_all()
            self.announce()
            while self.status == WORKING and self._waiting:
                self._waiting.pop(0)()
