"""The technician's name before their words on WhatsApp, and only there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from chat import compose
from chat.models import Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, echo, edited, post_webhook
from tickets.models import Ticket
from whatsapp.gateways.results import Ambiguous, Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("inline")]


@pytest.fixture(autouse=True)
def named(settings: Settings) -> None:
    settings.NOMBRE_EN_MENSAJES = True


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"))


def send(client: Client, ticket: Ticket, text: str = "Ya voy", **more: Any) -> HttpResponse:
    body = json.dumps({"mensaje": text, **more})
    return client.post(f"/ticket/{ticket.pk}/enviar-mensaje", body, content_type="application/json")


def test_the_person_reads_the_name_and_the_desk_the_words_as_written(
    desk: Client, ticket: Ticket, gateway: FakeGateway
) -> None:
    assert send(desk, ticket).status_code == 200
    assert gateway.texts == ["*Ana:*\nYa voy"]
    (entry,) = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"]
    assert entry["content"] == "Ya voy"
    ticket.refresh_from_db()
    assert ticket.last_text == "Ya voy"


def test_without_the_setting_there_is_no_name(
    desk: Client, ticket: Ticket, gateway: FakeGateway, settings: Settings
) -> None:
    settings.NOMBRE_EN_MENSAJES = False
    send(desk, ticket)
    assert gateway.texts == ["Ya voy"]


def test_marks_of_whatsapp_in_a_name_break_nothing(
    desk: Client, tecnica: User, ticket: Ticket, gateway: FakeGateway
) -> None:
    User.objects.filter(pk=tecnica.pk).update(first_name="A*n\n_a")
    tecnica.refresh_from_db()
    compose.write(ticket.pk, tecnica, compose.Draft("hola"))
    assert Message.objects.get().details == {"firma": "A n a"}


def test_the_echo_of_what_was_sent_settles_a_doubtful_message_though_the_setting_changed(
    desk: Client, ticket: Ticket, gateway: FakeGateway, settings: Settings
) -> None:
    gateway.answers(Ambiguous("HTTP 502"))
    send(desk, ticket)
    settings.NOMBRE_EN_MENSAJES = False
    post_webhook(echo("*Ana:*\nYa voy", message_id="3EB0AB"))
    message = Message.objects.get()
    assert (message.state, message.gateway_id) == ("enviado", "3EB0AB")


@pytest.mark.parametrize("text", ["Ya voy", "*Luis:*\nYa voy", "*Ana:*\nOtra cosa"])
def test_other_words_settle_nothing(desk: Client, ticket: Ticket, gateway: FakeGateway, text: str) -> None:
    gateway.answers(Ambiguous("HTTP 502"))
    send(desk, ticket)
    post_webhook(echo(text, message_id="3EB0AB"))
    message = Message.objects.get(seq=1)
    assert (message.state, message.gateway_id) == ("sin_confirmar", None)


def test_words_that_look_signed_are_still_found_without_a_name(
    desk: Client, ticket: Ticket, gateway: FakeGateway, settings: Settings
) -> None:
    settings.NOMBRE_EN_MENSAJES = False
    gateway.answers(Ambiguous("HTTP 502"))
    send(desk, ticket, "*Ana:*\nYa voy")
    post_webhook(echo("*Ana:*\nYa voy", message_id="3EB0AB"))
    assert Message.objects.get().state == "enviado"


def test_a_resend_goes_out_with_the_same_name(desk: Client, ticket: Ticket, gateway: FakeGateway) -> None:
    gateway.answers(Refused("El número no está en WhatsApp"))
    seq = send(desk, ticket).json()["seq"]
    desk.post(f"/ticket/{ticket.pk}/mensaje/{seq}/resolver", {"decision": "reenviar"}, content_type="application/json")
    assert gateway.texts == ["*Ana:*\nYa voy"] * 2


def test_an_edit_on_the_phone_is_shown_without_the_name(desk: Client, ticket: Ticket) -> None:
    send(desk, ticket)
    message = Message.objects.get()
    post_webhook(edited(str(message.gateway_id), "*Ana:*\nYa llegué", own=True))
    message.refresh_from_db()
    assert message.text == "Ya llegué"


def test_the_limit_counts_the_name(desk: Client, ticket: Ticket, gateway: FakeGateway) -> None:
    answer = send(desk, ticket, "a" * 4090)
    assert (answer.status_code, answer.json()["status"]) == (400, "datos_no_validos")
    assert "sobran 1 caracteres" in answer.json()["detail"]
    assert send(desk, ticket, "a" * 4089).status_code == 200
    assert len(gateway.texts[0]) == 4096
