"""Business time: the seconds of attention between two moments. Pure, but for `load` and `current`.

Without hours or holidays every second counts. Hours are those of the clock on the wall of TIME_ZONE, so that a day on
which clocks change has one hour more or less, as whoever attends has.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from hashlib import sha256

from django.utils import timezone

from tickets.calendar_models import DAY_S, Holiday, OpeningHours, clock, spoken_days

Spans = tuple[tuple[int, int], ...]
ALL_DAY: Spans = ((0, DAY_S),)
# How long a process counts with what it read; who counted with an older one is counted again (chat/times.py).
KEPT_S = 60


@dataclass(frozen=True)
class Hours:
    """When the desk attends: for each weekday its spans in seconds of that day, and the days when it does not."""

    week: tuple[Spans, ...] = (ALL_DAY,) * 7
    holidays: frozenset[date] = frozenset()
    zone: tzinfo = UTC
    # Tells one calendar from another in what was counted with it; 0 is plain time.
    version: int = 0

    @property
    def plain(self) -> bool:
        """Whether every second counts."""
        return not self.version

    def seconds(self, start: datetime, end: datetime) -> int:
        """The seconds of attention from `start` to `end`, both aware; 0 when `end` is not after `start`."""
        if end <= start:
            return 0
        if self.plain:
            return int((end - start).total_seconds())
        return int(sum(self._on_the_wall(*piece) for piece in self._pieces(start, end)))

    def _pieces(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """From `start` to `end` as the clock on the wall shows it, in pieces within which nobody changes the clock."""
        here, stop = start.astimezone(UTC), end.astimezone(UTC)
        while here < stop:
            there = min(stop, here + timedelta(days=1))
            offset = self._offset(here)
            if self._offset(there) != offset:
                there = self._change(here, there)
            yield (here + offset).replace(tzinfo=None), (there + offset).replace(tzinfo=None)
            here = there

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self.zone).utcoffset() or timedelta()

    def _change(self, before: datetime, after: datetime) -> datetime:
        """The first moment between these two at which the clock is another, to the second."""
        offset = self._offset(before)
        low, high = before.replace(microsecond=0), after
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
            low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
        return high.replace(microsecond=0)

    def _on_the_wall(self, start: datetime, end: datetime) -> float:
        found, day = 0.0, start.date()
        while day <= end.date():
            midnight = datetime.combine(day, datetime.min.time())
            low, high = (start - midnight).total_seconds(), (end - midnight).total_seconds()
            for opens, closes in () if day in self.holidays else self.week[day.weekday()]:
                found += max(0.0, min(closes, high) - max(opens, low))
            day += timedelta(days=1)
        return found

    def said(self) -> str:
        """The week in words: "lun a vie de 9:00 a 18:00; sáb de 9:00 a 13:00"; empty when all of it counts."""
        days: dict[Spans, list[int]] = {}
        for day, spans in enumerate(self.week):
            days.setdefault(spans, []).append(day)
        if list(days) == [ALL_DAY]:
            return ""
        return "; ".join(f"{spoken_days(found)} {said_spans(spans)}" for spans, found in days.items() if spans)


def said_spans(spans: Spans) -> str:
    return " y ".join(f"de {clock(opens)} a {clock(closes)}" for opens, closes in spans)


def load() -> Hours:
    """The calendar as it is in the database now. Two queries."""
    rows = list(OpeningHours.objects.all())
    holidays = frozenset(Holiday.objects.values_list("date", flat=True))
    if not rows and not holidays:
        return Hours(zone=timezone.get_default_timezone())
    week = tuple(tuple(sorted(row.seconds for row in rows if row.on(day))) for day in range(7)) if rows else Hours.week
    zone = timezone.get_default_timezone()
    text = repr((week, sorted(holidays), str(zone)))
    version = int.from_bytes(sha256(text.encode()).digest()[:4]) >> 1 or 1
    return Hours(week, holidays, zone, version)


_kept: tuple[float, Hours] | None = None


def current() -> Hours:
    """The calendar, read at most once a minute in each process: writing a message does not ask for it."""
    global _kept
    if _kept is None or time.monotonic() - _kept[0] > KEPT_S:
        _kept = (time.monotonic(), load())
    return _kept[1]


def forget() -> None:
    """It changed here: `current` reads it anew."""
    global _kept
    _kept = None
