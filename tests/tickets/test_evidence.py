"""GET /ticket/{id}/evidencia: the picture a person sent of their problem."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from pytest_django.fixtures import Settings

from config.auth import make_token
from tests.factory import make_ticket
from tickets.models import Ticket

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def with_picture(content: bytes, name: str = "foto.png") -> Ticket:
    ticket = make_ticket()
    ticket.evidence.save(name, ContentFile(content))
    return ticket


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBP" + bytes(20), "image/webp"),
    ],
)
def test_a_picture_is_shown_in_the_browser(desk: Client, content: bytes, kind: str) -> None:
    response = desk.get(f"/ticket/{with_picture(content).pk}/evidencia")
    assert (response.status_code, response["Content-Type"]) == (200, kind)
    assert "attachment" not in response.get("Content-Disposition", "")
    assert response.getvalue() == content


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"<script>alert(1)</script>", b""])
def test_anything_else_is_only_downloaded_whatever_its_name_says(desk: Client, content: bytes) -> None:
    response = desk.get(f"/ticket/{with_picture(content).pk}/evidencia")
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")


def test_a_picture_can_run_nothing_and_is_not_guessed(desk: Client) -> None:
    response = desk.get(f"/ticket/{with_picture(PNG).pk}/evidencia")
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "private" in response["Cache-Control"]


def test_a_ticket_without_a_picture_is_not_found(desk: Client) -> None:
    assert desk.get(f"/ticket/{make_ticket().pk}/evidencia").status_code == 404


def test_a_picture_that_is_no_longer_on_disk_is_not_found(desk: Client) -> None:
    assert desk.get(f"/ticket/{make_ticket(evidence='evidencia/x.png').pk}/evidencia").status_code == 404


def test_who_is_in_neither_group_gets_no_picture(client: Client, extrana: User) -> None:
    ticket = with_picture(PNG)
    client.force_login(extrana)
    assert client.get(f"/ticket/{ticket.pk}/evidencia").status_code == 404


def test_without_login_there_is_no_picture(client: Client, db: None) -> None:
    assert client.get(f"/ticket/{with_picture(PNG).pk}/evidencia").status_code == 401


def test_a_program_gets_it_with_its_token(client: Client, tecnica: User) -> None:
    headers = {"Authorization": f"Token {make_token(tecnica)}", "Accept": "image/*"}
    response = client.get(f"/ticket/{with_picture(PNG).pk}/evidencia", headers=headers)
    assert (response.status_code, response.getvalue()) == (200, PNG)
