"""Who hears that a person wrote, how they want to, and what their pages then ask for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from chat import alerts, backfill, changes, live
from chat.alert_models import AlertSettings
from chat.models import Conversation
from chat.thread import Gap
from tests.factory import make_ticket, make_user
from tests.fake_gateway import PERSON, edited, gateway_id, inbound, post_webhook, reaction
from tickets.access import GROUP_TECHNICIANS
from tickets.models import Ticket
from whatsapp.gateways.events import Inbound, NumberChanged

pytestmark = pytest.mark.django_db

Told = list[tuple[int, set[int]]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """The tickets and users of every `aviso`, in order."""
    found: Told = []

    def announce(name: str, data: dict[str, Any], users: Collection[int] | None = None) -> None:
        if name == "aviso":
            assert users is not None
            found.append((data["ticket"], set(users)))

    monkeypatch.setattr(live, "announce", announce)
    return found


@pytest.fixture
def beto(db: None) -> User:
    return make_user("beto", GROUP_TECHNICIANS, first_name="Beto")


@pytest.fixture
def hear(told: Told, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Any:
    """Post a webhook and let what it causes after its transaction happen."""

    def post(body: bytes) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            assert post_webhook(body).status_code == 200

    return post


def save(client: Client, **body: Any) -> Any:
    return client.post("/avisos/preferencias", body, content_type="application/json")


def news(client: Client) -> Any:
    return client.get("/avisos/pendientes").json()


# Who is told


def test_a_message_in_a_technicians_ticket_is_told_to_them_alone(
    hear: Any, told: Told, tecnica: User, beto: User
) -> None:
    hear(inbound("hola"))
    ticket = Ticket.objects.get()
    Ticket.objects.update(technician=tecnica)
    told.clear()
    hear(inbound("¿sigue ahí?"))
    assert told == [(ticket.pk, {tecnica.pk})]


def test_a_message_in_a_ticket_nobody_took_is_told_to_all_who_work_and_want_it(
    hear: Any, told: Told, tecnica: User, beto: User, supervisora: User, extrana: User, desk: Client
) -> None:
    assert save(desk, cuales="mios").status_code == 200
    hear(inbound("hola"))
    assert told == [(Ticket.objects.get().pk, {beto.pk, supervisora.pk})]


def test_a_disabled_technician_hears_nothing_and_their_tickets_are_everybodys(
    hear: Any, told: Told, tecnica: User, beto: User
) -> None:
    hear(inbound("hola"))
    Ticket.objects.update(technician=beto)
    User.objects.filter(pk=beto.pk).update(is_active=False)
    told.clear()
    hear(inbound("¿hola?"))
    assert told == [(Ticket.objects.get().pk, {tecnica.pk})]


def test_edits_reactions_new_numbers_and_repeats_are_not_told(
    hear: Any, told: Told, tecnica: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    first = gateway_id()
    hear(inbound("hola", message_id=first))
    told.clear()
    hear(edited(first, "hola, soy Juan"))
    hear(reaction(first, "👍"))
    hear(inbound("hola", message_id=first))
    with django_capture_on_commit_callbacks(execute=True):
        changes.handle(NumberChanged(PERSON, "5215511112222"))
    assert told == []
    assert Ticket.objects.get().messages.filter(kind="system").exists()


def test_what_is_read_back_after_an_outage_is_not_told_and_rings_no_page(
    told: Told, tecnica: User, desk: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    at = datetime(2026, 2, 5, 15, 0, tzinfo=UTC)
    lost = Inbound(external_id=gateway_id(), address=f"{PERSON}@c.us", sent_at=at, text="¿hay alguien?", kind="text")
    with django_capture_on_commit_callbacks(execute=True):
        backfill.recover(lost, Gap(at, datetime(2026, 2, 5, 18, 0, tzinfo=UTC)))
    assert Ticket.objects.get().unread == 1
    assert told == []
    assert [ticket["ultimo"] for ticket in news(desk)["tickets"]] == [0]


def test_telling_asks_one_question_and_only_after_the_transaction(
    told: Told, tecnica: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    ticket = make_ticket(technician=tecnica)
    with CaptureQueriesContext(connection) as asked, django_capture_on_commit_callbacks() as later:
        alerts.announce_on_commit(ticket)
    assert len(asked) == 0
    with CaptureQueriesContext(connection) as asked:
        for callback in later:
            callback()
    assert len(asked) == 1
    assert told == [(ticket.pk, {tecnica.pk})]


# What a page asks for


def wrote(ticket: Ticket, text: str = "No enciende") -> None:
    Conversation.locked_for(ticket.contact).append(ticket, "user", text, state="recibido")
    Ticket.objects.filter(pk=ticket.pk).update(unread=1)


@pytest.mark.django_db(transaction=True)
def test_a_message_whose_telling_fails_is_taken_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("nadie oye")

    monkeypatch.setattr(alerts, "tell_pages", fail)
    assert post_webhook(inbound("No imprime")).status_code == 200
    assert Ticket.objects.get().messages.first().text == "No imprime"  # type: ignore[union-attr]
    assert "nadie oye" in caplog.text


def test_the_pending_ones_are_mine_and_those_nobody_took_with_something_unread(
    desk: Client, tecnica: User, beto: User
) -> None:
    mine, free, read, his = make_ticket(technician=tecnica), make_ticket(), make_ticket(), make_ticket(technician=beto)
    closed = make_ticket(state="Resuelto")
    for ticket in (mine, free, his, closed):
        wrote(ticket)
    Conversation.locked_for(read.contact).append(read, "user", "hola")
    answer = news(desk)
    assert answer["cuenta"] == 2
    assert {ticket["id"] for ticket in answer["tickets"]} == {mine.pk, free.pk}
    save(desk, cuales="mios")
    assert [ticket["id"] for ticket in news(desk)["tickets"]] == [mine.pk]
    User.objects.filter(pk=beto.pk).update(is_active=False)
    save(desk, cuales="mios_y_sin_asignar")
    assert {ticket["id"] for ticket in news(desk)["tickets"]} == {mine.pk, free.pk, his.pk}


def test_the_words_of_a_person_are_told_only_where_they_are_allowed(desk: Client) -> None:
    ticket = make_ticket()
    wrote(ticket, "mi contraseña es 1234")
    Conversation.locked_for(ticket.contact).append(ticket, "assistant", "¿Cuál es tu nombre?")
    assert "1234" not in desk.get("/avisos/pendientes").content.decode()
    save(desk, texto=True)
    assert news(desk)["tickets"] == [
        {"id": ticket.pk, "nombre": "Juan Pérez", "ultimo": 1, "texto": "mi contraseña es 1234"}
    ]


def test_the_pending_ones_cost_few_questions_however_many_there_are(desk: Client, tecnica: User) -> None:
    desk.get("/avisos/pendientes")  # who asks is read once
    counts = []
    for _ in range(2):
        for _ in range(3):
            wrote(make_ticket())
        with CaptureQueriesContext(connection) as asked:
            desk.get("/avisos/pendientes")
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 5


# What one wants


def test_nobody_has_sound_or_notifications_or_words_before_they_ask_for_them(desk: Client) -> None:
    answer = news(desk)
    assert (answer["sonido"], answer["navegador"], answer["en_silencio"]) == (False, False, False)
    assert save(desk).json()["texto"] is False


def test_each_choice_is_saved_alone_and_is_ones_own(desk: Client, supervisora: User) -> None:
    save(desk, sonido=True)
    save(desk, navegador=True)
    answer = save(desk, silencio={"desde": "22:00", "hasta": "7:05"}).json()
    assert answer | {"en_silencio": None} == {
        "sonido": True,
        "navegador": True,
        "texto": False,
        "cuales": "mios_y_sin_asignar",
        "silencio": {"desde": "22:00", "hasta": "07:05"},
        "en_silencio": None,
    }
    page = desk.get("/avisos").content.decode()
    assert 'id="sonido" checked' in page
    assert 'value="07:05"' in page
    assert save(desk, silencio=None).json()["silencio"] is None
    other = Client()
    other.force_login(supervisora)
    assert news(other)["sonido"] is False


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"sonido": 1}, "«sonido» debe ser true o false."),
        ({"cuales": "todos"}, "«cuales» debe ser uno de: mios_y_sin_asignar, mios."),
        ({"cuales": ["mios"]}, "«cuales» debe ser uno de: mios_y_sin_asignar, mios."),
        ({"volumen": 3}, "No se conoce «volumen»."),
        ({"silencio": "siempre"}, "«silencio» debe tener «desde» y «hasta», o ser null."),
        ({"silencio": {"desde": "22:00"}}, "«hasta» debe ser una hora como 22:00."),
        ({"silencio": {"desde": "25:00", "hasta": "7:00"}}, "«desde» debe ser una hora como 22:00."),
        ({"silencio": {"desde": "7:00", "hasta": "07:00"}}, "El silencio debe empezar y terminar a horas distintas."),
    ],
    ids=str,
)
def test_a_choice_that_makes_no_sense_is_refused_in_words_and_changes_nothing(
    desk: Client, body: dict[str, Any], detail: str
) -> None:
    save(desk, sonido=True)
    answer = save(desk, **{"navegador": True, **body})
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    assert not AlertSettings.objects.get().browser


@pytest.mark.parametrize(
    ("start", "end", "quiet"),
    [("22:00", "07:00", {"22:00", "23:59", "00:00", "06:59"}), ("13:00", "15:00", {"13:00", "14:59"})],
)
def test_quiet_hours_are_the_desks_and_may_go_over_midnight(
    desk: Client, start: str, end: str, quiet: set[str]
) -> None:
    save(desk, silencio={"desde": start, "hasta": end})
    for clock in ("22:00", "23:59", "00:00", "06:59", "07:00", "12:59", "13:00", "14:59", "15:00", "21:59"):
        hour, minute = map(int, clock.split(":"))
        # Mexico City is six hours behind.
        moment = datetime(2027, 1, 10 if hour < 18 else 11, (hour + 6) % 24, minute, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            desk.force_login(User.objects.get())
            assert news(desk)["en_silencio"] is (clock in quiet), clock


def test_quiet_hours_leave_the_number_alone(desk: Client) -> None:
    wrote(make_ticket())
    save(desk, silencio={"desde": "00:00", "hasta": "23:59"})
    with time_machine.travel(datetime(2027, 1, 10, 12, 0, tzinfo=UTC)):
        desk.force_login(User.objects.get())
        answer = news(desk)
    assert (answer["en_silencio"], answer["cuenta"]) == (True, 1)


def test_who_does_not_work_at_the_desk_has_no_such_page_nor_choices(client: Client, extrana: User) -> None:
    client.force_login(extrana)
    assert client.get("/avisos").status_code == 404
    assert client.get("/avisos/pendientes").status_code == 404
    assert save(client, sonido=True).status_code == 404
    assert not AlertSettings.objects.exists()


def test_the_menu_of_every_page_leads_to_the_page(desk: Client) -> None:
    assert f'href="{reverse("avisos")}"' in desk.get("/").content.decode()
