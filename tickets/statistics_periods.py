"""Which days are asked for: a ready-made period, or from one day to another."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from tickets.statistics import Period
from tickets.times import Measure

LONGEST_DAYS = 366


class PeriodForm(forms.Form):
    """Both days are included."""

    desde = forms.DateField(required=False, error_messages={"invalid": "«Desde» no es una fecha."})
    hasta = forms.DateField(required=False, error_messages={"invalid": "«Hasta» no es una fecha."})

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        first, last = found.get("desde"), found.get("hasta")
        if bool(first) != bool(last) and not self.errors:
            raise forms.ValidationError("Elige las dos fechas: desde y hasta.")
        if first and last and first > last:
            raise forms.ValidationError("La primera fecha debe ser antes de la segunda.")
        if first and last and (last - first).days >= LONGEST_DAYS:
            raise forms.ValidationError(f"A lo más {LONGEST_DAYS} días.")
        if (first and first.year < 1970) or (last and last.year > 9000):
            raise forms.ValidationError("Esas fechas están demasiado lejos.")
        return found

    @property
    def period(self) -> Period | None:
        first = self.cleaned_data.get("desde")
        return Period(first, self.cleaned_data["hasta"]) if first else None

    def problems(self) -> str:
        return " ".join(str(text) for texts in self.errors.values() for text in texts)


def periods(today: date) -> dict[str, tuple[str, Period]]:
    """The ready-made periods, by what the address calls them."""
    return {
        "hoy": ("Hoy", Period(today, today)),
        "7-dias": ("7 días", Period(today - timedelta(days=6), today)),
        "30-dias": ("30 días", Period(today - timedelta(days=29), today)),
        "mes": ("Este mes", Period(today.replace(day=1), today)),
    }


def chosen(query: QueryDict) -> tuple[str, Period, str]:
    """The ready-made period that is asked for ("" for none of them), its days, and what is wrong with the others."""
    ready, form = periods(timezone.localdate()), PeriodForm(query)
    valid = form.is_valid()
    if valid and form.period:
        return "", form.period, ""
    name = query.get("periodo", "")
    name = name if name in ready else "30-dias"
    return name, ready[name][1], form.problems()


def links(name: str, of: Period, measure: Measure) -> dict[str, Any]:
    """The addresses of the page with another period, or another measure."""
    page = reverse("estadisticas")
    days = f"periodo={name}" if name else f"desde={of.first.isoformat()}&hasta={of.last.isoformat()}"
    ready = periods(timezone.localdate())
    return {
        "periodos": [
            (label, f"{page}?periodo={key}&medida={measure}", key == name) for key, (label, _) in ready.items()
        ],
        "pestanas": [(one.label, f"{page}?{days}&medida={one}#desglose", one == measure) for one in Measure],
        "csv": f"{reverse('estadisticas-csv')}?{days}",
        "desde": of.first.isoformat(),
        "hasta": of.last.isoformat(),
    }
