"""The open pages of one process: each gets by one stream what `chat.live` announces (docs/live.md).

Everything here but `tell` and `stop` runs in the event loop of the process that serves /eventos.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

# What is remembered for a page that comes back: some minutes of a busy desk.
REMEMBERED = 5_000
# More than this and a page is told to ask for everything instead.
MOST_PENDING = 200
# What matters only at its moment: nobody is told of it later.
FLEETING = frozenset({"presencia", "persona"})
RETRY_MS = 2_000

Key = tuple[str, str]  # an event and its data as they are written
ALL = ("todo", "{}")
CUT = ("corte", "{}")


@lru_cache(1024)  # the same for every page
def frame(key: Key, number: str = "") -> bytes:
    """One event as the protocol writes it (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    event, data = key
    where = f"id: {number}\n" if number else ""
    return f"{where}event: {event}\ndata: {data}\n\n".encode()


HELLO = f"retry: {RETRY_MS}\n".encode() + frame(("hola", "{}"))
BEAT = frame(("latido", "{}"))
END = frame(("fin", "{}"))


@dataclass(eq=False, slots=True)
class Stream:
    """One open page. `pending` holds what it was not yet told, each thing once, at its latest number."""

    user: int
    proof: Any  # what must stay true of its login; the hub's keeper knows how to check it
    pending: dict[Key, int] = field(default_factory=dict)
    beat: bool = False
    ended: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[Any] | None = None

    def push(self, key: Key, number: int) -> None:
        self.pending.pop(key, None)
        if len(self.pending) >= MOST_PENDING:
            self.pending.clear()
            key = ALL
        self.pending[key] = number
        self.wake.set()

    def end(self) -> None:
        self.ended = True
        self.wake.set()


class Hub:
    """The streams of this process, and what was announced lately, so that a page that comes back misses nothing."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.up = False
        self.begin()

    def begin(self) -> None:
        """Forget what was: numbers of before mean nothing from here on."""
        self.name = secrets.token_hex(4)
        self.number = 0
        self.recent: deque[tuple[int, Key, frozenset[int] | None]] = deque(maxlen=REMEMBERED)

    def start(self, *, up: bool = True) -> None:
        """Serve from the running event loop. Not `up`: announcements do not reach us yet."""
        self.loop, self.up = asyncio.get_running_loop(), up
        self.begin()

    def tell(self, event: str, data: dict[str, Any], users: Collection[int] | None = None) -> None:
        """Announce from any thread; without an event loop nobody listens."""
        key = (event, json.dumps(data, ensure_ascii=False))
        self.call(self.publish, key, users if users is None else frozenset(users))

    def stop(self) -> None:
        """End every stream, from any thread or a signal: the process is about to go."""
        self.call(self.end_all)

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        try:
            if self.loop:
                self.loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            self.loop = None  # it is closed

    def publish(self, key: Key, users: frozenset[int] | None = None) -> None:
        self.number += 1
        if key[0] not in FLEETING:
            self.recent.append((self.number, key, users))
        for stream in self.streams:
            if users is None or stream.user in users:
                stream.push(key, self.number)

    def feed(self, *, up: bool) -> None:
        """Announcements stopped reaching us, or do again: pages ask by themselves, and then for everything."""
        self.up = up
        if up:
            self.begin()
        for stream in self.streams:
            stream.push(ALL if up else CUT, self.number)

    def end_all(self) -> None:
        self.loop = None
        for stream in self.streams:
            stream.end()

    def missed(self, user: int, last: str) -> dict[Key, int]:
        """What `user` was not told since the event `last`; everything, when that cannot be known."""
        if not self.up:
            return {CUT: self.number}
        name, _, number = last.rpartition("-")
        oldest = self.recent[0][0] - 1 if len(self.recent) == REMEMBERED else 0
        known = name == self.name and number.isdecimal() and oldest <= int(number) <= self.number
        if not known:
            return {ALL: self.number}
        found: dict[Key, int] = {}
        for at, key, users in self.recent:
            if at > int(number) and (users is None or user in users):
                found.pop(key, None)
                found[key] = at
        return found if len(found) <= MOST_PENDING else {ALL: self.number}

    async def listen(self, user: int, proof: Any, last: str) -> AsyncIterator[bytes]:
        """The stream of one page of `user`, that heard last of the event `last` (empty: of none)."""
        stream = Stream(user, proof, self.missed(user, last), task=asyncio.current_task())
        stream.wake.set()
        self.streams.add(stream)
        try:
            yield HELLO
            while not stream.ended:
                await stream.wake.wait()
                stream.wake.clear()
                if lines := self.lines(stream):
                    yield lines
            yield END
        finally:
            self.streams.discard(stream)

    def lines(self, stream: Stream) -> bytes:
        """What `stream` is told now."""
        told = b"".join(frame(key, f"{self.name}-{number}") for key, number in stream.pending.items())
        stream.pending.clear()
        told += (BEAT if self.up else frame(CUT)) if stream.beat else b""
        stream.beat = False
        return told


hub = Hub()
