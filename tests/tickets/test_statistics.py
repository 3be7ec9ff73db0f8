"""The page of statistics as a supervisor sees it: every figure, what it opens, and the files."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import compose, decisions
from chat.models import Conversation
from tests.factory import make_contact, make_ticket, make_user
from tests.supervision import browser_of, text_of
from tickets import statistics_charts, statistics_words
from tickets.models import OpeningHours, Ticket
from tickets.statistics import AGES, Figure, Period, aged, open_by_age

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)  # Friday, 12:00 in Mexico City
MINUTE = 60
PAGE, LIST, CSV = "/estadisticas", "/estadisticas/tickets", "/estadisticas/csv"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def boss(clock: Any, supervisora: User) -> Client:
    return browser_of(supervisora)


def person_writes(ticket: Ticket | None = None, **fields: Any) -> Ticket:
    """A message that waits for an answer; of a new ticket unless one is given."""
    ticket = ticket or make_ticket(make_contact(), **{"created": datetime.now(UTC), **fields})
    ticket.refresh_from_db()
    conversation = Conversation.locked_for(ticket.contact)
    if not ticket.is_open:
        ticket.reopen()
    conversation.append(ticket, "user", "Hola", state="recibido")
    ticket.waiting_since = ticket.waiting_since or datetime.now(UTC)
    ticket.last_role = "user"
    ticket.save()
    return ticket


def answered(clock: Any, by: User, minutes: float, ticket: Ticket | None = None, **fields: Any) -> Ticket:
    """A ticket whose person waited so long for an answer."""
    ticket = person_writes(ticket, **fields)
    clock.shift(minutes * MINUTE)
    compose.write(ticket.pk, by, compose.Draft(text="Voy"))
    return ticket


def shown(client: Client, path: str = PAGE) -> str:
    response = client.get(path)
    assert response.status_code == 200, text_of(response)
    return text_of(response)


def said(page: str) -> str:
    """The words of a page, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def figures(page: str) -> list[tuple[str, str]]:
    """(text, address) of every link to a list, but those of charts."""
    found = re.findall(r'<a (?:class="num" )?href="(/estadisticas/tickets[^"]*)"[^>]*>([^<]*)</a>', page)
    return [(words.strip(), html.unescape(url)) for url, words in found]


def listed(client: Client, url: str) -> int:
    """How many the list says it has; as many rows as that are in its file."""
    counted = re.search(r"<h1>[^<]*<span class=\"num\">(\d+)</span>", shown(client, url))
    assert counted
    rows = list(csv.reader(io.StringIO(client.get(f"{url}&formato=csv").content.decode("utf-8-sig"))))
    assert len(rows) - 1 == int(counted[1])
    return int(counted[1])


# Who may see it


@pytest.mark.parametrize("path", [PAGE, LIST, CSV])
def test_it_does_not_exist_for_technicians_nor_for_strangers(desk: Client, extrana: User, path: str) -> None:
    assert desk.get(path).status_code == 404
    assert browser_of(extrana).get(path).status_code == 404
    assert Client().get(path)["Location"].startswith("/entrar")


def test_supervisors_and_superusers_see_it(boss: Client) -> None:
    assert "Estadísticas" in shown(boss)
    assert "Estadísticas" in shown(browser_of(make_user("root", is_superuser=True)))


def test_only_who_may_is_offered_it_in_the_header(boss: Client, desk: Client) -> None:
    link = f'<a href="{PAGE}"'
    assert link in shown(boss, "/")
    assert link not in shown(desk, "/")


# What it says


def test_the_figures_of_each_measure_are_median_and_ninetieth_percentile(
    boss: Client, clock: Any, tecnica: User
) -> None:
    for minutes in (2, 4, 6, 60):
        ticket = answered(clock, tecnica, minutes)
    answered(clock, tecnica, 3, ticket)
    decisions.change(ticket, state="Resuelto")
    page = said(shown(boss))
    assert "Primera respuesta 4 min mediana 9 de cada 10 en 1 h o menos 4 respuestas" in page
    assert "Respuestas siguientes 3 min mediana 9 de cada 10 en 3 min o menos 1 respuesta" in page
    assert "Resolución 1 h 3 min mediana 9 de cada 10 en 1 h 3 min o menos 1 resuelto" in page


def test_a_period_is_compared_with_as_many_days_before_it(boss: Client, clock: Any, tecnica: User) -> None:
    clock.shift(-14 * 24 * 3600)
    answered(clock, tecnica, 60)  # on the last day that does not count
    clock.shift(24 * 3600)
    answered(clock, tecnica, 10)
    clock.shift(13 * 24 * 3600)
    answered(clock, tecnica, 5)
    answered(clock, tecnica, 5)
    page = said(shown(boss, f"{PAGE}?periodo=7-dias"))
    assert "▼ 50 % más rápido que los 7 días anteriores ( 10 min )" in page
    assert "Tickets nuevos 2 ▲ 1 más que los 7 días anteriores ( 1 )" in page


def test_the_first_and_the_last_day_are_whole_and_the_next_midnight_is_not(
    boss: Client, clock: Any, tecnica: User
) -> None:
    clock.move_to(datetime(2026, 11, 20, 5, 50, tzinfo=UTC))  # 23:50 of the 19th
    answered(clock, tecnica, 9)
    answered(clock, tecnica, 1)  # at midnight
    assert "1 respuesta" in said(shown(boss, f"{PAGE}?desde=2026-11-19&hasta=2026-11-19"))
    assert "1 respuesta" in said(shown(boss, f"{PAGE}?desde=2026-11-20&hasta=2026-11-20"))


def test_the_breakdown_is_of_the_measure_that_is_chosen(boss: Client, clock: Any, tecnica: User) -> None:
    ticket = answered(clock, tecnica, 5, category="Red")
    decisions.change(ticket, state="Resuelto")
    first, resolution = said(shown(boss)), said(shown(boss, f"{PAGE}?medida=resolucion"))
    assert "Ana Ruiz" in first and "Red 5 min · 5 min" in first and "Viernes 5 min" in first
    assert "Sin técnico" in resolution and "Red 5 min · 5 min" in resolution


def test_the_hour_is_that_in_which_the_wait_began(boss: Client, clock: Any, tecnica: User) -> None:
    answered(clock, tecnica, 90)
    assert "vie 12 h: mediana 1 h 30 min" in said(shown(boss))


def test_who_waits_now_is_listed_the_longest_first_with_their_chat(boss: Client, clock: Any, tecnica: User) -> None:
    first = person_writes(name="Lucía Prado", technician=tecnica)
    clock.shift(30 * MINUTE)
    second = person_writes(name="Beto Ríos")
    clock.shift(5 * MINUTE)
    page = shown(boss)
    assert "Esperan respuesta ahora: 2 La más larga: 35 min" in said(page)
    assert f"#{first.pk} Lucía Prado Ana Ruiz 35 min #{second.pk} Beto Ríos Sin técnico 5 min" in said(page)
    assert f'href="/?chat={first.pk}"' in page


def test_open_tickets_are_counted_by_age_and_turn(boss: Client, clock: Any, tecnica: User) -> None:
    answered(clock, tecnica, 1)
    clock.shift(24 * 3600)
    person_writes()
    page = said(shown(boss))
    assert "Abiertos ahora, por antigüedad: 2" in page
    assert "Menos de 1 hora: 1; espera respuesta nuestra: 1" in page
    assert "De 1 a 3 días: 1; espera respuesta nuestra: 0, con el asistente: 0, espera a la persona: 1" in page


def test_an_age_on_the_edge_is_counted_and_listed_once(clock: Any) -> None:
    for most, _ in AGES[:-1]:
        for seconds in (-1, 0, 1):
            person_writes(created=NOW - most + timedelta(seconds=seconds))
    counts = [sum(row.values()) for row in open_by_age(NOW)]
    assert counts == [aged(index, NOW).count() for index in range(len(AGES))]
    assert sum(counts) == Ticket.objects.count()


def test_it_says_which_hours_count_and_that_the_assistants_never_do(boss: Client) -> None:
    assert "Cuentan las 24 horas de todos los días" in said(shown(boss))
    OpeningHours.objects.create(monday=True, tuesday=True, wednesday=True)
    page = said(shown(boss))
    assert "Sólo cuenta el horario de atención : lun a mié de 9:00 a 18:00" in page
    assert "Lo que tarda el asistente no es espera nuestra: no cuenta." in page


def test_it_says_when_times_are_being_counted_again(boss: Client, clock: Any, tecnica: User) -> None:
    answered(clock, tecnica, 5)
    assert "Se están contando otra vez" not in shown(boss)
    OpeningHours.objects.create(monday=True)
    assert "Se están contando otra vez" in shown(boss)


def test_without_anything_each_part_says_what_would_be_there(boss: Client) -> None:
    page = said(shown(boss))
    assert page.count("Ninguna en este periodo") == 3
    for words in ("Nadie espera una respuesta nuestra", "No hay ningún ticket abierto", "Nada que contar"):
        assert words in page


# What it opens


def test_every_figure_opens_as_many_as_it_counts(boss: Client, clock: Any, tecnica: User, supervisora: User) -> None:
    for minutes, who, category in ((2, tecnica, "Red"), (4, supervisora, "Correo"), (60, tecnica, "")):
        ticket = answered(clock, who, minutes, category=category)
        answered(clock, tecnica, minutes * 2, ticket)
    decisions.take(ticket, tecnica)
    decisions.change(ticket, state="Resuelto")
    person_writes()
    seen = 0
    for measure in ("primera", "siguientes", "resolucion"):
        for words, url in figures(shown(boss, f"{PAGE}?medida={measure}")):
            if counted := re.fullmatch(r"(\d+)(?: respuestas?| resueltos?)?", words):
                assert listed(boss, url) == int(counted[1]), (words, url)
                seen += 1
            else:
                assert listed(boss, url) or words == "0 s", (words, url)
    assert seen > 100


def test_the_ninetieth_percentile_opens_the_slowest_tenth(boss: Client, clock: Any, tecnica: User) -> None:
    for minutes in range(1, 12):
        answered(clock, tecnica, minutes)
    found = {url: words for words, url in figures(shown(boss)) if "minimo=" in url and "&hora" not in url}
    whole = min(found, key=len)
    assert found[whole] == "10 min"
    assert listed(boss, whole) == 2


def test_a_list_shows_the_slowest_first_and_leads_to_their_chats(boss: Client, clock: Any, tecnica: User) -> None:
    fast, slow = answered(clock, tecnica, 2), answered(clock, tecnica, 40)
    page = shown(boss, f"{LIST}?que=primera&desde=2026-11-20&hasta=2026-11-20")
    assert re.findall(r'href="/\?chat=(\d+)"', page) == [str(slow.pk), str(fast.pk)]
    assert "Primeras respuestas: 2 del" not in said(page)
    assert "Primeras respuestas: 2 el 20 de noviembre de 2026" in said(page)


def test_a_reopened_ticket_is_no_resolution_until_it_is_closed_again(boss: Client, clock: Any, tecnica: User) -> None:
    ticket = answered(clock, tecnica, 2)
    decisions.change(ticket, state="Resuelto")
    url = f"{LIST}?que=resolucion&desde=2026-11-20&hasta=2026-11-20"
    assert listed(boss, url) == 1
    clock.shift(MINUTE)
    person_writes(ticket)
    assert listed(boss, url) == 0
    clock.shift(MINUTE)
    decisions.change(ticket, state="Cerrado")
    assert listed(boss, url) == 1


def test_a_long_list_has_pages(boss: Client, clock: Any, tecnica: User) -> None:
    for _ in range(51):
        person_writes()
    page = shown(boss, f"{LIST}?que=esperan")
    assert "Página 1 de 2" in said(page)
    assert "Página 2 de 2" in said(shown(boss, f"{LIST}?que=esperan&pagina=2"))


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("", "Falta «que»."),
        ("que=todo", "No existe esa lista."),
        ("que=primera", "Elige las dos fechas"),
        ("que=primera&desde=2026-11-20&hasta=ayer", "«Hasta» no es una fecha."),
        ("que=primera&desde=2026-11-20&hasta=2026-11-20&tecnico=yo", "«ninguno»"),
        ("que=primera&desde=2026-11-20&hasta=2026-11-20&dia=7", "menor o igual a 6"),
        ("que=esperan&minimo=9999999999999999999999", "menor o igual"),
    ],
)
def test_a_list_that_makes_no_sense_says_why(boss: Client, query: str, problem: str) -> None:
    response = boss.get(f"{LIST}?{query}")
    assert response.status_code == 400
    assert problem in said(text_of(response))


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("desde=2026-11-20&hasta=2026-11-19", "La primera fecha debe ser antes de la segunda."),
        ("desde=2026-11-20", "Elige las dos fechas"),
        ("desde=2025-01-01&hasta=2026-11-20", "A lo más 366 días."),
        ("desde=0001-01-01&hasta=0001-01-02", "demasiado lejos"),
        ("desde=x&hasta=2026-11-20", "«Desde» no es una fecha."),
    ],
)
def test_dates_that_make_no_sense_are_explained_and_the_last_30_days_shown(
    boss: Client, query: str, problem: str
) -> None:
    response = boss.get(f"{PAGE}?{query}")
    assert response.status_code == 400
    page = said(text_of(response))
    assert problem in page
    assert "30 días" in page
    assert boss.get(f"{CSV}?{query}").status_code == 400


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("hoy", "Hoy"),
        ("7-dias", "7 días"),
        ("30-dias", "30 días"),
        ("mes", "Este mes"),
        ("nada", "30 días"),
        ("\x00", "30 días"),
    ],
)
def test_a_ready_made_period_is_marked(boss: Client, name: str, label: str) -> None:
    page = shown(boss, f"{PAGE}?periodo={name}&medida=\x00")
    assert re.findall(r'aria-current="page">([^<]*)<', page) == ["Estadísticas", label, "Primera respuesta"]


# Files


def test_the_file_has_every_figure_of_the_period_and_of_the_one_before(boss: Client, clock: Any, tecnica: User) -> None:
    answered(clock, tecnica, 5, category="Red")
    response = boss.get(f"{CSV}?desde=2026-11-20&hasta=2026-11-20")
    assert response["Content-Disposition"] == 'attachment; filename="estadisticas-2026-11-20-2026-11-20.csv"'
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert {row["Periodo"] for row in rows} == {"2026-11-20 a 2026-11-20", "2026-11-19 a 2026-11-19"}
    first = [row for row in rows if row["Medida"] == "Primera respuesta" and row["Casos"] == "1"]
    assert {row["Por"] for row in first} == {"Todos", "Técnico", "Categoría", "Día", "Hora", "Día y hora"}
    assert {(row["Mediana (s)"], row["Mediana"]) for row in first} == {("300", "5 min")}
    assert "Ana Ruiz" in [row["Grupo"] for row in first]


def test_no_cell_of_a_file_can_become_a_formula(boss: Client, clock: Any, tecnica: User) -> None:
    answered(clock, tecnica, 5, category="=HYPERLINK(1)")
    for url in (CSV, f"{LIST}?que=primera&desde=2026-11-20&hasta=2026-11-20&formato=csv"):
        text = boss.get(url).content.decode("utf-8-sig")
        assert "'=HYPERLINK(1)" in text
        assert not [cell for row in csv.reader(io.StringIO(text)) for cell in row if cell.startswith("=")]


def test_a_file_of_tickets_tells_neither_names_nor_phones(boss: Client, clock: Any, tecnica: User) -> None:
    ticket = answered(clock, tecnica, 5)
    text = boss.get(f"{LIST}?que=primera&desde=2026-11-20&hasta=2026-11-20&formato=csv").content.decode()
    assert f"{ticket.pk},," in text
    assert "Juan" not in text and ticket.contact.address not in text


# Hostile words, and what it costs


def test_what_people_wrote_is_text_in_charts_and_tables(boss: Client, clock: Any, tecnica: User) -> None:
    answered(clock, tecnica, 5, category="<script>alert(1)</script>", name="<b>Ana</b>")
    person_writes(name='"><img src=x>')
    page = shown(boss) + shown(boss, f"{LIST}?que=primera&desde=2026-11-20&hasta=2026-11-20")
    assert "<script>alert" not in page and "<b>Ana" not in page and "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script" in page


def test_the_pages_have_one_main_heading_and_nothing_inline(boss: Client, clock: Any, tecnica: User) -> None:
    answered(clock, tecnica, 5)
    for path in (PAGE, f"{LIST}?que=abiertos"):
        page = shown(boss, path)
        assert page.count("<h1") == 1
        assert "<style" not in page and " style=" not in page and "<script>" not in page


def test_charts_are_for_the_eye_and_the_mouse_alone(boss: Client, clock: Any, tecnica: User) -> None:
    answered(clock, tecnica, 5)
    charts = re.findall(r"<svg.*?</svg>", shown(boss), re.DOTALL)
    assert len(charts) == 6
    for chart in charts:
        assert 'aria-hidden="true"' in chart
        assert chart.count("<a ") == chart.count('tabindex="-1"') == chart.count("<title>")


def test_queries_do_not_grow_with_tickets_nor_with_groups(boss: Client, clock: Any) -> None:
    def asked() -> list[int]:
        costs = []
        for path in (PAGE, f"{LIST}?que=primera&desde=2026-11-20&hasta=2026-11-20", CSV):
            boss.get(path)
            with CaptureQueriesContext(connection) as queries:
                boss.get(path)
            costs.append(len(queries))
        return costs

    def add(count: int) -> None:
        for number in range(count):
            person = make_user(f"t{Ticket.objects.count()}")
            ticket = answered(clock, person, 1, category=f"C{Ticket.objects.count()}")
            answered(clock, person, 1, ticket)
            if number % 2:
                decisions.change(ticket, state="Resuelto")

    add(2)
    before = asked()
    add(12)
    assert asked() == before


# Words and charts


@pytest.mark.parametrize(
    ("seconds", "plain", "attention"),
    [
        (0, "0 s", "0 s"),
        (59, "59 s", "59 s"),
        (60, "1 min", "1 min"),
        (3599, "59 min", "59 min"),
        (3600, "1 h", "1 h"),
        (7500, "2 h 5 min", "2 h 5 min"),
        (47 * 3600, "47 h", "47 h"),
        (76 * 3600, "3 d 4 h", "76 h"),
        (72 * 3600, "3 d", "72 h"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: int, plain: str, attention: str) -> None:
    assert statistics_words.duration(seconds) == plain
    assert statistics_words.duration(seconds, days=False) == attention


def test_a_change_is_said_in_words_and_not_by_the_arrow_alone() -> None:
    said = [statistics_words.change(now, 100, "más lento", "más rápido") for now in (112, 92, 100)]
    assert said == ["▲ 12 % más lento", "▼ 8 % más rápido", "= igual"]
    assert statistics_words.change(5, 0, "más lento", "más rápido") == "▲ más lento"


def test_a_period_is_said_as_people_say_it() -> None:
    day = NOW.date()
    assert statistics_words.period(Period(day, day)) == "el 20 de noviembre de 2026"
    assert statistics_words.period(Period(day - timedelta(2), day)) == "del 18 de noviembre al 20 de noviembre de 2026"
    assert statistics_words.earlier(Period(day, day)) == "el día anterior"


def test_one_very_long_hour_does_not_make_all_others_look_alike() -> None:
    assert statistics_charts.levels({1: 10, 2: 20, 3: 30, 4: 40, 5: 10_000}) == {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}


def test_percentiles_are_times_of_real_tickets() -> None:
    assert Figure.of(range(1, 11)) == Figure(10, 5, 9)
    assert Figure.of([7]) == Figure(1, 7, 7)
    assert Figure.of([]) == Figure()
