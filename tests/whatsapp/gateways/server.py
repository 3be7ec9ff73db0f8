"""A server of raw sockets that misbehaves on purpose."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

Answer = Callable[["RawServer", socket.socket], None]


class RawServer:
    """Listens on 127.0.0.1 while in `with`; reads one request per connection and lets `answer` deal with the rest.

    `connections` counts them, `received` holds every connection's bytes up to the end of its request. With
    `listen_first=False` it answers without reading.
    """

    def __init__(self, answer: Answer, *, listen_first: bool = True, tls: ssl.SSLContext | None = None) -> None:
        self.stopping = threading.Event()
        self.connections = 0
        self.received: list[bytes] = []
        self._answer, self._listen_first, self._tls = answer, listen_first, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._last: tuple[str, int] | None = None
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> RawServer:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and wait until every connection is dealt with, so that `connections` and `received` are complete."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        with socket.socket() as last:  # all others stand before it in the queue
            last.bind(("127.0.0.1", 0))
            self._last = last.getsockname()
            last.connect(self._listener.getsockname())
            self._threads[0].join(10)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    @property
    def request(self) -> dict[str, Any]:
        """The JSON body of the only request received."""
        (only,) = self.received
        body: dict[str, Any] = json.loads(only.partition(b"\r\n\r\n")[2])
        return body

    def _accept(self) -> None:
        while True:
            client, address = self._listener.accept()
            if address == self._last:
                client.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(10)
        with contextlib.suppress(OSError), contextlib.closing(client):
            if self._tls:
                client = self._tls.wrap_socket(client, server_side=True)
            if self._listen_first:
                request = _read_request(client)
                self.received.append(request)
                if not request:
                    return
            self._answer(self, client)
            client.close()


def _read_request(client: socket.socket) -> bytes:
    data = b""
    while True:
        head, end, body = data.partition(b"\r\n\r\n")
        lengths = [line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if end and len(body) >= int(lengths[0] if lengths else 0):
            return data
        chunk = client.recv(65536)
        if not chunk:
            return data
        data += chunk


def http(status: int, body: Any = b"", *headers: str, length: int | None = None) -> bytes:
    """The bytes of an HTTP answer. `body` is bytes, or what becomes JSON; `length` lies about its length."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def says(data: bytes) -> Answer:
    """Answer `data`, then close."""

    def answer(server: RawServer, client: socket.socket) -> None:
        client.sendall(data)

    return answer


def drips(start: bytes, drop: bytes) -> Answer:
    """Answer `start`, then `drop` again and again until the other side has had enough, or for 10 seconds."""

    def answer(server: RawServer, client: socket.socket) -> None:
        client.sendall(start)
        for _ in range(500):
            if server.stopping.wait(0.02):
                return
            client.sendall(drop)

    return answer


def hangs(server: RawServer, client: socket.socket) -> None:
    """Take the request and never answer it."""
    client.recv(1)


def resets(server: RawServer, client: socket.socket) -> None:
    """Take the request and reset the connection."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


def refused_url() -> str:
    """A URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
