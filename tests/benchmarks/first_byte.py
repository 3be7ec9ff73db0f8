"""How long is the gap between the last check of the lease and the first byte on the wire?

    make gap        (writes docs/first-byte.md)

A process that is paused inside this gap sends on waking, whatever its lease says: no check can come later than the
write it guards. The figure is the time from the check's return to the end of the first write, on this machine.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from urllib3.connection import HTTPConnection

from whatsapp import wire


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"{}"
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def measure(calls: int) -> list[float]:
    """The gap of each of `calls` sends, in seconds, sorted."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gaps: list[float] = []
    checked = 0.0
    send = HTTPConnection.send

    def timed(self: HTTPConnection, data: Any) -> None:
        send(self, data)
        nonlocal checked
        if checked:
            gaps.append(time.perf_counter() - checked)
            checked = 0.0

    def before_first_byte() -> None:
        nonlocal checked
        checked = time.perf_counter()

    HTTPConnection.send = timed  # type: ignore[method-assign]
    try:
        for _ in range(calls):
            url = f"http://127.0.0.1:{server.server_address[1]}/api/sendText"
            wire.call("POST", url, json={"text": "hola"}, deadline_s=5, before_first_byte=before_first_byte)
    finally:
        HTTPConnection.send = send  # type: ignore[method-assign]
        server.shutdown()
    return sorted(gaps)


PAGE = """# The gap before the first byte

Written by `make gap` on {date}, {machine}; {calls} sends to a server on loopback.

| median | 99 % | longest |
|---|---|---|
| {p50} µs | {p99} µs | {longest} µs |

From the last check of the lease to the end of the first write of the request. A process that is paused inside this
gap for longer than its lease sends on waking; no check can come later than the write it guards. Everything outside of
it is covered: the check compares with a clock that goes on while the process, or the whole machine, sleeps.
"""


def main() -> None:
    gaps = measure(int(sys.argv[1]))
    at = [round(gaps[int(share * (len(gaps) - 1))] * 1e6) for share in (0.5, 0.99, 1)]
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    page = PAGE.format(date=date.today(), machine=machine, calls=len(gaps), p50=at[0], p99=at[1], longest=at[2])
    Path("docs/first-byte.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
