"""Threads and processes write to SQLite in turn: with its own polling some starve until "database is locked"."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from django.db import connection, connections, transaction
from django.db.utils import OperationalError

from config.sqlite.base import Turns
from config.sqlite.processes import Turnstile
from tests.programs import until
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


HOG = """
import sys, threading
from pathlib import Path
import django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from django.db import transaction
from django.db.models import F
from whatsapp.models import Connection

def work():
    while not Path(sys.argv[2]).exists():
        with transaction.atomic():
            Connection.objects.filter(pk="waha").update(not_sent=F("not_sent") + 1)

threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.mark.django_db(transaction=True)
def test_a_process_that_writes_all_the_time_does_not_overtake_another(tmp_path: Path) -> None:
    Connection.objects.create(gateway="waha", not_sent=0)
    command = [sys.executable, "-c", HOG, connection.settings_dict["NAME"], str(tmp_path / "basta")]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    hog = subprocess.Popen(command, env=environment)
    try:
        until(lambda: Connection.objects.get(pk="waha").not_sent > 20, 20)
        overtaken = []
        for _ in range(40):
            before = Connection.objects.get(pk="waha").not_sent
            with transaction.atomic():
                overtaken.append(Connection.objects.get(pk="waha").not_sent - before)
                Connection.objects.filter(pk="waha").update(detail="nuestro turno")
    finally:
        (tmp_path / "basta").touch()
        assert hog.wait(20) == 0
    assert median(overtaken) <= 3, overtaken
    assert max(overtaken) <= 20, overtaken


def test_a_process_that_is_stopped_while_it_is_next_stops_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    ours = Turnstile(path)
    code = "import sys, time; from config.sqlite.processes import *; t = Turnstile(sys.argv[1]); t.take(1); "
    holds = code + "t.give_back(); t.lock(IS_NEXT, 1); print('listo', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", holds, path], stdout=subprocess.PIPE)
    try:
        assert other.stdout and other.stdout.readline() == b"listo\n"
        assert ours.take(5)
        ours.give_back()
    finally:
        other.kill()
        other.wait()


def test_where_no_file_can_be_made_sqlite_alone_decides(tmp_path: Path) -> None:
    assert Turnstile(str(tmp_path / "no" / "hay")).take(1)


def test_where_files_cannot_be_locked_nothing_that_is_committed_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    turns = Turns()
    turns.processes = Turnstile(str(tmp_path / "x"))
    monkeypatch.setattr("config.sqlite.processes.fcntl.lockf", refused)
    for _ in range(2):
        turns.take(1)
        turns.give_back()
