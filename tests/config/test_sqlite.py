"""Threads of one process write to SQLite in turn: with its own polling some starve until "database is locked"."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction
from django.db.utils import OperationalError

from config.sqlite.base import Turns
from whatsapp.models import Connection

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own")


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run `work(number)` in as many threads, which all begin at once."""
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        try:
            work(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.mark.django_db(transaction=True)
def test_forty_writing_threads_wait_about_equally_long() -> None:
    Connection.objects.create(gateway="waha", not_sent=0)
    ends, written = time.monotonic() + 3, [0] * 40

    def work(number: int) -> None:
        while time.monotonic() < ends:
            with transaction.atomic():
                row = Connection.objects.get(pk="waha")
                row.not_sent += 1
                row.save(update_fields=["not_sent"])
            written[number] += 1

    in_threads(40, work)
    assert Connection.objects.get(pk="waha").not_sent == sum(written)
    assert min(written) * 10 >= max(written) - 10, written


@pytest.mark.django_db(transaction=True)
def test_a_single_statement_waits_its_turn_and_a_failed_transaction_gives_it_back() -> None:
    Connection.objects.create(gateway="waha")
    held, go_on = threading.Event(), threading.Event()

    def work(number: int) -> None:
        if number == 0:
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                Connection.objects.filter(pk="waha").update(detail="antes")
                held.set()
                go_on.wait(10)
                raise ZeroDivisionError
        else:
            held.wait(10)
            threading.Timer(0.2, go_on.set).start()
            Connection.objects.filter(pk="waha").update(detail="después")
            assert go_on.is_set()

    in_threads(2, work)
    assert Connection.objects.get(pk="waha").detail == "después"


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, order = Turns(), []
    turns.take(1)

    def wait(number: int) -> None:
        turns.take(10)
        order.append(number)
        turns.give_back()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(turns.waiting) <= number:
            time.sleep(0.001)
    turns.give_back()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]


def test_a_turn_that_does_not_come_is_an_error_and_leaves_the_queue() -> None:
    turns = Turns()
    turns.take(1)
    with pytest.raises(OperationalError, match="locked"):
        turns.take(0.01)
    turns.give_back()
    turns.take(0.01)
