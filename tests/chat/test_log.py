"""GET /ticket/{id}/log: the whole conversation as a text file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import Conversation
from tests.factory import make_contact, make_ticket
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(tecnica: User) -> Ticket:
    ticket = make_ticket(make_contact("5214772758198"))
    conversation = Conversation.locked_for(ticket.contact)
    at = datetime(2026, 2, 5, 15, 0, 0, tzinfo=UTC)
    conversation.append(ticket, "user", "Mi laptop no enciende 😟", state="recibido", created=at)
    conversation.append(ticket, "assistant", "¿Cuál es tu nombre?", state="leido", created=at.replace(second=1))
    conversation.append(
        ticket, "tecnico", "Es la batería", author=tecnica, state="sin_confirmar", created=at.replace(hour=16)
    )
    conversation.append(ticket, "tecnico", "Te marco", state="enviado", created=at.replace(hour=17))
    return ticket


def test_the_log_is_the_whole_conversation_as_a_download(desk: Client, ticket: Ticket) -> None:
    response = desk.get(f"/ticket/{ticket.pk}/log")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="ticket-{ticket.pk}.txt"'
    assert response.content.decode() == "\n".join(
        [
            f"Ticket #{ticket.pk} · Juan Pérez · +5214772758198",
            "Estado: Pendiente · Departamento: Contabilidad · Equipo: Laptop · Activo: ACT-0042",
            "Falla: No enciende",
            "",
            "2026-02-05T09:00:00 👤 Juan Pérez: Mi laptop no enciende 😟",
            "2026-02-05T09:00:01 🤖 Asistente [leido]: ¿Cuál es tu nombre?",
            "2026-02-05T10:00:00 👨‍💻 Ana Ruiz [sin_confirmar]: Es la batería",
            "2026-02-05T11:00:00 👨‍💻 Desde el teléfono [enviado]: Te marco",
            "",
        ]
    )


def test_what_is_not_known_is_a_dash(desk: Client) -> None:
    ticket = make_ticket(department="", equipment="", asset="", fault="")
    text = desk.get(f"/ticket/{ticket.pk}/log").content.decode()
    assert "Departamento: — · Equipo: — · Activo: —" in text
    assert "Falla: —" in text


def test_it_is_not_for_strangers(extrana: User, ticket: Ticket) -> None:
    client = Client()
    client.force_login(extrana)
    assert client.get(f"/ticket/{ticket.pk}/log").status_code == 404
    anonymous = Client().get(f"/ticket/{ticket.pk}/log")
    assert anonymous.status_code in (302, 401)
    assert b"Mi laptop" not in anonymous.content
