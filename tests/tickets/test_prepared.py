"""A prepared query finds what Django's own would, and is written once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.sql.compiler import SQLCompiler

from tests.factory import make_ticket, make_user
from tickets.models import Ticket
from tickets.prepared import Prepared

pytestmark = pytest.mark.django_db


def test_it_finds_what_the_queryset_finds_with_any_numbers() -> None:
    tickets = [make_ticket(technician=make_user(f"t{n}")) for n in range(3)]
    find = Prepared(lambda pk, technician: Ticket.objects.filter(pk__lte=pk, technician__lte=technician).order_by("pk"))
    for last, ticket in enumerate(tickets):
        assert find(ticket.pk, ticket.technician_id) == tickets[: last + 1]
    assert find(tickets[2].pk, tickets[0].technician_id) == tickets[:1]


def test_it_brings_related_rows_and_the_types_of_the_model() -> None:
    ticket = make_ticket(technician=make_user("t"))
    find = Prepared(lambda pk: Ticket.objects.select_related("contact", "technician").filter(pk=pk))
    (found,) = find(ticket.pk)
    assert (found.contact.name, found.technician, found.created) == ("Juan Pérez", ticket.technician, ticket.created)


def test_it_may_bring_columns_alone() -> None:
    ticket = make_ticket()
    find = Prepared(lambda pk: Ticket.objects.filter(pk=pk).values_list("name", "created"))
    assert find(ticket.pk) == [(ticket.name, ticket.created)]


@pytest.mark.parametrize("number", [0, 2**31, 2**62, 2**63, 10**30])
def test_a_number_that_is_no_row_s_finds_nothing(number: int) -> None:
    make_ticket()
    assert Prepared(lambda pk: Ticket.objects.filter(pk=pk))(number) == []


def test_its_sql_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    real = SQLCompiler.as_sql

    def counted(self: SQLCompiler, *args: Any, **more: Any) -> Any:
        written.append(self)
        return real(self, *args, **more)

    monkeypatch.setattr(SQLCompiler, "as_sql", counted)
    find = Prepared(lambda pk: Ticket.objects.filter(pk=pk))
    for number in range(5):
        find(number)
    assert len(written) == 1


def test_what_it_found_once_it_does_not_find_again_when_it_is_gone() -> None:
    ticket = make_ticket()
    find = Prepared(lambda pk: Ticket.objects.filter(pk=pk))
    assert find(ticket.pk) == [ticket]
    pk = ticket.pk
    ticket.delete()
    assert find(pk) == []
