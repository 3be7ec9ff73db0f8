"""A gateway that takes messages and never answers: how many may end in doubt before we notice, and after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from chat import delivery
from chat.models import Conversation, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Ambiguous

pytestmark = pytest.mark.django_db

HANGS = Ambiguous("sin respuesta completa en 15 s")
WORKING = ConnectionChanged(connected=True, detail="WhatsApp conectado")


def queued() -> Message:
    """A message of a conversation of its own."""
    ticket = make_ticket(make_contact())
    return Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "hola")


def wait_for_an_answer(count: int) -> None:
    """`count` other conversations have a send on its way."""
    for _ in range(count):
        conversation = queued().conversation
        conversation.lease_until = timezone.now() + timedelta(seconds=delivery.lease_s())
        conversation.save()


def test_no_more_than_eight_sends_wait_for_their_answer_at_once() -> None:
    wait_for_an_answer(connection.MAX_UNANSWERED - 1)
    assert isinstance(delivery.claim(queued().conversation_id), delivery.Claim)
    assert delivery.claim(queued().conversation_id) == delivery.CROWDED_S


def test_after_a_doubt_one_at_a_time_until_one_is_answered(gateway: FakeGateway) -> None:
    gateway.answers(HANGS, Accepted("3EB0A"))
    delivery.drain(queued().conversation_id)
    wait_for_an_answer(1)
    assert delivery.claim(queued().conversation_id) == delivery.CROWDED_S
    Conversation.objects.update(lease_until=None)
    delivery.drain(queued().conversation_id)
    wait_for_an_answer(1)
    assert isinstance(delivery.claim(queued().conversation_id), delivery.Claim)


def test_a_send_of_a_dead_process_is_in_nobodys_way_once_its_call_must_have_ended() -> None:
    wait_for_an_answer(connection.MAX_UNANSWERED)
    Conversation.objects.update(lease_until=timezone.now() + timedelta(seconds=2))
    assert isinstance(delivery.claim(queued().conversation_id), delivery.Claim)


def test_a_session_that_says_it_works_after_three_doubts_is_on_trial(gateway: FakeGateway) -> None:
    gateway.answers(HANGS, HANGS, HANGS, HANGS)
    for _ in range(connection.MAX_DOUBTFUL):
        delivery.drain(queued().conversation_id)
    assert connection.opened()
    connection.update(WORKING)
    assert not connection.opened()
    delivery.drain(queued().conversation_id)
    assert connection.opened(), "one more doubt is enough"


def test_a_trial_ends_with_the_first_answer(gateway: FakeGateway) -> None:
    gateway.answers(HANGS, HANGS, HANGS, Accepted("3EB0A"), HANGS)
    for _ in range(connection.MAX_DOUBTFUL):
        delivery.drain(queued().conversation_id)
    connection.update(WORKING)
    for _ in range(2):
        delivery.drain(queued().conversation_id)
    assert not connection.opened()
    assert connection.current().doubtful == 1


def test_each_trial_that_fails_is_followed_by_a_longer_wait(gateway: FakeGateway) -> None:
    """Each costs a message whose fate nobody knows."""
    gateway.answers(*[HANGS] * 9)
    for _ in range(connection.MAX_DOUBTFUL):
        delivery.drain(queued().conversation_id)
    waits = []
    for _ in range(6):
        line = connection.current()
        assert line.next_probe
        waits.append((line.next_probe - line.since).total_seconds())
        connection.update(WORKING)
        delivery.drain(queued().conversation_id)
    assert waits == [4.5, 9, 18, 36, 60, 60]


def test_what_was_on_its_way_when_the_line_closed_makes_no_wait_longer() -> None:
    for conversation in range(connection.MAX_UNANSWERED):
        connection.doubtful(str(conversation), "sin respuesta")
    connection.update(WORKING)
    connection.doubtful("otra", "sin respuesta")
    line = connection.current()
    assert line.next_probe
    assert (line.next_probe - line.since).total_seconds() == 9


def test_a_session_that_was_disconnected_is_not_on_trial() -> None:
    connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    connection.update(WORKING)
    assert connection.current().doubtful == 0
