"""What people decide: over a message in doubt, and over a ticket's state and technician."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from chat import compose, decisions
from chat.models import Conversation, Delivery, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, ack, post_webhook
from tickets.models import State, Ticket
from whatsapp.gateways.results import Ambiguous, Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"))


def post(client: Client, url: str, body: Any) -> HttpResponse:
    return client.post(url, json.dumps(body), content_type="application/json")


def write(client: Client, ticket: Ticket, text: str = "hola") -> Message:
    response = post(client, f"/ticket/{ticket.pk}/enviar-mensaje", {"mensaje": text})
    return Message.objects.get(ticket=ticket, seq=response.json()["seq"])


def decide(client: Client, message: Message, decision: Any) -> HttpResponse:
    return post(client, f"/ticket/{message.ticket_id}/mensaje/{message.seq}/resolver", {"decision": decision})


@pytest.fixture
def doubtful(desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None) -> Message:
    gateway.answers(Ambiguous("HTTP 502"))
    message = write(desk, ticket)
    assert message.state == "sin_confirmar"
    return message


def put(ticket: Ticket, state: str, **fields: Any) -> Message:
    return Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "hola", state=state, **fields)


def test_ya_llego_is_stored_with_who_and_when(desk: Client, tecnica: User, doubtful: Message) -> None:
    response = decide(desk, doubtful, "ya_llego")
    assert response.status_code == 200
    assert response.json() == {"status": "enviado", "ticket_id": doubtful.ticket_id, "seq": doubtful.seq}
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.settled_by, doubtful.sent, doubtful.due) == (
        "enviado",
        tecnica,
        doubtful.tried,
        None,
    )
    assert doubtful.settled
    assert (timezone.now() - doubtful.settled).total_seconds() < 5


def test_ya_llego_sends_nothing_again_and_lets_the_next_one_go(
    desk: Client, ticket: Ticket, gateway: FakeGateway, doubtful: Message
) -> None:
    write(desk, ticket, "después")
    assert gateway.texts == ["hola"]
    decide(desk, doubtful, "ya_llego")
    assert gateway.texts == ["hola", "después"]


def test_reenviar_is_a_new_message_at_the_end_that_names_the_old_one(
    desk: Client, tecnica: User, ticket: Ticket, gateway: FakeGateway, doubtful: Message
) -> None:
    behind = write(desk, ticket, "después")
    response = decide(desk, doubtful, "reenviar")
    assert response.status_code == 200
    assert response.json()["status"] == "enviado"
    again = Message.objects.get(resends=doubtful)
    assert response.json()["seq"] == again.seq == behind.seq + 1
    assert (again.text, again.author, again.state) == ("hola", tecnica, "enviado")
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.settled_by) == ("descartado", tecnica)
    assert gateway.texts == ["hola", "después", "hola"]
    entry = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"][-1]
    assert (entry["seq"], entry["reenvio_de"]) == (again.seq, doubtful.seq)


def test_reenviar_twice_is_one_resend_and_a_409(desk: Client, gateway: FakeGateway, doubtful: Message) -> None:
    assert decide(desk, doubtful, "reenviar").status_code == 200
    again = decide(desk, doubtful, "reenviar")
    assert (again.status_code, again.json()["status"]) == (409, "ya_cambio")
    assert gateway.texts == ["hola", "hola"]


def test_descartar_stores_who_and_sends_nothing(
    desk: Client, tecnica: User, gateway: FakeGateway, doubtful: Message
) -> None:
    assert decide(desk, doubtful, "descartar").json()["status"] == "descartado"
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.settled_by) == ("descartado", tecnica)
    assert gateway.texts == ["hola"]


def test_a_message_still_queued_may_be_discarded_and_never_leaves(
    desk: Client, ticket: Ticket, gateway: FakeGateway, nobody_sends: None
) -> None:
    message = put(ticket, "en_cola")
    assert decide(desk, message, "descartar").status_code == 200
    message.refresh_from_db()
    assert message.state == "descartado"
    assert not gateway.calls


def test_discarding_the_head_lets_the_next_one_go(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    head = put(ticket, "en_cola", due=timezone.now() + timedelta(hours=1))
    put(ticket, "en_cola")
    decide(desk, head, "descartar")
    assert gateway.texts == ["hola"]
    head.refresh_from_db()
    assert head.state == "descartado"


def test_a_failed_message_may_be_sent_again_once(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    gateway.answers(Refused("Ese número no tiene WhatsApp."))
    failed = write(desk, ticket)
    response = decide(desk, failed, "reenviar")
    assert response.status_code == 200
    failed.refresh_from_db()
    assert failed.state == "fallido"
    assert Message.objects.get(seq=response.json()["seq"]).resends == failed
    assert decide(desk, failed, "reenviar").status_code == 409
    assert gateway.texts == ["hola", "hola"]


def test_a_resend_tells_its_own_outcome(desk: Client, gateway: FakeGateway, doubtful: Message) -> None:
    gateway.answers(Refused("No."))
    assert decide(desk, doubtful, "reenviar").status_code == 422


ALLOWED = {
    ("sin_confirmar", "ya_llego"),
    ("sin_confirmar", "reenviar"),
    ("sin_confirmar", "descartar"),
    ("en_cola", "descartar"),
    ("fallido", "reenviar"),
}


@pytest.mark.parametrize("decision", ["ya_llego", "reenviar", "descartar"])
@pytest.mark.parametrize("state", [state for state in Delivery.values if state != "recibido"])
def test_a_decision_over_a_message_that_moved_on_is_a_409_and_changes_nothing(
    desk: Client, ticket: Ticket, inline: None, state: str, decision: str
) -> None:
    message = put(ticket, state, kind="nota" if state == "interna" else "text")
    response = decide(desk, message, decision)
    if (state, decision) in ALLOWED:
        assert response.status_code == 200
    else:
        assert (response.status_code, response.json()["status"]) == (409, "ya_cambio")
        message.refresh_from_db()
        assert (message.state, message.settled_by) == (state, None)
        assert Message.objects.count() == 1


def test_evidence_that_came_first_wins_over_the_decision(desk: Client, gateway: FakeGateway, doubtful: Message) -> None:
    Message.objects.update(state="enviado", gateway_id="3EB0ECO")
    post_webhook(ack("3EB0ECO", 2))
    assert decide(desk, doubtful, "reenviar").status_code == 409
    assert gateway.texts == ["hola"]


def test_a_persons_own_message_is_nobodys_to_decide(desk: Client, ticket: Ticket) -> None:
    theirs = Conversation.locked_for(ticket.contact).append(ticket, "user", "hola", state="recibido")
    assert decide(desk, theirs, "descartar").status_code == 404


def test_a_message_of_another_ticket_is_a_404(desk: Client, ticket: Ticket) -> None:
    message = put(make_ticket(), "sin_confirmar")
    url = f"/ticket/{ticket.pk}/mensaje/{message.seq}/resolver"
    assert post(desk, url, {"decision": "descartar"}).status_code == 404


@pytest.mark.parametrize("decision", [None, "", "borrar", 1, ["ya_llego"], {"a": 1}])
def test_an_unknown_decision_is_a_400(desk: Client, doubtful: Message, decision: Any) -> None:
    assert decide(desk, doubtful, decision).status_code == 400
    doubtful.refresh_from_db()
    assert doubtful.state == "sin_confirmar"


def test_a_stranger_decides_nothing(extrana: User, doubtful: Message) -> None:
    client = Client()
    client.force_login(extrana)
    assert decide(client, doubtful, "descartar").status_code == 404
    assert decide(Client(), doubtful, "descartar").status_code == 401


def test_a_resend_in_a_closed_ticket_reopens_it(desk: Client, doubtful: Message) -> None:
    Ticket.objects.update(state=State.RESOLVED, resolved=timezone.now())
    assert decide(desk, doubtful, "reenviar").status_code == 200
    assert Ticket.objects.get().state == State.PENDING


def test_a_resend_in_a_closed_ticket_of_a_person_with_another_is_a_409_and_changes_nothing(
    desk: Client, ticket: Ticket, gateway: FakeGateway, doubtful: Message
) -> None:
    Ticket.objects.update(state=State.RESOLVED, resolved=timezone.now())
    other = make_ticket(ticket.contact)
    response = decide(desk, doubtful, "reenviar")
    assert (response.status_code, response.json()["otro"]) == (409, other.pk)
    doubtful.refresh_from_db()
    assert doubtful.state == "sin_confirmar"
    assert gateway.texts == ["hola"]


# The ticket


def test_taking_a_pending_ticket_puts_it_in_progress(desk: Client, ticket: Ticket, tecnica: User) -> None:
    response = desk.post(f"/ticket/{ticket.pk}/tomar")
    assert response.status_code == 200
    assert response.json()["ticket"]["tecnico"]["yo"] is True
    ticket.refresh_from_db()
    assert (ticket.technician, ticket.state) == (tecnica, State.IN_PROGRESS)


@pytest.mark.parametrize("state", State.values)
def test_a_ticket_goes_to_any_state_and_remembers_when_it_was_resolved(
    desk: Client, ticket: Ticket, state: str
) -> None:
    response = post(desk, f"/ticket/{ticket.pk}/estado", {"estado": state})
    assert response.json()["ticket"]["estado"] == state
    ticket.refresh_from_db()
    assert (ticket.resolved is not None) == (state in ("Resuelto", "Cerrado"))


@pytest.mark.parametrize("state", ["", "abierto", None, 1, ["Pendiente"]])
def test_an_unknown_state_is_a_400(desk: Client, ticket: Ticket, state: Any) -> None:
    assert post(desk, f"/ticket/{ticket.pk}/estado", {"estado": state}).status_code == 400


def test_opening_a_ticket_beside_another_open_one_is_a_409(desk: Client, ticket: Ticket) -> None:
    closed = make_ticket(ticket.contact, state=State.CLOSED, resolved=timezone.now())
    response = post(desk, f"/ticket/{closed.pk}/estado", {"estado": "En espera"})
    assert (response.status_code, response.json()["otro"]) == (409, ticket.pk)
    closed.refresh_from_db()
    assert closed.state == State.CLOSED


def test_a_resend_moves_the_ticket_up_and_ends_the_wait(tecnica: User) -> None:
    ticket = make_ticket(waiting_since=timezone.now(), last_activity=timezone.now() - timedelta(days=1))
    message, _ = compose.write(ticket.pk, tecnica, compose.Draft("hola"))
    Message.objects.update(state="fallido")
    long_ago = timezone.now() - timedelta(days=1)
    Ticket.objects.update(waiting_since=long_ago, last_activity=long_ago, last_text="")
    decisions.decide(ticket, message.seq, "reenviar", tecnica)
    ticket.refresh_from_db()
    assert ticket.waiting_since is None
    assert ticket.last_text == "hola"
    assert ticket.last_activity > long_ago
