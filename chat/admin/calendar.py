"""When the desk attends: its hours of the week and its holidays, with which all times are counted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format

from chat import tasks
from chat.wake import wake_on_commit
from tickets import calendar, calendar_mx
from tickets.calendar_models import DAYS, clock, spoken_days
from tickets.models import Holiday, OpeningHours

COUNTED_AGAIN = "Los tiempos que ya estaban se vuelven a contar con este calendario; tarda unos minutos."


class YearForm(forms.Form):
    anio = forms.IntegerField(min_value=2024, max_value=2100)


class CalendarAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Whatever changes here, the times of before are counted again with it."""

    def counted_again(self, request: HttpRequest) -> None:
        calendar.forget()
        wake_on_commit(tasks.refresh_times)
        self.message_user(request, COUNTED_AGAIN, messages.INFO)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.changed_data:
            self.counted_again(request)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        self.counted_again(request)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        self.counted_again(request)


@admin.register(OpeningHours)
class OpeningHoursAdmin(CalendarAdmin):
    list_display = ("days", "hours")
    fieldsets = ((None, {"fields": (DAYS, ("start", "end"))}),)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"semana": calendar.load().said(), **(extra_context or {})})

    @admin.display(description="días")
    def days(self, row: OpeningHours) -> str:
        return spoken_days([day for day in range(7) if row.on(day)])

    @admin.display(description="horario", ordering="start")
    def hours(self, row: OpeningHours) -> str:
        return f"{clock(row.seconds[0])} a {clock(row.seconds[1])}"


@admin.register(Holiday)
class HolidayAdmin(CalendarAdmin):
    list_display = ("day", "name")
    list_filter = ("date",)
    ordering = ("-date",)
    search_fields = ("name",)

    @admin.display(description="fecha", ordering="date")
    def day(self, holiday: Holiday) -> str:
        return date_format(holiday.date, r"l j \d\e F \d\e Y")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.load_view)
        return [path("oficiales/", view, name="tickets_holiday_oficiales"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        year = timezone.localdate().year
        context = {"puede_cargar": self.has_add_permission(request), "anios": [year, year + 1]}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def load_view(self, request: HttpRequest) -> HttpResponse:
        """POST only: add Mexico's statutory days of rest of a year; those that are there stay as they are."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_add_permission(request):
            raise PermissionDenied
        back = HttpResponseRedirect(reverse(f"{self.admin_site.name}:tickets_holiday_changelist"))
        form = YearForm(request.POST)
        if not form.is_valid():
            self.message_user(request, "Elige un año entre 2024 y 2100.", messages.ERROR)
            return back
        year = form.cleaned_data["anio"]
        there = set(Holiday.objects.filter(date__year=year).values_list("date", flat=True))
        new = [Holiday(date=day, name=name) for day, name in calendar_mx.official(year) if day not in there]
        for holiday in new:
            holiday.save()
            self.log_addition(request, holiday, [{"added": {}}])
        if new:
            self.counted_again(request)
        self.message_user(request, said_loaded(year, len(new)), messages.SUCCESS)
        return back


def said_loaded(year: int, count: int) -> str:
    if not count:
        return f"Los días de descanso oficiales de {year} ya estaban."
    added = "1 día de descanso oficial" if count == 1 else f"{count} días de descanso oficiales"
    return f"Se agregaron {added} de {year}."
