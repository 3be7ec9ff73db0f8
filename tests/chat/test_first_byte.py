"""What died or slept before its first byte is proved not sent: it goes out by itself, and nobody has to decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from chat import delivery, outcomes, runtime
from chat.models import Conversation, Message
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway
from whatsapp import connection as line
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Result, Unreachable

pytestmark = pytest.mark.django_db


@pytest.fixture
def message() -> Message:
    ticket = make_ticket()
    with transaction.atomic():
        return Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "hola")


def claim(message: Message) -> delivery.Claim:
    claimed = delivery.claim(message.conversation_id)
    assert isinstance(claimed, delivery.Claim)
    return claimed


def take_over(message: Message) -> delivery.Claim | float | None:
    """The lease is over, and another process comes by."""
    Conversation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    return delivery.claim(message.conversation_id)


def drain(message: Message) -> None:
    """Another process comes by, and the lease of the one before is over."""
    Conversation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    delivery.drain(message.conversation_id)
    message.refresh_from_db()


def sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on it is an hour later, by the clock that also runs while the machine sleeps."""
    clock = delivery.boot_time
    monkeypatch.setattr(delivery, "boot_time", lambda: clock() + 3600)


def test_a_process_that_died_before_the_first_byte_leaves_no_doubt_and_its_message_goes_out(
    gateway: FakeGateway, message: Message
) -> None:
    claim(message)
    drain(message)
    assert (message.state, message.attempts) == ("enviado", 1)
    assert gateway.texts == ["hola"]


def test_a_process_that_died_after_the_first_byte_leaves_a_doubt(gateway: FakeGateway, message: Message) -> None:
    claim(message).begin_writing()
    drain(message)
    assert message.state == "sin_confirmar"
    assert not gateway.calls


def test_a_message_that_kills_every_process_is_failed_at_the_fifth(gateway: FakeGateway, message: Message) -> None:
    claim(message)
    for _ in range(outcomes.MAX_CRASHES - 1):
        assert isinstance(take_over(message), delivery.Claim)
    drain(message)
    assert (message.state, message.reason[:13]) == ("fallido", "Error interno")
    assert not gateway.calls


def test_who_slept_while_another_took_the_message_over_sends_nothing_and_it_goes_out_once(
    gateway: FakeGateway, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs: list[delivery.Claim] = []

    def wakes_late(before_first_byte: Callable[[], None]) -> Result:
        taken = take_over(message)
        assert isinstance(taken, delivery.Claim)
        theirs.append(taken)
        sleeps(monkeypatch)
        before_first_byte()
        raise AssertionError("written under a lost lease")

    gateway.answers(wakes_late)
    drain(message)
    assert message.state == "enviando"
    assert message.attempt == theirs[0].token
    outcomes.settle(message, theirs[0].token, theirs[0].telefono, Accepted("3EB0SUYO"))
    message.refresh_from_db()
    assert (message.state, message.gateway_id) == ("enviado", "3EB0SUYO")


def test_not_even_a_clock_that_is_wrong_lets_two_write(message: Message) -> None:
    """The other process has the message, and then has put it back; this one believes that its lease goes on."""
    late = claim(message)
    theirs = take_over(message)
    assert isinstance(theirs, delivery.Claim)
    late.still_ours()
    with pytest.raises(outcomes.LeaseEndedError):
        late.begin_writing()
    outcomes.settle(message, theirs.token, theirs.telefono, Unreachable("conexión rechazada"))
    with pytest.raises(outcomes.LeaseEndedError):
        late.begin_writing()


def test_a_process_that_slept_past_its_lease_stops_before_the_first_byte(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = claim(message)
    monkeypatch.setattr(delivery, "boot_time", lambda: claimed.lease_ends)
    with pytest.raises(outcomes.LeaseEndedError):
        claimed.begin_writing()
    message.refresh_from_db()
    assert message.tried is None


@pytest.mark.parametrize("closes", [
    lambda: line.update(ConnectionChanged(connected=False, detail="se cayó")),
    lambda: line.pause("el supervisor"),
])  # fmt: skip
def test_what_was_claimed_before_the_line_closed_waits_and_goes_out_after_it_is_open_again(
    gateway: FakeGateway, message: Message, closes: Callable[[], Any]
) -> None:
    def late(before_first_byte: Callable[[], None]) -> Result:
        closes()
        before_first_byte()
        raise AssertionError("written into a closed line")

    gateway.answers(late)
    drain(message)
    assert (message.state, message.attempts) == ("en_cola", 0)
    line.resume("el supervisor")
    line.update(ConnectionChanged(connected=True, detail="volvió"))
    drain(message)
    assert message.state == "enviado"


def test_a_slow_mark_is_our_own_fault_and_does_not_close_the_line(
    gateway: FakeGateway, message: Message, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    slow = iter([0.0, 0.0, settings.WHATSAPP_TIMEOUT_S])
    clock = delivery.boot_time

    def late(before_first_byte: Callable[[], None]) -> Result:
        monkeypatch.setattr(delivery, "boot_time", lambda: clock() + next(slow))
        try:
            before_first_byte()
        finally:
            monkeypatch.setattr(delivery, "boot_time", clock)
        raise AssertionError("written though the mark took the gateway's time")

    gateway.answers(late)
    drain(message)
    assert message.state == "enviado"
    assert line.current().not_sent == 0


def test_one_that_slept_between_the_mark_and_the_first_byte_stops_too(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = claim(message)
    monkeypatch.setattr(runtime, "let_go_of_database", lambda: sleeps(monkeypatch))
    with pytest.raises(outcomes.LeaseEndedError):
        claimed.begin_writing()
    message.refresh_from_db()
    assert message.tried


def test_a_message_whose_process_slept_before_the_first_byte_goes_out_once(
    gateway: FakeGateway, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def sleeper(before_first_byte: Callable[[], None]) -> Result:
        sleeps(monkeypatch)
        before_first_byte()
        sent.append("¡no!")
        return Accepted("3EB0TARDE")

    def answers(before_first_byte: Callable[[], None]) -> Result:
        before_first_byte()
        sent.append("1")
        return Accepted("3EB0BIEN")

    gateway.answers(sleeper, answers)
    drain(message)
    assert sent == ["1"]
    assert message.state == "enviado"
    assert (message.gateway_id, message.attempts) == ("3EB0BIEN", 1)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_before_the_first_byte_sends_nothing_and_is_no_crash(
    gateway: FakeGateway, message: Message
) -> None:
    def away(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith('UPDATE "chat_message" SET "tried"'):
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, *args)

    claimed = claim(message)
    with connection.execute_wrapper(away):
        result = delivery.attempt(claimed)
    outcomes.settle(message, claimed.token, claimed.telefono, result)
    message.refresh_from_db()
    assert (message.state, message.crashes) == ("en_cola", 0)
    drain(message)
    assert message.state == "enviado"


def test_a_send_that_could_not_leave_says_when_it_was_tried(gateway: FakeGateway, message: Message) -> None:
    gateway.answers(Unreachable("conexión rechazada"))
    drain(message)
    assert message.state == "en_cola"
    assert message.tried
