"""Supervisors and tickets in the admin: found, changed, assigned and closed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import Conversation, Delivery, Message, Role
from tests.factory import make_contact, make_ticket
from tests.supervision import browser_of, posted, text_of
from tests.supervision import ticket_page as page
from tickets.models import State, Ticket

LIST = "/admin/tickets/ticket/"


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


def version(ticket: Ticket) -> int:
    return Conversation.objects.get(contact=ticket.contact).version


def say(ticket: Ticket, role: str, text: str, **fields: object) -> Message:
    return Conversation.locked_for(ticket.contact).append(ticket, role, text, **fields)


@pytest.mark.django_db
def test_a_technician_without_staff_rights_is_sent_to_the_login(desk: Client) -> None:
    assert "/admin/login/" in desk.get(LIST)["Location"]


def test_the_list_shows_person_phone_and_technician(admin: Client, tecnica: User) -> None:
    ticket = make_ticket(make_contact("5214772758198"), technician=tecnica, unread=3)
    shown = text_of(admin.get(LIST))
    for words in (f"#{ticket.pk}", "Juan Pérez", "+52 1 477 275 8198", "Contabilidad", "ACT-0042", "Ana Ruiz"):
        assert words in shown


@pytest.mark.parametrize("words", ["perez", "PÉREZ", "no enciénde", "477 275 8198", "044 477 275 8198", "#{pk}"])
def test_search_finds_a_ticket_without_accents_and_by_any_spelling_of_the_phone(admin: Client, words: str) -> None:
    ticket = make_ticket(make_contact("5214772758198"))
    make_ticket(make_contact("5215511112222", name="Otra"), fault="Sin red")
    found = admin.get(LIST, {"q": words.format(pk=ticket.pk)}).context["cl"].queryset
    assert ticket in found


def test_search_leaves_out_what_does_not_match(admin: Client) -> None:
    make_ticket()
    assert not admin.get(LIST, {"q": "impresora"}).context["cl"].queryset


@pytest.mark.parametrize(
    "query",
    [
        {"state__exact": State.ON_HOLD},
        {"priority__exact": "Alta"},
        {"category": "Red"},
        {"tecnico": "ninguno"},
    ],
)
def test_each_filter_keeps_only_its_tickets(admin: Client, tecnica: User, query: dict[str, str]) -> None:
    wanted = make_ticket(state=State.ON_HOLD, priority="Alta", category="Red")
    make_ticket(technician=tecnica)
    assert list(admin.get(LIST, query).context["cl"].queryset) == [wanted]


def test_the_technician_filter_keeps_theirs_and_survives_nonsense(admin: Client, tecnica: User) -> None:
    make_ticket()
    mine = make_ticket(technician=tecnica)
    assert list(admin.get(LIST, {"tecnico": tecnica.pk}).context["cl"].queryset) == [mine]
    assert admin.get(LIST, {"tecnico": "' or 1"}).status_code == 200


def test_the_list_asks_as_many_questions_for_thirty_tickets_as_for_one(
    admin: Client, tecnica: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_ticket(technician=tecnica)
    with django_assert_max_num_queries(30) as one:
        admin.get(LIST)
    for _ in range(29):
        make_ticket(technician=tecnica)
    with django_assert_max_num_queries(len(one.captured_queries)):
        admin.get(LIST)


def test_the_page_shows_the_whole_conversation_escaped_with_author_and_state(admin: Client, tecnica: User) -> None:
    ticket = make_ticket()
    say(ticket, Role.USER, "<script>alert(1)</script>", state=Delivery.RECEIVED)
    say(ticket, Role.TECHNICIAN, "Ya voy", author=tecnica, state=Delivery.FAILED, reason="Número equivocado")
    shown = text_of(admin.get(page(ticket)))
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown
    assert "Ana Ruiz" in shown
    assert "No se pudo enviar: Número equivocado" in shown
    assert f"/?chat={ticket.pk}" in shown


def test_saving_writes_the_change_and_moves_the_version(admin: Client) -> None:
    ticket = make_ticket()
    Conversation.locked_for(ticket.contact)
    assert (
        admin.post(page(ticket), posted(admin, page(ticket), priority="Urgente", department="Almacén")).status_code
        == 302
    )
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.department) == ("Urgente", "Almacén")
    assert "almacen" in ticket.search_text
    assert version(ticket) > 0


def test_saving_an_old_form_keeps_what_happened_meanwhile(admin: Client, tecnica: User) -> None:
    ticket = make_ticket()
    data = posted(admin, page(ticket), priority="Alta")
    Ticket.objects.filter(pk=ticket.pk).update(state=State.IN_PROGRESS, technician=tecnica, unread=4, last_text="Hola")
    assert admin.post(page(ticket), data).status_code == 302
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.state, ticket.technician) == ("Alta", State.IN_PROGRESS, tecnica)
    assert (ticket.unread, ticket.last_text) == (4, "Hola")


def test_closing_in_the_form_stamps_when(admin: Client) -> None:
    ticket = make_ticket()
    admin.post(page(ticket), posted(admin, page(ticket), state=State.CLOSED))
    ticket.refresh_from_db()
    assert ticket.state == State.CLOSED
    assert ticket.resolved


def test_giving_a_pending_ticket_to_somebody_starts_it(admin: Client, tecnica: User) -> None:
    ticket = make_ticket()
    admin.post(page(ticket), posted(admin, page(ticket), technician=tecnica.pk))
    ticket.refresh_from_db()
    assert (ticket.technician, ticket.state) == (tecnica, State.IN_PROGRESS)
    assert version(ticket) > 0


def test_a_ticket_can_be_taken_away_from_its_technician(admin: Client, tecnica: User) -> None:
    ticket = make_ticket(technician=tecnica, state=State.IN_PROGRESS)
    admin.post(page(ticket), posted(admin, page(ticket), technician=""))
    ticket.refresh_from_db()
    assert (ticket.technician, ticket.state) == (None, State.IN_PROGRESS)
    assert version(ticket) > 0


def test_a_stranger_cannot_be_given_a_ticket(admin: Client, extrana: User) -> None:
    ticket = make_ticket()
    response = admin.post(page(ticket), posted(admin, page(ticket), technician=extrana.pk))
    assert response.status_code == 200
    ticket.refresh_from_db()
    assert ticket.technician is None


def test_who_left_the_desk_keeps_their_ticket_when_it_is_edited(admin: Client, extrana: User) -> None:
    ticket = make_ticket(technician=extrana, state=State.IN_PROGRESS)
    assert admin.post(page(ticket), posted(admin, page(ticket), priority="Alta")).status_code == 302
    ticket.refresh_from_db()
    assert (ticket.technician, ticket.priority) == (extrana, "Alta")


def test_reopening_beside_an_open_ticket_is_refused_in_words(admin: Client) -> None:
    closed = make_ticket(state=State.CLOSED)
    other = make_ticket(closed.contact)
    response = admin.post(page(closed), posted(admin, page(closed), state=State.PENDING))
    assert f"ya tiene abierto el ticket #{other.pk}" in text_of(response)
    closed.refresh_from_db()
    assert closed.state == State.CLOSED


def test_a_ticket_opened_between_check_and_lock_is_told_and_nothing_is_written(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = make_ticket(state=State.CLOSED)
    other = make_ticket(closed.contact)
    monkeypatch.setattr("chat.admin.ticket_forms.check_reopen", lambda ticket: None)
    response = admin.post(page(closed), posted(admin, page(closed), state=State.PENDING, priority="Alta"), follow=True)
    assert f"ya tiene abierto el ticket #{other.pk}" in text_of(response)
    closed.refresh_from_db()
    assert (closed.state, closed.priority) == (State.CLOSED, "Normal")


def test_tickets_are_neither_added_nor_deleted_here(admin: Client, admin_client: Client) -> None:
    ticket = make_ticket()
    for client in (admin, admin_client):
        assert client.get(f"{LIST}add/").status_code == 403
        assert client.post(f"{LIST}{ticket.pk}/delete/", {"post": "yes"}).status_code == 403
        assert "delete_selected" not in text_of(client.get(LIST))
