"""A prepared query finds what Django's own would, and is written once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler

from chat.models import Conversation, Role
from tests.factory import make_ticket, make_user
from tickets.models import Ticket
from tickets.prepared import Prepared, PreparedUpdate

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


def test_a_value_may_be_a_text_or_a_uuid() -> None:
    ticket = make_ticket(name="Ana")
    key = uuid.uuid4()
    with transaction.atomic():
        message = Conversation.locked_for(ticket.contact).append(ticket, Role.TECHNICIAN, "hola", key=key)
    find = Prepared(lambda name, key: Ticket.objects.filter(name=name, messages__key=key))
    assert find("Ana", key) == [message.ticket]
    assert find("Ana", uuid.uuid4()) == find("Eva", key) == []


def test_a_prepared_change_changes_the_rows_that_match_and_says_how_many() -> None:
    ticket, other = make_ticket(), make_ticket(technician=make_user("t"))
    rename = PreparedUpdate(
        lambda pk: (Ticket.objects.filter(pk=pk, technician=None), {"asset": "PC-9", "resolved": Now()})
    )
    assert [rename(ticket.pk), rename(other.pk), rename(0)] == [1, 0, 0]
    assert list(Ticket.objects.order_by("pk").values_list("asset", flat=True)) == ["PC-9", other.asset]
