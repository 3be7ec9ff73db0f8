"""A client that costs little beside the server: one thread, prepared requests, connections that stay open."""

from __future__ import annotations

import json
import random
import re
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CONNECTIONS = 32
SECRET = "c" * 32  # any: the server compares the header with the cookie
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ETAG = re.compile(rb'\r\netag: *("[^"\r]+")', re.IGNORECASE)


@dataclass
class Loaded:
    """What one burst of load got: how many answers in how long, and how long each took."""

    seconds: float = 0
    waits: list[float] = field(default_factory=list)
    bytes: int = 0

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds


def get(path: str, host: str = "127.0.0.1", *, method: str = "GET", **headers: str) -> bytes:
    """The bytes of a GET, as a browser's behind a proxy that speaks HTTPS."""
    lines = {"Host": host, "X-Forwarded-Proto": "https", "Accept": "*/*", **headers}
    head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())]
    return "\r\n".join([*head, "\r\n"]).encode()


def post(path: str, body: dict[str, Any], cookie: str) -> bytes:
    """The bytes of a POST of JSON, as a page of the desk makes it."""
    content = json.dumps(body).encode()
    headers = {"Cookie": f"{cookie}; csrftoken={SECRET}", "X-CSRFToken": SECRET, "Referer": "https://127.0.0.1/",
               "Content-Type": "application/json", "Content-Length": str(len(content))}  # fmt: skip
    return get(path, method="POST", **headers) + content


class Connection:
    """One open connection, and what it waits for. Every answer must have a status of `expected`."""

    def __init__(self, port: int, expected: frozenset[int]) -> None:
        self.port, self.expected = port, expected
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> None:
        self.request, self.buffer, self.needed = request, b"", 0
        self.asked = time.perf_counter()
        self.socket.sendall(request)

    def hear(self) -> bool:
        """Take what came; whether the answer is whole now."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionResetError(f"the server closed in the middle of an answer: {self.buffer[:200]!r}")
        self.buffer = self.buffer + part if self.buffer else part
        if not self.needed:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = self.buffer[:end]
            status, length = int(head[9:12]), LENGTH.search(head)
            if status not in self.expected:
                raise RuntimeError(f"{self.request[:80]!r} was answered {self.buffer[:2000]!r}")
            if length is None and status not in (204, 304):
                raise RuntimeError(f"an answer without its length: {head!r}")
            self.needed = end + 4 + (int(length[1]) if length and status != 304 else 0)
        return len(self.buffer) >= self.needed


def load(port: int, requests: Sequence[bytes], seconds: float, *, connections: int = CONNECTIONS,
         expected: frozenset[int] = frozenset({200})) -> Loaded:  # fmt: skip
    """Ask for random ones of `requests` over `connections` for `seconds`, each connection one at a time."""
    found, chooser = Loaded(), random.Random(1)
    poll = select.epoll()
    known = {}
    for _ in range(connections):
        one = Connection(port, expected)
        known[one.socket.fileno()] = one
        poll.register(one.socket.fileno(), select.EPOLLIN)
    began = time.perf_counter()
    ends = began + seconds
    for one in known.values():
        one.ask(chooser.choice(requests))
    busy = len(known)
    while busy:
        for number, _ in poll.poll(30):
            one = known[number]
            if not one.hear():
                continue
            now = time.perf_counter()
            found.waits.append(now - one.asked)
            found.bytes += len(one.buffer)
            if now < ends:
                one.ask(chooser.choice(requests))
            else:
                busy -= 1
    found.seconds = time.perf_counter() - began
    poll.close()
    for one in known.values():
        one.socket.close()
    return found


def tags(port: int, requests: Sequence[bytes]) -> list[bytes]:
    """The same requests by somebody who has their answers already: with the ETag of each in If-None-Match."""
    one, known = Connection(port, frozenset({200})), []
    for request in requests:
        one.ask(request)
        while not one.hear():
            pass
        tag = ETAG.search(one.buffer)
        if tag is None:
            raise RuntimeError(f"an answer without ETag: {one.buffer[:500]!r}")
        known.append(request[:-2] + b"If-None-Match: " + tag[1] + b"\r\n\r\n")
    one.socket.close()
    return known
