"""The ASGI application. Without Redis its lifespan also starts and stops the threads that send."""

import functools
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@functools.cache
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.WEB_THREADS, "petición")


class Handler(ASGIHandler):
    """Every request whole in one thread of WEB_THREADS, as under WSGI.

    Django's own goes back to the event loop between any two middlewares, in a new thread for every request: that cost
    more processor than most answers.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.handle(scope, receive, send)  # Django's own opens a thread for what is left to do around it

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.answer, thread_sensitive=False, executor=threads())(request)

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            close_old_connections()  # Django does it too, in a thread that has none


django.setup(set_prefix=False)
django_application = Handler()


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:
        await django_application(scope, receive, send)


async def lifespan(receive: Receive, send: Send) -> None:
    from chat import runtime, streaming

    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            streaming.start()
            if not settings.REDIS_URL:
                runtime.start_embedded()
            await send({"type": "lifespan.startup.complete"})
        else:
            streaming.stop()
            runtime.stop_embedded()
            await send({"type": "lifespan.shutdown.complete"})
            return
