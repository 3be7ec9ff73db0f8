"""The short way of a GET with a known session says what DRF's way says."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from rest_framework.views import APIView

from chat import history
from chat.models import Conversation
from config.auth import make_token
from tests.factory import make_ticket
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
# A name for this request alone, and what only DRF says.
OWN = {"X-Request-Id", "Allow"}


@pytest.fixture
def ticket() -> Ticket:
    ticket = make_ticket()
    for text in ("Mi «ñandú» no enciende 🙂", "línea\u2028y otra </script>"):
        Conversation.locked_for(ticket.contact).append(ticket, "user", text, state="recibido")
    return ticket


@pytest.fixture
def no_drf(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it went through DRF")

    monkeypatch.setattr(APIView, "dispatch", refuse)


def seen(response: HttpResponse) -> tuple[int, bytes, dict[str, str]]:
    return response.status_code, response.content, {k: v for k, v in response.items() if k not in OWN}


@pytest.mark.parametrize("query", ["", "?desde=1", "?desde=2", "?desde=90", "?antes=2"])
def test_an_answer_is_byte_for_byte_what_a_token_gets(tecnica: User, ticket: Ticket, query: str) -> None:
    path = f"/ticket/{ticket.pk}/conversacion{query}"
    browser, program = Client(), Client(headers={"Authorization": f"Token {make_token(tecnica)}"})
    browser.force_login(tecnica)
    whole = [seen(client.get(path)) for client in (browser, program)]
    assert whole[0] == whole[1]
    tag = whole[1][2]["ETag"]
    unchanged = [seen(client.get(path, headers={"If-None-Match": tag})) for client in (browser, program)]
    assert unchanged[0] == unchanged[1]
    assert unchanged[0][0] == 304
    assert "Cookie" in whole[0][2]["Vary"]


def test_a_poll_of_a_browser_does_not_go_through_drf(desk: Client, ticket: Ticket, no_drf: None) -> None:
    path = f"/ticket/{ticket.pk}/conversacion"
    tag = desk.get(path)["ETag"]
    assert desk.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_what_goes_wrong_on_the_short_way_is_told_as_ever(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("se rompió")

    monkeypatch.setattr(history, "ticket_entry", broken)
    response = desk.get(f"/ticket/{ticket.pk}/conversacion")
    assert (response.status_code, response.json()["status"]) == (500, "error")


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("POST", {}, 405), ("HEAD", {}, 405), ("GET", {"Accept": "text/html"}, 406), ("GET", {"Accept": "*/*"}, 200),
     ("GET", {"Accept": "application/json"}, 200), ("GET", {"Authorization": "Token x"}, 401)],
)  # fmt: skip
def test_what_drf_decides_it_still_decides(
    desk: Client, ticket: Ticket, method: str, headers: dict[str, str], status: int
) -> None:
    assert desk.generic(method, f"/ticket/{ticket.pk}/conversacion", headers=headers).status_code == status
