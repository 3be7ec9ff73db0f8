"""The ticket table, as a browser gets it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factory import make_contact, make_many_tickets, make_ticket
from tickets import paging
from tickets.filters import choose_tab
from tickets.models import Contact, Ticket
from tickets.paging import BoundedCount


@pytest.fixture
def written_anew() -> Iterator[None]:
    """Queries with another size of pages or cap than before."""
    vars(connection).pop("prepared", None)
    yield
    vars(connection).pop("prepared", None)


NOON = datetime(2026, 2, 5, 18, 0, tzinfo=UTC)  # 12:00 in Mexico City, a Thursday


def page(client: Client, query: str = "") -> str:
    response = client.get(f"/{query}")
    assert response.status_code == 200
    return response.content.decode()


def rows(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<tr role="row" data-ticket="(\d+)"', html)]


def counts(html: str) -> dict[str, str]:
    return dict(re.findall(r'>([^<>]+) <span class="count">([^<]*)</span>', html))


def test_a_row_shows_the_person_the_equipment_and_the_problem(desk: Client, tecnica: User) -> None:
    contact = make_contact("5214772758198", name="Juan Pérez")
    make_ticket(contact, technician=tecnica, category="Hardware", priority="Urgente", state="En proceso")
    html = page(desk)
    for shown in ("Juan Pérez", "+52 1 477 275 8198", "Contabilidad", "Laptop", "ACT-0042", "Mi laptop no enciende"):
        assert shown in html
    for shown in ("No enciende", "En proceso", "Urgente", "Hardware", "Ana Ruiz"):
        assert shown in html


def test_a_row_has_the_three_actions(desk: Client) -> None:
    pk = make_ticket().pk
    html = page(desk)
    for name, label in (("chat", "Chat en Vivo"), ("historial", "Historial"), ("notificar", "Notificar")):
        assert f'href="/?{name}={pk}" data-abrir="{name}" data-ticket="{pk}"' in html
        assert label in html


def test_what_is_not_known_yet_is_shown_as_missing(desk: Client) -> None:
    make_ticket(make_contact(name=""), name="", department="", equipment="", fault="", last_text="", last_role="")
    html = page(desk)
    assert "Sin equipo" in html
    assert "Falla sin describir" in html
    assert "Sin mensajes" in html


def test_a_normal_priority_is_not_mentioned(desk: Client) -> None:
    make_ticket()
    assert "Prioridad" not in page(desk)


def test_unread_messages_are_counted_in_words_too(desk: Client) -> None:
    make_ticket(unread=3)
    assert '3<span class="sr-only"> sin leer</span>' in page(desk)


def test_what_people_write_is_escaped(desk: Client) -> None:
    make_ticket(name="<img src=x onerror=alert(1)>", last_text="</td><script>alert(1)</script>")
    html = page(desk)
    assert "<img" not in html
    assert "<script>alert" not in html


def test_the_newest_activity_comes_first_and_ties_by_number(desk: Client) -> None:
    old, new = make_ticket(last_activity=NOON), make_ticket(last_activity=NOON + timedelta(hours=1))
    tie = make_ticket(last_activity=NOON)
    assert rows(page(desk)) == [new.pk, tie.pk, old.pk]


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(minutes=90), "10:30"),
        (timedelta(hours=13), "ayer"),
        (timedelta(days=3), "lun"),
        (timedelta(days=20), "16 ene"),
        (timedelta(days=60), "7 dic 2025"),
    ],
)
def test_times_are_said_as_people_say_them(desk: Client, ago: timedelta, said: str) -> None:
    make_ticket(last_activity=NOON - ago)
    with time_machine.travel(NOON, tick=False):
        assert f">{said}</time>" in page(desk)


@pytest.mark.parametrize(
    ("waited", "said"),
    [(timedelta(seconds=20), "&lt;1 min"), (timedelta(minutes=4), "4 min"), (timedelta(hours=30), "30 h")],
)
def test_the_wait_is_said_from_when_the_person_began_to_wait(desk: Client, waited: timedelta, said: str) -> None:
    make_ticket(waiting_since=NOON - waited)
    with time_machine.travel(NOON, tick=False):
        assert f"data-espera>{said}</time>" in page(desk)


def test_each_tab_lists_and_counts_its_own(desk: Client, tecnica: User, supervisora: User) -> None:
    mine = make_ticket(technician=tecnica)
    other = make_ticket(technician=supervisora)
    nobody = make_ticket(waiting_since=timezone.now())
    done, closed = make_ticket(state="Resuelto", technician=tecnica), make_ticket(state="Cerrado")
    listed = {
        name: set(rows(page(desk, f"?ver={name}")))
        for name in ("abiertos", "mios", "sin-asignar", "sin-responder", "resueltos", "todos")
    }
    assert listed == {
        "abiertos": {mine.pk, other.pk, nobody.pk},
        "mios": {mine.pk},
        "sin-asignar": {nobody.pk},
        "sin-responder": {nobody.pk},
        "resueltos": {done.pk, closed.pk},
        "todos": {mine.pk, other.pk, nobody.pk, done.pk, closed.pk},
    }
    assert counts(page(desk)) == {
        "Abiertos": "3",
        "Míos": "1",
        "Sin asignar": "1",
        "Sin responder": "1",
        "Resueltos": "2",
    }


def test_counts_stop_at_their_cap(desk: Client, monkeypatch: pytest.MonkeyPatch, written_anew: None) -> None:
    monkeypatch.setattr(paging, "COUNT_CAP", 2)
    for _ in range(3):
        make_ticket()
    assert counts(page(desk))["Abiertos"] == "1+"


def test_filters_by_state_and_technician(desk: Client, tecnica: User) -> None:
    mine = make_ticket(technician=tecnica, state="En proceso")
    nobody = make_ticket(state="En proceso")
    make_ticket(state="Pendiente")
    assert set(rows(page(desk, "?estado=En+proceso"))) == {mine.pk, nobody.pk}
    assert rows(page(desk, f"?estado=En+proceso&tecnico={tecnica.pk}")) == [mine.pk]
    assert rows(page(desk, "?estado=En+proceso&tecnico=ninguno")) == [nobody.pk]


def test_a_closed_state_is_found_without_choosing_a_tab(desk: Client) -> None:
    make_ticket()
    closed = make_ticket(state="Cerrado")
    assert rows(page(desk, "?estado=Cerrado")) == [closed.pk]


def test_search_ignores_accents_and_case(desk: Client) -> None:
    found = make_ticket(name="María Ñáñez")
    make_ticket(name="Otro")
    assert rows(page(desk, "?q=MARIA+nañez")) == [found.pk]


def test_search_finds_a_phone_by_its_digits(desk: Client) -> None:
    found = make_ticket(make_contact("5214772758198"))
    make_ticket()
    assert rows(page(desk, "?q=2758198")) == [found.pk]


@pytest.mark.parametrize("query", ["%25", "_", "%00", "a%00", "x" * 10_000, "%27%22--", "%F0%9F%98%80", "%FF"])
def test_any_text_may_be_searched_for(desk: Client, query: str) -> None:
    make_ticket(name="Juan")
    html = page(desk, f"?q={query}")
    assert len(rows(html)) == (1 if query == "%00" or query == "a%00" else 0)


@pytest.mark.parametrize(
    "query", ["estado=Inventado", "tecnico=nadie", f"tecnico={10**40}", "tecnico=-1", "ver=otra", "telefono=hola"]
)
def test_a_filter_that_makes_no_sense_is_left_out(desk: Client, query: str) -> None:
    pk = make_ticket().pk
    assert rows(page(desk, f"?{query}")) == [pk]


def test_nothing_found_offers_to_clear_the_filter_and_to_look_everywhere(desk: Client) -> None:
    make_ticket()
    html = page(desk, "?q=zzz")
    assert "Nada coincide con tu búsqueda" in html
    assert 'href="/">Quitar filtros' in html
    assert 'href="/?ver=todos&amp;q=zzz"' in html


@pytest.mark.parametrize("tab", ["abiertos", "mios", "sin-asignar", "sin-responder", "resueltos"])
def test_an_empty_list_says_what_it_is_for(desk: Client, tab: str) -> None:
    assert re.search(r'<div class="empty".*?<h2>.+?</h2>\s*<p>.+?</p>', page(desk, f"?ver={tab}"), re.S)


def test_paging_reaches_every_ticket_once(desk: Client, monkeypatch: pytest.MonkeyPatch, written_anew: None) -> None:
    monkeypatch.setattr(paging, "PAGE", 3)
    made = [make_ticket(last_activity=NOON - timedelta(minutes=number // 2)).pk for number in range(8)]
    seen, query = [], "?ver=abiertos"
    while True:
        html = page(desk, query)
        seen += rows(html)
        following = re.search(r'rel="next" href="/([^"]+)"', html)
        if not following:
            break
        query = following[1].replace("&amp;", "&")
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(made)


def test_paging_keeps_the_filters_and_forgets_the_open_chat(
    desk: Client, monkeypatch: pytest.MonkeyPatch, written_anew: None
) -> None:
    monkeypatch.setattr(paging, "PAGE", 1)
    pk = make_ticket().pk
    make_ticket()
    following = re.search(r'rel="next" href="/([^"]+)"', page(desk, f"?q=juan&chat={pk}"))
    assert following
    assert "q=juan" in following[1]
    assert "chat" not in following[1]


@pytest.mark.parametrize("cursor", ["x", "a:b:c", "%00", "W10:1wX:zzz"])
def test_a_tampered_cursor_shows_the_first_page(desk: Client, cursor: str) -> None:
    pk = make_ticket().pk
    assert rows(page(desk, f"?cursor={cursor}")) == [pk]


@pytest.mark.parametrize("path", ["/", "/?parcial=1", "/?q=juan&estado=Pendiente", "/?ver=mios"])
def test_the_table_takes_five_queries_and_then_three_however_long_it_is(desk: Client, tecnica: User, path: str) -> None:
    """At first session and user; then who works here, the counts of the tabs, and the rows."""
    taken = []
    for more in (10, 990):
        make_many_tickets(more, unread=1, technician=tecnica)
        with CaptureQueriesContext(connection) as queries:
            desk.get(path)
        taken.append(len(queries))
    assert taken == [5, 3]


def test_the_fragment_is_only_what_changes(desk: Client) -> None:
    pk = make_ticket().pk
    html = page(desk, "?parcial=1")
    assert rows(html) == [pk]
    assert 'data-parte="pestanas"' in html
    assert "<html" not in html and "<form" not in html


@pytest.mark.parametrize(
    "change",
    [
        lambda ticket: Ticket.objects.filter(pk=ticket.pk).update(last_text="Sigue sin encender"),
        lambda ticket: Ticket.objects.filter(pk=ticket.pk).update(unread=1),
        lambda ticket: Contact.objects.update(push_name="Juanito", name=""),
        lambda ticket: Contact.objects.update(address="524772758198"),
        lambda ticket: User.objects.update(first_name="Beto"),
        lambda ticket: make_ticket(state="Cerrado"),
    ],
)
def test_the_fragment_is_not_sent_again_until_something_changes(
    desk: Client, tecnica: User, change: Callable[[Ticket], object]
) -> None:
    ticket = make_ticket(make_contact(), name="", technician=tecnica)
    etag = desk.get("/?parcial=1")["ETag"]
    assert desk.get("/?parcial=1", headers={"If-None-Match": etag}).status_code == 304
    change(ticket)
    assert desk.get("/?parcial=1", headers={"If-None-Match": etag}).status_code == 200


def test_a_list_of_several_pages_is_not_sent_again_either(
    desk: Client, monkeypatch: pytest.MonkeyPatch, written_anew: None
) -> None:
    monkeypatch.setattr(paging, "PAGE", 1)
    make_ticket(), make_ticket()
    with time_machine.travel(NOON, tick=False) as clock:
        etag = desk.get("/?parcial=1")["ETag"]
        clock.shift(30)
        assert desk.get("/?parcial=1", headers={"If-None-Match": etag}).status_code == 304


def test_the_fragment_is_sent_again_on_a_new_day(desk: Client) -> None:
    make_ticket(last_activity=NOON)
    with time_machine.travel(NOON, tick=False) as clock:
        etag = desk.get("/?parcial=1")["ETag"]
        clock.shift(timedelta(days=1))
        assert desk.get("/?parcial=1", headers={"If-None-Match": etag}).status_code == 200


def test_the_table_is_kept_by_no_cache(desk: Client) -> None:
    assert desk.get("/")["Cache-Control"] == "private, no-cache"


def test_a_ticket_with_a_picture_links_to_it(desk: Client) -> None:
    pk = make_ticket(evidence="evidencia/foto.jpg").pk
    make_ticket()
    assert re.findall(r'href="(/ticket/\d+/evidencia)"', page(desk)) == [f"/ticket/{pk}/evidencia"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by how full a table is")
@pytest.mark.parametrize("name", ["abiertos", "sin-asignar", "sin-responder", "resueltos"])
def test_a_tab_is_counted_in_its_index_without_a_look_at_the_tickets(tecnica: User, name: str) -> None:
    count = BoundedCount(choose_tab(name, "").choose(Ticket.objects.all(), tecnica.pk))
    plan = User.objects.values_list(count).explain()
    assert "USING COVERING INDEX ticket_" in plan and "USING INDEX" not in plan, plan
