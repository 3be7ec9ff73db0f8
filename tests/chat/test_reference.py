"""A status that carries our own reference: evidence for a row that ended in doubt (docs/delivery.md, 7)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from chat import compose, delivery, inbound, references
from chat.models import Conversation, Message
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway
from whatsapp.events import Outcome
from whatsapp.gateways.events import StatusUpdate
from whatsapp.gateways.results import Accepted, Ambiguous, Refused, Result, Unreachable

pytestmark = pytest.mark.django_db(transaction=True)

WAMID = "wamid.HBgNNTIxNDc3"


def written(tecnica: User, text: str = "¿llegó?", ticket_id: int | None = None) -> Message:
    return compose.write(ticket_id or make_ticket().pk, tecnica, compose.Draft(text))[0]


def sent(gateway: FakeGateway, tecnica: User, result: Result) -> Message:
    """A message whose send ended in `result`."""
    gateway.script.append(result)
    message = written(tecnica)
    delivery.drain(message.conversation_id)
    message.refresh_from_db()
    return message


@pytest.fixture
def doubtful(gateway: FakeGateway, tecnica: User) -> Message:
    message = sent(gateway, tecnica, Ambiguous("sin respuesta"))
    assert message.state == "sin_confirmar"
    return message


def tick(message: Message, status: Any = "entregado", **changes: Any) -> Outcome:
    fields = {"message_id": WAMID, "reference": references.of(message), **changes}
    with transaction.atomic():
        outcome = inbound.handle(StatusUpdate(status=status, **fields))
    message.refresh_from_db()
    return outcome


@pytest.mark.parametrize("status", ["enviado", "entregado", "leido"])
def test_a_status_with_the_reference_settles_a_doubtful_row(doubtful: Message, status: str) -> None:
    version = doubtful.version
    outcome = tick(doubtful, status)
    assert (outcome.state, outcome.about) == ("procesado", f"mensaje:{doubtful.pk}")
    assert (doubtful.state, doubtful.gateway_id, doubtful.reason, doubtful.due) == (status, WAMID, "", None)
    assert doubtful.sent and doubtful.settled and doubtful.settled_by is None
    assert doubtful.version > version


def test_a_failure_with_the_reference_settles_it_too(doubtful: Message) -> None:
    tick(doubtful, "fallido", reason="Pasaron más de 24 horas.", code="131047")
    assert (doubtful.state, doubtful.gateway_id, doubtful.sent) == ("fallido", WAMID, None)
    assert (doubtful.reason, doubtful.code) == ("Pasaron más de 24 horas.", "131047")


def test_once_bound_the_next_ticks_need_no_reference(doubtful: Message) -> None:
    tick(doubtful, "enviado")
    tick(doubtful, "leido", reference="")
    assert doubtful.state == "leido"
    assert tick(doubtful, "entregado").state == "ignorado"
    assert doubtful.state == "leido"


def test_what_the_doubtful_row_held_goes_on_at_once(
    doubtful: Message, gateway: FakeGateway, tecnica: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = written(tecnica, "después", doubtful.ticket_id)
    delivery.drain(later.conversation_id)
    assert "después" not in gateway.texts
    monkeypatch.setattr("chat.wake.wake", lambda task, *args: task.run(*args))
    tick(doubtful, "entregado")
    assert gateway.texts[-1] == "después"


def test_while_it_is_being_sent_the_status_waits_for_the_outcome(gateway: FakeGateway, tecnica: User) -> None:
    message = written(tecnica)
    Message.objects.filter(pk=message.pk).update(state="enviando", attempt=uuid.uuid4(), gateway="waha")
    message.refresh_from_db()
    outcome = tick(message)
    assert (outcome.state, outcome.waits_on) == ("en_espera", f"conversation:{message.conversation_id}")
    assert (message.state, message.gateway_id) == ("enviando", None)


@pytest.mark.parametrize("reference", ["", "x", "5d3a1f0e-7c44-4b8e-9a55-0b9f5a2f6c11", "\0", "ñ" * 40])
def test_a_reference_that_is_not_ours_waits_for_its_id(doubtful: Message, reference: str) -> None:
    outcome = tick(doubtful, reference=reference)
    assert (outcome.state, outcome.waits_on) == ("en_espera", f"message:{WAMID}")
    assert doubtful.state == "sin_confirmar"


def test_a_reference_of_another_gateway_is_not_ours(doubtful: Message) -> None:
    Message.objects.filter(pk=doubtful.pk).update(gateway="evolution")
    assert tick(doubtful).state == "en_espera"


@pytest.mark.parametrize("state", ["enviado", "descartado"])
def test_a_persons_decision_stays_and_the_id_is_bound(doubtful: Message, tecnica: User, state: str) -> None:
    Message.objects.filter(pk=doubtful.pk).update(state=state, settled_by=tecnica)
    tick(doubtful, "enviado")
    assert (doubtful.state, doubtful.gateway_id, doubtful.settled_by) == (state, WAMID, tecnica)
    tick(doubtful, "leido", reference="")
    assert doubtful.state == ("leido" if state == "enviado" else state)


def test_a_row_that_was_refused_and_arrived_all_the_same_is_delivered(gateway: FakeGateway, tecnica: User) -> None:
    message = sent(gateway, tecnica, Refused("nunca", "1"))
    tick(message)
    assert (message.state, message.gateway_id) == ("entregado", WAMID)


def test_a_row_that_waits_to_be_sent_again_is_not_touched(gateway: FakeGateway, tecnica: User) -> None:
    message = sent(gateway, tecnica, Unreachable("nadie"))
    assert (message.state, tick(message).state) == ("en_cola", "en_espera")
    assert (message.state, message.gateway_id) == ("en_cola", None)


def test_a_row_with_another_id_keeps_it(gateway: FakeGateway, tecnica: User) -> None:
    message = sent(gateway, tecnica, Accepted("wamid.OTHER"))
    assert tick(message).waits_on == f"message:{WAMID}"
    assert (message.state, message.gateway_id) == ("enviado", "wamid.OTHER")


def test_the_reference_is_the_attempt_that_was_sent(gateway: FakeGateway, doubtful: Message) -> None:
    assert gateway.sent[-1].reference == f"{doubtful.pk}:{doubtful.attempt}"


def test_a_repeat_changes_nothing_more(doubtful: Message) -> None:
    tick(doubtful)
    version = Conversation.objects.get(pk=doubtful.conversation_id).version
    assert tick(doubtful).state == "ignorado"
    assert Conversation.objects.get(pk=doubtful.conversation_id).version == version
