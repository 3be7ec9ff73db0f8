"""Reading a long list in bounded pieces: pages that continue after a row, and counts that stop at a cap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.db.models import IntegerField, Q, QuerySet, Subquery

from tickets.models import Ticket, TicketQuerySet

PAGE = 50
COUNT_CAP = 1000
# Without a time in it: the same place in the list is always the same cursor.
SIGNER = signing.Signer(salt="tickets.cursor")


@dataclass(frozen=True)
class Page:
    rows: list[Ticket]
    next_cursor: str


class BadCursorError(ValueError):
    """Not a cursor that we wrote."""


def read_page(tickets: TicketQuerySet, cursor: str) -> Page:
    """The newest page of `tickets`, or the one after `cursor`. One query, however deep the page is."""
    tickets = tickets.select_related("contact", "technician").defer("search_text").latest_first()
    if cursor:
        moment, pk = _read_cursor(cursor)
        # The first condition is implied by the second; it is what an index can seek to.
        tickets = tickets.filter(last_activity__lte=moment).filter(Q(last_activity__lt=moment) | Q(pk__lt=pk))
    rows = list(tickets[: PAGE + 1])
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return Page(rows, _write_cursor(rows[-1]) if more else "")


def _write_cursor(last: Ticket) -> str:
    return SIGNER.sign_object([last.last_activity.isoformat(), last.pk])


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
