"""The calendar in the administration: the hours of attention and the holidays that all times are counted with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from chat import compose, times
from chat.models import Conversation
from tests.factory import make_contact, make_ticket
from tests.supervision import browser_of, text_of
from tickets import calendar
from tickets.models import Holiday, OpeningHours, Segment, Ticket

pytestmark = pytest.mark.django_db

HOURS, HOLIDAYS = "/admin/tickets/openinghours/", "/admin/tickets/holiday/"
AGAIN = "Los tiempos que ya estaban se vuelven a contar con este calendario"
OFFICE = {**dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "on"), "start": "9:00"}
MONDAY = datetime(2026, 11, 16, 14, 30, tzinfo=UTC)  # 8:30 in Mexico City, a holiday


@pytest.fixture
def boss(supervisora: User) -> Client:
    return browser_of(supervisora)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def answered(clock: Any, by: User) -> Ticket:
    """A ticket whose person waited for an hour."""
    ticket = make_ticket(make_contact(), created=datetime.now(UTC))
    Conversation.locked_for(ticket.contact).append(ticket, "user", "Hola", state="recibido")
    ticket.waiting_since = datetime.now(UTC)
    ticket.save()
    clock.shift(3600)
    compose.write(ticket.pk, by, compose.Draft(text="Voy"))
    return ticket


def waited(ticket: Ticket) -> int:
    """For how many seconds of attention the ticket's person waited, by its log."""
    return Segment.objects.get(ticket=ticket, measure="primera").value


def test_a_supervisor_writes_the_hours_of_attention(boss: Client) -> None:
    page = text_of(boss.post(f"{HOURS}add/", {**OFFICE, "end": "18:00"}, follow=True))
    assert AGAIN in page
    assert "lun a vie" in page and "9:00 a 18:00" in page
    assert calendar.load().said() == "lun a vie de 9:00 a 18:00"


def test_midnight_ends_the_day(boss: Client) -> None:
    boss.post(f"{HOURS}add/", {"saturday": "on", "start": "20:00", "end": "0:00"})
    assert calendar.load().said() == "sáb de 20:00 a 24:00"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"start": "9:00", "end": "18:00"}, "Elige al menos un día."),
        ({**OFFICE, "end": "8:00"}, "Debe ser después de la hora de inicio."),
        ({**OFFICE, "end": "17:00"}, "Se encima con otro horario: lun de 8:00 a 10:00."),
        ({**OFFICE, "end": "las seis"}, "Introduzca una hora válida."),
        ({**OFFICE, "end": "25:00"}, "Introduzca una hora válida."),
        ({**OFFICE, "end": ""}, "Este campo es requerido"),
        ({**OFFICE, "end": "9:00\x00"}, "Introduzca una hora válida."),
    ],
    ids=["no day", "backwards", "overlap", "words", "no such hour", "missing", "nul"],
)
def test_hours_that_make_no_sense_are_explained_in_spanish(boss: Client, fields: dict[str, str], problem: str) -> None:
    OpeningHours.objects.create(monday=True, start=time(8), end=time(10))
    response = boss.post(f"{HOURS}add/", fields)
    assert response.status_code == 200
    assert problem in text_of(response)
    assert OpeningHours.objects.count() == 1


def test_hours_that_were_changed_or_deleted_count_from_then_on(boss: Client) -> None:
    row = OpeningHours.objects.create(monday=True)
    assert AGAIN in text_of(boss.post(f"{HOURS}{row.pk}/change/", {**OFFICE, "end": "15:00"}, follow=True))
    assert calendar.load().said() == "lun a vie de 9:00 a 15:00"
    assert AGAIN not in text_of(boss.post(f"{HOURS}{row.pk}/change/", {**OFFICE, "end": "15:00"}, follow=True))
    assert AGAIN in text_of(boss.post(f"{HOURS}{row.pk}/delete/", {"post": "yes"}, follow=True))
    assert calendar.load().plain


def test_a_dated_holiday_counts_nothing_whenever_it_was_written(boss: Client, clock: Any, tecnica: User) -> None:
    ticket = answered(clock, tecnica)
    assert waited(ticket) == 3600
    boss.post(f"{HOURS}add/", {**OFFICE, "end": "18:00"})
    times.refresh()
    assert waited(ticket) == 1800
    page = boss.post(f"{HOLIDAYS}add/", {"date": "16/11/2026", "name": "Revolución"}, follow=True)
    assert AGAIN in text_of(page)
    assert "lunes 16 de noviembre de 2026" in text_of(page).lower()
    times.refresh()
    assert waited(ticket) == 0
    [holiday] = Holiday.objects.all()
    boss.post(HOLIDAYS, {"action": "delete_selected", "_selected_action": holiday.pk, "post": "yes"})
    times.refresh()
    assert waited(ticket) == 1800


def test_a_change_of_the_calendar_has_all_times_counted_again(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    woken = []
    monkeypatch.setattr("chat.admin.calendar.wake_on_commit", lambda task: woken.append(task.name))
    boss.post(f"{HOLIDAYS}add/", {"date": "16/11/2026", "name": "Revolución"})
    assert woken == ["chat.refresh_times"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"date": "31/02/2026", "name": "Nunca"}, "Introduzca una fecha válida."),
        ({"date": "mañana", "name": "Pronto"}, "Introduzca una fecha válida."),
        ({"date": "", "name": "Cuándo"}, "Este campo es requerido"),
        ({"date": "17/11/2026", "name": ""}, "Este campo es requerido"),
        ({"date": "16/11/2026", "name": "Otra vez"}, "Ya existe"),
        ({"date": "17/11/2026", "name": "x" * 121}, "120"),
    ],
    ids=["no such day", "words", "no date", "no name", "twice", "too long"],
)
def test_a_holiday_that_makes_no_sense_is_explained_in_spanish(
    boss: Client, fields: dict[str, str], problem: str
) -> None:
    Holiday.objects.create(date=date(2026, 11, 16), name="Revolución")
    response = boss.post(f"{HOLIDAYS}add/", fields)
    assert response.status_code == 200
    assert problem in text_of(response)
    assert Holiday.objects.count() == 1


def test_mexicos_days_of_rest_of_a_year_are_added_once_by_a_button(boss: Client) -> None:
    Holiday.objects.create(date=date(2027, 5, 1), name="Nuestro día")
    assert "oficiales/" in text_of(boss.get(HOLIDAYS))
    page = text_of(boss.post(f"{HOLIDAYS}oficiales/", {"anio": "2027"}, follow=True))
    assert "Se agregaron 6 días de descanso oficiales de 2027." in page
    assert AGAIN in page
    assert Holiday.objects.get(date=date(2027, 5, 1)).name == "Nuestro día"
    page = text_of(boss.post(f"{HOLIDAYS}oficiales/", {"anio": "2027"}, follow=True))
    assert "Los días de descanso oficiales de 2027 ya estaban." in page
    assert Holiday.objects.count() == 7


@pytest.mark.parametrize("year", ["", "2023", "2101", "este", "2027\x00", "9" * 5000])
def test_a_year_that_makes_no_sense_adds_nothing(boss: Client, year: str) -> None:
    page = text_of(boss.post(f"{HOLIDAYS}oficiales/", {"anio": year}, follow=True))
    assert "Elige un año entre 2024 y 2100." in page
    assert not Holiday.objects.exists()


def test_only_a_form_adds_the_days_of_rest(boss: Client) -> None:
    assert boss.get(f"{HOLIDAYS}oficiales/").status_code == 405


@pytest.mark.parametrize("url", [HOURS, f"{HOURS}add/", HOLIDAYS, f"{HOLIDAYS}add/", f"{HOLIDAYS}oficiales/"])
def test_a_technician_does_not_enter_the_calendar(desk: Client, url: str) -> None:
    assert desk.get(url).status_code in (302, 403, 404)
    assert desk.post(url, {"anio": "2027", "date": "2026-11-16", "name": "Mío", **OFFICE}).status_code in (
        302,
        403,
        404,
    )
    assert not Holiday.objects.exists() and not OpeningHours.objects.exists()
