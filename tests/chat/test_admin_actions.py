"""The actions of the admin's list of tickets."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import Conversation
from tests.factory import make_ticket
from tests.supervision import browser_of, text_of
from tickets.models import State, Ticket

LIST = "/admin/tickets/ticket/"


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


def version(ticket: Ticket) -> int:
    return Conversation.objects.get(contact=ticket.contact).version


def act(client: Client, action: str, *tickets: Ticket, **more: Any) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [t.pk for t in tickets], **more}, follow=True)


def test_assigning_asks_to_whom_and_then_does_it(admin: Client, tecnica: User) -> None:
    first, second = make_ticket(), make_ticket()
    asked = text_of(act(admin, "assign", first, second))
    assert "Ana Ruiz" in asked
    assert "Estos 2 tickets" in asked
    told = text_of(act(admin, "assign", first, second, asignar="1", technician=tecnica.pk))
    assert "2 tickets asignados a Ana Ruiz." in told
    assert Ticket.objects.filter(technician=tecnica, state=State.IN_PROGRESS).count() == 2
    assert version(first) > 0


def test_assigning_offers_only_active_people_of_the_desk(admin: Client, tecnica: User, extrana: User) -> None:
    ticket = make_ticket()
    User.objects.filter(pk=tecnica.pk).update(is_active=False)
    for person in (tecnica, extrana):
        act(admin, "assign", ticket, asignar="1", technician=person.pk)
    ticket.refresh_from_db()
    assert ticket.technician is None


@pytest.mark.parametrize(("action", "state"), [("close", State.CLOSED), ("resolve", State.RESOLVED)])
def test_the_actions_finish_tickets_and_move_the_version(admin: Client, action: str, state: str) -> None:
    ticket = make_ticket()
    assert f"1 ticket {state.lower()}." in text_of(act(admin, action, ticket))
    ticket.refresh_from_db()
    assert ticket.state == state
    assert ticket.resolved
    assert version(ticket) > 0


def test_an_action_that_changes_nothing_says_so(admin: Client) -> None:
    ticket = make_ticket(state=State.CLOSED)
    Conversation.locked_for(ticket.contact)
    assert "No había nada que cambiar." in text_of(act(admin, "close", ticket))
    assert version(ticket) == 0
