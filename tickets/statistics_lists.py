"""What is behind a figure: the very rows that it was made of, as a list of tickets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from tickets import statistics
from tickets.calendar import Hours
from tickets.calendar_models import SHORT_DAYS
from tickets.filters import NOBODY, TechnicianField, TextField
from tickets.models import Segment, Ticket
from tickets.statistics import AGES, Period
from tickets.statistics_periods import PeriodForm
from tickets.statistics_words import duration, period
from tickets.templatetags.desk import full_name
from tickets.times import Measure, Phase

PAGE = 50
NEW, WAITING, OPEN = "nuevos", "esperan", "abiertos"
TITLES = {
    Measure.FIRST: "Primeras respuestas",
    Measure.LATER: "Respuestas siguientes",
    Measure.RESOLUTION: "Tickets resueltos",
    NEW: "Tickets nuevos",
    WAITING: "Esperan respuesta ahora",
    OPEN: "Tickets abiertos ahora",
}


def address(what: str, of: Period | None = None, **chosen: object) -> str:
    """Where the list behind a figure is; `chosen` are the names of ListForm."""
    days = {"desde": of.first.isoformat(), "hasta": of.last.isoformat()} if of else {}
    return f"{reverse('estadisticas-tickets')}?{urlencode({'que': what, **days, **chosen})}"


class ListForm(PeriodForm):
    """The list that is asked for: of what, of when, and which part of it."""

    que = forms.ChoiceField(
        choices=TITLES.items(), error_messages={"required": "Falta «que».", "invalid_choice": "No existe esa lista."}
    )
    tecnico = TechnicianField(required=False)
    categoria = TextField(required=False)
    dia = forms.IntegerField(min_value=0, max_value=6, required=False)
    hora = forms.IntegerField(min_value=0, max_value=23, required=False)
    minimo = forms.IntegerField(min_value=0, max_value=2**40, required=False)
    antiguedad = forms.IntegerField(min_value=0, max_value=len(AGES) - 1, required=False)
    turno = forms.ChoiceField(choices=Phase.choices, required=False)

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if found.get("que") in (*Measure.values, NEW) and not found.get("desde") and not self.errors:
            raise forms.ValidationError("Elige las dos fechas: desde y hasta.")
        return found


@dataclass(frozen=True)
class Row:
    """One line of a list: the ticket, who it is counted for, when, and how long that took."""

    ticket: Ticket
    technician: str
    at: datetime
    seconds: int | None


class Listing:
    """The rows behind a figure, as `asked`; each of them is one of what the figure counts."""

    def __init__(self, query: QueryDict, asked: ListForm, now: datetime, hours: Hours) -> None:
        self.query, self.asked, self.now, self.hours = query, asked.cleaned_data, now, hours
        self.what: str = self.asked["que"]
        self.period = asked.period

    @property
    def measured(self) -> bool:
        return self.what in Measure.values

    def rows(self) -> QuerySet[Segment] | QuerySet[Ticket]:
        """The slowest, or the longest open, first."""
        if self.measured and self.period:
            return self.of_log(statistics.measured(self.what, self.period))
        if self.what == NEW and self.period:
            return statistics.created(self.period).select_related("contact", "technician").order_by("-created", "-pk")
        if self.what == WAITING:
            return statistics.waiting().select_related("contact", "technician")
        age, turn = self.asked["antiguedad"], self.asked["turno"]
        found = (
            Ticket.objects.filter(phase__in=statistics.OPEN_PHASES) if age is None else statistics.aged(age, self.now)
        )
        found = found.filter(phase=turn) if turn else found
        return found.select_related("contact", "technician").order_by("created", "pk")

    def page(self, number: str | None) -> tuple[Any, list[Any]]:
        """A page of the rows' numbers, and those rows: all of a row is asked for only when it is shown."""
        rows = self.rows()
        shown = Paginator(rows.values_list("pk", flat=True), PAGE).get_page(number)
        found = rows.in_bulk(list(shown.object_list))
        return shown, [found[pk] for pk in shown.object_list if pk in found]

    def of_log(self, rows: QuerySet[Segment]) -> QuerySet[Segment]:
        who, day, hour = self.asked["tecnico"], self.asked["dia"], self.asked["hora"]
        if who != "":
            rows = rows.filter(technician=None if who == NOBODY else who)
        if "categoria" in self.query:
            rows = rows.filter(ticket__category=self.asked["categoria"])
        if day is not None:
            rows = rows.filter(slot__gte=day * 24, slot__lt=day * 24 + 24)
        if hour is not None:
            rows = rows.filter(slot__in=range(hour, 7 * 24, 24))
        if self.asked["minimo"] is not None:
            rows = rows.filter(value__gte=self.asked["minimo"])
        return rows.select_related("ticket__contact", "technician").order_by("-value", "-pk")

    def row(self, found: Any) -> Row:
        if isinstance(found, Segment):
            return Row(found.ticket, full_name(found.technician) if found.technician else "", found.at, found.value)
        technician = full_name(found.technician) if found.technician else ""
        if self.what == WAITING and found.phase_since:
            return Row(found, technician, found.phase_since, self.hours.seconds(found.phase_since, self.now))
        return Row(found, technician, found.created, None)

    def took(self, row: Row) -> str:
        return "" if row.seconds is None else duration(row.seconds, days=self.hours.plain)

    def subtitle(self, names: dict[int | None, str]) -> str:
        """Which part of the whole it is, in words."""
        asked, parts = self.asked, []
        if asked["tecnico"] != "":
            parts.append(names.get(None if asked["tecnico"] == NOBODY else asked["tecnico"], "Técnico desconocido"))
        if "categoria" in self.query:
            parts.append(asked["categoria"] or "Sin categoría")
        if asked["dia"] is not None:
            parts.append(SHORT_DAYS[asked["dia"]])
        if asked["hora"] is not None:
            parts.append(f"a las {asked['hora']} h")
        if asked["minimo"] is not None:
            parts.append(f"{duration(asked['minimo'], days=self.hours.plain)} o más")
        if asked["antiguedad"] is not None:
            parts.append(AGES[asked["antiguedad"]][1].lower())
        if asked["turno"]:
            parts.append(Phase(asked["turno"]).label.lower())
        if self.period and self.what not in (WAITING, OPEN):
            parts.append(period(self.period))
        return " · ".join(parts)
