"""The page that shows whether the books balance."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from chat.ledger import books


class PeriodForm(forms.Form):
    """Both days are included; either may be left open."""

    desde = forms.DateField(required=False)
    hasta = forms.DateField(required=False)


def midnight(day: date | None, days: int = 0) -> datetime | None:
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min)) if day else None


def books_view(request: HttpRequest) -> HttpResponse:
    """GET /admin/chat/message/libros/?desde=&hasta=: the last seven days unless asked otherwise."""
    if not request.user.has_perm("chat.view_message"):
        raise PermissionDenied
    week = {"desde": (timezone.localdate() - timedelta(days=6)).isoformat(), "hasta": ""}
    form = PeriodForm(request.GET or week)
    context = {**admin.site.each_context(request), "title": "Libros", "desde": form.data.get("desde", "")}
    context["hasta"] = form.data.get("hasta", "")
    if form.is_valid():
        asked = form.cleaned_data
        context["libros"] = books(midnight(asked["desde"]), midnight(asked["hasta"], 1))
    else:
        context["error"] = "Las fechas se escriben como 2026-02-05."
    return render(request, "admin/chat/libros.html", context)
