"""Tickets as CSV."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factory import make_contact, make_ticket, make_user
from tests.supervision import browser_of
from tickets.models import State
from tickets.text import as_text

EXPORT = "/admin/tickets/ticket/export/"


def rows(client: Client, **query: str) -> list[dict[str, str]]:
    response = client.get(EXPORT, query)
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


@pytest.mark.parametrize(
    "cell", ["=cmd()", "+1", "-1", "@x", "\tx", "\r=x", "\n=x", " =x", "＝x", '=1+1","b', "|calc", "%x", "\x0b=1"]
)
def test_no_cell_can_become_a_formula(admin: Client, cell: str) -> None:
    make_ticket(fault=cell, name=cell, department=cell)
    (row,) = rows(admin)
    for label in ("Falla", "Nombre", "Departamento"):
        assert row[label] == "'" + cell


def test_a_technicians_name_is_escaped_too(admin: Client) -> None:
    make_ticket(technician=make_user("mala", first_name="=HYPERLINK()"))
    assert rows(admin)[0]["Técnico"] == "'=HYPERLINK()"


@pytest.mark.parametrize("cell", ["Juan Pérez", "3-4", "a=b", "", 'ñandú, "el"'])
def test_harmless_cells_stay_as_they_are(cell: str) -> None:
    assert as_text(cell) == cell


def test_the_phone_survives_as_text(admin: Client) -> None:
    make_ticket(make_contact("5214772758198"))
    assert rows(admin)[0]["Teléfono"] == "'+5214772758198"


def test_the_export_has_spanish_labels_local_times_and_a_name_of_today(admin: Client, tecnica: User) -> None:
    ticket = make_ticket(technician=tecnica, unread=2)
    response = admin.get(EXPORT)
    assert response.content.startswith("\ufeffTicket,Nombre,Teléfono,Departamento".encode())
    assert "tickets-20" in response["Content-Disposition"]
    (row,) = rows(admin)
    assert (row["Ticket"], row["Técnico"], row["Sin leer"]) == (str(ticket.pk), "Ana Ruiz", "2")
    assert len(row["Creado"]) == len("2026-02-05 10:30:00")


def test_the_export_respects_filters_and_search(admin: Client) -> None:
    make_ticket(fault="Sin red")
    wanted = make_ticket(state=State.ON_HOLD)
    assert [row["Ticket"] for row in rows(admin, state__exact=State.ON_HOLD)] == [str(wanted.pk)]
    assert [row["Ticket"] for row in rows(admin, q="enciende")] == [str(wanted.pk)]
    assert len(rows(admin)) == 2


def test_only_who_sees_tickets_may_export_them(extrana: User) -> None:
    extrana.is_staff = True
    extrana.save()
    assert browser_of(extrana).get(EXPORT).status_code == 403
