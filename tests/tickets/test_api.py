"""GET /tickets: the table for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.auth import make_token
from tests.factory import make_contact, make_many_tickets, make_ticket
from tickets import paging

NOON = datetime(2026, 2, 5, 18, 0, tzinfo=UTC)  # 12:00 in Mexico City


def ids(client: Client, query: str = "") -> list[int]:
    response = client.get(f"/tickets{query}")
    assert response.status_code == 200, response.content
    return [ticket["id"] for ticket in response.json()["tickets"]]


def test_a_ticket_has_exactly_the_promised_keys(desk: Client, tecnica: User) -> None:
    contact = make_contact("5214772758198", name="Juan Pérez")
    ticket = make_ticket(contact, technician=tecnica, category="Hardware", unread=2, last_activity=NOON)
    assert desk.get("/tickets").json() == {
        "tickets": [
            {
                "id": ticket.pk,
                "telefono": "+5214772758198",
                "nombre": "Juan Pérez",
                "departamento": "Contabilidad",
                "tipo_equipo": "Laptop",
                "numero_activo": "ACT-0042",
                "falla": "No enciende",
                "categoria": "Hardware",
                "estado": "Pendiente",
                "prioridad": "Normal",
                "tecnico": "Ana Ruiz",
                "ultima_actividad": "2026-02-05T12:00:00",
                "sin_leer": 2,
            }
        ],
        "siguiente": None,
    }


def test_a_ticket_without_technician_says_null(desk: Client) -> None:
    make_ticket()
    assert desk.get("/tickets").json()["tickets"][0]["tecnico"] is None


def test_a_technician_without_a_name_is_called_by_username(desk: Client, tecnica: User) -> None:
    User.objects.update(first_name="", last_name="")
    make_ticket(technician=tecnica)
    assert desk.get("/tickets").json()["tickets"][0]["tecnico"] == "ana"


def test_open_and_closed_tickets_come_newest_activity_first(desk: Client) -> None:
    old, new = make_ticket(last_activity=NOON), make_ticket(last_activity=NOON + timedelta(1), state="Cerrado")
    assert ids(desk) == [new.pk, old.pk]


def test_a_token_opens_the_list(client: Client, tecnica: User) -> None:
    assert client.get("/tickets", headers={"Authorization": f"Token {make_token(tecnica)}"}).status_code == 200


def test_without_login_the_answer_is_401_json(client: Client, db: None) -> None:
    response = client.get("/tickets")
    assert response.status_code == 401
    assert set(response.json()) == {"detail", "status"}


def test_who_is_in_neither_group_gets_404(client: Client, extrana: User) -> None:
    client.force_login(extrana)
    response = client.get("/tickets")
    assert (response.status_code, response.json()["status"]) == (404, "no_encontrado")


def test_filters_by_state_technician_and_words(desk: Client, tecnica: User) -> None:
    mine = make_ticket(technician=tecnica, state="En proceso", name="María")
    nobody = make_ticket(name="Luis")
    assert ids(desk, "?estado=En+proceso") == [mine.pk]
    assert ids(desk, f"?tecnico={tecnica.pk}") == [mine.pk]
    assert ids(desk, "?tecnico=ninguno") == [nobody.pk]
    assert ids(desk, "?q=maria") == [mine.pk]


@pytest.mark.parametrize(
    "written", ["%2B5214772758198", "+5214772758198", "524772758198", "477 275 8198", "%2B52 1 477 275 8198"]
)
def test_a_phone_is_found_however_it_is_written(desk: Client, written: str) -> None:
    found = make_ticket(make_contact("5214772758198"))
    make_ticket()
    assert ids(desk, f"?telefono={written}") == [found.pk]


def test_a_person_without_a_phone_is_found_by_their_lid(desk: Client) -> None:
    lid = "131313131313131@lid"
    found = make_ticket(make_contact(lid))
    make_ticket()
    assert ids(desk, f"?telefono={lid}") == [found.pk]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("estado=Inventado", "estado: Debe ser uno de: Pendiente, En proceso, En espera, Resuelto, Cerrado."),
        ("tecnico=nadie", "tecnico: Debe ser el id de un técnico o «ninguno»."),
        ("telefono=hola", "telefono: No es un teléfono válido."),
        ("cursor=x", "cursor: No es válido."),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_in_spanish(desk: Client, query: str, said: str) -> None:
    response = desk.get(f"/tickets?{query}")
    assert response.status_code == 400
    assert response.json()["status"] == "datos_no_validos"
    assert response.json()["detail"].startswith(said)


def test_siguiente_leads_through_every_ticket_once_with_its_filters(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    made = [make_ticket(name="María").pk for _ in range(5)]
    make_ticket(name="Luis")
    seen, url = [], "/tickets?q=maria"
    while url:
        answer = desk.get(url).json()
        seen += [ticket["id"] for ticket in answer["tickets"]]
        url = answer["siguiente"]
    assert seen == made[::-1]


def test_the_list_takes_four_queries_and_then_one_however_long_it_is(desk: Client) -> None:
    """At first session, user and whether they work here; then the rows."""
    taken = []
    for more in (10, 990):
        make_many_tickets(more)
        with CaptureQueriesContext(connection) as queries:
            desk.get("/tickets")
        taken.append(len(queries))
    assert taken == [4, 1]


def test_the_list_is_kept_by_no_cache(desk: Client) -> None:
    assert desk.get("/tickets")["Cache-Control"] == "private, no-cache"


def test_the_list_is_only_read(desk: Client) -> None:
    assert desk.post("/tickets", {}, content_type="application/json").status_code == 405
