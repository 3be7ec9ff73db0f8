"""Notificar: predefined messages with the ticket's real values, sent through the same path as any other."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from chat import notices
from chat.models import Message, PredefinedMessage
from tests.factory import make_contact, make_ticket, make_user
from tests.fake_gateway import FakeGateway
from tickets.models import Ticket
from whatsapp.gateways.results import Ambiguous, Disconnected, Refused

pytestmark = pytest.mark.django_db

TEXT = "Hola {nombre}, tu ticket #{numero} está {estado}. Te atiende {tecnico}. {otra}"


@pytest.fixture(autouse=True)
def only_ours(db: None) -> None:
    PredefinedMessage.objects.all().delete()


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"), name="Juan Pérez", state="En proceso")


@pytest.fixture
def notice(db: None) -> PredefinedMessage:
    return PredefinedMessage.objects.create(title="Listo", text=TEXT)


def post(client: Client, ticket: Ticket, body: Any) -> HttpResponse:
    return client.post(f"/ticket/{ticket.pk}/notificar", json.dumps(body), content_type="application/json")


def previews(client: Client, ticket: Ticket) -> list[dict[str, Any]]:
    response = client.get(f"/ticket/{ticket.pk}/notificar")
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["mensajes"]
    return found


def test_a_preview_has_the_real_values_and_leaves_what_it_does_not_know(
    desk: Client, ticket: Ticket, notice: PredefinedMessage
) -> None:
    assert previews(desk, ticket) == [
        {
            "id": notice.pk,
            "titulo": "Listo",
            "texto": f"Hola Juan Pérez, tu ticket #{ticket.pk} está En proceso. Te atiende Ana Ruiz. {{otra}}",
            "adjunto": None,
            "ya_enviado": None,
            "plantilla": None,
            "problema": "",
        }
    ]


def test_the_technician_named_is_the_tickets_and_else_who_sends(
    desk: Client, ticket: Ticket, notice: PredefinedMessage
) -> None:
    ticket.technician = make_user("beto", first_name="Beto", last_name="Paz")
    ticket.save()
    assert "Te atiende Beto Paz." in previews(desk, ticket)[0]["texto"]


def test_values_are_not_looked_into_for_more_variables(desk: Client, notice: PredefinedMessage) -> None:
    ticket = make_ticket(name="{numero} {nombre.__class__}")
    assert previews(desk, ticket)[0]["texto"].startswith("Hola {numero} {nombre.__class__}, tu ticket")


def test_previews_come_in_their_order_and_only_the_active_ones(desk: Client, ticket: Ticket) -> None:
    for title, position, active in (("b", 2, True), ("a", 2, True), ("z", 1, True), ("no", 0, False)):
        PredefinedMessage.objects.create(title=title, text="x", position=position, active=active)
    assert [preview["titulo"] for preview in previews(desk, ticket)] == ["z", "a", "b"]


def test_what_was_previewed_is_what_is_sent_and_stored(
    desk: Client, tecnica: User, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway, inline: None
) -> None:
    shown = previews(desk, ticket)[0]["texto"]
    response = post(desk, ticket, {"predefinido": notice.pk})
    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["telefono"], body["mensaje"]) == (
        "enviado",
        "+5214772758198",
        "Mensaje enviado correctamente",
    )
    assert gateway.texts == [shown]
    row = Message.objects.get()
    assert (row.text, row.notice, row.author, row.role) == (shown, notice, tecnica, "tecnico")


def test_the_same_notice_again_is_a_409_that_says_when_it_went_out(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway, inline: None
) -> None:
    post(desk, ticket, {"predefinido": notice.pk})
    again = post(desk, ticket, {"predefinido": notice.pk})
    assert (again.status_code, again.json()["status"]) == (409, "ya_notificado")
    timestamp = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"][0]["timestamp"]
    assert again.json()["ya_enviado"] == timestamp == previews(desk, ticket)[0]["ya_enviado"]
    assert len(gateway.calls) == 1


def test_forzar_sends_it_again(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway, inline: None
) -> None:
    post(desk, ticket, {"predefinido": notice.pk})
    assert post(desk, ticket, {"predefinido": notice.pk, "forzar": True}).status_code == 200
    assert len(gateway.calls) == 2


def test_a_repeat_with_the_same_clave_sends_once_and_is_no_conflict(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway, inline: None
) -> None:
    body = {"predefinido": notice.pk, "clave": str(uuid.uuid4())}
    assert [post(desk, ticket, body).status_code for _ in range(2)] == [200, 200]
    assert len(gateway.calls) == 1


@pytest.mark.parametrize(
    ("result", "first", "second"),
    [(Disconnected("x"), 503, 409), (Ambiguous("x"), 504, 409), (Refused("No."), 422, 200)],
    ids=["queued", "doubtful", "failed"],
)
def test_a_notice_counts_as_sent_while_it_may_yet_arrive(
    desk: Client,
    ticket: Ticket,
    notice: PredefinedMessage,
    gateway: FakeGateway,
    inline: None,
    result: Any,
    first: int,
    second: int,
) -> None:
    gateway.answers(result)
    assert post(desk, ticket, {"predefinido": notice.pk}).status_code == first
    assert (previews(desk, ticket)[0]["ya_enviado"] is not None) == (second == 409)
    assert post(desk, ticket, {"predefinido": notice.pk}).status_code == second


def test_another_ticket_of_the_person_is_another_matter(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, inline: None
) -> None:
    post(desk, ticket, {"predefinido": notice.pk})
    Ticket.objects.update(state="Cerrado")
    other = make_ticket(ticket.contact)
    assert previews(desk, other)[0]["ya_enviado"] is None
    assert post(desk, other, {"predefinido": notice.pk}).status_code == 200


def test_a_notice_that_is_inactive_or_gone_is_a_404(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway
) -> None:
    PredefinedMessage.objects.update(active=False)
    response = post(desk, ticket, {"predefinido": notice.pk})
    assert (response.status_code, response.json()["detail"]) == (404, "Ese mensaje predefinido ya no existe.")
    assert post(desk, ticket, {"predefinido": 999_999}).status_code == 404
    assert post(desk, ticket, {"predefinido": 10**30}).status_code == 404
    assert not gateway.calls


@pytest.mark.parametrize("body", [{}, {"predefinido": "1"}, {"predefinido": None}, {"predefinido": True}, [1], "x"])
def test_nonsense_is_a_400(desk: Client, ticket: Ticket, notice: PredefinedMessage, body: Any) -> None:
    response = post(desk, ticket, body)
    assert (response.status_code, response.json()["status"]) == (400, "datos_no_validos")


def test_a_notice_whose_values_make_it_too_long_is_a_400_and_nothing_is_stored(desk: Client) -> None:
    ticket = make_ticket(name="N" * 120)
    notice = PredefinedMessage.objects.create(title="Largo", text="{nombre}" * 40)
    response = post(desk, ticket, {"predefinido": notice.pk})
    assert (response.status_code, "4096" in response.json()["detail"]) == (400, True)
    assert not Message.objects.exists()


def test_strangers_see_and_send_none(extrana: User, ticket: Ticket, notice: PredefinedMessage) -> None:
    client = Client()
    client.force_login(extrana)
    assert client.get(f"/ticket/{ticket.pk}/notificar").status_code == 404
    assert post(client, ticket, {"predefinido": notice.pk}).status_code == 404
    assert Client().get(f"/ticket/{ticket.pk}/notificar").status_code == 401


def test_a_notice_reopens_a_closed_ticket_as_any_message_does(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, inline: None, settings: Settings
) -> None:
    Ticket.objects.update(state="Resuelto")
    assert post(desk, ticket, {"predefinido": notice.pk}).status_code == 200
    assert Ticket.objects.get().is_open


def test_who_did_not_say_their_name_is_not_greeted_with_that(tecnica: User) -> None:
    ticket = make_ticket(name="Sin dato")
    assert notices.render("Hola {nombre}", ticket, tecnica) == f"Hola {ticket.contact}"
