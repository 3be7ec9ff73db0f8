"""Drains that wait for the line: one of them asks, and nobody is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from chat import delivery, runtime, waiting
from chat.waiting import WaitingRoom
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway
from tests.programs import until

MANY = 12


class Line:
    """Lets through as many as it was told to; notes who asks."""

    def __init__(self) -> None:
        self.open = 0
        self.asked: list[int] = []
        self.lock = threading.Lock()

    def question(self, who: int) -> Callable[[], str | float]:
        def ask() -> str | float:
            with self.lock:
                self.asked.append(who)
                if self.open:
                    self.open -= 1
                    return "pasa"
                return 0.001

        return ask


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> WaitingRoom:
    return WaitingRoom()


@pytest.fixture
def crowd(room: WaitingRoom, line: Line) -> Iterator[list[Future[str | None]]]:
    """Many who wait; the first of them has asked a hundred times."""
    with ThreadPoolExecutor(MANY) as threads:
        found: list[Future[str | None]] = [threads.submit(room.ask, line.question(0), 0.001)]
        until(lambda: line.asked)
        found += [threads.submit(room.ask, line.question(number), 0.001) for number in range(1, MANY)]
        until(lambda: room.sleeping == MANY - 1)
        until(lambda: len(line.asked) >= 100)
        yield found
        runtime.stopping.set()


def test_only_the_first_asks_while_the_others_sleep(crowd: list[Future[str | None]], line: Line) -> None:
    assert set(line.asked) == {0}


def test_when_the_first_goes_the_next_one_asks(crowd: list[Future[str | None]], line: Line) -> None:
    line.open = 1
    assert crowd[0].result(10) == "pasa"
    until(lambda: set(line.asked) == {0, 1})


def test_everybody_passes_once_the_line_is_free(crowd: list[Future[str | None]], line: Line) -> None:
    line.open = MANY
    assert [one.result(10) for one in crowd] == ["pasa"] * MANY


def test_who_is_called_asks_once_though_another_is_first(
    crowd: list[Future[str | None]], room: WaitingRoom, line: Line
) -> None:
    room.free()
    until(lambda: len(set(line.asked)) == 2)
    until(lambda: room.sleeping == MANY - 1)
    (called,) = set(line.asked) - {0}
    assert line.asked.count(called) == 1
    assert not any(one.done() for one in crowd)


def test_calls_that_nobody_hears_are_not_kept(room: WaitingRoom, line: Line) -> None:
    for _ in range(3):
        room.free()
    assert room.called == 0


def test_all_go_when_the_process_ends(
    crowd: list[Future[str | None]], monkeypatch: pytest.MonkeyPatch, line: Line
) -> None:
    monkeypatch.setattr(waiting, "LOOK_UP_S", 0.01)
    runtime.stopping.set()
    assert [one.result(10) for one in crowd] == [None] * MANY


@pytest.mark.django_db
def test_a_drain_that_has_sent_calls_somebody_who_sleeps(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(delivery.room, "free", lambda: called.append("libre"))
    ticket = make_ticket(make_contact())
    conversation = delivery.Conversation.locked_for(ticket.contact)
    delivery.drain(conversation.pk)
    assert called == []
    conversation.append(ticket, "tecnico", "hola")
    delivery.drain(conversation.pk)
    assert (gateway.texts, called) == (["hola"], ["libre"])
