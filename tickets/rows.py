"""The rows of the table: what is read for them, and their HTML, which is written once for as long as it stays the same.

A row takes longer to write than everything else of the page together, and most rows of a page are those of the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localdate

from tickets.contacts import Contact
from tickets.filters import EVERYTHING, TABS
from tickets.models import Ticket, TicketQuerySet
from tickets.paging import first_rows
from tickets.prepared import Prepared
from tickets.templatetags.desk import waited

Row = tuple[Any, ...]
TICKET = (
    "last_activity", "id", "unread", "name", "department", "equipment", "asset", "fault", "category", "evidence",
    "state", "priority", "waiting_since", "last_text", "last_role", "contact_id", "technician_id",
)  # fmt: skip
CONTACT = ("name", "push_name", "address", "known_as")
TECHNICIAN = ("first_name", "last_name", "username")
COLUMNS = (*TICKET, *(f"contact__{name}" for name in CONTACT), *(f"technician__{name}" for name in TECHNICIAN))
WAITING_SINCE = TICKET.index("waiting_since")


def columns(tickets: TicketQuerySet) -> QuerySet[Ticket, Row]:
    """What a row shows, after the moment and the number that pages continue from."""
    return tickets.values_list(*COLUMNS)


# The first page of each tab without a filter, by its user's number.
first_pages = {
    tab.name: Prepared(lambda user, tab=tab: columns(first_rows(tab.choose(Ticket.objects.all(), user))))
    for tab in (*TABS, EVERYTHING)
}


def html_of(rows: Iterable[Row]) -> SafeString:
    """The rows as the page has them: their HTML changes with what is shown, each day, and while somebody waits."""
    write = written.__wrapped__ if settings.DEBUG else written  # a programmer may be changing the template
    today = localdate()
    waits = ((row, row[WAITING_SINCE]) for row in rows)
    html = [write(row, today, waited(since) if since else "") for row, since in waits]
    return mark_safe("".join(html))  # noqa: S308 - each is a template's


@lru_cache(1000)
def written(row: Row, today: date, wait: str) -> SafeString:
    return render_to_string("tickets/_row.html", {"ticket": ticket_of(row)})


def ticket_of(row: Row) -> Ticket:
    """The ticket with its contact and technician, as far as a row shows them."""
    ticket = Ticket(**dict(zip(TICKET, row, strict=False)))
    contact, technician = row[len(TICKET) :][: len(CONTACT)], row[-len(TECHNICIAN) :]
    ticket.contact = Contact(pk=ticket.contact_id, **dict(zip(CONTACT, contact, strict=True)))
    if ticket.technician_id:
        ticket.technician = User(pk=ticket.technician_id, **dict(zip(TECHNICIAN, technician, strict=True)))
    return ticket
