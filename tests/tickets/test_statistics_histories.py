"""The figures of random histories against a slow and obvious recomputation, a quarter of an hour at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from tests.factory import make_contact, make_user
from tickets import calendar, statistics
from tickets.calendar import Hours
from tickets.models import State, Ticket
from tickets.statistics import Figure, Period

QUARTER = timedelta(minutes=15)
ZONE = ZoneInfo("Europe/Madrid")
# A Friday; on Sunday the clock goes from 2 to 3 h.
BEGAN = datetime(2026, 3, 27, 6, tzinfo=UTC)
HOUR = 3600
OFFICE = Hours((((9 * HOUR, 18 * HOUR),),) * 5 + (((10 * HOUR, 14 * HOUR),), ()), zone=ZONE, version=1)
NIGHT = Hours((((HOUR, 4 * HOUR), (20 * HOUR, 24 * HOUR)),) * 7, frozenset({date(2026, 3, 28)}), ZONE, version=2)
CALENDARS = [Hours(zone=ZONE), OFFICE, NIGHT]
CATEGORIES = ("Red", "Correo")

deeds = st.sampled_from(["pregunta", "escribe", "escribe", "responde", "responde", "cierra", "abre", "toma"])
steps = st.tuples(st.integers(1, 130), deeds, st.integers(0, 1))
tickets = st.lists(st.tuples(st.integers(0, 1), st.lists(steps, min_size=1, max_size=7)), min_size=1, max_size=4)


@dataclass
class Slow:
    """What a person with a pencil notes of one ticket, and the times they read from it."""

    category: str
    hours: Hours
    owner: int | None = None
    turn: str = ""
    since: datetime = BEGAN
    last: str = ""
    ours: int = 0
    open: int = 0
    answered: bool = False
    first: tuple[datetime, int, datetime, int | None] | None = None
    later: list[tuple[datetime, int, datetime, int | None]] = field(default_factory=list)
    closed: tuple[datetime, int, datetime, int | None] | None = None

    def go(self, turn: str, at: datetime) -> int:
        """To another turn; how long it was in the last one."""
        lasted = attended(self.hours, self.since, at) if self.turn else 0
        self.ours += lasted if self.turn == "nosotros" else 0
        self.open += lasted if self.turn in ("nosotros", "persona") else 0
        self.turn, self.since = turn, at
        return lasted

    def happens(self, deed: str, at: datetime, who: int) -> None:
        if deed == "toma":
            self.owner = who
        elif deed == "cierra" and self.turn != "cerrado":
            self.go("cerrado", at)
            self.closed = (at, self.open, BEGAN, self.owner)
        elif deed == "abre" and self.turn == "cerrado":
            self.closed = None
            self.go("persona" if self.last == "responde" else "nosotros", at)
        elif deed in ("pregunta", "escribe"):
            self.closed, self.last = None, "escribe"
            turn = "asistente" if deed == "pregunta" and not self.answered else "nosotros"
            if turn != self.turn:
                self.go(turn, at)
        elif deed == "responde":
            self.closed, self.last = None, "responde"
            began, waited = self.since, self.turn == "nosotros"
            lasted = self.go("persona", at) if self.turn != "persona" else 0
            if not self.answered:
                self.answered = True
                self.first = (at, self.ours, began, who)
            elif waited:
                self.later.append((at, lasted, began, who))


def attended(hours: Hours, start: datetime, end: datetime) -> int:
    """The seconds of attention, by looking at the clock on the wall every quarter of an hour."""
    found, moment = 0, start
    while moment < end:
        wall = moment.astimezone(ZONE)
        second = wall.hour * HOUR + wall.minute * 60
        spans = hours.week[wall.weekday()]
        if wall.date() not in hours.holidays and any(opens <= second < closes for opens, closes in spans):
            found += 15 * 60
        moment += QUARTER
    return found


def figure(values: list[int]) -> Figure:
    """The median and the 90th percentile as they are defined: so many values are not more."""

    def at(percent: int) -> int:
        return min(one for one in values if 100 * sum(other <= one for other in values) >= percent * len(values))

    return Figure(len(values), at(50), at(90)) if values else Figure()


def obvious(slow: list[Slow], measure: str, period: Period) -> dict[str, Any]:
    """What the page should say of `measure`: {kind of group: {group: figure}}."""
    found: dict[str, dict[Any, list[int]]] = {
        name: {} for name in ("todo", "quien", "categoria", "dia", "hora", "hueco")
    }
    for one in slow:
        events = {"primera": [one.first], "siguientes": one.later, "resolucion": [one.closed]}[measure]
        for event in events:
            if event is None:
                continue
            at, value, began, who = event
            if not period.first <= at.astimezone(ZONE).date() <= period.last:
                continue
            wall = began.astimezone(ZONE)
            groups = {"todo": "", "quien": who, "categoria": one.category, "dia": wall.weekday(), "hora": wall.hour}
            groups["hueco"] = wall.weekday() * 24 + wall.hour
            for name, group in groups.items():
                found[name].setdefault(group, []).append(value)
    return {name: {group: figure(values) for group, values in groups.items()} for name, groups in found.items()}


def told(measure: str, period: Period) -> dict[str, Any]:
    """What the page says."""
    parts = statistics.breakdown(measure, period)
    assert statistics.figure(measure, period) == parts.whole
    whole = {"": parts.whole} if parts.whole.count else {}
    return {
        "todo": whole,
        "quien": parts.technicians,
        "categoria": parts.categories,
        "dia": parts.weekdays,
        "hora": parts.hours,
        "hueco": parts.slots,
    }


def live(ticket: Ticket, deed: str, at: datetime, who: User) -> None:
    """The same deed as the desk's code leaves the ticket's columns; chat/ does it with a message."""
    if deed == "toma":
        ticket.technician = who
    elif deed == "cierra" and ticket.is_open:
        ticket.change_state(State.RESOLVED, at)
    elif deed == "abre" and not ticket.is_open:
        ticket.reopen()
        ticket.wait_again()
    elif deed in ("pregunta", "escribe"):
        if not ticket.is_open:
            ticket.reopen()
        ticket.waiting_since, ticket.last_role = ticket.waiting_since or at, "user"
        ticket.asked = "fault" if deed == "pregunta" and not ticket.first_response else ""
        ticket.note_said(at)
    elif deed == "responde":
        if not ticket.is_open:
            ticket.reopen()
        ticket.asked, ticket.waiting_since, ticket.last_role = "", None, "tecnico"
        ticket.first_response = ticket.first_response or at
        ticket.note_said(at, who.pk)
    ticket.save()


@pytest.fixture
def madrid(settings: Settings) -> Iterator[None]:
    settings.TIME_ZONE = "Europe/Madrid"
    yield


@pytest.mark.django_db
@pytest.mark.usefixtures("madrid")
@hypothesis_settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    stories=tickets,
    hours=st.sampled_from(CALENDARS),
    first=st.integers(-1, 4),
    days=st.integers(1, 6),
)
def test_the_figures_are_those_of_a_slow_and_obvious_recomputation(
    stories: list[tuple[int, list[tuple[int, str, int]]]],
    hours: Hours,
    first: int,
    days: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calendar, "_kept", (float("inf"), hours))
    period = Period(date(2026, 3, 27) + timedelta(first), date(2026, 3, 27) + timedelta(first + days - 1))
    with transaction.atomic():
        people = [make_user("ana"), make_user("luz")]
        notes = [played(category, steps, hours, people) for category, steps in stories]
        for measure in ("primera", "siguientes", "resolucion"):
            assert told(measure, period) == obvious(notes, measure, period)
        now = BEGAN + timedelta(days=10)
        waits = [attended(hours, since, now) for since in sorted(one.since for one in notes if one.turn == "nosotros")]
        assert statistics.waiting().count() == len(waits)
        assert statistics.waiting_now(now, hours) == (len(waits), waits[0] if waits else 0)
        open_now = Counter(one.turn for one in notes if one.turn not in ("", "cerrado"))
        for hour, age in ((0.5, 0), (1, 1), (5, 2), (24, 3), (100, 4), (168, 5)):
            counted = statistics.open_by_age(BEGAN + timedelta(hours=hour))
            assert [+Counter(row) for row in counted] == [open_now if row == age else Counter() for row in range(6)]
        transaction.set_rollback(True)


def played(category: int, steps: list[tuple[int, str, int]], hours: Hours, people: list[User]) -> Slow:
    """One ticket's story, in the desk's code and with a pencil."""
    note = Slow(CATEGORIES[category], hours)
    ticket = Ticket.objects.create(contact=make_contact(), category=CATEGORIES[category], created=BEGAN)
    at = BEGAN
    for quarters, deed, who in steps:
        if not note.turn and deed not in ("pregunta", "escribe"):
            deed = "escribe"  # a ticket begins with the person's words
        at += quarters * QUARTER
        with time_machine.travel(at, tick=False):
            live(ticket, deed, at, people[who])
        note.happens(deed, at, people[who].pk)
    return note
