"""The 24-hour window of a gateway with templates: shown, and checked before a message is queued and when it leaves."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from chat import delivery
from chat.models import Conversation, Delivery, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, gateway_id, receive
from tickets.models import Ticket
from whatsapp.gateways.results import Accepted, Disconnected, Unreachable
from whatsapp.models import Connection

pytestmark = pytest.mark.django_db

PHONE = "5214772758198"
START = datetime(2026, 2, 5, 16, 30, tzinfo=UTC)  # 10:30 in Mexico City
DAY = timedelta(hours=24)
HARD_CLOSED = {"abierta": False, "cierra": None, "segundos": 0}


@pytest.fixture(autouse=True)
def with_templates(gateway: FakeGateway) -> None:
    gateway.can = frozenset({"templates"})  # type: ignore[misc]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stands still at START until the test moves it."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ticket(clock: time_machine.Traveller, inline: None) -> Ticket:
    """The person wrote at START, and the assistant answered."""
    receive("Mi laptop no enciende", PHONE)
    ticket = Ticket.objects.get()
    delivery.drain(Conversation.objects.get().pk)
    return ticket


def post(client: Client, ticket: Ticket, text: str = "Hola", verb: str = "enviar-mensaje", **body: Any) -> HttpResponse:
    data = {"mensaje": text, **body}
    return client.post(f"/ticket/{ticket.pk}/{verb}", json.dumps(data), content_type="application/json")


def shown(client: Client, ticket: Ticket) -> Any:
    body = client.get(f"/ticket/{ticket.pk}/conversacion").json()
    assert body["ventana"] == body["ticket"]["ventana"]
    return body["ventana"]


def queued(ticket: Ticket, text: str, **fields: Any) -> Message:
    """A technician's message that is already in the queue."""
    conversation = Conversation.locked_for(ticket.contact)
    return conversation.append(ticket, "tecnico", text, **fields)


def test_it_is_shown_until_a_minute_before_a_day_after_the_persons_words(
    desk: Client, ticket: Ticket, clock: time_machine.Traveller
) -> None:
    assert shown(desk, ticket) == {"abierta": True, "cierra": "2026-02-06T10:29:00", "segundos": 86_340}
    clock.move_to(START + timedelta(hours=20))
    assert shown(desk, ticket)["segundos"] == 4 * 3600 - 60
    clock.move_to(START + DAY - timedelta(minutes=1))
    assert shown(desk, ticket) == {"abierta": False, "cierra": "2026-02-06T10:29:00", "segundos": 0}


def test_it_counts_from_when_the_person_wrote_and_not_from_when_we_heard(
    desk: Client, clock: time_machine.Traveller, inline: None
) -> None:
    receive("hola", PHONE, timestamp=int((START - timedelta(hours=3)).timestamp()))
    ticket = Ticket.objects.get()
    assert shown(desk, ticket)["cierra"] == "2026-02-06T07:29:00"
    receive("una más vieja, que llegó después", PHONE, timestamp=int((START - timedelta(hours=5)).timestamp()))
    assert shown(desk, ticket)["cierra"] == "2026-02-06T07:29:00"


def test_a_clock_that_runs_ahead_does_not_make_it_longer(
    desk: Client, clock: time_machine.Traveller, inline: None
) -> None:
    receive("hola", PHONE, timestamp=int((START + timedelta(hours=3)).timestamp()))
    assert shown(desk, Ticket.objects.get())["segundos"] == 86_340


def test_it_is_closed_for_whom_never_wrote(desk: Client, gateway: FakeGateway) -> None:
    ticket = make_ticket(make_contact(PHONE))
    assert shown(desk, ticket) == HARD_CLOSED
    assert post(desk, ticket).status_code == 422
    queued(ticket, "de antes")
    assert shown(desk, ticket) == HARD_CLOSED


def test_what_they_wrote_through_another_gateway_does_not_open_it(
    desk: Client, ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    Message.objects.filter(role="user").update(gateway="evolution")
    assert shown(desk, ticket) == HARD_CLOSED
    assert post(desk, ticket).status_code == 422
    assert gateway.texts[1:] == []
    receive("y ahora por este", PHONE)
    assert shown(desk, ticket)["abierta"] is True


def test_it_counts_from_the_last_words_through_the_gateway_in_use(
    desk: Client, ticket: Ticket, clock: time_machine.Traveller
) -> None:
    clock.move_to(START + timedelta(hours=20))
    receive("por el otro", PHONE)
    Message.objects.filter(text="por el otro").update(gateway="evolution")
    assert shown(desk, ticket)["segundos"] == 4 * 3600 - 60


def test_a_gateway_without_templates_has_none(
    desk: Client, ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    gateway.can = frozenset()  # type: ignore[misc]
    clock.move_to(START + 3 * DAY)
    assert shown(desk, ticket) is None
    assert post(desk, ticket).status_code == 200


def test_free_text_goes_until_the_last_second_and_then_is_refused_and_not_saved(
    desk: Client, ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    clock.move_to(START + DAY - timedelta(seconds=62))
    assert post(desk, ticket, "a tiempo").status_code == 200
    clock.move_to(START + DAY - timedelta(seconds=60))
    response = post(desk, ticket, "tarde")
    assert (response.status_code, response.json()["status"]) == (422, "ventana_cerrada")
    assert "plantilla aprobada" in response.json()["detail"]
    assert response.json()["ventana"]["abierta"] is False
    assert gateway.texts[-1] == "a tiempo"
    assert not Message.objects.filter(text="tarde").exists()


@pytest.mark.parametrize("more", [{"forzar": True}, {"visto_hasta": 99}])
def test_nothing_forces_it(desk: Client, ticket: Ticket, clock: time_machine.Traveller, more: dict[str, Any]) -> None:
    clock.move_to(START + DAY)
    assert post(desk, ticket, **more).status_code == 422


def test_a_refusal_changes_nothing_of_the_ticket(desk: Client, ticket: Ticket, clock: time_machine.Traveller) -> None:
    clock.move_to(START + DAY)
    Ticket.objects.update(state="Resuelto", resolved=START)
    before = Ticket.objects.values().get(), Conversation.objects.values().get()
    post(desk, ticket)
    assert (Ticket.objects.values().get(), Conversation.objects.values().get()) == before


def test_a_repeat_of_a_saved_message_answers_its_outcome_though_the_window_closed(
    desk: Client, ticket: Ticket, clock: time_machine.Traveller
) -> None:
    key = str(uuid.uuid4())
    assert post(desk, ticket, "hola", clave=key).status_code == 200
    clock.move_to(START + DAY)
    assert post(desk, ticket, "hola", clave=key).status_code == 200


def test_the_persons_next_words_open_it_again_for_every_technician(
    desk: Client, supervisora: User, ticket: Ticket, clock: time_machine.Traveller
) -> None:
    other = Client()
    other.force_login(supervisora)
    clock.move_to(START + 2 * DAY)
    tag = other.get(f"/ticket/{ticket.pk}/conversacion").headers["ETag"]
    assert [post(client, ticket).status_code for client in (desk, other)] == [422, 422]
    receive("sigo aquí", PHONE)
    asked_again = other.get(f"/ticket/{ticket.pk}/conversacion", headers={"If-None-Match": tag})
    assert asked_again.status_code == 200
    assert asked_again.json()["ventana"] == {"abierta": True, "cierra": "2026-02-08T10:29:00", "segundos": 86_340}
    assert [post(client, ticket).status_code for client in (desk, other)] == [200, 200]


def test_closing_by_time_alone_leaves_the_answer_as_it_was(
    desk: Client, ticket: Ticket, clock: time_machine.Traveller
) -> None:
    tag = desk.get(f"/ticket/{ticket.pk}/conversacion").headers["ETag"]
    clock.move_to(START + DAY)
    again = desk.get(f"/ticket/{ticket.pk}/conversacion", headers={"If-None-Match": tag})
    assert again.status_code == 304


# Between the queue and the wire


def test_what_waited_too_long_fails_with_what_to_do_and_never_reaches_the_gateway(
    ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    message = queued(ticket, "saldré tarde")
    before = list(gateway.texts)
    clock.move_to(START + DAY)
    delivery.drain(message.conversation_id)
    message.refresh_from_db()
    assert (message.state, message.code) == (Delivery.FAILED, "131047")
    assert "plantilla aprobada" in message.reason
    assert gateway.texts == before


def test_the_next_in_the_queue_goes_on_and_a_template_goes_out(
    ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    template = {"id": 1, "nombre": "listo", "idioma": "es_MX", "variables": ["Juan"], "encabezado": ["7"]}
    rows = [
        queued(ticket, "uno"),
        queued(ticket, "Hola Juan", details={"plantilla": template}),
        queued(ticket, "tres"),
    ]
    clock.move_to(START + DAY)
    delivery.drain(rows[0].conversation_id)
    assert [Message.objects.get(pk=row.pk).state for row in rows] == ["fallido", "enviado", "fallido"]
    use = gateway.sent[-1].template
    assert use is not None
    assert (use.name, use.language, use.body, use.header) == ("listo", "es_MX", ("Juan",), ("7",))
    assert gateway.sent[-1].text == "Hola Juan"


def test_a_post_whose_window_closes_before_its_send_answers_422_and_keeps_the_row(
    desk: Client, ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = delivery.attempt

    def slow(claimed: delivery.Claim) -> Any:
        clock.move_to(START + DAY)
        return real(claimed)

    monkeypatch.setattr(delivery, "attempt", slow)
    clock.move_to(START + DAY - timedelta(seconds=90))
    sent = len(gateway.texts)
    response = post(desk, ticket, "por poco")
    assert (response.status_code, response.json()["status"]) == (422, "fallido")
    assert "plantilla aprobada" in response.json()["detail"]
    assert Message.objects.get(text="por poco").state == Delivery.FAILED
    assert len(gateway.texts) == sent


def test_words_of_the_person_that_come_while_a_message_waits_let_it_go(
    ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    message = queued(ticket, "aún sirve")
    clock.move_to(START + DAY)
    receive("hola de nuevo", PHONE)
    delivery.drain(message.conversation_id)
    message.refresh_from_db()
    assert message.state == Delivery.SENT


def test_an_outage_that_outlasts_the_window_ends_in_a_failure_and_not_in_a_wait_for_ever(
    desk: Client, ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    gateway.answers(Disconnected("sin sesión"))
    assert post(desk, ticket, "espera").status_code == 503
    clock.move_to(START + DAY)
    Connection.objects.update(connected=True)
    delivery.release()
    delivery.drain(Message.objects.get(text="espera").conversation_id)
    assert Message.objects.get(text="espera").state == Delivery.FAILED


def test_our_own_refusal_says_nothing_of_the_session(
    ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    message = queued(ticket, "tarde")
    clock.move_to(START + DAY)
    Connection.objects.update(not_sent=4)
    delivery.drain(message.conversation_id)
    assert Connection.objects.get().not_sent == 4


def test_the_assistant_does_not_answer_words_of_days_ago(
    clock: time_machine.Traveller, gateway: FakeGateway, inline: None
) -> None:
    receive("hola", PHONE, timestamp=int((START - 2 * DAY).timestamp()))
    assert [message.role for message in Message.objects.all()] == ["user"]
    receive("¿hay alguien?", PHONE)
    assert [message.role for message in Message.objects.all()] == ["user", "user", "assistant"]
    assert Ticket.objects.get().asked == "name"


# Reenviar


def decide(client: Client, message: Message, decision: str = "reenviar") -> HttpResponse:
    url = f"/ticket/{message.ticket_id}/mensaje/{message.seq}/resolver"
    return client.post(url, json.dumps({"decision": decision}), content_type="application/json")


def test_free_text_is_not_sent_again_outside_of_the_window_and_stays_to_be_decided(
    desk: Client, ticket: Ticket, clock: time_machine.Traveller
) -> None:
    message = queued(ticket, "dudoso", state=Delivery.DOUBTFUL)
    clock.move_to(START + DAY)
    response = decide(desk, message)
    assert (response.status_code, response.json()["status"]) == (422, "ventana_cerrada")
    message.refresh_from_db()
    assert message.state == Delivery.DOUBTFUL
    assert decide(desk, message, "descartar").status_code == 200


def test_a_template_is_sent_again_as_the_template_it_was(
    desk: Client, ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller
) -> None:
    template = {"id": 1, "nombre": "listo", "idioma": "es", "variables": ["Juan"], "encabezado": []}
    message = queued(ticket, "Hola Juan", state=Delivery.FAILED, details={"plantilla": template})
    clock.move_to(START + DAY)
    assert decide(desk, message).status_code == 200
    assert gateway.sent[-1].template is not None
    assert gateway.sent[-1].template.body == ("Juan",)
    assert Message.objects.get(resends=message).details == {"plantilla": template}


def test_a_template_is_plain_text_for_a_gateway_without_templates(ticket: Ticket, gateway: FakeGateway) -> None:
    template = {"id": 1, "nombre": "listo", "idioma": "es", "variables": [], "encabezado": []}
    message = queued(ticket, "Hola Juan", details={"plantilla": template})
    gateway.can = frozenset()  # type: ignore[misc]
    delivery.drain(message.conversation_id)
    assert gateway.sent[-1].template is None
    assert gateway.sent[-1].text == "Hola Juan"


def test_many_who_write_at_the_last_moment_are_all_told_the_truth(
    desk: Client, ticket: Ticket, gateway: FakeGateway, clock: time_machine.Traveller, settings: Settings
) -> None:
    """Each POST is either sent, or saved as failed, or refused; none waits for ever."""
    for left in range(-3, 4):
        clock.move_to(START + DAY - timedelta(seconds=60 + left))
        gateway.answers(Accepted(gateway_id()) if left % 2 else Unreachable("x"))
        post(desk, ticket, f"a {left} s")
    clock.move_to(START + DAY)
    Message.objects.update(due=None)
    delivery.drain(Conversation.objects.get().pk)
    states = set(Message.objects.filter(role="tecnico").values_list("state", flat=True))
    assert states <= {Delivery.SENT, Delivery.FAILED}
