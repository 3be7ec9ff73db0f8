"""Reading a chat back: evidence settles a doubtful row only when there is exactly one candidate for exactly one row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat import compose, delivery, echoes, inbound
from chat.models import Attachment, Message
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged, OwnMessage
from whatsapp.gateways.results import Accepted, Ambiguous

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def doubtful(tecnica: User, gateway: FakeGateway) -> Message:
    """A row whose send ended in doubt ten minutes ago."""
    gateway.script.append(Ambiguous("sin respuesta"))
    message, _ = compose.write(make_ticket().pk, tecnica, compose.Draft("¿llegó?"))
    delivery.drain(message.conversation_id)
    past = timezone.now() - timedelta(minutes=10)
    Message.objects.filter(pk=message.pk).update(tried=past, due=past)
    message.refresh_from_db()
    assert message.state == "sin_confirmar"
    return message


@pytest.fixture
def remembered(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> list[OwnMessage]:
    """What the gateway remembers of the chat; the test fills it."""
    found: list[OwnMessage] = []
    monkeypatch.setattr(gateway, "read_back", lambda address, since: found, raising=False)
    return found


def remember(message: Message, **changes: Any) -> OwnMessage:
    address = message.conversation.contact.address
    fields: dict[str, Any] = {
        "external_id": "3EB0AB",
        "address": address,
        "text": message.text,
        "by_api": True,
        "sent_at": message.tried,
    }
    return OwnMessage(**{**fields, **changes})


def test_the_only_candidate_settles_the_row(doubtful: Message, remembered: list[OwnMessage]) -> None:
    remembered.append(remember(doubtful))
    assert echoes.read_back(doubtful.pk)
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.gateway_id) == ("enviado", "3EB0AB")


def wrong_time(message: Message) -> datetime:
    assert message.tried
    return message.tried + timedelta(hours=1)


@pytest.mark.parametrize(
    "changes",
    [
        lambda message: {"text": "otro"},
        lambda message: {"by_api": False},
        lambda message: {"sent_at": wrong_time(message)},
        lambda message: {"sent_at": None},
    ],
    ids=["otro texto", "escrito en el teléfono", "otra hora", "sin hora"],
)
def test_what_is_no_candidate_settles_nothing(doubtful: Message, remembered: list[OwnMessage], changes: Any) -> None:
    remembered.append(remember(doubtful, **changes(doubtful)))
    assert not echoes.read_back(doubtful.pk)
    doubtful.refresh_from_db()
    assert doubtful.state == "sin_confirmar"


def test_a_large_file_may_have_left_later_than_a_text(doubtful: Message, remembered: list[OwnMessage]) -> None:
    assert doubtful.tried
    remembered.append(remember(doubtful, sent_at=doubtful.tried + timedelta(seconds=140)))
    assert not echoes.read_back(doubtful.pk)
    Message.objects.filter(pk=doubtful.pk).update(kind="document")
    Attachment.objects.create(message=doubtful, state="listo", size=18_000_000)  # 100 s on a slow line
    assert echoes.read_back(doubtful.pk)


def test_two_candidates_settle_nothing(doubtful: Message, remembered: list[OwnMessage]) -> None:
    remembered += [remember(doubtful), remember(doubtful, external_id="3EB0CD")]
    assert not echoes.read_back(doubtful.pk)


def test_an_id_of_another_message_is_no_candidate(
    doubtful: Message, remembered: list[OwnMessage], tecnica: User, gateway: FakeGateway
) -> None:
    gateway.script.append(Accepted("3EB0AB"))
    other, _ = compose.write(doubtful.ticket_id, tecnica, compose.Draft(doubtful.text))
    delivery.drain(other.conversation_id)
    remembered.append(remember(doubtful))
    assert not echoes.read_back(doubtful.pk)


def test_an_empty_answer_proves_nothing_and_is_counted(doubtful: Message, remembered: list[OwnMessage]) -> None:
    assert not echoes.read_back(doubtful.pk)
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.checks) == ("sin_confirmar", 1)


def test_the_sweep_asks_at_growing_intervals_and_then_leaves_it_to_a_person(
    doubtful: Message, remembered: list[OwnMessage]
) -> None:
    asked = 0
    while doubtful.pk in echoes.rows_to_check():
        echoes.read_back(doubtful.pk)
        asked += 1
        Message.objects.filter(pk=doubtful.pk).update(tried=timezone.now() - timedelta(days=1))
    assert asked == echoes.MAX_CHECKS


def test_nothing_is_asked_while_whatsapp_is_disconnected(doubtful: Message) -> None:
    connection.update(ConnectionChanged(connected=False, detail="prueba"))
    assert echoes.rows_to_check() == []


def test_a_gateway_that_cannot_read_a_chat_back_is_never_asked_to(
    doubtful: Message, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert echoes.rows_to_check() == [doubtful.pk]
    monkeypatch.setattr(gateway, "can", frozenset({"echo"}), raising=False)
    assert echoes.rows_to_check() == []
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.checks) == ("sin_confirmar", 0)


# At an address that we have not learned


def test_an_echo_at_a_lid_we_never_saw_settles_the_row_by_the_phone_beside_it(doubtful: Message) -> None:
    phone = doubtful.conversation.contact.address
    with transaction.atomic():
        inbound.handle(remember(doubtful, address="123456@lid", aliases=(phone,)))
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.gateway_id) == ("enviado", "3EB0AB")


def test_an_echo_of_a_message_we_know_is_known_wherever_it_went(doubtful: Message) -> None:
    Message.objects.filter(pk=doubtful.pk).update(gateway_id="3EB0AB", state="enviado")
    with transaction.atomic():
        outcome = inbound.handle(remember(doubtful, address="123456@lid"))
    assert (outcome.state, outcome.about) == ("procesado", f"mensaje:{doubtful.pk}")
