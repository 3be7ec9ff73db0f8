"""The ledger: an event is `recibido` until its own transaction says otherwise, whoever dies in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError
from django.utils import timezone

from chat import runtime, sweeping
from chat.models import Conversation, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import PERSON, ack, gateway_id, inbound, post_webhook, session_status
from whatsapp import connection, events, gateways
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inline_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep's threads, without threads."""
    monkeypatch.setattr(runtime.pool, "submit", lambda function, *args: function(*args))


def killed_before_handling(body: bytes) -> WebhookEvent:
    """The row of an event whose process died right after the insert."""
    return events.store(gateways.active(), body)[0]


def grow_old(row: WebhookEvent, **age: float) -> None:
    WebhookEvent.objects.filter(pk=row.pk).update(received=timezone.now() - timedelta(**age))


def state(row: WebhookEvent) -> str:
    row.refresh_from_db()
    return row.state


def test_an_event_killed_before_it_was_handled_is_handled_by_the_sweep_after_five_seconds() -> None:
    row = killed_before_handling(inbound())
    assert row.state == "recibido"
    grow_old(row, seconds=4)
    sweeping.sweep()
    assert state(row) == "recibido"  # its own process may still be at it
    grow_old(row, seconds=6)
    sweeping.sweep()
    assert state(row) == "procesado"
    assert Message.objects.filter(role="user").count() == 1


def test_a_repeat_of_an_event_killed_before_it_was_handled_handles_it() -> None:
    body = inbound()
    row = killed_before_handling(body)
    assert post_webhook(body).status_code == 200
    assert state(row) == "procesado"
    assert Message.objects.filter(role="user").count() == 1


def test_an_event_handled_twice_happens_once() -> None:
    row = killed_before_handling(inbound())
    for _ in range(3):
        events.handle(row.pk)
    assert Message.objects.filter(role="user").count() == 1


def test_old_news_handled_again_is_no_news() -> None:
    post_webhook(session_status("STOPPED"))
    post_webhook(session_status("WORKING"))
    old = WebhookEvent.objects.latest("pk")
    assert old.state == "procesado"
    post_webhook(session_status("FAILED"))
    events.handle(old.pk)
    assert connection.opened()


def test_trouble_with_the_database_leaves_it_for_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr("chat.inbound.receive", locked)
        assert post_webhook(inbound()).status_code == 200
    row = WebhookEvent.objects.get()
    assert row.state == "recibido"
    grow_old(row, seconds=6)
    sweeping.sweep()
    assert state(row) == "procesado"


def test_what_the_database_can_never_store_is_an_error_and_not_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_long(_: Any) -> None:
        raise DataError("value too long for type character varying(120)")

    monkeypatch.setattr("chat.inbound.receive", too_long)
    post_webhook(inbound())
    row = WebhookEvent.objects.get()
    assert row.state == "error"
    assert "value too long" in row.reason


def broken_on_every_try(_: Any) -> None:
    raise IntegrityError("UNIQUE constraint failed: tickets_contact.phone")


def test_an_event_that_the_database_refuses_every_time_is_an_error_after_five_tries_and_delays_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("chat.inbound.receive", broken_on_every_try)
        assert post_webhook(inbound()).status_code == 200
        row = WebhookEvent.objects.get()
        grow_old(row, minutes=1)
        for _ in range(3):
            sweeping.sweep()
            assert state(row) == "recibido"
        sweeping.sweep()
        assert state(row) == "error"
        assert "UNIQUE constraint failed" in row.reason
    assert events.unhandled() == []
    post_webhook(inbound("hola"))
    assert Message.objects.filter(role="user").count() == 1


def test_an_event_that_the_database_refused_once_is_handled_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("chat.inbound.receive", broken_on_every_try)
        post_webhook(inbound())
    row = WebhookEvent.objects.get()
    grow_old(row, seconds=6)
    sweeping.sweep()
    assert state(row) == "procesado"
    assert Message.objects.filter(role="user").count() == 1


def test_the_oldest_are_handled_first_and_a_bounded_number_at_a_time() -> None:
    rows = [killed_before_handling(inbound(str(n), f"52155000000{n:02}")) for n in range(5)]
    for row in rows:
        grow_old(row, minutes=1)
    assert events.unhandled(limit=3) == [row.pk for row in rows[:3]]


# Waiting


def test_a_tick_for_an_id_not_yet_known_waits_and_is_handled_when_the_id_is_bound() -> None:
    ticket = make_ticket(make_contact(PERSON))
    message_id = gateway_id()
    post_webhook(ack(message_id, 3))
    row = WebhookEvent.objects.get()
    assert (row.state, row.waits_on) == ("en_espera", f"message:{message_id}")
    message = Conversation.locked_for(ticket.contact).append(
        ticket, "tecnico", "hola", state="enviado", gateway="waha", gateway_id=message_id
    )
    events.wake_waiting(f"message:{message_id}")
    assert state(row) == "procesado"
    message.refresh_from_db()
    assert message.state == "leido"


def test_ticks_that_waited_are_handled_in_the_order_they_came() -> None:
    ticket = make_ticket(make_contact(PERSON))
    message_id = gateway_id()
    for level in (1, 2, 3):
        post_webhook(ack(message_id, level))
    Conversation.locked_for(ticket.contact).append(
        ticket, "tecnico", "hola", state="enviado", gateway="waha", gateway_id=message_id
    )
    events.wake_waiting(f"message:{message_id}")
    assert Message.objects.get().state == "leido"
    assert list(WebhookEvent.objects.order_by("pk").values_list("state", flat=True)) == [
        "ignorado",
        "procesado",
        "procesado",
    ]


def test_waking_one_leaves_the_others_waiting() -> None:
    post_webhook(ack("3EB0UNO", 2))
    post_webhook(ack("3EB0DOS", 2))
    events.wake_waiting("message:3EB0UNO")
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"en_espera"}


# Age


@pytest.mark.parametrize(
    ("kept", "state"),
    [(False, "procesado"), (False, "ignorado"), (False, "en_espera"), (True, "recibido"), (True, "error")],
)
def test_old_events_are_purged_but_not_those_that_need_attention(kept: bool, state: str) -> None:
    row = killed_before_handling(inbound())
    WebhookEvent.objects.update(state=state)
    grow_old(row, days=31)
    assert WebhookEvent.purge(30) == (0 if kept else 1)
    assert WebhookEvent.objects.exists() is kept


@pytest.mark.parametrize(
    ("kept", "state", "reason"),
    [
        (False, "ignorado", "La persona escribe"),
        (True, "ignorado", "Mensaje repetido"),
        (True, "procesado", ""),
        (True, "en_espera", ""),
    ],
)
def test_what_was_of_no_interest_is_purged_after_a_day_unless_a_person_may_want_it(
    kept: bool, state: str, reason: str
) -> None:
    row = killed_before_handling(inbound())
    WebhookEvent.objects.update(state=state, reason=reason)
    grow_old(row, days=0.9)
    assert WebhookEvent.purge(30) == 0
    grow_old(row, days=1.1)
    assert WebhookEvent.purge(30) == (0 if kept else 1)


def test_young_events_stay() -> None:
    post_webhook(inbound())
    assert WebhookEvent.purge(30) == 0
    assert WebhookEvent.objects.count() == 1
