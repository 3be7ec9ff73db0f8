"""GET /ticket/{id}/persona: who a person is, and all their tickets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import person
from chat.merging import merge
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import receive
from tickets.models import Alias, Contact, State, Ticket

pytestmark = pytest.mark.django_db

PHONE, OLD_PHONE, LID = "5214772758198", "524779990000", "99887766554433@lid"
PATHS = ("persona", "persona/mensajes", "persona/buscar?q=hola")


@pytest.fixture
def carlos() -> Contact:
    since = datetime(2026, 3, 2, 18, tzinfo=UTC)
    return make_contact(PHONE, name="Carlos Medina", department="Contabilidad", created=since)


def closed(contact: Contact, day: int, **fields: Any) -> Ticket:
    at = datetime(2026, 4, day, 18, tzinfo=UTC)
    return make_ticket(contact, state=State.CLOSED, created=at, resolved=at, **fields)


def get(client: Client, ticket: Ticket, path: str = "persona") -> Any:
    response = client.get(f"/ticket/{ticket.pk}/{path}")
    assert response.status_code == 200, response.content
    return response.json()


def test_it_tells_who_they_are_and_since_when_we_know_them(desk: Client, carlos: Contact) -> None:
    body = get(desk, make_ticket(carlos))
    told = {name: body[name] for name in ("nombre", "telefono", "telefono_legible", "departamento", "desde", "cuenta")}
    assert told == {
        "nombre": "Carlos Medina",
        "telefono": "+5214772758198",
        "telefono_legible": "+52 1 477 275 8198",
        "departamento": "Contabilidad",
        "desde": "2026-03-02T12:00:00",
        "cuenta": 1,
    }


def test_a_ticket_from_before_their_contact_was_made_says_since_when(desk: Client, carlos: Contact) -> None:
    """An import brings the tickets' own times."""
    ticket = make_ticket(carlos, created=datetime(2024, 1, 5, 18, tzinfo=UTC))
    assert get(desk, ticket)["desde"] == "2024-01-05T12:00:00"


def test_the_names_they_had_elsewhere_are_told_once(desk: Client, carlos: Contact) -> None:
    Contact.objects.update(push_name="Charly 🎸")
    carlos.refresh_from_db()
    closed(carlos, 1, name="Carlos M.")
    closed(carlos, 2, name="Carlos M.")
    assert get(desk, make_ticket(carlos))["otros_nombres"] == ["Charly 🎸", "Carlos M."]


def test_every_address_they_were_seen_under_is_told_as_what_it_is(desk: Client, carlos: Contact) -> None:
    made = make_contact("584121234567", aliases=[OLD_PHONE, LID, "@carlos"])
    Alias.objects.filter(contact=made).update(contact=carlos)
    Alias.objects.filter(kind="lid").update(last_seen=None)
    told = get(desk, make_ticket(carlos))["identidades"]
    assert {(one["tipo"], one["clase"], one["direccion"], one["actual"]) for one in told} == {
        ("phone", "Teléfono", "+52 1 477 275 8198", True),
        ("phone", "Teléfono", "+58 412-1234567", False),
        ("phone", "Teléfono", "+52 477 999 0000", False),
        ("lid", "LID de WhatsApp", LID, False),
        ("username", "Usuario de WhatsApp", "@carlos", False),
    }
    assert [one["vista"] is None for one in told] == [False, False, False, False, True]


def test_somebody_without_a_number_is_not_given_one(desk: Client) -> None:
    body = get(desk, make_ticket(make_contact(LID, name="")))
    assert body["telefono_legible"] == "sin número (WhatsApp …4433)"
    assert [(one["direccion"], one["actual"]) for one in body["identidades"]] == [(LID, True)]


def test_departments_and_equipment_of_all_their_tickets_are_told_with_the_tickets(
    desk: Client, carlos: Contact
) -> None:
    first = closed(carlos, 1, department="Almacén", equipment="Impresora", asset="IMP-0310")
    second = closed(carlos, 2, department="Contabilidad", equipment="", asset="")
    third = make_ticket(carlos, department="ALMACEN", equipment="Laptop", asset="ACT-0042")
    body = get(desk, second)
    assert body["departamentos"] == [
        {"valor": "ALMACEN", "tickets": [third.pk, first.pk]},
        {"valor": "Contabilidad", "tickets": [second.pk]},
    ]
    assert body["equipos"] == [
        {"valor": "Laptop ACT-0042", "tickets": [third.pk]},
        {"valor": "Impresora IMP-0310", "tickets": [first.pk]},
    ]


def test_all_their_tickets_are_listed_newest_first_and_nobody_elses(desk: Client, carlos: Contact) -> None:
    make_ticket()
    old = closed(carlos, 1, fault="Atasco de papel")
    new = make_ticket(carlos, fault="x" * 5000)
    body = get(desk, old)
    assert body["cuenta"] == 2
    assert [(one["id"], one["estado"], one["abierto"], one["actual"]) for one in body["tickets"]] == [
        (new.pk, "Pendiente", True, False),
        (old.pk, "Cerrado", False, True),
    ]
    assert body["tickets"][1]["creado"] == body["tickets"][1]["cerrado"] == "2026-04-01T12:00:00"
    assert (body["tickets"][1]["falla"], body["tickets"][0]["cerrado"]) == ("Atasco de papel", None)
    assert len(body["tickets"][0]["falla"]) == 200


def test_of_more_tickets_than_a_list_holds_the_newest_are_listed_and_all_are_counted(
    desk: Client, carlos: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person, "MOST_TICKETS", 2)
    tickets = [closed(carlos, day) for day in range(1, 5)]
    body = get(desk, tickets[0])
    assert ([one["id"] for one in body["tickets"]], body["cuenta"]) == ([tickets[3].pk, tickets[2].pk], 4)


def test_two_contacts_that_were_merged_are_one_person(desk: Client, carlos: Contact, supervisora: User) -> None:
    other = make_ticket()
    mine = closed(carlos, 1)
    merge(carlos, other.contact, supervisora)
    body = get(desk, other)
    assert (body["nombre"], body["cuenta"]) == ("Carlos Medina", 2)
    assert {one["id"] for one in body["tickets"]} == {mine.pk, other.pk}
    assert len(body["identidades"]) == 2


def test_it_takes_as_many_queries_for_a_hundred_tickets_as_for_one(desk: Client, carlos: Contact) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            get(desk, ticket)
        return len(queries)

    ticket = make_ticket(carlos)
    count()  # session and rights are remembered from here on
    assert count() == 3  # ticket with its contact, their tickets, their addresses
    for day in range(1, 29):
        closed(carlos, day)
    assert count() == 3


@pytest.mark.parametrize("path", PATHS)
def test_who_may_not_see_the_ticket_sees_nothing_of_its_person(
    client: Client, desk: Client, extrana: User, path: str
) -> None:
    ticket = make_ticket()
    url = f"/ticket/{ticket.pk}/{path}"
    assert client.get(url).status_code == 401
    client.force_login(extrana)
    missing = desk.get(f"/ticket/{ticket.pk + 1}/{path}")
    stranger = client.get(url)
    assert stranger.status_code == missing.status_code == 404
    assert stranger.json() == missing.json() == {"detail": "Ticket no encontrado.", "status": "no_encontrado"}


@pytest.mark.parametrize("path", PATHS)
def test_looking_writes_nothing_and_is_not_for_shared_caches(desk: Client, path: str) -> None:
    receive("hola")
    ticket = Ticket.objects.get()
    desk.get("/")
    with CaptureQueriesContext(connection) as queries:
        response = desk.get(f"/ticket/{ticket.pk}/{path}")
    assert {query["sql"].split()[0] for query in queries.captured_queries} == {"SELECT"}
    assert response["Cache-Control"] == "private, no-cache"
