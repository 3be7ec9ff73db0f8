"""The books balance, and say what does not add up."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from chat import compose
from chat.ledger import books
from chat.models import Conversation, Message
from tests.factory import make_ticket
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def messages(tecnica: User) -> list[Message]:
    """One message per column of the books."""
    ticket = make_ticket()
    written = [compose.write(ticket.pk, tecnica, compose.Draft(text))[0] for text in "abcde"]
    for message, state in zip(written, ("enviado", "fallido", "sin_confirmar", "en_cola", "descartado"), strict=True):
        Message.objects.filter(pk=message.pk).update(state=state, gateway_id=f"id-{message.pk}")
    return written


def test_accepted_is_the_sum_of_the_columns(messages: list[Message], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("cuadre")
    printed = capsys.readouterr().out
    assert "Aceptados: 5 = 1 enviados + 1 fallidos + 1 sin confirmar + 1 en espera + 1 descartados" in printed
    assert "Todo cuadra." in printed


def test_a_period_counts_only_its_own(messages: list[Message]) -> None:
    middle = messages[2]
    middle.refresh_from_db()
    assert books(since=middle.created).accepted == 3
    assert books(until=middle.created).accepted == 2


def test_a_lost_row_does_not_add_up(messages: list[Message], capsys: pytest.CaptureFixture[str]) -> None:
    messages[1].delete()
    with pytest.raises(SystemExit) as ended:
        call_command("cuadre")
    assert ended.value.code == 1
    assert "Conversación" in capsys.readouterr().out


def test_a_lost_last_row_does_not_add_up_either(messages: list[Message]) -> None:
    messages[-1].delete()
    assert not books().balanced


def test_an_unknown_state_does_not_add_up(messages: list[Message]) -> None:
    Message.objects.filter(pk=messages[0].pk).update(state="perdido")
    assert len(books().problems) == 2


def test_sent_without_an_id_or_a_person_does_not_add_up(messages: list[Message]) -> None:
    Message.objects.filter(pk=messages[0].pk).update(gateway_id=None, attempts=1)
    assert "sin id del gateway" in books().problems[0]


def test_a_handled_event_without_message_or_reason_does_not_add_up() -> None:
    event = WebhookEvent.objects.create(gateway="waha", external_id="1", body="{}", state="procesado")
    assert f"Evento {event.pk}" in books().problems[0]
    WebhookEvent.objects.update(about="conexion")
    assert books().balanced


def test_an_event_that_names_a_missing_message_does_not_add_up() -> None:
    WebhookEvent.objects.create(gateway="waha", external_id="1", body="{}", state="procesado", about="mensaje:999")
    assert "999" in books().problems[0]


def test_a_date_that_is_none_is_refused_in_spanish() -> None:
    with pytest.raises(Exception, match="no es una fecha"):
        call_command("cuadre", desde="ayer")


def test_the_books_cost_the_same_queries_whatever_they_count(
    messages: list[Message], django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(11):  # type: ignore[operator]
        books()
    assert Conversation.objects.count() == 1
