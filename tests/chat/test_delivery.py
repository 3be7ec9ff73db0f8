"""Sending by rows under a lease: order, doubt, leases, our own bugs, the breaker and the session's rate."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from chat import delivery, outcomes, runtime
from chat.models import Conversation, Delivery, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import AfterFirstByte, FakeGateway
from tickets.models import Ticket
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Ambiguous, Disconnected, RateLimited, Refused, Result, Unreachable
from whatsapp.models import Connection

pytestmark = pytest.mark.django_db


def queue(*texts: str, ticket: Ticket | None = None, role: str = "tecnico", **fields: Any) -> list[Message]:
    """Messages waiting to be sent, of a new contact unless a ticket is given."""
    ticket = ticket or make_ticket()
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        return [conversation.append(ticket, role, text, **fields) for text in texts]


def drain(message: Message) -> None:
    delivery.drain(message.conversation_id)


def states(*messages: Message) -> list[str]:
    for message in messages:
        message.refresh_from_db()
    return [message.state for message in messages]


def is_free(message: Message) -> bool:
    """Whether nobody holds the lease of the message's conversation."""
    row = Conversation.objects.get(pk=message.conversation_id)
    return row.lease_token is None and row.lease_until is None


def is_due_now(message: Message) -> None:
    """Its time has come."""
    Message.objects.filter(pk=message.pk).update(due=timezone.now() - timedelta(seconds=1))


def claim(message: Message) -> delivery.Claim:
    """Somebody claimed the message, and the first byte of its request may have left."""
    claimed = delivery.claim(message.conversation_id)
    assert isinstance(claimed, delivery.Claim)
    claimed.begin_writing()
    return claimed


def lose_process(message: Message) -> None:
    """Somebody claimed the message, began to write and died; their lease is over."""
    claim(message)
    end_lease(message)


def end_lease(message: Message) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Conversation.objects.filter(pk=message.conversation_id).update(lease_until=past)


# Order


def test_a_conversation_is_sent_in_order_over_all_its_tickets(gateway: FakeGateway) -> None:
    contact = make_contact()
    first, second = make_ticket(contact, state="Cerrado"), make_ticket(contact)
    for text, ticket in (("1", first), ("2", second), ("3", first), ("4", second)):
        (message,) = queue(text, ticket=ticket)
    drain(message)
    assert gateway.texts == ["1", "2", "3", "4"]


def test_one_drain_sends_everything_that_is_due_and_gives_the_lease_back(gateway: FakeGateway) -> None:
    messages = queue("1", "2", "3")
    drain(messages[0])
    assert states(*messages) == ["enviado"] * 3
    assert is_free(messages[0])


def test_nothing_overtakes_a_head_that_is_not_due(gateway: FakeGateway) -> None:
    head, behind = queue("1", "2")
    Message.objects.filter(pk=head.pk).update(due=timezone.now() + timedelta(seconds=30))
    drain(behind)
    assert not gateway.calls
    assert is_free(head)
    is_due_now(head)
    drain(behind)
    assert gateway.texts == ["1", "2"]


def test_another_conversation_is_not_held_up(gateway: FakeGateway) -> None:
    head, (free,) = queue("1")[0], queue("2")
    Message.objects.filter(pk=head.pk).update(due=timezone.now() + timedelta(seconds=30))
    drain(head)
    drain(free)
    assert gateway.texts == ["2"]


def test_a_refused_message_does_not_hold_up_the_next(gateway: FakeGateway) -> None:
    gateway.answers(Refused("Ese número no tiene WhatsApp."))
    first, second = queue("1", "2")
    drain(first)
    assert states(first, second) == ["fallido", "enviado"]


def test_a_conversation_that_is_gone_is_nothing_to_do(gateway: FakeGateway) -> None:
    delivery.drain(999_999)
    assert not gateway.calls


def test_a_process_that_is_stopping_sends_nothing_more(gateway: FakeGateway) -> None:
    def stops(before_first_byte: Callable[[], None]) -> Result:
        before_first_byte()
        runtime.stopping.set()
        return Accepted("3EB0ULTIMO")

    gateway.answers(stops)
    first, second = queue("1", "2")
    drain(first)
    assert states(first, second) == ["enviado", "en_cola"]
    assert is_free(first)


# Doubt


def test_a_message_in_doubt_holds_the_next_for_a_while_and_then_they_go_on(
    gateway: FakeGateway, settings: Settings
) -> None:
    settings.ENVIO_DUDA_S = 30
    gateway.answers(Ambiguous("HTTP 502"))
    doubtful, behind = queue("1", "2")
    drain(doubtful)
    assert states(doubtful, behind) == ["sin_confirmar", "en_cola"]
    assert timedelta(seconds=25) < doubtful.due - timezone.now() < timedelta(seconds=31)
    drain(doubtful)
    assert gateway.texts == ["1"]
    is_due_now(doubtful)
    drain(doubtful)
    assert gateway.texts == ["1", "2"]
    assert states(doubtful, behind) == ["sin_confirmar", "enviado"]


def test_a_message_in_doubt_is_never_sent_again_by_itself(gateway: FakeGateway) -> None:
    gateway.answers(Ambiguous("HTTP 502"))
    (doubtful,) = queue("1")
    drain(doubtful)
    is_due_now(doubtful)
    for _ in range(5):
        drain(doubtful)
    assert gateway.texts == ["1"]
    assert states(doubtful) == ["sin_confirmar"]


@pytest.mark.parametrize("settled", ["enviado", "descartado"])
def test_a_doubt_that_is_settled_holds_nothing_up(gateway: FakeGateway, settled: str) -> None:
    gateway.answers(Ambiguous("HTTP 502"))
    doubtful, behind = queue("1", "2")
    drain(doubtful)
    doubtful.refresh_from_db()
    assert doubtful.move(Conversation.locked(doubtful.conversation_id), settled)
    drain(behind)
    assert gateway.texts == ["1", "2"]


# The lease


def test_while_somebody_else_holds_the_lease_nothing_is_sent(gateway: FakeGateway) -> None:
    (message,) = queue("1")
    token, until = uuid.uuid4(), timezone.now() + timedelta(seconds=30)
    Conversation.objects.update(lease_token=token, lease_until=until)
    drain(message)
    assert not gateway.calls
    assert Conversation.objects.get().lease_token == token


def test_the_lease_is_twice_the_timeout_and_two_seconds(settings: Settings) -> None:
    settings.WHATSAPP_TIMEOUT_S = 15
    (message,) = queue("1")
    before = delivery.boot_time()
    claimed = delivery.claim(message.conversation_id)
    assert isinstance(claimed, delivery.Claim)
    assert claimed.lease_ends - before == pytest.approx(32, abs=2)
    left = Conversation.objects.get().lease_until - timezone.now()
    assert timedelta(seconds=30) < left <= timedelta(seconds=32)


def test_a_claim_is_committed_before_the_gateway_is_called(gateway: FakeGateway) -> None:
    seen: list[str] = []

    def look(before_first_byte: Callable[[], None]) -> Result:
        seen.append(Message.objects.get().state)
        before_first_byte()
        return Accepted("3EB0A")

    gateway.answers(look)
    (message,) = queue("1")
    drain(message)
    assert seen == ["enviando"]


def test_what_a_dead_process_left_behind_is_in_doubt_and_not_sent_again(
    gateway: FakeGateway, settings: Settings
) -> None:
    lost, behind = queue("1", "2")
    lose_process(lost)
    drain(lost)
    assert states(lost, behind) == ["sin_confirmar", "en_cola"]
    assert lost.due > timezone.now() + timedelta(seconds=settings.ENVIO_DUDA_S - 5)
    assert "interrumpió" in lost.reason
    assert not gateway.calls
    assert is_free(lost)


def test_what_a_dead_process_left_behind_is_in_doubt_even_while_the_breaker_is_open(gateway: FakeGateway) -> None:
    (lost,) = queue("1")
    lose_process(lost)
    connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    drain(lost)
    assert states(lost) == ["sin_confirmar"]


def test_an_answer_after_the_lease_ended_settles_its_own_attempt_and_no_lease(gateway: FakeGateway) -> None:
    first, second = queue("1", "2")
    claimed = claim(first)
    end_lease(first)
    delivery.claim(first.conversation_id)  # another process: gives the first up
    is_due_now(first)
    theirs = delivery.claim(first.conversation_id)
    assert isinstance(theirs, delivery.Claim)
    assert theirs.message.pk == second.pk
    outcomes.settle(claimed.message, claimed.token, claimed.telefono, Accepted("3EB0TARDE"))
    assert states(first, second) == ["enviado", "enviando"]
    assert first.gateway_id == "3EB0TARDE"
    assert Conversation.objects.get().lease_token == theirs.token
    outcomes.settle(theirs.message, theirs.token, theirs.telefono, Accepted("3EB0DOS"))
    assert states(second) == ["enviado"]
    assert is_free(first)


def test_an_answer_never_settles_another_attempt(gateway: FakeGateway) -> None:
    (message,) = queue("1")
    claimed = delivery.claim(message.conversation_id)
    assert isinstance(claimed, delivery.Claim)
    outcomes.settle(claimed.message, claimed.token, claimed.telefono, Unreachable("conexión rechazada"))
    is_due_now(message)
    again = delivery.claim(message.conversation_id)
    assert isinstance(again, delivery.Claim)
    outcomes.settle(claimed.message, claimed.token, claimed.telefono, Refused("No."))
    assert states(message) == ["enviando"]
    assert message.attempt == again.token


def test_a_late_answer_does_not_undo_what_a_person_decided(gateway: FakeGateway) -> None:
    (message,) = queue("1")
    claimed = claim(message)
    end_lease(message)
    delivery.claim(message.conversation_id)
    message.refresh_from_db()
    assert message.move(Conversation.locked(message.conversation_id), Delivery.DISCARDED)
    outcomes.settle(claimed.message, claimed.token, claimed.telefono, Accepted("3EB0TARDE"))
    assert states(message) == ["descartado"]


@pytest.mark.django_db(transaction=True)
def test_many_threads_at_once_send_each_message_once_and_in_order(gateway: FakeGateway) -> None:
    messages = queue(*(str(n) for n in range(12)))

    def work() -> None:
        drain(messages[0])
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    drain(messages[0])
    assert gateway.texts == [str(n) for n in range(12)]
    assert set(states(*messages)) == {"enviado"}


# Our own bugs


def test_a_bug_before_the_wire_is_tried_five_times_and_then_failed_with_its_reason(gateway: FakeGateway) -> None:
    gateway.answers(*[RuntimeError("nuestro")] * 5)
    broken, behind = queue("1", "2")
    drain(broken)
    assert gateway.texts == ["1"] * 5 + ["2"]
    assert states(broken, behind) == ["fallido", "enviado"]
    assert "Error interno" in broken.reason
    assert broken.attempts <= 1


def test_a_bug_before_the_wire_counts_as_no_try_and_no_outage(gateway: FakeGateway) -> None:
    gateway.answers(*[RuntimeError("nuestro")] * 3)
    (message,) = queue("1")
    drain(message)
    assert states(message) == ["enviado"]
    assert (message.attempts, message.crashes) == (1, 3)
    assert connection.current().not_sent == 0


def test_a_bug_after_the_first_byte_is_a_doubt(gateway: FakeGateway) -> None:
    gateway.answers(AfterFirstByte(ConnectionError("cortado")))
    (message,) = queue("1")
    drain(message)
    assert states(message) == ["sin_confirmar"]
    assert len(gateway.calls) == 1


def test_a_bug_in_one_conversation_does_not_stop_another(gateway: FakeGateway) -> None:
    gateway.answers(*[RuntimeError("nuestro")] * 5)
    (broken,), (fine,) = queue("1"), queue("2")
    drain(broken)
    drain(fine)
    assert states(broken, fine) == ["fallido", "enviado"]


# The assistant is silent once a technician has written


def test_the_assistants_words_are_checked_again_before_each_is_sent(gateway: FakeGateway) -> None:
    ticket = make_ticket()
    (words,) = queue("¿Cuál es tu nombre?", ticket=ticket, role="assistant")
    (answer,) = queue("Hola, soy Ana", ticket=ticket)
    drain(words)
    assert states(words, answer) == ["descartado", "enviado"]
    assert gateway.texts == ["Hola, soy Ana"]


def test_a_technician_in_another_ticket_does_not_silence_the_assistant(gateway: FakeGateway) -> None:
    contact = make_contact()
    queue("cerrado", ticket=make_ticket(contact, state="Cerrado"), state="leido")
    (words,) = queue("¿Cuál es tu nombre?", ticket=make_ticket(contact), role="assistant")
    drain(words)
    assert gateway.texts == ["¿Cuál es tu nombre?"]


# The breaker


def fail(gateway: FakeGateway, *results: Result, message: Message | None = None) -> None:
    """Each result is the answer to the next try: of a new conversation, or of `message` again."""
    for result in results:
        gateway.answers(result)
        one = message or queue("x")[0]
        is_due_now(one)
        drain(one)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not sent is not tried again before the test says so."""
    monkeypatch.setattr(outcomes, "backoff", lambda _: 60.0)


def test_five_not_sent_in_a_row_open_the_breaker(gateway: FakeGateway, patient: None) -> None:
    fail(gateway, *[Unreachable("conexión rechazada")] * 4)
    assert not connection.opened()
    fail(gateway, RateLimited("session"))
    assert connection.opened()
    assert Connection.objects.get().not_sent == 0


def test_even_one_conversation_opens_it_by_not_reaching_the_gateway(gateway: FakeGateway, patient: None) -> None:
    (message,) = queue("1")
    fail(gateway, *[Unreachable("conexión rechazada")] * 5, message=message)
    assert connection.opened()


@pytest.mark.parametrize("between", [Accepted("3EB0ENTRE"), Refused("No.")], ids=["accepted", "refused"])
@pytest.mark.parametrize("failure", [Unreachable("x"), Ambiguous("HTTP 502")], ids=["not sent", "doubtful"])
def test_an_answer_in_between_starts_the_count_again(
    gateway: FakeGateway, patient: None, failure: Result, between: Result
) -> None:
    count = 4 if isinstance(failure, Unreachable) else 2
    fail(gateway, *[failure] * count, between, *[failure] * count)
    assert not connection.opened()


def test_three_doubts_in_a_row_of_different_conversations_open_it(gateway: FakeGateway) -> None:
    fail(gateway, Ambiguous("HTTP 502"), Ambiguous("HTTP 502"))
    assert not connection.opened()
    fail(gateway, Ambiguous("HTTP 502"))
    assert connection.opened()


def test_doubts_that_come_back_to_the_same_two_conversations_never_open_it(
    gateway: FakeGateway, settings: Settings
) -> None:
    settings.ENVIO_DUDA_S = 0
    gateway.answers(*[Ambiguous("HTTP 502")] * 6)
    one, other = queue(*"123"), queue(*"456")
    for _ in range(3):
        drain(one[0])
        drain(other[0])
    assert states(*one, *other) == ["sin_confirmar"] * 6
    assert not connection.opened()
    fail(gateway, Ambiguous("HTTP 502"))
    assert connection.opened()


def test_doubts_of_one_conversation_never_open_it(gateway: FakeGateway, settings: Settings) -> None:
    settings.ENVIO_DUDA_S = 0
    gateway.answers(*[Ambiguous("HTTP 502")] * 6)
    messages = queue(*"123456")
    for _ in messages:
        drain(messages[0])
    assert states(*messages) == ["sin_confirmar"] * 6
    assert not connection.opened()


def test_a_limit_of_one_recipient_never_counts(gateway: FakeGateway, patient: None) -> None:
    fail(gateway, *[RateLimited("recipient")] * 10)
    assert connection.current().not_sent == 0
    assert not connection.opened()


def test_a_gateway_that_says_disconnected_opens_it_at_once(gateway: FakeGateway, patient: None) -> None:
    fail(gateway, Disconnected("Falta escanear el código QR de WhatsApp"))
    row = connection.current()
    assert (row.connected, row.detail) == (False, "Falta escanear el código QR de WhatsApp")


def test_while_it_is_open_nothing_is_sent(gateway: FakeGateway) -> None:
    connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    (message,) = queue("1")
    drain(message)
    assert not gateway.calls
    assert states(message) == ["en_cola"]
    assert is_free(message)


def test_it_opens_between_two_messages_of_one_drain(gateway: FakeGateway, patient: None) -> None:
    def goes_down(before_first_byte: Callable[[], None]) -> Result:
        before_first_byte()
        connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
        return Accepted("3EB0PRIMERO")

    gateway.answers(goes_down)
    first, second = queue("1", "2")
    drain(first)
    assert states(first, second) == ["enviado", "en_cola"]


def test_release_clears_only_what_the_session_put_off(gateway: FakeGateway, patient: None) -> None:
    gateway.answers(Unreachable("x"))
    (session,) = queue("sesión")
    drain(session)
    gateway.answers(RateLimited("recipient"))
    (recipient,) = queue("destinatario")
    drain(recipient)
    delivery.release()
    assert states(session, recipient) == ["en_cola", "en_cola"]
    assert (session.due, session.held) == (None, "")
    assert recipient.due
    assert recipient.held == "recipient"


def test_release_wakes_the_conversations_oldest_first() -> None:
    now = timezone.now()
    made = {}
    for minutes in (5, 60, 30):
        (message,) = queue("x", created=now - timedelta(minutes=minutes))
        queue("y", ticket=message.ticket, created=now - timedelta(minutes=1))
        made[minutes] = message.conversation_id
    queue("ya salió", state="enviado")
    assert delivery.release() == [made[60], made[30], made[5]]


# The session's rate


def test_sends_are_spaced_for_the_whole_session(settings: Settings) -> None:
    settings.ENVIO_POR_SEGUNDO = 5
    (first,), (second,) = queue("1"), queue("2")
    assert isinstance(delivery.claim(first.conversation_id), delivery.Claim)
    wait = delivery.claim(second.conversation_id)
    assert isinstance(wait, float)
    assert 0 < wait <= 0.2
    assert states(second) == ["en_cola"]
    assert is_free(second)
    Connection.objects.update(next_send=timezone.now() - timedelta(milliseconds=10))
    assert isinstance(delivery.claim(second.conversation_id), delivery.Claim)


def test_a_drain_waits_for_the_next_slot(
    gateway: FakeGateway, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENVIO_POR_SEGUNDO = 5
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        Connection.objects.update(next_send=timezone.now() - timedelta(milliseconds=10))
        return False

    monkeypatch.setattr(runtime.stopping, "wait", wait)
    messages = queue("1", "2", "3")
    drain(messages[0])
    assert gateway.texts == ["1", "2", "3"]
    assert len(waits) == 2
    assert 0 < min(waits) <= max(waits) <= 0.2


def test_a_rate_below_one_a_second_is_looked_at_every_second(
    gateway: FakeGateway, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENVIO_POR_SEGUNDO = 0.5
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        Connection.objects.update(next_send=F("next_send") - timedelta(seconds=seconds))
        return False

    monkeypatch.setattr(runtime.stopping, "wait", wait)
    messages = queue("1", "2", "3")
    drain(messages[0])
    assert gateway.texts == ["1", "2", "3"]
    assert len(waits) == 4
    assert max(waits) == 1.0


def test_a_head_that_waits_takes_no_slot(gateway: FakeGateway, settings: Settings) -> None:
    settings.ENVIO_POR_SEGUNDO = 5
    (message,) = queue("1")
    Message.objects.update(due=timezone.now() + timedelta(seconds=30))
    drain(message)
    assert connection.current().next_send is None


# The states


@pytest.mark.parametrize("before", Delivery.values)
@pytest.mark.parametrize("after", Delivery.values)
def test_a_move_outside_the_table_is_ignored_and_logged(
    before: str, after: str, caplog: pytest.LogCaptureFixture
) -> None:
    allowed = {
        ("en_cola", "enviando"), ("en_cola", "fallido"), ("en_cola", "descartado"),
        ("enviando", "enviado"), ("enviando", "en_cola"), ("enviando", "sin_confirmar"), ("enviando", "fallido"),
        ("sin_confirmar", "enviado"), ("sin_confirmar", "entregado"), ("sin_confirmar", "leido"),
        ("sin_confirmar", "fallido"), ("sin_confirmar", "descartado"),
        ("enviado", "entregado"), ("enviado", "leido"), ("enviado", "fallido"),
        ("entregado", "leido"), ("fallido", "entregado"), ("fallido", "leido"),
    }  # fmt: skip
    kind = "nota" if before == "interna" else "text"
    (message,) = queue("secreto del usuario", state=before, kind=kind)
    conversation = Conversation.locked(message.conversation_id)
    version = conversation.version
    with caplog.at_level(logging.WARNING):
        moved = message.move(conversation, after)
    message.refresh_from_db()
    if (before, after) in allowed:
        assert moved
        assert message.state == after
        assert message.version == Conversation.objects.get().version == version + 1
        assert not caplog.records
    else:
        assert not moved
        assert message.state == before
        assert message.version == Conversation.objects.get().version == version
        assert f"{before} -> {after}" in caplog.text
        assert "secreto" not in caplog.text


def test_a_stale_reader_moves_nothing() -> None:
    (message,) = queue("1")
    stale = Message.objects.get(pk=message.pk)
    conversation = Conversation.locked(message.conversation_id)
    assert message.move(conversation, Delivery.SENDING, attempt=uuid.uuid4())
    assert not stale.move(conversation, Delivery.DISCARDED)
    assert states(message) == ["enviando"]


def test_a_session_that_asks_for_time_sends_to_nobody_until_then(gateway: FakeGateway) -> None:
    (limited,), (other,) = queue("1"), queue("2")
    gateway.answers(RateLimited("session", 30))
    drain(limited)
    assert delivery.claim(other.conversation_id) == connection.LOOK_AGAIN_S
    Connection.objects.update(next_send=timezone.now() - timedelta(seconds=1))
    drain(other)
    assert gateway.texts == ["1", "2"]
