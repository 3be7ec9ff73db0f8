"""The sweep finds again what a lost wake-up, a dead process or a restored session left behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from chat import delivery, runtime, sweeping
from chat.models import Conversation, Message, Worker
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway, echo, gateway_id, post_webhook
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Ambiguous
from whatsapp.models import Connection, WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inline_pool(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The sweep's threads, without threads; returns what was submitted."""
    submitted: list[Any] = []

    def submit(function: Any, *args: Any) -> None:
        submitted.append((function.__name__, *args))
        function(*args)

    monkeypatch.setattr(runtime.pool, "submit", submit)
    return submitted


def queue(text: str = "hola", **fields: Any) -> Message:
    ticket = make_ticket()
    return Conversation.locked_for(ticket.contact).append(ticket, "tecnico", text, **fields)


def ago(**age: float) -> Any:
    return timezone.now() - timedelta(**age)


def test_it_sends_what_a_lost_wake_up_left(gateway: FakeGateway) -> None:
    message = queue()
    sweeping.sweep()
    message.refresh_from_db()
    assert message.state == "enviado"


def test_it_sends_what_is_due_again_and_not_what_is_not(gateway: FakeGateway) -> None:
    queue("ya", due=ago(seconds=1), held="session")
    queue("todavía no", due=timezone.now() + timedelta(seconds=30), held="session")
    sweeping.sweep()
    assert gateway.texts == ["ya"]


def test_it_finds_what_a_dead_process_left_and_then_goes_on(gateway: FakeGateway) -> None:
    message = queue()
    claimed = delivery.claim(message.conversation_id)
    assert isinstance(claimed, delivery.Claim)
    claimed.begin_writing()
    sweeping.sweep()
    message.refresh_from_db()
    assert message.state == "enviando"  # its lease is not over
    Conversation.objects.update(lease_until=ago(seconds=1))
    sweeping.sweep()
    message.refresh_from_db()
    assert message.state == "sin_confirmar"
    assert not gateway.calls


def test_it_goes_on_behind_a_doubt_once_its_time_is_over(gateway: FakeGateway) -> None:
    gateway.answers(Ambiguous("HTTP 502"))
    doubtful = queue("1")
    sweeping.sweep()
    Conversation.locked(doubtful.conversation_id).append(doubtful.ticket, "tecnico", "2")
    sweeping.sweep()
    assert gateway.texts == ["1"]
    Message.objects.filter(pk=doubtful.pk).update(due=ago(seconds=1))
    sweeping.sweep()
    assert gateway.texts == ["1", "2"]


def test_a_second_sweep_finds_nothing_more_to_do(gateway: FakeGateway, inline_pool: list[Any]) -> None:
    queue()
    sweeping.sweep()
    inline_pool.clear()
    sweeping.sweep()
    assert inline_pool == []
    assert len(gateway.calls) == 1


def test_the_conversation_that_waits_longest_comes_first() -> None:
    made = [queue(created=ago(minutes=minutes)) for minutes in (1, 9, 5)]
    assert sweeping.due_conversations() == [made[n].conversation_id for n in (1, 2, 0)]
    assert sweeping.due_conversations(limit=1) == [made[1].conversation_id]


def test_a_lost_attempt_comes_before_what_is_queued_on_every_database() -> None:
    lost = queue(created=ago(minutes=1))
    delivery.claim(lost.conversation_id)
    Conversation.objects.filter(pk=lost.conversation_id).update(lease_until=ago(seconds=1))
    queue(created=ago(minutes=9))
    assert sweeping.due_conversations(limit=1) == [lost.conversation_id]


def test_a_data_folder_that_cannot_be_written_stops_no_sweep(
    gateway: FakeGateway, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DATA_DIR = tmp_path / "lleno"  # there is no such folder
    message = queue()
    sweeping.sweep()
    message.refresh_from_db()
    assert message.state == "enviado"
    assert "DATA_DIR" in caplog.text
    assert Worker.objects.get().name == runtime.process_name()


def test_while_the_breaker_is_open_only_dead_leases_are_looked_after(gateway: FakeGateway) -> None:
    queue("en cola")
    lost = queue("perdido")
    delivery.claim(lost.conversation_id)
    Conversation.objects.filter(pk=lost.conversation_id).update(lease_until=ago(seconds=1))
    connection.update(ConnectionChanged(connected=False, detail="x"))
    assert sweeping.due_conversations() == [lost.conversation_id]


def test_a_session_that_is_back_is_found_by_its_probe_and_what_waited_leaves(gateway: FakeGateway) -> None:
    message = queue(due=timezone.now() + timedelta(minutes=1), held="session")
    connection.update(ConnectionChanged(connected=False, detail="x"))
    sweeping.sweep()
    assert gateway.status_calls == 0  # not yet time
    Connection.objects.update(next_probe=ago(seconds=1))
    sweeping.sweep()
    message.refresh_from_db()
    assert (gateway.status_calls, message.state) == (1, "enviado")


def test_a_session_that_is_still_away_changes_nothing(gateway: FakeGateway) -> None:
    message = queue(due=timezone.now() + timedelta(minutes=1), held="session")
    connection.update(ConnectionChanged(connected=False, detail="x"))
    gateway.connected = False
    Connection.objects.update(next_probe=ago(seconds=1))
    sweeping.sweep()
    message.refresh_from_db()
    assert (message.state, connection.current().detail) == ("en_cola", "Sigue sin conexión")


def test_what_waited_for_a_conversation_is_tried_again_once_it_is_free(gateway: FakeGateway) -> None:
    message = queue("1")
    delivery.claim(message.conversation_id)
    post_webhook(echo("Otra cosa", message.ticket.contact.address, message_id=gateway_id()))
    assert WebhookEvent.objects.get().state == "en_espera"
    sweeping.sweep()
    assert WebhookEvent.objects.get().state == "en_espera"
    Message.objects.update(state="fallido")
    sweeping.sweep()
    assert WebhookEvent.objects.get().state == "procesado"


def test_it_leaves_a_sign_of_life() -> None:
    sweeping.sweep()
    worker = Worker.objects.get()
    assert worker.name == runtime.process_name()
    assert timezone.now() - worker.seen < timedelta(seconds=5)
