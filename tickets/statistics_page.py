"""/estadisticas put together: every figure with its words and the list behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from tickets import statistics, statistics_charts
from tickets.calendar import Hours
from tickets.calendar_models import SHORT_DAYS
from tickets.filters import NOBODY
from tickets.statistics import AGES, OPEN_PHASES, Figure, Period
from tickets.statistics_charts import Bar, Cell
from tickets.statistics_lists import NEW, OPEN, WAITING, address
from tickets.statistics_words import change, difference, duration, earlier, hour_of_week, period
from tickets.times import Measure

# What is said of so many of a measure, and of one.
COUNTED = {
    Measure.FIRST: ("respuestas", "respuesta"),
    Measure.LATER: ("respuestas", "respuesta"),
    Measure.RESOLUTION: ("resueltos", "resuelto"),
}
SLOWER = {Measure.FIRST: "más lento", Measure.LATER: "más lento", Measure.RESOLUTION: "más largo"}
FASTER = {Measure.FIRST: "más rápido", Measure.LATER: "más rápido", Measure.RESOLUTION: "más corto"}
WEEKDAYS = ("Lunes", "Martes", "Miércoles", "Jueves", "Viernes", "Sábado", "Domingo")
MOST_BARS, MOST_WAITING = 12, 8


@dataclass(frozen=True)
class Said:
    """A figure as the page says it, and what it links to: all of it, and the slowest tenth."""

    label: str
    figure: Figure
    count: str
    median: str
    p90: str
    url: str
    slow_url: str

    @property
    def tip(self) -> str:
        return f"{self.label}: mediana {self.median}; 9 de cada 10 en {self.p90} o menos; {self.count}"


class Page:
    """The context of the page, for one period and one measure to tell apart."""

    def __init__(self, of: Period, measure: Measure, now: datetime, hours: Hours) -> None:
        self.period, self.measure, self.now, self.hours = of, measure, now, hours

    def time(self, seconds: int) -> str:
        return duration(seconds, days=self.hours.plain)

    def said(self, label: str, figure: Figure, measure: Measure, **part: object) -> Said:
        many, one = COUNTED[measure]
        url = address(measure, self.period, **part)
        slow = address(measure, self.period, **part, minimo=figure.p90)
        count = f"{figure.count} {one if figure.count == 1 else many}"
        return Said(label, figure, count, self.time(figure.median), self.time(figure.p90), url, slow)

    def context(self) -> dict[str, Any]:
        parts = statistics.breakdown(self.measure, self.period)
        return {
            "medidas": [self.tile(measure, parts) for measure in Measure],
            "medida": self.measure,
            "nuevos": self.new(),
            "esperan": self.waiting(),
            "antiguedad": self.ages(),
            "desgloses": self.breakdowns(parts) if parts.whole.count else [],
            "semana": self.week(parts),
            "anterior": earlier(self.period),
            "dicho": period(self.period),
            "dias": self.period.days,
        }

    def tile(self, measure: Measure, parts: statistics.Breakdown) -> dict[str, Any]:
        now = parts.whole if measure == self.measure else statistics.figure(measure, self.period)
        before = statistics.figure(measure, self.period.before())
        compared = ""
        if now.count and before.count:
            compared = change(now.median, before.median, SLOWER[measure], FASTER[measure])
        return {
            "medida": measure,
            "dicho": self.said(measure.label, now, measure),
            "cambio": compared,
            "tono": "" if now.median == before.median else "mal" if now.median > before.median else "bien",
            "antes": self.time(before.median) if before.count else "",
            "antes_url": address(measure, self.period.before()),
        }

    def new(self) -> dict[str, Any]:
        now, before = (statistics.created(of).count() for of in (self.period, self.period.before()))
        return {
            "cuenta": now,
            "url": address(NEW, self.period),
            "cambio": difference(now, before),
            "antes": before,
            "antes_url": address(NEW, self.period.before()),
        }

    def waiting(self) -> dict[str, Any]:
        count, longest = statistics.waiting_now(self.now, self.hours)
        first = statistics.waiting().select_related("contact", "technician")[:MOST_WAITING] if count else []
        rows = [
            (ticket, self.time(self.hours.seconds(ticket.phase_since, self.now)) if ticket.phase_since else "")
            for ticket in first
        ]
        return {"cuenta": count, "mas_larga": self.time(longest), "tickets": rows, "url": address(WAITING)}

    def ages(self) -> dict[str, Any]:
        """The open tickets by how long ago they began, each bar made of whose turn they are."""
        rows, bars = [], []
        found = statistics.open_by_age(self.now)
        for index, (counts, (_, label)) in enumerate(zip(found, AGES, strict=True)):
            url = address(OPEN, antiguedad=index)
            cells = [(counts[phase], address(OPEN, antiguedad=index, turno=phase)) for phase in OPEN_PHASES]
            total = sum(counts.values())
            words = ", ".join(f"{phase.label.lower()}: {counts[phase]}" for phase in OPEN_PHASES)
            parts = tuple((f"turno-{phase}", float(counts[phase])) for phase in OPEN_PHASES if counts[phase])
            rows.append({"label": label, "celdas": cells, "total": total, "url": url})
            bars.append(Bar(label, str(total), parts, f"{label}: {total}; {words}", url))
        return {
            "filas": rows,
            "total": sum(row["total"] for row in rows),
            "grafica": statistics_charts.bars(bars, stacked=True),
            "turnos": OPEN_PHASES,
            "url": address(OPEN),
        }

    def breakdowns(self, parts: statistics.Breakdown) -> list[dict[str, Any]]:
        names = statistics.names_of(parts.technicians)
        found = [
            self.one("Por técnico", "Técnico", "tecnico", by_count(parts.technicians), names, none=NOBODY),
            self.one("Por categoría", "Categoría", "categoria", by_count(parts.categories), {"": "Sin categoría"}),
            self.one("Por día de la semana", "Día", "dia", sorted(parts.weekdays.items()), dict(enumerate(WEEKDAYS))),
        ]
        hours = {hour: f"{hour} a {hour + 1} h" for hour in range(24)}
        return [*found, self.one("Por hora", "Hora", "hora", sorted(parts.hours.items()), hours)]

    def one(
        self,
        title: str,
        head: str,
        key: str,
        figures: Iterable[tuple[Any, Figure]],
        names: Mapping[Any, str],
        none: str = "",
    ) -> dict[str, Any]:
        found = [
            (name, self.said(names.get(name, str(name)), figure, self.measure, **{key: none if name is None else name}))
            for name, figure in figures
        ]
        bars = {
            name: Bar(
                row.label,
                f"{row.median} · {row.p90}",
                (("p90", row.figure.p90), ("mediana", row.figure.median)),
                row.tip,
                row.url,
            )
            for name, row in found
        }
        if key == "hora":
            chart = statistics_charts.columns(bars)
        else:
            chart = statistics_charts.bars(list(bars.values())[:MOST_BARS])
        return {
            "titulo": title,
            "cabeza": head,
            "filas": [row for _, row in found],
            "grafica": chart,
            "mas": 0 if key == "hora" else max(0, len(found) - MOST_BARS),
        }

    def week(self, parts: statistics.Breakdown) -> dict[str, Any] | None:
        """The map of the hours of the week, and the same as a table of the hours in which something was."""
        if not parts.slots:
            return None
        said = {
            slot: self.said(hour_of_week(slot), figure, self.measure, dia=slot // 24, hora=slot % 24)
            for slot, figure in parts.slots.items()
        }
        levels = statistics_charts.levels({slot: figure.median for slot, figure in parts.slots.items()})
        cells = {slot: Cell(levels[slot], one.tip, one.url) for slot, one in said.items()}
        hours = sorted({slot % 24 for slot in said})
        table = [(f"{hour} h", [said.get(day * 24 + hour) for day in range(7)]) for hour in hours]
        chart: SafeString = statistics_charts.week(cells)
        return {"grafica": chart, "tabla": table, "dias": SHORT_DAYS}


def by_count(figures: Mapping[Any, Figure]) -> list[tuple[Any, Figure]]:
    """The most first."""
    return sorted(figures.items(), key=lambda item: (-item[1].count, str(item[0])))
