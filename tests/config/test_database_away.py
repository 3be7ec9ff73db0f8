"""While the database is away, programs and people are told so in words, at every kind of address."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.test import Client

from config.auth import make_token


@pytest.fixture(params=[OperationalError, InterfaceError])
def away(request: pytest.FixtureRequest) -> Iterator[None]:
    """A database that refuses every statement."""
    with patch("django.db.backends.utils.CursorWrapper.execute", side_effect=request.param("se fue")):
        yield


@pytest.fixture
def token(tecnica: User) -> str:
    return f"Token {make_token(tecnica)}"


@pytest.mark.parametrize("path", ["/tickets", "/estado", "/ticket/1/conversacion"])
def test_a_program_is_told_503_in_json(token: str, away: None, path: str) -> None:
    response = Client(raise_request_exception=False).get(path, headers={"Authorization": token})
    assert response.status_code == 503
    assert response.json()["status"] == "sin_base_de_datos"
    assert response.json()["detail"].startswith("La base de datos no responde")


def test_the_door_for_tokens_tells_503_too(db: None, away: None) -> None:
    body = {"username": "ana", "password": "x"}
    response = Client(raise_request_exception=False).post("/api/token", body, content_type="application/json")
    assert (response.status_code, response.json()["status"]) == (503, "sin_base_de_datos")


def test_a_person_sees_a_page(desk: Client, away: None) -> None:
    desk.raise_request_exception = False
    response = desk.get("/", headers={"Accept": "text/html"})
    assert response.status_code == 503
    assert response["Content-Type"].startswith("text/html")
