"""One HTTP attempt under a deadline: the connection classes that tell when its first byte is written.

Used by `whatsapp.wire` alone. It leans on urllib3's `_new_conn`, which tests/whatsapp/test_wire.py would miss.
"""

from __future__ import annotations

import functools
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from whatsapp.public import NotPublicError, is_public

# Unlike the monotonic clock it also runs while the machine sleeps: a lease does not sleep either.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _now() -> float:
    return time.clock_gettime(_CLOCK)


class StoppedError(Exception):
    """Carries what `before_first_byte` raised past urllib3, which swallows some of the exceptions it knows."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason)
        self.reason = reason


class Attempt:
    """One call's deadline, its watchdog, and whether its first byte was written. `public`: only to the Internet."""

    def __init__(
        self, deadline_s: float, before_first_byte: Callable[[], None] | None, *, public: bool = False
    ) -> None:
        self.too_late = f"sin respuesta completa en {deadline_s:g} s"
        self._deadline = _now() + deadline_s
        self.written = False  # set when the first byte of the request is about to leave
        self._before_first_byte = before_first_byte
        self._public = public
        self._lock = threading.Lock()
        self._guard: socket.socket | None = None
        self._fired = self._finished = False
        self._watchdog = threading.Timer(deadline_s, self._shut_down)
        self._watchdog.daemon = True

    def __enter__(self) -> Attempt:
        self._watchdog.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._watchdog.cancel()
        with self._lock:
            self._finished = True
            if self._guard:
                self._guard.close()

    def remaining(self) -> float:
        """Seconds left, more than none. Raises TimeoutError when there are none."""
        left = self._deadline - _now()
        if left <= 0:
            raise TimeoutError(self.too_late)
        return left

    def connect(self, host: str, port: int, options: Any) -> socket.socket:
        """A connected TCP socket under the watchdog. urllib3's own gives every address the whole timeout again."""
        error: Exception = OSError(f"{host}: sin direcciones")
        for family, kind, protocol, _, address in _look_up(host, port, self.remaining()):
            if self._public and not is_public(address[0]):
                raise NotPublicError(f"{host} no está en internet")
            sock = socket.socket(family, kind, protocol)
            try:
                for option in options or ():
                    sock.setsockopt(*option)
                sock.settimeout(self.remaining())
                sock.connect(address)
                self._watch(sock)
                return sock
            except OSError as refused:
                error = refused
                sock.close()
        raise error

    def first_byte(self) -> None:
        """Called before every write. At the first one the caller and the clock may still stop the request."""
        if self.written:
            return
        try:
            if self._before_first_byte:
                self._before_first_byte()
        except Exception as reason:
            raise StoppedError(reason) from reason
        self.remaining()  # this process may have been paused since the connection stood
        self.written = True

    def explain(self, error: Exception) -> str:
        """Why it failed, for people: the deadline when it was that, else the library's words."""
        return self.too_late if self._fired else f"{type(error).__name__}: {error}"[:300]

    def finish(self) -> bool:
        """True when the answer was whole before the watchdog fired; it fires no more."""
        with self._lock:
            self._finished = True
            return not self._fired

    def _watch(self, sock: socket.socket) -> None:
        with self._lock:
            self._guard = sock.dup()  # wrapping a socket in TLS empties the original object
            if self._fired:
                raise TimeoutError(self.too_late)

    def _shut_down(self) -> None:
        with self._lock:
            if self._finished:
                return
            self._fired = True
            if self._guard:
                try:
                    self._guard.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # the other side was faster


def _look_up(host: str, port: int, seconds: float) -> list[Any]:
    """getaddrinfo with a deadline: a black-holed resolver takes 10 s and more, and cannot be interrupted."""
    found: list[list[Any] | Exception] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    answer = found[0] if found else TimeoutError(f"{host}: el DNS no contesta")
    if isinstance(answer, Exception):
        raise answer
    return answer


class _HTTPConnection(HTTPConnection):
    def __init__(self, *args: Any, attempt: Attempt, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._attempt = attempt

    def _new_conn(self) -> socket.socket:
        return self._attempt.connect(self.host.strip("[]"), self.port, self.socket_options)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self._attempt.first_byte()
        super().send(data)


class _HTTPSConnection(_HTTPConnection, HTTPSConnection):
    """The same hooks; HTTPSConnection.connect has finished the handshake before anything is sent."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class Adapter(HTTPAdapter):
    def __init__(self, attempt: Attempt) -> None:
        super().__init__(max_retries=0)
        pools = {"http": _HTTPPool, "https": _HTTPSPool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: functools.partial(pool, attempt=attempt) for scheme, pool in pools.items()
        }
