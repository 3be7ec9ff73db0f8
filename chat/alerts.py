"""Who hears that a person wrote: a ticket's technician, or whoever wants to know of those that nobody has taken."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from chat import live
from chat.alert_models import AlertSettings
from chat.models import FROM_PERSON, SYSTEM, Message, Participant
from chat.thread import excerpt
from tickets.access import workers
from tickets.models import Ticket
from tickets.prepared import Prepared
from tickets.templatetags.desk import full_name

Scope = AlertSettings.Scope
# More than these are "99+" on the page, and nobody counts them.
MOST = 100


def concerned(ticket_id: int, technician_id: int | None) -> list[int]:
    """The users to tell of a ticket of this technician, and who joined it. One query.

    A technician who no longer works here leaves it to all.
    """
    joined = Exists(Participant.objects.filter(ticket=ticket_id, user=OuterRef("pk")))
    people = workers().order_by().values_list("pk", "alert_settings__scope", joined)
    mine = {pk for pk, _, joins in people if joins or pk == technician_id}
    if any(pk == technician_id for pk, *_ in people):
        return sorted(mine)
    return sorted(mine | {pk for pk, scope, _ in people if scope != Scope.MINE})


def announce_on_commit(ticket: Ticket) -> None:
    """Tell the open pages of those concerned that the person of `ticket` wrote. One query, after the transaction."""
    ticket_id, technician_id = ticket.pk, ticket.technician_id

    def tell() -> None:  # not a partial: Django asks for the name of what failed here, and a partial has none
        tell_pages(ticket_id, technician_id)

    transaction.on_commit(tell, robust=True)


def tell_pages(ticket_id: int, technician_id: int | None) -> None:
    if users := concerned(ticket_id, technician_id):
        live.announce("aviso", {"ticket": ticket_id}, users)


def unread(user: int, scope: str) -> QuerySet[Ticket]:
    """The open tickets with unread messages that concern `user` who wants to hear of `scope`, newest first."""
    mine = Q(technician=user) | Q(pk__in=Participant.objects.filter(user=user).values("ticket"))
    if scope == Scope.BOTH:
        mine |= ~Q(technician__in=workers().order_by().values("pk"))
    return Ticket.objects.open().filter(mine, unread__gt=0).latest_first()


unread_of: dict[str, Prepared[Any]] = {
    scope: Prepared(lambda user, scope=scope: unread(user, scope).values_list("pk", flat=True)[:MOST])
    for scope in Scope.values
}
calls_of: Prepared[Participant] = Prepared(
    lambda user: Participant.objects.filter(user=user, mention__isnull=False).select_related("mention__author")
)


def news(user: User, wishes: AlertSettings) -> list[dict[str, Any]]:
    """Those tickets as pages read them, and those where a colleague names `user`.

    `ultimo` is the number of what was said last; what an outage had hidden does not count. The words themselves are
    there only where `wishes` allow them. Each kind is found by itself, because no index answers both in one question;
    without any there is no third.
    """
    named = {one.ticket_id: one.mention for one in calls_of(user.pk)}
    numbers = {*named, *unread_of[wishes.scope](user.pk)}
    if not numbers:
        return []
    said = Message.objects.filter(FROM_PERSON, ticket=OuterRef("pk"), recovered=None).order_by("-seq")
    last, words = (Subquery(said.values(column)[:1]) for column in ("seq", "text"))
    tickets = Ticket.objects.filter(pk__in=numbers).annotate(last=last, words=words).select_related("contact")
    return [entry(ticket, named.get(ticket.pk), wishes) for ticket in tickets.latest_first()[:MOST]]


def entry(ticket: Any, mention: Message | None, wishes: AlertSettings) -> dict[str, Any]:
    """One of them; `aviso` is what to say of it when a colleague named who asks."""
    called = mention is not None and mention.seq > (ticket.last or 0)
    words = mention.text if mention and called else ticket.words
    return {
        "id": ticket.pk,
        "nombre": ticket.shown_name,
        "ultimo": max(ticket.last or 0, mention.seq if mention else 0),
        **({"aviso": told_by(mention.kind, mention.author, ticket.pk)} if mention and called else {}),
        **({"texto": excerpt(words or "")} if wishes.text else {}),
    }


def told_by(kind: str, author: User | None, ticket_id: int) -> str:
    """What a notification says of a note that names its reader, or of a transfer to them."""
    deed = "te transfirió" if kind == SYSTEM else "te mencionó en"
    return f"{full_name(author) if author else 'Un colega'} {deed} #{ticket_id}"
