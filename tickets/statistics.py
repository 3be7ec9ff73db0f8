"""How fast the desk answers: figures of a period, from the log of times (docs/statistics.md).

Every figure comes of a queryset that the list behind it shows as well. Medians and percentiles are nearest ranks, so
that each of them is the time of a real ticket.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Aggregate, Case, Count, F, Min, QuerySet, TextField, Value, When
from django.utils import timezone

from tickets.calendar import Hours
from tickets.models import Segment, Ticket, TicketQuerySet
from tickets.templatetags.desk import full_name
from tickets.times import Measure, Phase

HOUR = timedelta(hours=1)
# Open tickets by how long ago they began: up to when, and how that is said.
AGES = (
    (HOUR, "Menos de 1 hora"),
    (4 * HOUR, "De 1 a 4 horas"),
    (24 * HOUR, "De 4 a 24 horas"),
    (72 * HOUR, "De 1 a 3 días"),
    (168 * HOUR, "De 3 a 7 días"),
    (timedelta.max, "Más de 7 días"),
)
OPEN_PHASES = (Phase.US, Phase.ASSISTANT, Phase.PERSON)


@dataclass(frozen=True)
class Period:
    """Days of the desk's own time zone, the first and the last included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The moment after it."""
        return midnight(self.last + timedelta(days=1))

    def before(self) -> Period:
        """As many days, right before these."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_default_timezone())


class Listed(Aggregate):
    """Whole numbers as text with commas: a row for each of them would cost ten times as much."""

    function = "GROUP_CONCAT"
    output_field = TextField()

    def as_postgresql(self, *args: Any, **context: Any) -> Any:
        template = "STRING_AGG((%(expressions)s)::text, ',')"
        return super().as_sql(*args, **{**context, "template": template})


def numbers(listed: str | None) -> list[int]:
    """What Listed lists."""
    return list(map(int, listed.split(","))) if listed else []


@dataclass(frozen=True)
class Figure:
    """What is said of many times: how many they are, and two of them. Without any, `count` is 0."""

    count: int = 0
    median: int = 0
    p90: int = 0

    @classmethod
    def of(cls, values: Iterable[int]) -> Figure:
        ordered = sorted(values)
        if not ordered:
            return cls()
        return cls(len(ordered), nearest(ordered, 50), nearest(ordered, 90))


def nearest(ordered: list[int], percent: int) -> int:
    """The smallest of the values that at least `percent` of a hundred of them do not exceed."""
    return ordered[-(-percent * len(ordered) // 100) - 1]


def measured(measure: str, period: Period) -> QuerySet[Segment]:
    """The answers, or resolutions, that came in `period`. A resolution is one while nobody reopened the ticket."""
    rows = Segment.objects.filter(measure=measure, at__gte=period.start, at__lt=period.end)
    if measure == Measure.RESOLUTION:
        rows = rows.filter(ticket__phase=Phase.CLOSED, ticket__phase_since=F("at"))
    return rows


def created(period: Period) -> TicketQuerySet:
    """The tickets that began in `period`."""
    return Ticket.objects.filter(created__gte=period.start, created__lt=period.end)


def figure(measure: str, period: Period) -> Figure:
    return Figure.of(numbers(measured(measure, period).aggregate(values=Listed("value"))["values"]))


@dataclass(frozen=True)
class Breakdown:
    """The times of one measure, whole and by what they can be told apart by. Technicians are ids, None the phone's."""

    whole: Figure
    technicians: dict[int | None, Figure]
    categories: dict[str, Figure]
    weekdays: dict[int, Figure]
    hours: dict[int, Figure]
    slots: dict[int, Figure]


def breakdown(measure: str, period: Period) -> Breakdown:
    """One query, whose rows are what shares everything; they are then put together."""
    rows = measured(measure, period).order_by().values_list("technician", "ticket__category", "slot")
    whole: list[int] = []
    groups: tuple[defaultdict[Any, list[int]], ...] = tuple(defaultdict(list) for _ in range(5))
    for technician, category, slot, listed in rows.annotate(values=Listed("value")):
        values = numbers(listed)
        whole += values
        for group, name in zip(groups, (technician, category, slot // 24, slot % 24, slot), strict=True):
            group[name] += values
    return Breakdown(
        Figure.of(whole), *({name: Figure.of(values) for name, values in group.items()} for group in groups)
    )


def names_of(technicians: Iterable[int | None]) -> dict[int | None, str]:
    """How each is called; what was typed on the phone is nobody's."""
    users = User.objects.filter(pk__in=[pk for pk in technicians if pk])
    return {None: "Sin técnico", **{user.pk: full_name(user) for user in users}}


def age_of(now: datetime, since: datetime) -> int:
    """Which of AGES a ticket from `since` is in."""
    return next(index for index, (most, _) in enumerate(AGES) if now - since < most)


def open_by_age(now: datetime) -> list[dict[str, int]]:
    """For each of AGES, how many open tickets there are of each phase."""
    ages = [When(created__gt=now - most, then=Value(index)) for index, (most, _) in enumerate(AGES[:-1])]
    tickets = Ticket.objects.filter(phase__in=OPEN_PHASES).order_by()
    found = tickets.values_list(Case(*ages, default=Value(len(AGES) - 1)), "phase").annotate(Count("pk"))
    rows: list[dict[str, int]] = [dict.fromkeys(OPEN_PHASES, 0) for _ in AGES]
    for index, phase, count in found:
        rows[index][phase] = count
    return rows


def aged(index: int, now: datetime) -> TicketQuerySet:
    """The open tickets of one of AGES."""
    tickets = Ticket.objects.filter(phase__in=OPEN_PHASES)
    if index < len(AGES) - 1:
        tickets = tickets.filter(created__gt=now - AGES[index][0])
    return tickets.filter(created__lte=now - AGES[index - 1][0]) if index else tickets


def waiting() -> TicketQuerySet:
    """The tickets that wait for an answer of ours, the longest first."""
    return Ticket.objects.filter(phase=Phase.US).order_by("phase_since", "pk")


def waiting_now(now: datetime, hours: Hours) -> tuple[int, int]:
    """How many wait for us, and for how many seconds of attention the first of them has."""
    found = Ticket.objects.filter(phase=Phase.US).aggregate(count=Count("pk"), since=Min("phase_since"))
    return found["count"], hours.seconds(found["since"], now) if found["since"] else 0


def unmeasured(hours: Hours) -> bool:
    """Whether there are tickets without times, or with times that another calendar counted: they are being counted."""
    others = (Segment.objects.filter(calendar__lt=hours.version), Segment.objects.filter(calendar__gt=hours.version))
    return any(rows.exists() for rows in (Ticket.objects.filter(phase=""), *others))
