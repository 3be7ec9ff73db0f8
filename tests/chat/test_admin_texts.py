"""Contacts, messages and predefined messages in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import Conversation, Delivery, Message, PredefinedMessage, Role
from tests.factory import make_contact, make_ticket
from tests.supervision import browser_of, posted, text_of
from tickets.models import Contact, Ticket

CONTACTS, MESSAGES, NOTICES = "/admin/tickets/contact/", "/admin/chat/message/", "/admin/chat/predefinedmessage/"


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


def say(ticket: Ticket, text: str = "Hola", **fields: object) -> Message:
    return Conversation.locked_for(ticket.contact).append(ticket, Role.TECHNICIAN, text, **fields)


def found(client: Client, url: str, **query: str) -> list[object]:
    return list(client.get(url, query).context["cl"].queryset)


@pytest.mark.parametrize(
    "words", ["jose", "JOSÉ nuñez", "nunez", "+52 1 477 275 8198", "(477) 275-8198", "5214772758198"]
)
def test_a_contact_is_found_by_name_and_by_any_spelling_of_the_phone(admin: Client, words: str) -> None:
    wanted = make_ticket(make_contact("5214772758198", name="José Núñez")).contact
    make_ticket(make_contact("5215511112222", name="Otra"))
    assert found(admin, CONTACTS, q=words) == [wanted]


def test_a_contacts_page_lists_its_tickets_with_links(admin: Client) -> None:
    ticket = make_ticket()
    shown = text_of(admin.get(f"{CONTACTS}{ticket.contact_id}/change/"))
    assert f'href="/admin/tickets/ticket/{ticket.pk}/change/"' in shown


def test_a_contacts_name_and_department_change_and_the_version_moves(admin: Client) -> None:
    contact = make_ticket().contact
    url = f"{CONTACTS}{contact.pk}/change/"
    assert admin.post(url, posted(admin, url, name="Juana", department="Nómina")).status_code == 302
    contact.refresh_from_db()
    assert (contact.name, contact.department) == ("Juana", "Nómina")
    assert Conversation.objects.get(contact=contact).version > 0


def test_a_contacts_phone_cannot_be_changed(admin: Client) -> None:
    contact = make_contact("5214772758198")
    url = f"{CONTACTS}{contact.pk}/change/"
    admin.post(url, posted(admin, url, name="Juana", phone="+5215550000000", address="5550000000", lid="1@lid"))
    contact.refresh_from_db()
    assert (contact.name, contact.address) == ("Juana", "5214772758198")
    assert [alias.key for alias in contact.aliases.all()] == ["+524772758198"]


def test_saving_an_old_form_keeps_what_the_assistant_learned_meanwhile(admin: Client) -> None:
    contact = make_ticket().contact
    url = f"{CONTACTS}{contact.pk}/change/"
    data = posted(admin, url, department="Nómina")
    Contact.objects.filter(pk=contact.pk).update(name="Juan Pérez García", push_name="Juanito")
    admin.post(url, data)
    contact.refresh_from_db()
    assert (contact.name, contact.push_name, contact.department) == ("Juan Pérez García", "Juanito", "Nómina")


def test_contacts_are_neither_added_nor_deleted_here(admin: Client, admin_client: Client) -> None:
    contact = make_contact()
    for client in (admin, admin_client):
        assert client.get(f"{CONTACTS}add/").status_code == 403
        assert client.post(f"{CONTACTS}{contact.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Contact.objects.filter(pk=contact.pk).exists()


def test_messages_are_listed_by_delivery_state(admin: Client) -> None:
    ticket = make_ticket()
    failed = say(ticket, state=Delivery.FAILED, reason="Número equivocado")
    say(ticket, state=Delivery.SENT)
    assert found(admin, MESSAGES, state__exact="fallido") == [failed]
    assert "Número equivocado" in text_of(admin.get(MESSAGES))


@pytest.mark.parametrize("words", ["{pk}", "#{pk}", "ABC123"])
def test_messages_are_found_by_ticket_and_by_whatsapps_id(admin: Client, words: str) -> None:
    ticket = make_ticket()
    message = say(ticket, gateway="waha", gateway_id="ABC123")
    say(make_ticket())
    assert found(admin, MESSAGES, q=words.format(pk=ticket.pk)) == [message]
    assert found(admin, MESSAGES, q="9" * 30) == []


def test_a_message_cannot_be_written_here_by_anybody(admin: Client, admin_client: Client) -> None:
    message = say(make_ticket(), "Hola")
    for client in (admin, admin_client):
        assert client.get(f"{MESSAGES}add/").status_code == 403
        assert client.post(f"{MESSAGES}{message.pk}/change/", {"text": "Adiós"}).status_code == 403
        assert client.post(f"{MESSAGES}{message.pk}/delete/", {"post": "yes"}).status_code == 403
    message.refresh_from_db()
    assert message.text == "Hola"


def test_a_messages_page_shows_its_delivery_and_links_to_the_desk(admin: Client) -> None:
    message = say(make_ticket(), "<b>Hola</b>", state=Delivery.DOUBTFUL, reason="Sin respuesta", attempts=3)
    shown = text_of(admin.get(f"{MESSAGES}{message.pk}/change/"))
    assert "&lt;b&gt;Hola" in shown
    assert "Sin respuesta" in shown
    assert f'href="/?chat={message.ticket_id}"' in shown


def test_the_list_of_messages_asks_as_many_questions_for_thirty_as_for_one(
    admin: Client, tecnica: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    say(make_ticket(), author=tecnica)
    with django_assert_max_num_queries(30) as one:
        admin.get(MESSAGES)
    for _ in range(29):
        say(make_ticket(), author=tecnica)
    with django_assert_max_num_queries(len(one.captured_queries)):
        admin.get(MESSAGES)


def notice(client: Client, **fields: object) -> str:
    """Add a notice through its form; returns the page's text, empty when it was taken."""
    response = client.post(
        f"{NOTICES}add/", {"title": "Nuevo", "text": "Hola", "position": 9, "active": "on", **fields}
    )
    return "" if response.status_code == 302 else text_of(response)


def test_supervisors_add_change_and_delete_predefined_messages(admin: Client) -> None:
    assert not notice(admin, text="Hola {nombre}, ticket {numero}: {estado}. {tecnico}")
    row = PredefinedMessage.objects.get(title="Nuevo")
    url = f"{NOTICES}{row.pk}/change/"
    admin.post(url, posted(admin, url, title="Otro"))
    assert PredefinedMessage.objects.get(pk=row.pk).title == "Otro"
    admin.post(f"{NOTICES}{row.pk}/delete/", {"post": "yes"})
    assert not PredefinedMessage.objects.filter(pk=row.pk).exists()


def test_an_unknown_variable_is_refused_with_the_known_ones(admin: Client) -> None:
    told = notice(admin, text="Hola {nombre}, {apellido} {folio}")
    known = "{nombre}, {numero}, {estado}, {tecnico}, {saludo}"
    assert f"No se conoce {{apellido}}, {{folio}}. Las variables son: {known}." in told


@pytest.mark.parametrize("text", ["", "   ", "x" * 4097])
def test_a_text_that_whatsapp_would_not_take_is_refused(admin: Client, text: str) -> None:
    assert "errorlist" in notice(admin, text=text)


def test_the_preview_fills_the_variables(admin: Client) -> None:
    row = PredefinedMessage.objects.create(title="X", text="Hola {nombre} <#{numero}>, {estado}. {tecnico}")
    words = "Hola Juan Pérez &lt;#123&gt;, En proceso. Ana Ruiz"
    assert words in text_of(admin.get(NOTICES))
    assert words in text_of(admin.get(f"{NOTICES}{row.pk}/change/"))


def test_order_and_active_are_edited_in_the_list(admin: Client) -> None:
    PredefinedMessage.objects.all().delete()
    row = PredefinedMessage.objects.create(title="X", text="Hola")
    data = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": row.pk, "form-0-position": 7, "_save": "1"}
    admin.post(NOTICES, data)
    row.refresh_from_db()
    assert (row.position, row.active) == (7, False)
