"""Contacts in the admin: their addresses, who may be the same person, and merging them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import Conversation, Message
from tests.factory import make_contact, make_ticket
from tests.supervision import browser_of, posted, text_of
from tickets.models import Alias, Contact, Merge, PossibleDuplicate, Ticket

pytestmark = pytest.mark.django_db

CONTACTS, MERGES, COMPARE = "/admin/tickets/contact/", "/admin/tickets/merge/", "/admin/tickets/contact/combinar/"
PHONE, LID = "5214772758198", "99887766554433@lid"


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


def say(ticket: Ticket, text: str, **fields: Any) -> Message:
    return Conversation.locked_for(ticket.contact).append(ticket, "user", text, **{"state": "recibido", **fields})


@pytest.fixture
def pair() -> tuple[Contact, Contact]:
    """Juan by his phone and, seen by a LID alone, somebody who may be him; each with an open ticket."""
    juan = make_ticket(make_contact(PHONE))
    say(juan, "Mi laptop no enciende")
    other = make_ticket(make_contact(LID, name=""), name="", fault="Sin red")
    say(other, "Soy Juan, <b>ahora</b> sin red")
    PossibleDuplicate.note(juan.contact, other.contact, "mismo_mensaje")
    return juan.contact, other.contact


def page(contact: Contact) -> str:
    return f"{CONTACTS}{contact.pk}/change/"


def compare(*contacts: Contact) -> str:
    return f"{COMPARE}?ids={','.join(str(contact.pk) for contact in contacts)}"


def open_ticket(contact: Contact) -> int:
    return contact.tickets.get().pk


def join(client: Client, kept: Contact, other: Contact) -> str:
    """Merge through the form; returns the page one lands on."""
    form = {"quedar": kept.pk, "abierto": open_ticket(kept), "combinar": "1"}
    return text_of(client.post(compare(kept, other), form, follow=True))


# Addresses


def test_a_contacts_page_lists_every_address(admin: Client) -> None:
    shown = text_of(admin.get(page(make_contact(PHONE, aliases=[LID, "MX.1349", "@ana"]))))
    for words in ("+524772758198", LID, "MX.1349", "@ana", "LID de WhatsApp", "Usuario de WhatsApp"):
        assert words in shown


@pytest.mark.parametrize("written", ["+52 55 1111 2222", "5511112222", "52 1 55 1111 2222"])
def test_a_phone_is_added_by_hand_in_any_spelling_and_finds_them(admin: Client, written: str) -> None:
    contact = make_contact(LID)
    data = posted(admin, page(contact), **{"aliases-TOTAL_FORMS": 2, "aliases-1-key": written})
    assert admin.post(page(contact), data).status_code == 302
    contact.refresh_from_db()
    assert contact.aliases.get(kind="phone").key == "+525511112222"
    assert (contact.shown_phone, contact.address) == ("+52 55 1111 2222", LID)
    assert Conversation.objects.get(contact=contact).version > 0


@pytest.mark.parametrize("written", ["hola", "55", "@ana", LID, "MX.1349", "120363025246125486@g.us"])
def test_only_a_phone_is_added_by_hand(admin: Client, written: str) -> None:
    contact = make_contact(PHONE)
    data = posted(admin, page(contact), **{"aliases-TOTAL_FORMS": 2, "aliases-1-key": written})
    assert "No es un teléfono válido" in text_of(admin.post(page(contact), data))
    assert contact.aliases.count() == 1


def test_a_phone_of_somebody_else_is_refused_with_their_name(admin: Client) -> None:
    contact, _ = make_contact(LID), make_contact(PHONE, name="Dueña")
    data = posted(admin, page(contact), **{"aliases-TOTAL_FORMS": 2, "aliases-1-key": PHONE})
    assert "Ese teléfono ya es de Dueña" in text_of(admin.post(page(contact), data))


def test_a_phone_added_by_hand_is_compared_with_54_and_549(admin: Client) -> None:
    contact, other = make_contact(LID), make_contact("5491112345678")
    data = posted(admin, page(contact), **{"aliases-TOTAL_FORMS": 2, "aliases-1-key": "+54 11 1234 5678"})
    admin.post(page(contact), data)
    assert PossibleDuplicate.objects.get().reason == "54_549"
    assert PossibleDuplicate.of(other.pk).exists()


def test_a_wrong_address_is_deleted_and_the_answer_goes_to_one_that_is_left(admin: Client) -> None:
    contact = make_contact(LID, aliases=[PHONE])
    lid = list(contact.aliases.order_by("kind", "pk").values_list("kind", flat=True)).index("lid")
    pk = contact.aliases.get(kind="lid").pk
    data = posted(admin, page(contact), **{f"aliases-{lid}-DELETE": "on", f"aliases-{lid}-id": pk})
    assert admin.post(page(contact), data).status_code == 302
    contact.refresh_from_db()
    assert (contact.address, contact.aliases.get().kind) == (PHONE, "phone")


def test_the_last_address_is_never_deleted(admin: Client) -> None:
    contact = make_contact(PHONE, aliases=["@ana"])
    data = posted(
        admin, page(contact), **{"aliases-0-DELETE": "on", "aliases-0-id": contact.aliases.get(kind="phone").pk}
    )
    assert "Es la única dirección a la que se le puede escribir" in text_of(admin.post(page(contact), data))
    assert contact.aliases.count() == 2


def test_an_address_is_not_edited(admin: Client) -> None:
    contact = make_contact(PHONE)
    data = posted(admin, page(contact), **{"aliases-0-id": contact.aliases.get().pk, "aliases-0-key": "5511112222"})
    admin.post(page(contact), data)
    assert contact.aliases.get().key == "+524772758198"


@pytest.mark.parametrize("words", [LID, "9988776655", "@ana.l", "ana.l", "MX.1349", "2758198", "(477) 275-8198"])
def test_a_contact_without_tickets_is_found_by_any_address(admin: Client, words: str) -> None:
    contact = make_contact(PHONE, name="X", aliases=[LID, "MX.1349", "@ana.l"])
    make_contact("5215511112222", name="Y")
    assert list(admin.get(CONTACTS, {"q": words}).context["cl"].queryset) == [contact]


def test_a_contact_without_a_phone_says_so(admin: Client) -> None:
    make_contact(LID, name="Sin teléfono")
    assert "sin número (WhatsApp …4433)" in text_of(admin.get(CONTACTS))


# Possible duplicates


def test_the_list_shows_possible_duplicates_with_a_link_and_filters_them(
    admin: Client, pair: tuple[Contact, Contact]
) -> None:
    juan, other = pair
    make_contact()
    shown = text_of(admin.get(CONTACTS))
    assert f'href="{COMPARE}?ids={juan.pk},{other.pk}"' in shown
    assert "Un mismo mensaje mostró ambos" in shown
    assert set(admin.get(CONTACTS, {"duplicado": "si"}).context["cl"].queryset) == {juan, other}
    assert f"ids={other.pk},{juan.pk}" in text_of(admin.get(page(other)))


def test_two_people_are_judged_once(admin: Client, pair: tuple[Contact, Contact]) -> None:
    admin.post(compare(*pair), {"distintos": "1"})
    assert PossibleDuplicate.objects.get().dismissed_by.username == "sofia"
    assert "combinar/?ids=" not in text_of(admin.get(CONTACTS))
    assert LogEntry.objects.filter(change_message__contains="No es la misma persona").count() == 2


def test_the_list_asks_as_many_questions_for_thirty_as_for_two(
    admin: Client, pair: tuple[Contact, Contact], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(30) as two:
        admin.get(CONTACTS)
    for _ in range(28):
        PossibleDuplicate.note(make_contact(), pair[0], "mismo_mensaje")
    with django_assert_max_num_queries(len(two.captured_queries)):
        admin.get(CONTACTS)


# Merging


def test_the_comparison_shows_both_with_counts_addresses_and_last_words(
    admin: Client, pair: tuple[Contact, Contact]
) -> None:
    shown = text_of(admin.get(compare(*pair)))
    for words in ("Juan Pérez", "Mi laptop no enciende", "&lt;b&gt;ahora&lt;/b&gt;", LID, "+52 1 477 275 8198"):
        assert words in shown
    assert "¿cuál sigue?" in shown
    assert "un mismo mensaje mostró ambos" in shown


def test_the_action_leads_to_the_comparison_of_exactly_two(admin: Client, pair: tuple[Contact, Contact]) -> None:
    def act(*contacts: Contact) -> Any:
        return admin.post(CONTACTS, {"action": "merge", "_selected_action": [contact.pk for contact in contacts]})

    assert act(*pair)["Location"] == compare(*pair)
    assert act(*pair, make_contact()).status_code == 302
    assert "exactamente dos" in text_of(admin.get(CONTACTS))


def test_a_supervisor_merges_and_takes_it_back(admin: Client, pair: tuple[Contact, Contact]) -> None:
    juan, other = pair
    landed = join(admin, juan, other)
    merge = Merge.objects.get()
    assert f"{MERGES}{merge.pk}/change/" in landed
    assert {alias.key for alias in juan.aliases.all()} == {"+524772758198", LID}
    assert list(admin.get(CONTACTS).context["cl"].queryset) == [juan]
    record = text_of(admin.get(f"{MERGES}{merge.pk}/change/"))
    assert "Deshacer la combinación" in record
    assert f"Tickets: #{Ticket.objects.latest('pk').pk}. Mensajes: 1." in record
    undone = text_of(admin.post(f"{MERGES}{merge.pk}/deshacer/", follow=True))
    assert "Otra vez son dos contactos" in undone
    assert 'value="Deshacer la combinación"' not in undone
    assert Alias.objects.get(key=LID).contact == other
    assert set(admin.get(CONTACTS).context["cl"].queryset) == {juan, other}


def test_a_merge_is_in_the_history_of_both(admin: Client, supervisora: User, pair: tuple[Contact, Contact]) -> None:
    join(admin, *pair)
    admin.post(f"{MERGES}{Merge.objects.get().pk}/deshacer/")
    said = LogEntry.objects.filter(user=supervisora).values_list("object_id", "change_message")
    for contact in pair:
        lines = [line for pk, line in said if pk == str(contact.pk)]
        assert any("combinó" in line or "integró" in line for line in lines)
        assert any("deshizo" in line for line in lines)


def test_the_ticket_that_does_not_stay_is_closed(admin: Client, pair: tuple[Contact, Contact]) -> None:
    juan, other = pair
    closed = open_ticket(other)
    join(admin, juan, other)
    assert Ticket.objects.get(pk=closed).state == "Cerrado"


@pytest.mark.parametrize("written", ["9" * 5000, "9" * 19, "²", "-1", "x"])
def test_a_ticket_that_can_be_none_is_refused_however_it_is_written(
    admin: Client, pair: tuple[Contact, Contact], written: str
) -> None:
    form = {"quedar": pair[0].pk, "abierto": written, "combinar": "1"}
    assert "elige cuál sigue abierto" in text_of(admin.post(compare(*pair), form))
    assert not Merge.objects.exists()


@pytest.mark.parametrize("form", [{}, {"quedar": "999"}, {"quedar": "x", "abierto": "1"}, {"abierto": "²"}])
def test_a_form_that_does_not_say_enough_changes_nothing(
    admin: Client, pair: tuple[Contact, Contact], form: dict[str, str]
) -> None:
    assert "errornote" in text_of(admin.post(compare(*pair), {**form, "combinar": "1"}))
    assert not Merge.objects.exists()


def test_a_message_on_its_way_is_named_and_the_button_is_off(admin: Client, pair: tuple[Contact, Contact]) -> None:
    ticket = pair[1].tickets.get()
    say(ticket, "espera", state="en_cola")
    shown = text_of(admin.get(compare(*pair)))
    assert f"tiene un mensaje en cola en el ticket #{ticket.pk}" in shown
    assert 'value="Combinar" class="default" disabled' in shown
    assert "errornote" in join(admin, *pair)
    assert not Merge.objects.exists()


@pytest.mark.parametrize("ids", ["", "1", "1,1", "x,y", "1,2,3", "²,³", "9" * 30])
def test_an_address_that_names_no_two_contacts_leads_back_to_the_list(
    admin: Client, pair: tuple[Contact, Contact], ids: str
) -> None:
    make_contact()
    assert admin.get(COMPARE, {"ids": ids})["Location"] == CONTACTS


def test_only_supervisors_merge(tecnica: User, pair: tuple[Contact, Contact]) -> None:
    tecnica.is_staff = True
    tecnica.save()
    ana = browser_of(tecnica)
    assert ana.get(CONTACTS).status_code == 200
    assert b'value="merge"' not in ana.get(CONTACTS).content
    assert ana.get(compare(*pair)).status_code == 403
    assert ana.post(compare(*pair), {"quedar": pair[0].pk}).status_code == 403
    assert ana.get(MERGES).status_code == 403
    assert not Merge.objects.exists()
