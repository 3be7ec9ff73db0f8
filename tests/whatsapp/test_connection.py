"""The state of the session and its breaker: who opens it, who asks whether it is back, and how sends are spaced."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings

from chat import outcomes
from tests.fake_gateway import FakeGateway
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Misconfigured
from whatsapp.models import Connection

pytestmark = pytest.mark.django_db

DOWN = ConnectionChanged(connected=False, detail="Sesión detenida")
UP = ConnectionChanged(connected=True, detail="WhatsApp conectado")
NOON = datetime(2027, 2, 5, 18, 0, tzinfo=UTC)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    fake = FakeGateway()
    monkeypatch.setattr("whatsapp.gateways.active", lambda: fake)
    return fake


def test_without_any_news_the_line_is_open() -> None:
    assert connection.current().connected
    assert not connection.opened()


def test_a_change_is_recorded_with_when_and_why_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with time_machine.travel(NOON, tick=False), caplog.at_level(logging.INFO):
        assert connection.update(DOWN)
        assert not connection.update(DOWN)
    row = connection.current()
    assert (row.connected, row.since, row.detail) == (False, NOON, "Sesión detenida")
    assert [record.getMessage() for record in caplog.records] == ["WhatsApp desconectado: Sesión detenida"]


def test_the_same_news_again_does_not_move_since() -> None:
    connection.update(DOWN)
    since = connection.current().since
    connection.update(ConnectionChanged(connected=False, detail="otra"))
    assert connection.current().since == since


def test_coming_back_forgets_every_count() -> None:
    connection.current()
    Connection.objects.update(connected=False, not_sent=4, doubtful=2, doubtful_address="7")
    assert connection.update(UP)
    row = connection.current()
    assert (row.connected, row.not_sent, row.doubtful, row.doubtful_address) == (True, 0, 0, "")
    assert row.next_probe is None


def test_five_not_sent_open_it_and_not_four() -> None:
    for _ in range(4):
        connection.not_sent("conexión rechazada")
    assert not connection.opened()
    connection.not_sent("conexión rechazada")
    assert connection.opened()
    assert connection.current().detail == "conexión rechazada"


def test_a_message_that_went_out_forgets_the_failures() -> None:
    for _ in range(4):
        connection.not_sent("x")
    outcomes.forget_failures()
    for _ in range(4):
        connection.not_sent("x")
    assert not connection.opened()


def test_three_doubts_of_different_conversations_open_it() -> None:
    for address in ("1", "1", "2", "1", "2", "2", "1"):
        connection.doubtful(address, "HTTP 502")
    assert not connection.opened()
    connection.doubtful("3", "HTTP 502")
    assert connection.opened()


def test_another_gateways_row_is_left_alone(settings: Settings) -> None:
    other = Connection.objects.create(gateway="puente", connected=True)
    connection.update(DOWN)
    other.refresh_from_db()
    assert other.connected


# The probe


def probes(clock: time_machine.Traveller, seconds: int, step: float = 0.5) -> list[float]:
    """After how many seconds the gateway was asked, when somebody looks every `step`."""
    started, asked = timezone.now(), []
    gateway = connection.gateways.active()
    for _ in range(int(seconds / step)):
        clock.shift(step)
        before = gateway.status_calls  # type: ignore[attr-defined]
        connection.probe_if_due()
        if gateway.status_calls > before:  # type: ignore[attr-defined]
            asked.append((timezone.now() - started).total_seconds())
    return asked


def test_it_is_probed_about_every_5_seconds_in_the_first_minute_and_every_15_after(gateway: FakeGateway) -> None:
    gateway.connected = False
    with time_machine.travel(NOON, tick=False) as clock:
        connection.update(DOWN)
        asked = probes(clock, 180)
    gaps = [b - a for a, b in zip([0.0, *asked], asked, strict=False)]
    first = [gap for gap, at in zip(gaps, asked, strict=True) if at < 60]
    later = [gap for gap, at in zip(gaps, asked, strict=True) if at > 75]
    assert first
    assert later
    assert all(4 <= gap <= 5 for gap in first)
    assert all(14 <= gap <= 15 for gap in later)


def test_a_line_that_is_open_is_not_probed(gateway: FakeGateway) -> None:
    connection.current()
    assert connection.probe_if_due() is None
    assert gateway.status_calls == 0


def test_a_probe_that_finds_it_back_says_so_and_leaves_the_change_to_who_asked(gateway: FakeGateway) -> None:
    connection.update(DOWN)
    Connection.objects.update(next_probe=None)
    assert connection.probe_if_due() == UP
    assert connection.opened()


def test_a_probe_that_finds_it_away_keeps_the_newest_reason(gateway: FakeGateway) -> None:
    connection.update(DOWN)
    Connection.objects.update(next_probe=None)
    gateway.status = lambda: Misconfigured("WAHA_API_KEY", "WAHA rechazó la llave (HTTP 401)")  # type: ignore[method-assign]
    assert connection.probe_if_due() is None
    assert connection.current().detail == "Revisa WAHA_API_KEY: WAHA rechazó la llave (HTTP 401)"


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_processes_asks(gateway: FakeGateway) -> None:
    gateway.connected = False
    connection.update(DOWN)
    Connection.objects.update(next_probe=timezone.now() - timedelta(seconds=1))
    start = threading.Barrier(5)

    def ask() -> None:
        start.wait()
        connection.probe_if_due()
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert gateway.status_calls == 1


# The pause


def test_a_pause_stops_sending_until_it_is_ended_and_says_why() -> None:
    connection.pause("Lo pidió sofia")
    row = connection.current()
    assert (connection.opened(), row.connected, row.paused_why) == (True, True, "Lo pidió sofia")
    assert connection.resume("Lo pidió sofia")
    assert not connection.opened()
    assert not connection.resume("otra vez")


def test_a_session_that_comes_back_does_not_end_a_pause() -> None:
    connection.update(DOWN)
    connection.pause("x")
    connection.update(UP)
    assert connection.opened()


def test_the_first_reason_of_a_pause_stays() -> None:
    connection.pause("Se restauró un respaldo")
    connection.pause("Lo pidió sofia")
    assert connection.current().paused_why == "Se restauró un respaldo"


# The rate


def slot() -> float:
    with transaction.atomic():
        return connection.seconds_to_wait(connection.current(), timezone.now())


def test_a_slot_is_taken_once_and_the_next_comes_after_its_time(settings: Settings) -> None:
    settings.ENVIO_POR_SEGUNDO = 4
    connection.current()
    assert slot() == 0
    assert 0 < slot() <= 0.25
    left = connection.current().next_send - timezone.now()  # type: ignore[operator]
    assert timedelta(seconds=0.1) < left <= timedelta(seconds=0.26)
    Connection.objects.update(next_send=timezone.now() - timedelta(milliseconds=5))
    assert slot() == 0


def test_zero_is_no_limit(settings: Settings) -> None:
    settings.ENVIO_POR_SEGUNDO = 0
    assert [slot() for _ in range(50)] == [0] * 50
