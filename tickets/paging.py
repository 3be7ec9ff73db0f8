"""Reading a long list in bounded pieces: pages that continue after a row, and counts that stop at a cap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.core import signing
from django.db.models import IntegerField, Q, QuerySet, Subquery

from tickets.models import Ticket, TicketQuerySet

Found = TypeVar("Found")

PAGE = 50
COUNT_CAP = 1000
# Without a time in it: the same place in the list is always the same cursor.
SIGNER = signing.Signer(salt="tickets.cursor")


class BadCursorError(ValueError):
    """Not a cursor that we wrote."""


@dataclass(frozen=True)
class Page(Generic[Found]):
    rows: list[Found]
    next_cursor: str


def first_rows(tickets: TicketQuerySet) -> TicketQuerySet:
    """The newest page of `tickets`, and one more row that tells whether there is another."""
    return tickets.latest_first()[: PAGE + 1]


def rows_after(tickets: TicketQuerySet, cursor: str) -> TicketQuerySet:
    """The page after `cursor`, or the newest without one, and one row more. As quick however deep the page is."""
    if cursor:
        moment, pk = _read_cursor(cursor)
        # The first condition is implied by the second; it is what an index can seek to.
        tickets = tickets.filter(last_activity__lte=moment).filter(Q(last_activity__lt=moment) | Q(pk__lt=pk))
    return first_rows(tickets)


def page_of(rows: list[Found], place: Callable[[Found], tuple[datetime, int]]) -> Page[Found]:
    """The page that was read; `place` tells a row's last activity and number."""
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return Page(rows, _write_cursor(*place(rows[-1])) if more else "")


def read_page(tickets: TicketQuerySet, cursor: str) -> Page[Ticket]:
    """A page of whole tickets with their people. One query."""
    whole = tickets.select_related("contact", "technician").defer("search_text")
    return page_of(list(rows_after(whole, cursor)), lambda ticket: (ticket.last_activity, ticket.pk))


def _write_cursor(moment: datetime, pk: int) -> str:
    return SIGNER.sign_object([moment.isoformat(), pk])


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        moment, pk = SIGNER.unsign_object(cursor)
    except signing.BadSignature as error:
        raise BadCursorError from error
    return datetime.fromisoformat(moment), pk


class BoundedCount(Subquery):
    """How many rows a queryset has, counted no further than COUNT_CAP."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) bounded)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Ticket]) -> None:
        super().__init__(rows.order_by().values("pk")[:COUNT_CAP])


def shown_count(number: int) -> str:
    """A bounded count as the page writes it: "24", "999+"."""
    return str(number) if number < COUNT_CAP else f"{COUNT_CAP - 1}+"
