"""A person's timeline over all their tickets, page by page, and the search in it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import person, team
from chat.merging import merge
from chat.models import Attachment, Conversation, Message
from chat.unmerging import undo
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import inbound, post_webhook, revoked
from tickets.models import Contact, State, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact() -> Contact:
    return make_contact("5214772758198", name="Carlos Medina")


def chapter(contact: Contact, count: int, state: str = State.CLOSED, **fields: Any) -> Ticket:
    """One more ticket of the person, with so many messages."""
    resolved = timezone.now() if state == State.CLOSED else None
    ticket = make_ticket(contact, state=state, resolved=resolved, **fields)
    say(ticket, *(f"mensaje {n}" for n in range(count)))
    return ticket


def say(ticket: Ticket, *texts: str, **fields: Any) -> list[Message]:
    conversation = Conversation.locked_for(ticket.contact)
    return [conversation.append(ticket, "user", text, **{"state": "recibido", **fields}) for text in texts]


def get(client: Client, ticket: Ticket, query: str = "", status: int = 200) -> Any:
    response = client.get(f"/ticket/{ticket.pk}/persona/mensajes{query}")
    assert response.status_code == status, response.content
    return response.json()


def find(client: Client, ticket: Ticket, text: str) -> Any:
    return client.get(f"/ticket/{ticket.pk}/persona/buscar", {"q": text}).json()


def seqs(body: Any) -> list[int]:
    return [entry["seq"] for entry in body["mensajes"]]


def count_queries(client: Client, ticket: Ticket, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/ticket/{ticket.pk}/persona/{path}").status_code == 200
    return len(queries)


# The timeline


def test_it_begins_with_the_newest_page_over_all_their_tickets(desk: Client, contact: Contact) -> None:
    old, new = chapter(contact, 40), chapter(contact, 30, State.PENDING, equipment="Laptop", asset="ACT-0042")
    body = get(desk, old)
    assert seqs(body) == list(range(21, 71))
    assert (body["mas_antes"], body["mas_despues"]) == (True, False)
    assert [entry["ticket"] for entry in body["mensajes"]] == [old.pk] * 20 + [new.pk] * 30
    told = body["tickets"][str(new.pk)]
    assert (told["equipo"], told["estado"], told["cerrado"]) == ("Laptop ACT-0042", "Pendiente", None)
    assert body["tickets"][str(old.pk)]["cerrado"] is not None


def test_an_entry_is_what_the_chat_shows_of_it(desk: Client, contact: Contact, tecnica: User) -> None:
    ticket = chapter(contact, 2, State.PENDING)
    say(ticket, "📷 Imagen", kind="image")
    Attachment.objects.create(message=Message.objects.last(), state="listo", mime="image/png", name="foto.png")
    team.write_note(ticket.pk, tecnica, "Es de dirección", None)
    told = [{name: value for name, value in one.items() if name != "ticket"} for one in get(desk, ticket)["mensajes"]]
    assert told == desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"]
    assert told[2]["adjunto"]["url"] == f"/ticket/{ticket.pk}/mensaje/3/archivo"
    assert (told[3]["tipo"], told[3]["estado"], told[3]["content"]) == ("nota", "interna", "Es de dirección")


def test_a_deleted_message_is_told_as_deleted(desk: Client) -> None:
    post_webhook(inbound("Mi contraseña es 1234", id="false_5214770000001@c.us_3EB0BORRADO"))
    ticket = Ticket.objects.get()
    post_webhook(revoked(Message.objects.get(text__contains="contraseña").gateway_id or ""))
    assert get(desk, ticket)["mensajes"][0]["eliminado"] is not None


def test_antes_and_despues_walk_it_without_a_gap_or_a_repeat_while_more_arrives(desk: Client, contact: Contact) -> None:
    first = chapter(contact, 130)
    chapter(contact, 3)
    last = chapter(contact, 70, State.PENDING)
    up: list[int] = []
    body = get(desk, last)
    while True:
        up = seqs(body) + up
        say(last, "mientras tanto")
        if not body["mas_antes"]:
            break
        body = get(desk, first, f"?antes={up[0]}")
    assert up == list(range(1, 204))
    down = list(up)
    while True:
        body = get(desk, first, f"?despues={down[-1]}")
        down += seqs(body)
        if not body["mas_despues"]:
            break
        say(last, "y otra cosa")
    assert down == list(range(1, Message.objects.count() + 1))


def test_a_page_of_exactly_what_there_is_says_that_there_is_no_more(desk: Client, contact: Contact) -> None:
    ticket = chapter(contact, 100)
    assert get(desk, ticket, "?antes=51")["mas_antes"] is False
    assert get(desk, ticket, "?despues=50")["mas_despues"] is False
    assert seqs(get(desk, ticket, "?despues=100")) == seqs(get(desk, ticket, "?antes=1")) == []


def test_alrededor_is_the_page_around_a_message(desk: Client, contact: Contact) -> None:
    ticket = chapter(contact, 200)
    body = get(desk, ticket, "?alrededor=100")
    assert seqs(body) == list(range(75, 125))
    assert (body["mas_antes"], body["mas_despues"], body["foco"]) == (True, True, 100)
    edge = get(desk, ticket, "?alrededor=1")
    assert (seqs(edge), edge["mas_antes"]) == (list(range(1, 26)), False)


def test_de_is_where_that_ticket_begins_though_it_was_reopened_later(desk: Client, contact: Contact) -> None:
    chapter(contact, 60)
    wanted = chapter(contact, 5)
    chapter(contact, 60)
    say(wanted, "sigue igual")
    body = get(desk, Ticket.objects.first(), f"?de={wanted.pk}")  # type: ignore[arg-type]
    assert body["foco"] == 61
    assert seqs(body) == list(range(36, 86))


def test_de_a_ticket_without_messages_is_the_newest_page(desk: Client, contact: Contact) -> None:
    chapter(contact, 3)
    silent = make_ticket(contact)
    body = get(desk, silent, f"?de={silent.pk}")
    assert (seqs(body), body["foco"]) == ([1, 2, 3], None)


def test_de_a_ticket_of_somebody_else_is_a_404(desk: Client, contact: Contact) -> None:
    ticket, other = chapter(contact, 1), chapter(make_contact(), 1)
    assert get(desk, ticket, f"?de={other.pk}", 404)["detail"] == "Ese ticket no es de esta persona."
    assert get(desk, ticket, f"?de={10**17}", 404)["status"] == "no_encontrado"


def test_nobody_elses_message_is_ever_in_it(desk: Client, contact: Contact) -> None:
    ticket, other = chapter(contact, 3), chapter(make_contact(), 3)
    say(other, "secreto ajeno")
    assert {entry["ticket"] for entry in get(desk, ticket, "?despues=0")["mensajes"]} == {ticket.pk}
    assert find(desk, ticket, "secreto")["total"] == 0


def test_a_person_who_never_wrote_has_an_empty_one(desk: Client, contact: Contact) -> None:
    ticket = make_ticket(contact)
    body = get(desk, ticket)
    assert (body["mensajes"], body["mas_antes"], body["mas_despues"]) == ([], False, False)
    assert find(desk, ticket, "hola")["total"] == 0


@pytest.mark.parametrize("name", ["antes", "despues", "alrededor", "de"])
@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "9" * 30])
def test_a_parameter_that_is_no_number_is_a_400(desk: Client, contact: Contact, name: str, value: str) -> None:
    body = get(desk, make_ticket(contact), f"?{name}={value}", 400)
    assert (body["status"], name in body["detail"]) == ("datos_no_validos", True)


def test_who_reads_on_is_told_when_the_messages_have_other_numbers(
    desk: Client, contact: Contact, supervisora: User
) -> None:
    mine, theirs = chapter(contact, 3), chapter(make_contact(), 3)
    before = get(desk, theirs)["hilo"]
    assert get(desk, theirs, "?antes=3")["hilo"] == before
    done = merge(contact, theirs.contact, supervisora)
    merged = get(desk, theirs)
    assert (seqs(merged), merged["hilo"] != before) == ([1, 2, 3, 4, 5, 6], True)
    assert get(desk, mine)["hilo"] == merged["hilo"]
    undo(done.pk, supervisora)
    parted = get(desk, mine)
    assert (seqs(parted), parted["hilo"] != merged["hilo"]) == ([1, 2, 3], True)


@pytest.mark.parametrize("path", ["mensajes", "mensajes?antes=900", "mensajes?despues=1", "buscar?q=mensaje"])
def test_a_long_thread_of_many_tickets_takes_as_many_queries_as_a_short_one(
    desk: Client, contact: Contact, path: str
) -> None:
    ticket = chapter(contact, 3)
    count_queries(desk, ticket, path)  # session and rights are remembered from here on
    few = count_queries(desk, ticket, path)
    for _ in range(10):
        chapter(contact, 30)
    assert count_queries(desk, ticket, path) == few
    assert few == (3 if "buscar" in path else 4)  # ticket, conversation, messages, their tickets


def test_around_a_message_takes_one_query_more_and_a_jump_to_a_ticket_two_more(desk: Client, contact: Contact) -> None:
    ticket = chapter(contact, 300)
    count_queries(desk, ticket, "mensajes")
    assert count_queries(desk, ticket, "mensajes?alrededor=100") == 5
    assert count_queries(desk, ticket, f"mensajes?de={ticket.pk}") == 7


# The search


def test_search_finds_without_accents_or_case_newest_first_over_all_tickets(desk: Client, contact: Contact) -> None:
    old = chapter(contact, 5)
    say(old, "La IMPRESIÓN sale en blanco", "otra cosa")
    new = chapter(contact, 5, State.PENDING)
    say(new, "de la impresion de ayer no supe")
    body = find(desk, old, "Impresion")
    assert (body["total"], body["aciertos"], body["palabras"]) == (2, [13, 6], ["impresion"])


def test_every_word_is_looked_for_anywhere_in_the_message(desk: Client, contact: Contact) -> None:
    ticket = chapter(contact, 0)
    say(ticket, "la laptop de Peña no enciende", "la laptop enciende", "no enciende nada")
    assert find(desk, ticket, "ENCIENDE  pena lap")["aciertos"] == [1]
    assert find(desk, ticket, "Straße")["total"] == 0
    say(ticket, "vive en STRASSE 5", "العَرَبِيَّة", "日本語テスト", "🙌 100% _listo_")
    assert [find(desk, ticket, text)["aciertos"] for text in ("straße", "العربية", "本語", "🙌 %", "_")] == [
        [4],
        [5],
        [6],
        [7],
        [7],
    ]


@pytest.mark.parametrize("text", ["", "   ", "\0", "́"])
def test_nothing_to_look_for_finds_nothing(desk: Client, contact: Contact, text: str) -> None:
    assert find(desk, chapter(contact, 2), text)["total"] == 0


def test_search_goes_through_the_whole_thread_piece_by_piece(
    desk: Client, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person, "AT_ONCE", 7)
    ticket = chapter(contact, 50)
    say(ticket, "otra cosa")
    assert find(desk, ticket, "mensaje")["aciertos"] == list(range(50, 0, -1))


def test_of_more_hits_than_are_told_the_newest_are_and_all_are_counted(
    desk: Client, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person, "MOST_HITS", 3)
    monkeypatch.setattr(person, "AT_ONCE", 4)
    body = find(desk, chapter(contact, 10), "mensaje")
    assert (body["total"], body["aciertos"]) == (10, [10, 9, 8])


def test_notes_and_lines_that_nobody_wrote_are_found_as_the_chat_shows_them(
    desk: Client, contact: Contact, tecnica: User
) -> None:
    ticket = chapter(contact, 1, State.PENDING)
    team.write_note(ticket.pk, tecnica, "Cuidado: es de dirección", None)
    assert find(desk, ticket, "direccion")["aciertos"] == [2]
