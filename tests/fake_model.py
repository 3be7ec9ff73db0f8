"""An OpenAI-compatible endpoint on a real socket that answers as the test says: well, late, wrongly or with malice."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-secreta-0123456789"
NOTHING = {
    "nombre": "",
    "departamento": "",
    "equipo": "",
    "activo": "",
    "falla": "",
    "categoria": "",
    "pasos": [],
    "humano": False,
    "seguro": True,
}


class Handler(BaseHTTPRequestHandler):
    model: FakeModel
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.model.requests.append((self.path, dict(self.headers), json.loads(body)))
        behave = self.model.script.popleft() if self.model.script else self.model.otherwise
        with suppress(OSError):  # the desk hung up
            behave(self)

    def reply(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


Behaviour = Callable[[Handler], None]


def chat(content: Any, tokens: Any = 100) -> Behaviour:
    """A completion whose text is `content` (an object is written as JSON), and that says it cost `tokens`."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    body: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    if tokens is not None:
        body["usage"] = {"total_tokens": tokens}
    return raw(json.dumps(body).encode())


def thought(**told: Any) -> Behaviour:
    """A well-formed answer to the interview: `told`, and nothing else."""
    return chat({**NOTHING, **told})


def raw(body: bytes, status: int = 200, **headers: str) -> Behaviour:
    return lambda handler: handler.reply(body, status, headers)


def hangs(handler: Handler) -> None:
    """Says nothing until the test is over."""
    handler.model.over.wait(60)


def drips(handler: Handler) -> None:
    """A byte now and then: each read is answered in time, the whole never."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.model.over.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def after(event: threading.Event, behaviour: Behaviour) -> Behaviour:
    """`behaviour`, once `event` is set."""

    def behave(handler: Handler) -> None:
        event.wait(30)
        behaviour(handler)

    return behave


def meanwhile(deed: Callable[[], Any], behaviour: Behaviour) -> Behaviour:
    """Something happens on the desk while the model thinks; then `behaviour`."""

    def behave(handler: Handler) -> None:
        deed()
        behaviour(handler)

    return behave


@dataclass
class FakeModel:
    """What it was asked, and how it behaves next; `otherwise` when nothing is scripted."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    script: deque[Behaviour] = field(default_factory=deque)
    otherwise: Behaviour = field(default_factory=thought)
    over: threading.Event = field(default_factory=threading.Event)

    def behaves(self, *script: Behaviour) -> None:
        self.script.extend(script)

    @property
    def prompts(self) -> list[str]:
        """All that each request told the model, as one text."""
        return [json.dumps(body, ensure_ascii=False) for _, _, body in self.requests]

    @property
    def data(self) -> list[dict[str, Any]]:
        """What each request gave it to read."""
        return [json.loads(body["messages"][-1]["content"]) for _, _, body in self.requests]


@contextmanager
def fake_model() -> Iterator[FakeModel]:
    """Such an endpoint on a free port of this machine."""
    model = FakeModel()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"model": model}))
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield model
    finally:
        model.over.set()
        server.shutdown()
        server.server_close()
