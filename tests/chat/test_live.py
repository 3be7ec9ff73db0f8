"""What one process tells all others, however many announcements wait."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from pytest import MonkeyPatch
from pytest_django import Settings

from chat import live


def test_of_equal_announcements_the_last_is_the_one_that_is_told() -> None:
    assert live.each_last(["A", "B", "A"]) == ["B", "A"]


def test_a_redis_that_cannot_be_reached_fails_and_delays_nobody(settings: Settings, monkeypatch: MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(live, "publisher", live.Publisher())
    for number in range(100):
        live.announce("ticket", {"ticket": number})


def test_what_comes_faster_than_redis_takes_it_is_dropped(monkeypatch: MonkeyPatch) -> None:
    publisher = live.Publisher()
    monkeypatch.setattr(publisher, "start", lambda: None)
    for number in range(live.MOST_WAITING + 10):
        publisher.put(str(number))
    assert publisher.waiting.qsize() == live.MOST_WAITING
    assert publisher.dropped


class Redis:
    """Takes what is published, but for the first time that it is asked to."""

    def __init__(self) -> None:
        self.asked, self.taken = 0, queue.SimpleQueue[list[str]]()

    @contextmanager
    def pipeline(self, *, transaction: bool) -> Iterator[Redis]:
        self.lines: list[str] = []
        yield self

    def publish(self, channel: str, line: str) -> None:
        self.lines.append(line)

    def execute(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise redis.ConnectionError
        self.taken.put(self.lines)


@pytest.fixture
def server(monkeypatch: MonkeyPatch, settings: Settings) -> Redis:
    """A Redis that is away for a moment, and back when one looks again."""
    server = Redis()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(redis.Redis, "from_url", lambda *_, **__: server)
    monkeypatch.setattr(live, "PAUSE_S", 0.01)
    monkeypatch.setattr(live, "publisher", live.Publisher())
    return server


def test_what_a_redis_did_not_take_is_made_up_for_although_nothing_more_is_announced(server: Redis) -> None:
    live.announce("ticket", {"ticket": 1})
    assert server.taken.get(timeout=10) == [live.LOST]


def test_what_was_dropped_is_made_up_for_with_the_next(server: Redis) -> None:
    server.asked = 1  # it is there
    live.publisher.dropped = True
    live.announce("ticket", {"ticket": 1})
    live.announce("ticket", {"ticket": 2})
    told = server.taken.get(timeout=10)
    while len(told) < 3:
        told += server.taken.get(timeout=10)
    assert [json.loads(line)[:2] for line in told] == [["todo", {}], *(["ticket", {"ticket": n}] for n in (1, 2))]
