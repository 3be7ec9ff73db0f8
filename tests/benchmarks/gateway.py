"""A WhatsApp gateway that takes exactly 50 ms for every message, and notes when each reached it.

It speaks the little of WAHA's protocol that sending needs. `python -m tests.benchmarks.gateway <port>`
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from typing import Any

import requests

from tests.programs import ROOT, free_port, stop, until

DELAY_S = 0.05
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
arrivals: list[tuple[float, str, str]] = []


def answer(status: str, body: Any) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


class Waha(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head, length = self.buffer[:end], LENGTH.search(self.buffer[: end + 2])
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self.buffer) < whole:
            return
        body, self.buffer = self.buffer[end + 4 : whole], self.buffer[whole:]
        method, path = head.split(b" ", 2)[:2]
        if method == b"POST" and path == b"/api/sendText":
            self.take(json.loads(body))
        elif path == b"/llegadas":
            self.transport.write(answer("200 OK", arrivals))
        elif path == b"/cuantas":
            self.transport.write(answer("200 OK", len(arrivals)))
        elif path.startswith(b"/api/sessions/"):
            self.transport.write(answer("200 OK", {"name": "default", "status": "WORKING"}))
        else:
            self.transport.write(answer("404 Not Found", {}))

    def take(self, message: dict[str, str]) -> None:
        arrivals.append((time.monotonic(), message["chatId"], message["text"]))
        told = {"id": f"true_{message['chatId']}_3EB0{len(arrivals):016X}"}
        asyncio.get_running_loop().call_later(DELAY_S, self.transport.write, answer("201 Created", told))


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Waha, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


class Gateway:
    """The gateway as a process of its own, and what it has noted."""

    def __enter__(self) -> Gateway:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.gateway", str(port)], cwd=ROOT)
        until(self.answers, 10, "el gateway")
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.process)

    def answers(self) -> bool:
        try:
            return self.arrivals() == []
        except requests.RequestException:
            return False

    def arrivals(self) -> list[tuple[float, str, str]]:
        """When (CLOCK_MONOTONIC, which all processes share) what came, and to whom."""
        found: list[tuple[float, str, str]] = requests.get(f"{self.url}/llegadas", timeout=10).json()
        return found

    def count(self) -> int:
        """How many came. To ask for them all again and again would take the processor from what is measured."""
        found: int = requests.get(f"{self.url}/cuantas", timeout=10).json()
        return found


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
