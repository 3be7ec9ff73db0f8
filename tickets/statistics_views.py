"""The pages of statistics, which exist only for who supervises."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from tickets import calendar, statistics
from tickets.access import can_supervise
from tickets.statistics import Figure, Period
from tickets.statistics_lists import TITLES, ListForm, Listing
from tickets.statistics_page import WEEKDAYS, Page, by_count
from tickets.statistics_periods import chosen, links
from tickets.statistics_words import duration
from tickets.text import as_text
from tickets.times import Measure


def check(request: HttpRequest) -> None:
    if not can_supervise(request.user):
        raise Http404("Estadísticas es una página de supervisores.")


@require_safe
@cache_control(private=True, no_cache=True)
def page(request: HttpRequest) -> HttpResponse:
    """GET /estadisticas?periodo=hoy|7-dias|30-dias|mes, or ?desde=&hasta=; &medida= chooses what is told apart."""
    check(request)
    name, of, problem = chosen(request.GET)
    asked = request.GET.get("medida", "")
    measure = Measure(asked) if asked in Measure.values else Measure.FIRST
    hours = calendar.load()
    context = {
        **Page(of, measure, timezone.now(), hours).context(),
        **links(name, of, measure),
        "problema": problem,
        "horario": hours,
        "horario_dicho": hours.said(),
        "festivos": sum(of.first <= day <= of.last for day in hours.holidays),
        "contando": statistics.unmeasured(hours),
    }
    return render(request, "tickets/estadisticas.html", context, status=400 if problem else 200)


@require_safe
@cache_control(private=True, no_cache=True)
def tickets(request: HttpRequest) -> HttpResponse:
    """GET /estadisticas/tickets?que=…: what is behind a figure; with &formato=csv all of it as a file."""
    check(request)
    asked = ListForm(request.GET)
    if not asked.is_valid():
        return render(request, "tickets/estadisticas_lista.html", {"problema": asked.problems()}, status=400)
    hours = calendar.load()
    listing = Listing(request.GET, asked, timezone.now(), hours)
    if request.GET.get("formato") == "csv":
        return written(f"{listing.what}-{timezone.localdate()}.csv", rows_of_list(listing))
    page, found = listing.page(request.GET.get("pagina"))
    rows = [(row, listing.took(row)) for row in map(listing.row, found)]
    who = asked.cleaned_data["tecnico"]
    query = request.GET.copy()
    query.pop("pagina", None)
    context = {
        "titulo": TITLES[listing.what],
        "parte": listing.subtitle(statistics.names_of([who] if isinstance(who, int) else [])),
        "filas": rows,
        "hoja": page,
        "consulta": query.urlencode(),
        "medido": listing.measured,
        "que": listing.what,
    }
    return render(request, "tickets/estadisticas_lista.html", context)


@require_safe
@cache_control(private=True, no_cache=True)
def table(request: HttpRequest) -> HttpResponse:
    """GET /estadisticas/csv: every figure of the period, and of the one before it."""
    check(request)
    _, of, problem = chosen(request.GET)
    if problem:
        return HttpResponse(problem, status=400, content_type="text/plain; charset=utf-8")
    return written(f"estadisticas-{of.first}-{of.last}.csv", rows_of_page(of))


def written(name: str, rows: Iterable[Iterable[object]]) -> HttpResponse:
    """A CSV file in which no cell can become a formula; with the mark without which Excel reads accents wrong."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    for row in rows:
        writer.writerow([cell if isinstance(cell, int) else as_text(cell) for cell in row])
    return response


def rows_of_list(listing: Listing) -> Iterator[list[object]]:
    """The list without who the people are: the ticket's number leads to them."""
    yield ["Ticket", "Categoría", "Estado", "Técnico", "Fecha", "Segundos", "Tiempo"]
    for found in listing.rows().iterator():
        row = listing.row(found)
        at = timezone.localtime(row.at).strftime("%Y-%m-%d %H:%M:%S")
        seconds: object = "" if row.seconds is None else row.seconds
        ticket = row.ticket
        yield [ticket.pk, ticket.category, ticket.state, row.technician, at, seconds, listing.took(row)]


def rows_of_page(of: Period) -> Iterator[list[object]]:
    plain = calendar.load().plain

    def line(period: str, measure: Measure, by: str, name: str, figure: Figure) -> list[object]:
        times = [figure.median, duration(figure.median, days=plain), figure.p90, duration(figure.p90, days=plain)]
        return [period, measure.label, by, name, figure.count, *(times if figure.count else [""] * 4)]

    yield ["Periodo", "Medida", "Por", "Grupo", "Casos", "Mediana (s)", "Mediana", "Percentil 90 (s)", "Percentil 90"]
    for period in (of, of.before()):
        days = f"{period.first} a {period.last}"
        for measure in Measure:
            parts = statistics.breakdown(measure, period)
            yield line(days, measure, "Todos", "", parts.whole)
            names = statistics.names_of(parts.technicians)
            for technician, figure in by_count(parts.technicians):
                yield line(days, measure, "Técnico", names[technician], figure)
            for category, figure in by_count(parts.categories):
                yield line(days, measure, "Categoría", category or "Sin categoría", figure)
            for day, figure in sorted(parts.weekdays.items()):
                yield line(days, measure, "Día", WEEKDAYS[day], figure)
            for hour, figure in sorted(parts.hours.items()):
                yield line(days, measure, "Hora", f"{hour} h", figure)
            for slot, figure in sorted(parts.slots.items()):
                yield line(days, measure, "Día y hora", f"{WEEKDAYS[slot // 24]} {slot % 24} h", figure)
