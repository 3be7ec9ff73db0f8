"""The books in admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import compose
from chat.models import Message
from tests.factory import make_ticket

URL = "/admin/chat/message/libros/"


@pytest.fixture
def admin(supervisora: User) -> Client:
    client = Client()
    client.force_login(supervisora)
    return client


def test_a_supervisor_sees_that_the_books_balance(admin: Client, supervisora: User) -> None:
    compose.write(make_ticket().pk, supervisora, compose.Draft("hola"))
    page = admin.get(URL).content.decode()
    assert "Todo cuadra" in page
    assert "En espera" in page


def test_a_supervisor_sees_what_does_not_add_up(admin: Client, supervisora: User) -> None:
    ticket = make_ticket()
    compose.write(ticket.pk, supervisora, compose.Draft("uno"))
    compose.write(ticket.pk, supervisora, compose.Draft("dos"))
    Message.objects.filter(text="uno").delete()
    page = admin.get(URL).content.decode()
    assert "No cuadra" in page
    assert "Todo cuadra" not in page


def test_a_bad_date_is_a_clear_error(admin: Client) -> None:
    assert "Las fechas se escriben" in admin.get(URL, {"desde": "ayer"}).content.decode()


def test_a_technician_does_not_enter(desk: Client) -> None:
    assert desk.get(URL).status_code == 302
