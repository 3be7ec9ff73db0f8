"""A bug of ours: what people and programs are told, and that ops find it in the log."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config.auth import make_token


@pytest.fixture
def browser(desk: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Ana's browser at a desk whose table is broken, for people and for programs."""

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secreto interno")

    monkeypatch.setattr("tickets.views.table_context", broken)
    monkeypatch.setattr("tickets.api.can_work", broken)
    desk.raise_request_exception = False
    return desk


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Our lines about an exception, with its name."""
    records = [record for record in caplog.records if record.name == "config.errors" and record.exc_info]
    return [(record.getMessage(), record.exc_info[0].__name__) for record in records]  # type: ignore[index,union-attr]


def test_a_person_gets_a_page_without_the_details_and_the_log_has_them(
    browser: Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = browser.get("/")
    assert response.status_code == 500
    assert "El error quedó registrado" in response.content.decode()
    assert "secreto" not in response.content.decode()
    assert logged(caplog) == [("Error interno", "ZeroDivisionError")]


def test_a_program_gets_json_without_the_details_and_the_log_has_them(
    browser: Client, tecnica: User, caplog: pytest.LogCaptureFixture
) -> None:
    response = browser.get("/tickets", headers={"Authorization": f"Token {make_token(tecnica)}"})
    assert response.status_code == 500
    assert response.json()["status"] == "error"
    assert "secreto" not in response.content.decode()
    assert logged(caplog) == [("Error interno", "ZeroDivisionError")]


def test_an_error_carries_the_same_headers_as_any_answer(browser: Client) -> None:
    response = browser.get("/")
    assert response["X-Request-Id"]
    assert response["Cache-Control"] == "private, no-cache"
    assert "default-src 'none'" in response["Content-Security-Policy"]
