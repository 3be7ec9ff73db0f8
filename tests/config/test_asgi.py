"""The ASGI handler: a request is answered whole in one of WEB_THREADS, which are kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse

from config import middleware
from config.asgi import Handler

SCOPE = {
    "type": "http", "method": "GET", "path": "/nada", "query_string": b"", "http_version": "1.1", "scheme": "http",
    "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
}  # fmt: skip


async def get(handler: Handler) -> int:
    """The status of GET /nada."""
    told: list[dict[str, Any]] = []
    asked = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if asked.is_set():
            await asyncio.Event().wait()  # the client stays
        asked.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await handler(SCOPE, receive, send)
    return int(told[0]["status"])


@pytest.mark.django_db
def test_every_middleware_of_a_request_runs_in_one_kept_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    def noted(call: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def wrapped(self: object, request: HttpRequest) -> HttpResponse:
            names.append(threading.current_thread().name)
            return call(self, request)

        return wrapped

    for first_or_last in (middleware.RequestIdMiddleware, middleware.PrivateCacheMiddleware):
        monkeypatch.setattr(first_or_last, "__call__", noted(first_or_last.__call__))
    handler = Handler()
    assert [asyncio.run(get(handler)) for _ in range(2)] == [404, 404]
    assert len(names) == 4 and names[0] == names[1] and names[2] == names[3]
    assert all(name.startswith("petición") for name in names)
