"""The evidence picture, uploaded in the admin."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, TestCase
from PIL import Image

from chat.media_store import StorageAway
from tests.factory import make_ticket
from tests.supervision import browser_of, posted, text_of
from tests.supervision import ticket_page as page
from tickets.models import Ticket


@pytest.fixture
def admin(supervisora: User) -> Client:
    return browser_of(supervisora)


def picture(kind: str = "JPEG", size: tuple[int, int] = (8, 6), mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    Image.new(mode, size, 1 if mode in ("L", "P") else "red").save(out, kind, **options)
    return out.getvalue()


def upload(client: Client, ticket: Ticket, body: bytes, name: str = "foto.jpg") -> str:
    """Post the picture, which is stored once its form is; returns the answer's text (empty when it was taken)."""
    file = SimpleUploadedFile(name, body, "image/jpeg")
    with TestCase.captureOnCommitCallbacks(execute=True):
        response = client.post(page(ticket), posted(client, page(ticket), evidence=file))
    ticket.refresh_from_db()
    return "" if response.status_code == 302 else text_of(response)


@pytest.mark.parametrize(
    ("kind", "mode", "extension"),
    [("JPEG", "RGB", "jpg"), ("JPEG", "CMYK", "jpg"), ("PNG", "RGBA", "png"), ("PNG", "P", "png"),
     ("WEBP", "RGB", "webp"), ("GIF", "P", "gif")],
)  # fmt: skip
def test_a_picture_is_kept_under_a_random_name_of_its_kind(admin: Client, kind: str, mode: str, extension: str) -> None:
    ticket = make_ticket()
    assert not upload(admin, ticket, picture(kind, mode=mode), "../../factura de Juan.exe.png")
    assert "Juan" not in ticket.evidence.name
    assert ticket.evidence.name.endswith(f".{extension}")
    assert len(ticket.evidence.name.rpartition("/")[2]) == 32 + 1 + len(extension)
    with Image.open(ticket.evidence) as kept:
        assert kept.format == kind
        assert kept.size == (8, 6)


def test_metadata_and_what_trails_the_picture_are_dropped(admin: Client) -> None:
    exif = Image.Exif()
    exif[0x010E] = "en mi casa"
    ticket = make_ticket()
    assert not upload(admin, ticket, picture(exif=exif, comment=b"secreto") + b"<?php evil() ?>")
    kept = ticket.evidence.read()
    for words in (b"en mi casa", b"secreto", b"evil", b"Exif"):
        assert words not in kept


def test_a_sideways_photo_is_stored_upright(admin: Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    ticket = make_ticket()
    assert not upload(admin, ticket, picture(size=(8, 4), exif=exif))
    with Image.open(ticket.evidence) as kept:
        assert kept.size == (4, 8)


@pytest.mark.parametrize(
    "body",
    [
        b"hola",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7",
        picture("BMP"),
        picture("TIFF"),
        picture("ICO", size=(16, 16)),
        picture()[:200],
    ],
)
def test_anything_but_a_whole_picture_of_the_four_kinds_is_refused(admin: Client, body: bytes) -> None:
    ticket = make_ticket()
    assert "No es una imagen JPEG, PNG, WebP o GIF que se pueda leer." in upload(admin, ticket, body)
    assert not ticket.evidence


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is `width` x `height`."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [5_000, 20_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(admin: Client, side: int) -> None:
    ticket = make_ticket()
    assert "el máximo son 24 megapíxeles" in upload(admin, ticket, bomb(side, side))
    assert not ticket.evidence


def test_a_file_of_too_many_bytes_is_refused(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickets.pictures.MAX_BYTES", 100)
    assert "La foto pesa más de" in upload(admin, make_ticket(), picture())


def test_a_replaced_picture_leaves_no_file_behind(admin: Client) -> None:
    ticket = make_ticket()
    upload(admin, ticket, picture())
    old = ticket.evidence.name
    upload(admin, ticket, picture("PNG"))
    assert ticket.evidence.name != old
    assert not ticket.evidence.storage.exists(old)


def test_a_picture_that_is_taken_away_leaves_no_file_behind(admin: Client) -> None:
    ticket = make_ticket()
    upload(admin, ticket, picture())
    old = ticket.evidence.name
    with TestCase.captureOnCommitCallbacks(execute=True):
        admin.post(page(ticket), posted(admin, page(ticket), **{"evidence-clear": "on"}))
    ticket.refresh_from_db()
    assert not ticket.evidence and not ticket.evidence.storage.exists(old)


@pytest.mark.django_db(transaction=True)
def test_a_picture_is_stored_in_no_transaction_and_what_cannot_be_leaves_the_old_one(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket()
    upload(admin_client, ticket, picture())
    old = ticket.evidence.name
    within: list[bool] = []

    def away(*_: object) -> None:
        within.append(connection.in_atomic_block)
        raise StorageAway("S3: 503")

    monkeypatch.setattr(FileSystemStorage, "_save", away)
    file = SimpleUploadedFile("foto.png", picture("PNG"), "image/png")
    admin_client.post(page(ticket), posted(admin_client, page(ticket), evidence=file))
    ticket.refresh_from_db()
    assert within == [False]
    assert ticket.evidence.name == old and ticket.evidence.storage.exists(old)
    assert "La foto no se guardó" in text_of(admin_client.get(page(ticket)))


def test_the_picture_is_linked_through_the_view_that_checks_who_asks(admin: Client) -> None:
    ticket = make_ticket()
    upload(admin, ticket, picture())
    assert f'href="/ticket/{ticket.pk}/evidencia"' in text_of(admin.get(page(ticket)))
    assert ticket.evidence.name not in text_of(admin.get(page(ticket)))
