"""GET /eventos, and what keeps its streams true: heartbeats, permission, the state of WhatsApp, the feed from Redis."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from chat.health import note_streams
from chat.hub import Stream, hub
from chat.live import CHANNEL
from chat.models import IS_OPEN, Delivery, Message
from tickets.access import NOT_FOUND, can_work, workers
from tickets.downloads import download
from whatsapp import connection

logger = logging.getLogger(__name__)
Found = TypeVar("Found")

BEAT_S = 20.0
WATCH_S = 2.0
AGAIN_S = 2.0
# Streams looked at between two turns of the event loop; and rows asked for in one query.
SLICE = 200

thread = ThreadPoolExecutor(1, "vivo")
running: set[asyncio.Task[None]] = set()


@download
def events(request: Request) -> HttpResponseBase:
    """GET /eventos: what changes, while it does. `Last-Event-ID`, or ?ultimo=, is the last event that was heard."""
    user = request.user
    if not can_work(user):
        raise Http404(NOT_FOUND)
    if not isinstance(request._request, ASGIRequest) or hub.loop is None:
        detail = "Este proceso no sirve /eventos: el proxy debe llevarlo al proceso «live»."
        return Response({"detail": detail, "status": "sin_vivo"}, status=503)
    headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
    if request.method == "HEAD":
        return HttpResponse(content_type="text/event-stream", headers=headers)
    session = None if request.auth else request.session.session_key
    proof = (session, user.get_session_auth_hash())  # type: ignore[union-attr]
    last = request.headers.get("Last-Event-ID") or request.query_params.get("ultimo", "")
    stream = hub.listen(user.pk, proof, last[:40])  # type: ignore[arg-type]
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=headers)


def start() -> None:
    """Begin to serve streams, from the running event loop."""
    hub.start(up=not settings.REDIS_URL)
    jobs = [every(BEAT_S, beat), every(BEAT_S, count), every(WATCH_S, watch())]
    if settings.REDIS_URL:
        jobs.append(follow_redis())
    running.update(asyncio.create_task(job) for job in jobs)


def stop() -> None:
    hub.stop()
    for task in running:
        task.cancel()
    running.clear()


async def every(seconds: float, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await job()
        except Exception as error:  # the database is away: streams carry no content, and the next time will tell
            logger.warning("Los avisos en vivo siguen sin comprobarse (%s)", error)


async def ask(function: Callable[..., Found], *args: Any) -> Found:
    """What `function` finds in the database, in a thread of its own."""

    def asked() -> Found:
        try:
            return function(*args)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(thread, asked)


async def count() -> None:
    """How many pages are open, for GET /metricas. By itself: a database that takes no writes must not stop the beat."""
    await ask(note_streams, len(hub.streams))


async def beat() -> None:
    """A sign of life to every page; the end of those that may not listen any more, or have stopped reading."""
    streams = list(hub.streams)
    allowed = await ask(still_allowed, streams)
    for number, stream in enumerate(streams):
        if stream not in allowed:
            stream.end()
        elif stream.beat and stream.task:
            stream.task.cancel()  # it has not taken even the last one: it will come back, and be told what it missed
        else:
            stream.beat = True
            stream.wake.set()
        if number % SLICE == 0:
            await asyncio.sleep(0)


def still_allowed(streams: Iterable[Stream]) -> set[Stream]:
    """Those of `streams` whose person may still work here and whose login still holds. Two queries per 200."""
    streams, allowed = list(streams), set()
    for begin in range(0, len(streams), SLICE):
        some = streams[begin : begin + SLICE]
        people: dict[int, User] = workers().in_bulk({stream.user for stream in some})
        keys = {stream.proof[0] for stream in some} - {None}
        alive = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
        sessions = {None, *alive.values_list("session_key", flat=True)}
        hashes = {pk: person.get_session_auth_hash() for pk, person in people.items()}
        allowed |= {one for one in some if hashes.get(one.user) == one.proof[1] and one.proof[0] in sessions}
    return allowed


def state_of_whatsapp() -> list[Any]:
    """What the header shows of it. One query, and one more while nothing may be sent."""
    row = connection.current()
    waiting = 0 if row.may_send else Message.objects.filter(IS_OPEN, state=Delivery.QUEUED).count()
    return [row.connected, row.since, row.detail, row.paused, row.paused_why, waiting]


def watch() -> Callable[[], Coroutine[Any, Any, None]]:
    """A job that tells the pages when the state of WhatsApp is another than at the last look."""
    before: list[Any] = []

    async def look() -> None:
        nonlocal before
        now = await ask(state_of_whatsapp) if hub.streams else []
        if now and now != before:  # the first look too: it may be another than the page found
            hub.publish(("conexion", "{}"))
        before = now

    return look


async def follow_redis() -> None:
    """Hand on what other processes announce; while Redis is away the pages know that they must ask by themselves."""
    from redis import RedisError  # a tenth of a start, and most desks have none

    while True:
        try:
            await listen_to_redis()
        except (RedisError, OSError, ValueError) as error:
            if hub.up:
                logger.warning("Sin avisos en vivo: %s. Las páginas preguntan solas mientras tanto", error)
                hub.feed(up=False)
        await asyncio.sleep(AGAIN_S)


async def listen_to_redis() -> None:
    """Until the connection breaks. A dead one is found by the pings that the library sends while it is idle."""
    import redis.asyncio

    options = {"socket_connect_timeout": 2, "socket_timeout": 5, "health_check_interval": 5}
    async with redis.asyncio.from_url(settings.REDIS_URL, **options) as client, client.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        while True:
            message = await channel.get_message(timeout=2)
            if message and message["type"] == "subscribe":
                hub.feed(up=True)
            elif message and message["type"] == "message":
                event, data, users = json.loads(message["data"])
                hub.publish((str(event), json.dumps(data, ensure_ascii=False)), users and frozenset(users))
