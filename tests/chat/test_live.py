"""What one process tells all others, however many announcements wait."""

from __future__ import annotations

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
