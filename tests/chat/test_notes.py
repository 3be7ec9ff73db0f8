"""Internal notes: in the thread, and never on anybody's phone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from chat import delivery, echoes, ledger, merging, restore, runtime, sweeping, unmerging
from chat.models import Conversation, Delivery, Message, PredefinedMessage
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, echo, post_webhook, receive
from tickets.models import Ticket
from whatsapp.gateways.results import Ambiguous

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"))


@pytest.fixture
def sweeps_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep does its work itself: its threads would see nothing that the test has written."""

    def now(function: Callable[..., Any], *args: Any) -> None:
        function(*args)

    monkeypatch.setattr(runtime.pool, "submit", now)


def post(client: Client, ticket: Ticket, verb: str, body: Any) -> HttpResponse:
    return client.post(f"/ticket/{ticket.pk}/{verb}", json.dumps(body), content_type="application/json")


def write_note(client: Client, ticket: Ticket, text: str = "Ojo: es de dirección", **more: Any) -> Message:
    response = post(client, ticket, "nota", {"texto": text, **more})
    assert response.status_code == 200
    return Message.objects.get(ticket=ticket, seq=response.json()["seq"])


def history(client: Client, ticket: Ticket) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"]
    return found


def test_a_note_is_in_the_thread_with_its_author_and_says_that_it_stays(desk: Client, ticket: Ticket) -> None:
    note = write_note(desk, ticket)
    (entry,) = history(desk, ticket)
    assert (entry["role"], entry["tipo"], entry["estado"], entry["autor"]) == ("tecnico", "nota", "interna", "Ana Ruiz")
    assert (entry["content"], entry["seq"], entry["mio"]) == ("Ojo: es de dirección", note.seq, True)


def test_a_note_takes_its_place_among_the_messages(desk: Client, ticket: Ticket, inline: None) -> None:
    post(desk, ticket, "enviar-mensaje", {"mensaje": "uno"})
    write_note(desk, ticket, "dos")
    post(desk, ticket, "enviar-mensaje", {"mensaje": "tres"})
    assert [(row["seq"], row["content"]) for row in history(desk, ticket)] == [(1, "uno"), (2, "dos"), (3, "tres")]


@pytest.mark.usefixtures("sweeps_here")
def test_no_path_hands_a_note_to_the_gateway(
    desk: Client, tecnica: User, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    """Draining, sweeping, deciding, reading back, merging, parting, notifying, restoring, and sending others."""
    key = str(uuid4())
    post(desk, ticket, "enviar-mensaje", {"mensaje": "para la persona"})
    note = write_note(desk, ticket, "secreta", clave=key)
    url = f"mensaje/{note.seq}/resolver"
    for decision in ("reenviar", "ya_llego", "descartar"):
        assert post(desk, ticket, url, {"decision": decision}).status_code == 409
    repeat = post(desk, ticket, "enviar-mensaje", {"mensaje": "secreta", "clave": key})
    assert (repeat.status_code, repeat.json()["status"]) == (409, "clave_con_otro_texto")
    delivery.drain(note.conversation_id)
    sweeping.sweep()
    echoes.read_back(note.pk)
    delivery.release()
    merge = merging.merge(ticket.contact, make_ticket(state="Cerrado").contact, tecnica)
    delivery.drain(note.conversation_id)
    unmerging.undo(merge.pk, tecnica)
    sweeping.sweep()
    post(desk, ticket, "notificar", {"predefinido": PredefinedMessage.objects.all()[0].pk})
    assert len(gateway.calls) == 2
    assert "secreta" not in "".join(gateway.texts)
    restore.after_restore("prueba")
    sweeping.sweep()
    assert len(gateway.calls) == 2
    assert "secreta" not in "".join(gateway.texts)
    note.refresh_from_db()
    assert (note.state, note.attempts, note.tried, note.gateway_id) == (Delivery.INTERNAL, 0, None, None)


@pytest.mark.usefixtures("sweeps_here")
@pytest.mark.parametrize(
    "broken",
    [
        *({"state": state} for state in Delivery.values if state != "interna"),
        {"kind": "text"},
        {"gateway_id": "3EB0A"},
        {"tried": "2026-01-01T00:00:00Z"},
        {"role": "assistant"},
    ],
    ids=str,
)
def test_the_database_refuses_a_note_that_sending_could_take(
    desk: Client, ticket: Ticket, gateway: FakeGateway, broken: dict[str, Any]
) -> None:
    note = write_note(desk, ticket)
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=note.pk).update(**broken)
    sweeping.sweep()
    assert gateway.calls == []


def test_no_message_becomes_a_note_once_it_is_on_its_way(desk: Client, ticket: Ticket, nobody_sends: None) -> None:
    message = Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "hola")
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(kind="nota")


def test_a_note_is_no_answer(desk: Client, ticket: Ticket) -> None:
    since = timezone.now() - timedelta(hours=1)
    Ticket.objects.filter(pk=ticket.pk).update(waiting_since=since, unread=2, last_text="¿Hola?", last_activity=since)
    write_note(desk, ticket)
    ticket.refresh_from_db()
    assert (ticket.first_response, ticket.waiting_since, ticket.unread) == (None, since, 2)
    assert (ticket.last_text, ticket.last_role, ticket.last_activity) == ("¿Hola?", "user", since)


def test_a_note_neither_reopens_a_closed_ticket_nor_takes_an_open_one(desk: Client, ticket: Ticket) -> None:
    for state in ("Resuelto", "Pendiente"):
        Ticket.objects.filter(pk=ticket.pk).update(state=state)
        write_note(desk, ticket)
        ticket.refresh_from_db()
        assert (ticket.state, ticket.technician) == (state, None)


def test_the_assistant_goes_on_asking_after_a_note(desk: Client, gateway: FakeGateway) -> None:
    receive("Mi laptop no enciende")
    ticket = Ticket.objects.get()
    write_note(desk, ticket)
    delivery.drain(Conversation.objects.get().pk)
    assert len(gateway.calls) == 1
    receive("Soy Juan")
    delivery.drain(Conversation.objects.get().pk)
    assert len(gateway.calls) == 2


def test_the_same_clave_is_the_same_note(desk: Client, ticket: Ticket) -> None:
    key = str(uuid4())
    first, again = (write_note(desk, ticket, clave=key) for _ in range(2))
    assert first == again
    other = post(desk, ticket, "nota", {"texto": "otra", "clave": key})
    assert (other.status_code, other.json()["status"]) == (409, "clave_con_otro_texto")


@pytest.mark.parametrize("text", [None, "", "  ", 7, "a" * 4097, "a\0b", "\ud800"])
def test_a_note_that_is_no_text_is_refused_in_spanish(desk: Client, ticket: Ticket, text: Any) -> None:
    response = post(desk, ticket, "nota", {"texto": text})
    assert (response.status_code, response.json()["status"]) == (400, "datos_no_validos")
    assert not Message.objects.exists()


def test_the_books_balance_and_count_no_notes(desk: Client, ticket: Ticket, inline: None) -> None:
    write_note(desk, ticket)
    post(desk, ticket, "enviar-mensaje", {"mensaje": "hola"})
    books = ledger.books()
    assert (books.balanced, books.accepted, books.columns["enviados"]) == (True, 1, 1)


def test_the_log_says_which_lines_are_notes(desk: Client, ticket: Ticket) -> None:
    write_note(desk, ticket)
    text = desk.get(f"/ticket/{ticket.pk}/log").content.decode()
    assert "📝 Ana Ruiz [nota interna, no se envió]: Ojo: es de dirección" in text


def test_an_echo_of_the_same_words_is_a_message_from_the_phone_and_not_the_note(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    gateway.answers(Ambiguous("HTTP 502"))
    post(desk, ticket, "enviar-mensaje", {"mensaje": "otra cosa"})
    note = write_note(desk, ticket, "hola")
    post_webhook(echo("hola", source="app"))
    note.refresh_from_db()
    assert note.gateway_id is None
    assert [row["content"] for row in history(desk, ticket)] == ["otra cosa", "hola", "hola"]
