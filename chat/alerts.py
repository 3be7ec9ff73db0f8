"""Who hears that a person wrote: a ticket's technician, or whoever wants to know of those that nobody has taken."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from chat import live
from chat.alert_models import AlertSettings
from chat.models import FROM_PERSON, Message
from chat.thread import excerpt
from tickets.access import workers
from tickets.models import Ticket

Scope = AlertSettings.Scope
# More than these are "99+" on the page, and nobody counts them.
MOST = 100


def concerned(technician_id: int | None) -> list[int]:
    """The users to tell of a ticket of this technician. One who no longer works here leaves it to all. One query."""
    scopes = dict(workers().order_by().values_list("pk", "alert_settings__scope"))
    if technician_id in scopes:
        return [technician_id]
    return [pk for pk, scope in scopes.items() if scope != Scope.MINE]


def announce_on_commit(ticket: Ticket) -> None:
    """Tell the open pages of those concerned that the person of `ticket` wrote. One query, after the transaction."""
    ticket_id, technician_id = ticket.pk, ticket.technician_id

    def tell() -> None:  # not a partial: Django asks for the name of what failed here, and a partial has none
        tell_pages(ticket_id, technician_id)

    transaction.on_commit(tell, robust=True)


def tell_pages(ticket_id: int, technician_id: int | None) -> None:
    if users := concerned(technician_id):
        live.announce("aviso", {"ticket": ticket_id}, users)


def waiting(user: User, wishes: AlertSettings) -> QuerySet[Ticket]:
    """The open tickets with unread messages that concern `user`, newest first."""
    mine = Q(technician=user)
    if wishes.scope == Scope.BOTH:
        mine |= ~Q(technician__in=workers().order_by().values("pk"))
    return Ticket.objects.open().filter(mine, unread__gt=0).select_related("contact").latest_first()


def news(user: User, wishes: AlertSettings) -> list[dict[str, Any]]:
    """Those tickets as pages read them; `ultimo` is the number of what the person said last.

    What an outage had hidden does not count, and the words themselves are there only where `wishes` allow them.
    """
    said = Message.objects.filter(FROM_PERSON, ticket=OuterRef("pk"), recovered=None).order_by("-seq")
    last, words = (Subquery(said.values(column)[:1]) for column in ("seq", "text"))
    tickets = waiting(user, wishes).annotate(last=last, words=words)
    return [
        {
            "id": ticket.pk,
            "nombre": ticket.shown_name,
            "ultimo": ticket.last or 0,
            **({"texto": excerpt(ticket.words or "")} if wishes.text else {}),
        }
        for ticket in tickets[:MOST]
    ]
