"""The socket: one thread per connection on the loopback, and the faults that need to hold or cut it."""

import logging
import os
import re
import select
import socket
import socketserver
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import account_api, changes_api, control, faults, media, media_api, waha_api
from .options import Options
from .simulator import Simulator
from .wire import Answer, RefusedError, Request, detail, nest_error, parse_body

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
LARGEST_BODY = 1_000_000
DRIP_S = 0.2
ROUTES = [*account_api.ROUTES, *waha_api.ROUTES, *media_api.ROUTES, *changes_api.ROUTES, *control.ROUTES]
WITH_FILES = re.compile(r"/api/send(?:Image|Video|Voice|File)|/simulador/archivo")


class Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the routes, writes the answer."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Simulador", ""
    # Head and body leave in one packet, and are not held back for one another.
    wbufsize, disable_nagle_algorithm = -1, True

    def do_GET(self) -> None:
        """Every GET."""
        self._serve()

    def do_POST(self) -> None:
        """Every POST."""
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Polling would fill the log; what matters is logged where it happens."""

    def _serve(self) -> None:
        try:
            answer = self._answer()
        except RefusedError as refused:
            answer = refused.answer
        except Exception:
            logger.exception("Error del simulador en %s", self.path)
            answer = detail(500, "El simulador falló; el registro dice por qué.")
        try:
            if answer.fault == faults.HANG:
                self._hold()
            elif answer.fault in (faults.RESET_BEFORE, faults.RESET_AFTER):
                self._reset()
            else:
                self._write(answer)
        except OSError:
            self.close_connection = True

    def _answer(self) -> Answer:
        # The body first, whoever sends it: closing on what was not read would cut our own answer off.
        raw = self._read_body()
        self._check_sender()
        parts = urlsplit(self.path)
        # Matched while still escaped, so that a %2F or a %40 in a chat id stays inside its part of the path.
        for route in ROUTES:
            if route.method == self.command and (match := route.pattern.fullmatch(parts.path)):
                request = Request(
                    simulator=self.server.simulator,
                    method=self.command,
                    path=parts.path,
                    query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=parse_body(raw),
                )
                return route.function(request, *(unquote(group) for group in match.groups()))
        return nest_error(404, f"Cannot {self.command} {parts.path}", "Not Found")

    def _check_sender(self) -> None:
        """A page of another site must not reach this through the browser: neither by a name of its own that resolves
        to the loopback, nor by posting a form here."""
        host = self.headers.get("Host", "")
        name = host.rsplit(":", 1)[0] if ":" in host else host
        if name not in (HOST, "localhost"):
            raise RefusedError(detail(403, "El simulador solo contesta en 127.0.0.1 o localhost."))
        origin = self.headers.get("Origin")
        if self.command == "POST" and origin is not None and origin != f"http://{host}":
            raise RefusedError(detail(403, "La petición viene de otro sitio."))

    def _read_body(self) -> bytes:
        text = self.headers.get("Content-Length", "0")
        largest = media.LARGEST_BODY if WITH_FILES.fullmatch(self.path) else LARGEST_BODY
        length = int(text) if text.isdecimal() else largest + 1
        if length > largest or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            if text.isdecimal():
                self._discard(min(length, 20 * LARGEST_BODY))
            raise RefusedError(nest_error(413, "request entity too large", "Payload Too Large"))
        return self.rfile.read(length)

    def _discard(self, length: int) -> None:
        while length > 0 and (piece := self.rfile.read(min(length, 65_536))):
            length -= len(piece)

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.status not in (204, 304):
            self.send_header("Content-Type", answer.content_type)
            # A cut body promises twice of what comes.
            self.send_header("Content-Length", str(len(answer.body) * (2 if answer.fault == faults.CUT else 1)))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if answer.fault == faults.HALF_HEADER:
            self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Ty")
        else:
            self.end_headers()
            self._drip(answer.body) if answer.fault == faults.DRIP else self.wfile.write(answer.body)
        self.wfile.flush()
        if answer.fault in (faults.CUT, faults.HALF_HEADER):
            self.close_connection = True

    def _drip(self, body: bytes) -> None:
        """One byte at a time: no single read of the client is slow, only the whole."""
        self.close_connection = True
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.simulator.stopping.wait(DRIP_S):
                return

    def _reset(self) -> None:
        """RST instead of FIN."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _hold(self) -> None:
        """Say nothing until the client is tired, the fault is over or the simulator stops."""
        self.close_connection = True
        simulator = self.server.simulator
        with simulator.hanging():
            while not simulator.stopping.is_set() and simulator.switches.hangs():
                readable, _, _ = select.select([self.connection], [], [], 0.1)
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    return
                if readable:
                    simulator.stopping.wait(0.1)


class Server(ThreadingHTTPServer):
    """A simulator on its port. Made = the port is taken; started = it answers."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, options: Options) -> None:
        # The port first: a second simulator on the same files must not get as far as opening them.
        super().__init__((HOST, options.port), Handler)
        self.simulator = Simulator(options)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="simulador-http", daemon=True)

    @property
    def url(self) -> str:
        """Its address, without a final slash."""
        return f"http://{HOST}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Without the look-up of this machine's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        logger.debug("Conexión interrumpida", exc_info=True)

    def start(self) -> "Server":
        """Answer from now on, in threads of its own."""
        self.simulator.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Release the port and whoever hangs on it; within a couple of seconds, whatever is going on."""
        self.simulator.stop()
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()
