"""The times of tickets made anew: from their messages, and from the closings and openings by hand in their log.

What the desk logs as it goes (tickets/times.py) must be what comes out here; `manage.py recalcular_tiempos` says where
it is not. This is also how tickets get their times after a changed calendar, an import and an undone merge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from chat.models import SAID, SYSTEM, Conversation, Message, Role
from tickets import calendar
from tickets.models import Segment, State, Ticket
from tickets.times import Cause, Phase, Timed

CHUNK = 100
# Written under the locks of their conversations, and SQLite's one: whoever sends meanwhile waits as long.
AT_ONCE = 20
# The rows that no message tells of.
BY_HAND = Q(cause=Cause.STATE) & (Q(phase=Phase.CLOSED) | Q(before=Phase.CLOSED))


@dataclass(frozen=True)
class Event:
    """What happened to a ticket: a message of `role`, or without one that somebody closed or reopened it.

    `came` is when the desk knew of it, which is the order of things; `at` is its own time.
    """

    came: datetime
    at: datetime
    role: str = ""
    closes: bool = False
    by: int | None = None
    # Whether the assistant waits for an answer after it; None: it said nothing new.
    asks: bool | None = None


@dataclass(frozen=True)
class Difference:
    """Where the log of a ticket is not what its history makes it."""

    ticket: int
    logged: int
    due: int

    def __str__(self) -> str:
        if self.logged == self.due:
            return f"Ticket #{self.ticket}: otros tiempos en sus {self.due} cambios de turno"
        return f"Ticket #{self.ticket}: {self.logged} cambios de turno registrados, deben ser {self.due}"


def recompute(ids: Iterable[int], *, write: bool = True) -> list[Difference]:
    """Compare the log of these tickets with their history and, to `write`, make it that; returns what differed."""
    found: list[Difference] = []
    wanted = sorted(ids)
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        suspects = [one.ticket for one in compare(chunk, write=False)]
        # Only now with their locks: a message may have come between one reading and the other.
        for first in range(0, len(suspects), AT_ONCE):
            with transaction.atomic():
                found += compare(locked(suspects[first : first + AT_ONCE]), write=write)
    return found


def locked(ids: Sequence[int]) -> list[int]:
    """Those of these tickets whose conversation is locked now; one that goes to another contact meanwhile is left."""
    contacts = dict(Ticket.objects.filter(pk__in=ids).values_list("pk", "contact"))
    rows = Conversation.objects.select_for_update().filter(contact__in=set(contacts.values())).order_by("pk")
    list(rows.values_list("pk"))
    now = dict(Ticket.objects.filter(pk__in=ids).values_list("pk", "contact"))
    return [pk for pk in ids if now.get(pk) == contacts.get(pk)]


def compare(ids: Sequence[int], *, write: bool) -> list[Difference]:
    """The differences of these tickets; to `write` needs their conversations' locks."""
    tickets = list(Ticket.objects.filter(pk__in=ids))
    logged = by_ticket(Segment.objects.filter(ticket__in=ids).order_by("pk"))
    said = by_ticket(Message.objects.filter(SAID, ticket__in=ids).exclude(kind=SYSTEM).order_by("seq"))
    found, wrong, due = [], [], []
    for ticket in tickets:
        history = events(said[ticket.pk], logged[ticket.pk])
        shadow, rows = replay(ticket, history)
        if same(ticket, shadow) and list(map(values, rows)) == list(map(values, logged[ticket.pk])):
            continue
        found.append(Difference(ticket.pk, len(logged[ticket.pk]), len(rows)))
        for column in Timed.COLUMNS:
            setattr(ticket, column, getattr(shadow, column))
        wrong.append(ticket)
        due += rows
    if write and wrong:
        models.QuerySet.delete(Segment.objects.filter(ticket__in=wrong))
        Segment.objects.bulk_create(due)
        Ticket.objects.bulk_update(wrong, Timed.COLUMNS)
    return found


def by_ticket(rows: Iterable[Any]) -> defaultdict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.ticket_id].append(row)
    return found


def events(said: Sequence[Message], logged: Sequence[Segment]) -> list[Event]:
    """The history of one ticket in the order in which the desk knew of it."""
    found: list[Event] = []
    for row in said:
        came = max(row.recovered or row.created, found[-1].came if found else row.created)
        if row.role != Role.ASSISTANT:
            thinks = True if row.details.get("pensando") else None  # until its own words, which are apart then
            found.append(Event(came, row.created, row.role, by=row.author_id, asks=thinks))
        elif found and found[-1].role == Role.USER and found[-1].asks is None:
            found[-1] = replace(found[-1], asks=asks(row))  # said in one breath with hearing it
        else:
            found.append(Event(came, row.created, row.role, asks=asks(row)))
    by_hand = [row for row in logged if row.cause == Cause.STATE and Phase.CLOSED in (row.phase, row.before)]
    found += [Event(row.at, row.at, closes=row.phase == Phase.CLOSED, by=row.technician_id) for row in by_hand]
    return sorted(found, key=lambda event: event.came)


def asks(row: Message) -> bool:
    """Whether the assistant waits for an answer to these words; those before it noted that end with a question."""
    return bool(row.details.get("pregunta", "?" in row.text))


def replay(ticket: Ticket, history: Iterable[Event]) -> tuple[Ticket, list[Segment]]:
    """What `history` makes of the ticket's times: its columns, on a row that is never saved, and the rows of its log.

    Whose turn it is now, the ticket itself knows best: of its first years only the last closing may be known.
    """
    shadow = Ticket(pk=ticket.pk, created=ticket.created, technician_id=ticket.technician_id)
    rows: list[Segment] = []

    def go(turn: str, at: datetime, cause: Cause, by: int | None = None) -> None:
        if turn != shadow.phase:
            rows.append(shadow.go(turn, at, cause, by))

    for event in history:
        happen(shadow, event)
        go(shadow.turn, event.at, Cause.MESSAGE if event.role else Cause.STATE, event.by)
    shadow.technician_id = ticket.technician_id
    last = shadow.phase_since or ticket.created
    go(ticket.turn, (ticket.resolved or last) if ticket.turn == Phase.CLOSED else last, Cause.STATE)
    return shadow, rows


def happen(shadow: Ticket, event: Event) -> None:
    """What `event` does to the columns that say whose turn it is."""
    if not event.role:
        if event.closes:
            shadow.technician_id = event.by
        shadow.change_state(State.CLOSED if event.closes else State.PENDING)
        if not event.closes:
            shadow.wait_again()
        return
    shadow.last_role = event.role
    if event.role == Role.USER or event.by:  # what is typed on the phone reopens nothing
        shadow.state = State.PENDING
    if event.role != Role.ASSISTANT:
        shadow.waiting_since = event.at if event.role == Role.USER else None
    if event.role == Role.TECHNICIAN or event.asks is not None:
        shadow.asked = "x" if event.asks else ""


def same(ticket: Ticket, shadow: Ticket) -> bool:
    return all(getattr(ticket, column) == getattr(shadow, column) for column in Timed.COLUMNS)


def values(row: Segment) -> list[object]:
    """All that makes a row what it is, but its number."""
    return [getattr(row, field.attname) for field in Segment._meta.concrete_fields if not field.primary_key]


def forget_closing(ticket: int, since: datetime) -> None:
    """What was done by hand to the ticket from `since` on never was: a merge closed it, and was taken back."""
    models.QuerySet.delete(Segment.objects.filter(BY_HAND, ticket=ticket, at__gte=since))
    recompute([ticket])


def stale() -> list[int]:
    """The tickets without times, and those whose times were counted with another calendar than today's."""
    calendar.forget()
    version = calendar.current().version
    other = Segment.objects.filter(Q(calendar__lt=version) | Q(calendar__gt=version))
    return [
        *Ticket.objects.filter(phase="").values_list("pk", flat=True),
        *other.order_by().values_list("ticket", flat=True).distinct(),
    ]


def refresh() -> int:
    """Bring every ticket's times up to date; returns of how many. Nothing is asked of those that are."""
    return len(recompute(stale()))
