"""Files that people send: from the webhook to the technician's browser."""

from __future__ import annotations

import asyncio
import errno
import io
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from chat import attachments, media, media_ranges, sweeping
from chat.models import Attachment, Conversation, Message
from tests.factory import make_ticket
from tests.fake_gateway import PERSON, FakeGateway, echo, post_webhook, receive
from whatsapp.gateways.base import Fetched
from whatsapp.gateways.events import Media
from whatsapp.gateways.results import Failure
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db
URL = "http://localhost:3000/api/files/default/AA.jpeg"


@pytest.fixture(autouse=True)
def media_folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def picture(kind: str = "JPEG", size: tuple[int, int] = (1200, 800), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"
OGG = b"OggS\0\2" + bytes(22) + b"\1\x13OpusHead" + bytes(200)
MP3 = b"ID3\4\0\0\0\0\0\0" + bytes(200)
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(200)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.cookie)</script>"


def sent(mimetype: str = "image/jpeg", filename: str = "falla.jpg", caption: str = "", **fields: Any) -> Attachment:
    """A person sends a file, and the desk hears of it."""
    receive(caption, hasMedia=True, media={"url": URL, "mimetype": mimetype, "filename": filename}, **fields)
    return Attachment.objects.latest("pk")


def arrived(gateway: FakeGateway, content: bytes, **claims: Any) -> Attachment:
    """A person sends a file, and it is fetched."""
    row = sent(**claims)
    gateway.files.append(Fetched(content))
    media.fetch(row.pk)
    row.refresh_from_db()
    return row


def url_of(row: Attachment, what: str = "archivo") -> str:
    return f"/ticket/{row.message.ticket_id}/mensaje/{row.message.seq}/{what}"


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def shown(desk: Client, row: Attachment) -> dict[str, Any]:
    """The file as the conversation's answer tells it."""
    answer = desk.get(f"/ticket/{row.message.ticket_id}/conversacion").json()
    found: dict[str, Any] = next(entry for entry in answer["historial"] if entry["seq"] == row.message.seq)["adjunto"]
    return found


# It arrives


def test_a_picture_is_shown_as_pending_at_once_and_then_as_itself(desk: Client, gateway: FakeGateway) -> None:
    row = sent(caption="Mira la pantalla")
    assert Message.objects.get(role="user").text == "📷 Imagen: Mira la pantalla"
    assert shown(desk, row) == {
        "estado": "pendiente",
        "tipo": "image/jpeg",
        "nombre": "falla.jpg",
        "bytes": None,
        "url": None,
        "miniatura": None,
        "en_linea": False,
        "ancho": None,
        "alto": None,
        "problema": "",
        "reintentable": False,
    }
    version = Conversation.objects.get().version
    content = picture()
    gateway.files.append(Fetched(content))
    media.fetch(row.pk)
    news = desk.get(f"/ticket/{row.message.ticket_id}/conversacion?desde={version}").json()["historial"]
    assert [entry["seq"] for entry in news] == [row.message.seq]
    assert news[0]["adjunto"] == {
        "estado": "listo",
        "tipo": "image/jpeg",
        "nombre": "falla.jpg",
        "bytes": len(content),
        "url": url_of(row),
        "miniatura": url_of(row, "miniatura"),
        "en_linea": True,
        "ancho": 1200,
        "alto": 800,
        "problema": "",
        "reintentable": False,
    }
    assert body_of(desk.get(url_of(row))) == content
    assert [ref.split()[0] for ref in gateway.fetched] == ["/api/files/default/AA.jpeg"]


def test_the_fetch_is_woken_once_the_message_is_committed(
    gateway: FakeGateway,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    woken: list[Any] = []
    monkeypatch.setattr("chat.wake.wake", lambda task, *args: woken.append((task.name, *args)))
    with django_capture_on_commit_callbacks(execute=True):
        row = sent()
    assert ("chat.fetch_file", row.pk) in woken


def test_the_sweep_finds_what_nobody_woke(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    row = sent()
    submitted: list[Any] = []
    monkeypatch.setattr("chat.runtime.pool.submit", lambda function, *args: submitted.append((function, *args)))
    sweeping.sweep()
    assert (media.fetch, row.pk) in submitted


def test_a_message_without_a_file_costs_no_look_for_one(desk: Client) -> None:
    receive("hola")
    receive("adiós")
    ticket = Message.objects.latest("pk").ticket_id
    with CaptureQueriesContext(connection) as found:
        desk.get(f"/ticket/{ticket}/conversacion")
    assert not any("chat_attachment" in query["sql"] for query in found.captured_queries)


def test_a_file_typed_on_the_phone_itself_arrives_too(gateway: FakeGateway) -> None:
    receive("hola")
    post_webhook(echo("", source="app", hasMedia=True, media={"url": URL, "mimetype": "image/jpeg"}))
    assert Attachment.objects.get().message.role == "tecnico"


def test_what_waha_did_not_download_is_asked_for_by_its_message(gateway: FakeGateway) -> None:
    receive("", message_id="3EB0AA", hasMedia=True, media=None, _data={"message": {"imageMessage": {}}})
    row = Attachment.objects.get()
    assert (row.state, row.ref) == ("pendiente", f"mensaje:{PERSON}@c.us/false_{PERSON}@c.us_3EB0AA")


def test_a_file_on_a_foreign_server_fails_at_once_and_says_why(desk: Client, gateway: FakeGateway) -> None:
    media_told = {"url": "https://169.254.169.254/latest", "mimetype": "image/jpeg"}
    receive("", hasMedia=True, media=media_told)
    row = Attachment.objects.get()
    told = shown(desk, row)
    assert told["estado"] == "fallido" and "otro servidor" in told["problema"] and not told["reintentable"]
    assert desk.post(url_of(row, "descargar")).status_code == 409
    assert not media.due()


def test_a_place_and_contacts_are_told_as_data(desk: Client) -> None:
    receive("", location={"latitude": "21.12", "longitude": "-101.68", "description": "Oficina"})
    receive("", vCards=["BEGIN:VCARD\nFN:Ana Ruiz\nTEL:+5214771112233\nEND:VCARD"])
    ticket = Message.objects.latest("pk").ticket_id
    history = desk.get(f"/ticket/{ticket}/conversacion").json()["historial"]
    place, contact = (next(e for e in history if e["tipo"] == kind) for kind in ("location", "contact"))
    assert place["datos"] == {"latitud": 21.12, "longitud": -101.68, "nombre": "Oficina", "direccion": ""}
    assert contact["datos"] == {"contactos": [{"nombre": "Ana Ruiz", "telefonos": ["+5214771112233"]}]}
    assert contact["content"] == "👤 Contacto: Ana Ruiz +5214771112233"


def test_a_place_or_a_contact_is_no_answer_to_the_assistant() -> None:
    receive("hola")
    Message.objects.filter(role="assistant").update(state="enviado")
    receive("", location={"latitude": "21.12", "longitude": "-101.68", "description": "Oficina"})
    receive("", vCards=["BEGIN:VCARD\nFN:Ana Ruiz\nTEL:+5214771112233\nEND:VCARD"])
    ticket = Message.objects.latest("pk").ticket
    assert (ticket.name, ticket.department, ticket.fault) == ("", "", "")


def test_the_log_names_the_file(desk: Client, gateway: FakeGateway) -> None:
    row = sent(caption="Mira")
    log = desk.get(f"/ticket/{row.message.ticket_id}/log").content.decode()
    assert "📷 Imagen: Mira [archivo: falla.jpg]" in log


def test_a_file_inside_the_webhook_is_kept_and_the_ledger_keeps_it_no_longer(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, desk: Client
) -> None:
    content = picture()
    monkeypatch.setattr("chat.inbound.attach", lambda message, _: attachments.attach(message, Media(content=content)))
    row = sent(extra="A" * 150_000, body_of="otra")
    event = WebhookEvent.objects.latest("pk")
    assert event.state == "procesado" and len(event.body) < 2000 and "archivo de 150000 caracteres" in event.body
    media.fetch(row.pk)
    assert gateway.fetched == []
    assert body_of(desk.get(url_of(row))) == content


def test_an_event_that_failed_keeps_its_file_to_be_handled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.inbound.attach", lambda *_: 1 / 0)
    receive("", hasMedia=True, media={"url": URL}, extra="A" * 150_000)
    event = WebhookEvent.objects.get()
    assert event.state == "error" and "A" * 150_000 in event.body


# It does not arrive


def test_a_fetch_that_fails_is_tried_again_later_and_later(gateway: FakeGateway) -> None:
    row = sent()
    pauses = []
    for _ in range(4):
        media.fetch(row.pk)
        row.refresh_from_db()
        assert row.state == "pendiente" and row.due
        pauses.append(row.due - timezone.now())
        media.fetch(row.pk)  # not due: nobody asks
        Attachment.objects.update(due=timezone.now())
    assert len(gateway.fetched) == 4
    assert pauses == sorted(pauses) and timedelta(seconds=3) < pauses[0] < timedelta(seconds=6)


def test_after_enough_tries_it_fails_in_sight_and_a_person_can_ask_again(desk: Client, gateway: FakeGateway) -> None:
    row = sent()
    for _ in range(media.TRIES):
        Attachment.objects.update(due=None)
        media.fetch(row.pk)
    told = shown(desk, row)
    assert (told["estado"], told["problema"], told["reintentable"]) == ("fallido", "WAHA no contesta", True)
    assert media.due() == []
    answer = desk.post(url_of(row, "descargar"))
    assert (answer.status_code, answer.json()["status"]) == (202, "pendiente")
    assert shown(desk, row)["estado"] == "pendiente"
    assert desk.post(url_of(row, "descargar")).status_code == 409
    gateway.files.append(Fetched(picture()))
    media.fetch(row.pk)
    assert shown(desk, row)["estado"] == "listo"


def test_what_cannot_come_any_more_is_not_tried_again(desk: Client, gateway: FakeGateway) -> None:
    row = sent()
    gateway.files.append(Failure("WAHA ya no tiene este archivo", again=False))
    media.fetch(row.pk)
    assert shown(desk, row)["problema"] == "WAHA ya no tiene este archivo"
    assert shown(desk, row)["estado"] == "fallido"


def test_our_own_bug_is_a_failed_try_and_not_the_end(gateway: FakeGateway) -> None:
    row = sent()
    gateway.files.append(RuntimeError("bug"))
    media.fetch(row.pk)
    row.refresh_from_db()
    assert (row.state, row.problem) == ("pendiente", "Error interno al descargar")


def test_a_disk_without_room_is_a_failed_try_like_any_other_and_ends_in_sight(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, media_folder: Path
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    row = sent()
    monkeypatch.setattr("django.core.files.storage.FileSystemStorage._save", full)
    for _ in range(media.TRIES):
        gateway.files.append(Fetched(picture()))
        Attachment.objects.update(due=None)
        media.fetch_one(row.pk)
    row.refresh_from_db()
    assert (row.state, row.problem) == ("fallido", "El servidor no pudo guardar el archivo")
    assert len(gateway.fetched) == media.TRIES


def test_a_file_that_ended_every_process_that_fetched_it_is_given_up(gateway: FakeGateway) -> None:
    row = sent()

    def killed(*_: Any) -> None:
        raise SystemExit

    gateway.fetch = killed  # type: ignore[assignment]
    for _ in range(media.TRIES):
        with pytest.raises(SystemExit):
            media.fetch_one(row.pk)
        Attachment.objects.update(due=timezone.now())
    media.fetch_one(row.pk)
    row.refresh_from_db()
    assert (row.state, row.problem, row.attempts) == (
        "fallido",
        "La descarga se interrumpió demasiadas veces",
        media.TRIES,
    )


def test_a_file_larger_than_the_limit_is_not_even_asked_for(settings: Settings, gateway: FakeGateway) -> None:
    settings.ADJUNTO_MAX_MB = 1
    row = sent()
    Attachment.objects.update(size=3 * 2**20)
    media.fetch(row.pk)
    row.refresh_from_db()
    assert row.state == "fallido" and row.problem == "Pesa 3 MB; aquí se descargan hasta 1 MB"
    assert gateway.fetched == []


def test_a_file_of_another_gateway_is_not_asked_for_here(gateway: FakeGateway) -> None:
    row = sent()
    Message.objects.update(gateway="evolution")
    media.fetch(row.pk)
    row.refresh_from_db()
    assert row.state == "fallido" and gateway.fetched == []


@pytest.mark.django_db(transaction=True)
def test_two_tasks_fetch_one_file_once(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    row = sent()
    both = threading.Barrier(2, timeout=10)
    real = Attachment.objects.select_related

    def together(*args: Any) -> Any:
        found = real(*args)
        both.wait()
        return found

    gateway.files.extend([Fetched(picture()), Fetched(picture())])
    monkeypatch.setattr(media, "due", lambda *_: [])
    monkeypatch.setattr(Attachment.objects, "select_related", together)

    def work() -> None:
        media.fetch(row.pk)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    monkeypatch.undo()
    assert len(gateway.fetched) == 1


def test_a_try_that_lost_its_turn_changes_nothing_and_leaves_no_file(gateway: FakeGateway, media_folder: Path) -> None:
    row = sent()

    def late(*_: Any) -> Fetched:
        Attachment.objects.update(attempts=5)
        return Fetched(picture())

    gateway.fetch = late  # type: ignore[method-assign]
    media.fetch_one(row.pk)
    row.refresh_from_db()
    assert (row.state, row.file.name) == ("pendiente", "")
    assert not [path for path in media_folder.rglob("*") if path.is_file()]


# Hostile files


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (picture("PNG"), "image/png"),
        (picture("WEBP"), "image/webp"),
        (picture("GIF"), "image/gif"),
        (OGG, "audio/ogg"),
        (MP3, "audio/mpeg"),
        (MP4, "video/mp4"),
    ],
)
def test_the_type_is_the_contents_and_not_the_senders(
    desk: Client, gateway: FakeGateway, content: bytes, mime: str
) -> None:
    row = arrived(gateway, content, mimetype="text/html", filename="pagina.html")
    response = desk.get(url_of(row))
    assert response["Content-Type"] == mime
    assert response["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    "content",
    [
        HTML,
        SVG,
        PDF,
        b"",
        b"\0" * 10,
        b"GIF89a/*" + HTML,
        b"\xff\xd8\xff\xe0" + HTML,
        b"MZ" + bytes(100),
        b"\xff" * 9000,
    ],
    ids=["html", "svg", "pdf", "empty", "zeros", "gif that is a script", "jpeg that is none", "exe", "noise"],
)
def test_what_is_not_on_the_list_is_only_ever_a_download(desk: Client, gateway: FakeGateway, content: bytes) -> None:
    row = arrived(gateway, content)
    response = desk.get(url_of(row))
    assert response.status_code == 200 and body_of(response) == content
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert not shown(desk, row)["en_linea"] and shown(desk, row)["miniatura"] is None


def test_every_answer_leaves_a_browser_nothing_to_guess_or_run(desk: Client, gateway: FakeGateway) -> None:
    rows = [arrived(gateway, picture() + HTML), arrived(gateway, HTML)]
    for response in [desk.get(url_of(row)) for row in rows] + [desk.get(url_of(rows[0], "miniatura"))]:
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert response["Cache-Control"].startswith("private")
        assert response["Content-Type"] in ("image/jpeg", "image/webp", "application/octet-stream")


def test_a_picture_of_too_many_points_is_never_decoded(desk: Client, gateway: FakeGateway) -> None:
    bomb = bytearray(picture("PNG", (10, 10)))
    bomb[16:24] = (60000).to_bytes(4, "big") * 2
    row = arrived(gateway, bytes(bomb))
    assert row.state == "listo" and not row.thumbnail
    told = shown(desk, row)
    assert "megapíxeles" in told["problema"] or "imagen" in told["problema"]
    assert desk.get(url_of(row))["Content-Disposition"].startswith("attachment")


def test_the_thumbnail_is_made_anew_without_metadata_and_upright(desk: Client, gateway: FakeGateway) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90°
    exif[0x010E] = "secreto"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (21.0, 7.0, 0.0)
    row = arrived(gateway, picture(exif=exif.tobytes()) + b"secreto<?php")
    small = body_of(desk.get(url_of(row, "miniatura")))
    assert b"secreto" not in small and b"Exif" not in small
    with Image.open(io.BytesIO(small)) as made:
        assert made.format == "WEBP" and made.size == (427, 640) and not made.getexif()
    assert (row.width, row.height) == (800, 1200)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\System32\\cmd.exe", "cmd.exe"),
        ("foto\u202egpj.exe", "foto gpj.exe"),
        ('a"; filename="b.html', "a; filename=b.html"),
        ("línea\r\nSet-Cookie: a=b.jpg", "línea Set-Cookie a=b.jpg"),
        ("x" * 500 + ".pdf", "x" * 109 + ".pdf"),
        ("..", ""),
        ("\ud800\0.jpg", "jpg"),
    ],
)
def test_a_name_is_only_ever_a_name(desk: Client, gateway: FakeGateway, name: str, clean: str) -> None:
    row = arrived(gateway, PDF, filename=name, mimetype="application/pdf")
    shown_as = clean or f"documento-{row.message.seq}.pdf"
    assert shown(desk, row)["nombre"] == shown_as
    assert "\n" not in desk.get(url_of(row))["Content-Disposition"]
    assert "/" not in row.file.name.removeprefix("adjuntos/").split("/", 2)[2]


def test_what_is_stored_is_called_by_chance_and_served_by_nobody_else(
    desk: Client, gateway: FakeGateway, media_folder: Path
) -> None:
    row = arrived(gateway, PDF, filename="contrato.pdf")
    (path,) = [path for path in media_folder.rglob("*") if path.is_file()]
    assert "contrato" not in path.name and len(path.name) == 32
    assert desk.get(f"/media/{row.file.name}").status_code == 404


# Who may see it


def test_only_who_sees_the_ticket_sees_its_files(gateway: FakeGateway, extrana: User, desk: Client) -> None:
    row = arrived(gateway, picture())
    stranger = Client()
    for what in ("archivo", "miniatura"):
        assert stranger.get(url_of(row, what)).status_code == 401
    stranger.force_login(extrana)
    for what in ("archivo", "miniatura"):
        assert stranger.get(url_of(row, what)).status_code == 404
    assert stranger.post(url_of(row, "descargar")).status_code == 404
    other = make_ticket()
    for path in (
        f"/ticket/{other.pk}/mensaje/{row.message.seq}/archivo",
        f"/ticket/{row.message.ticket_id}/mensaje/99/archivo",
    ):
        assert desk.get(path).status_code == 404


def test_what_is_not_there_yet_or_no_more_is_404(desk: Client, gateway: FakeGateway) -> None:
    assert desk.get(url_of(sent())).status_code == 404
    row = arrived(gateway, PDF)
    row.file.storage.delete(row.file.name)
    assert desk.get(url_of(row)).status_code == 404
    assert desk.get(url_of(row, "miniatura")).status_code == 404


# Ranges and caching


def ranged(desk: Client, row: Attachment, asked: str, **headers: str) -> HttpResponse:
    return desk.get(url_of(row), headers={"Range": asked, **headers})


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=200-", 200, -1),
        ("bytes=-5", -5, -1),
        ("bytes=0-999999", 0, -1),
    ],
)
def test_a_player_gets_the_range_it_asks_for(
    desk: Client, gateway: FakeGateway, asked: str, first: int, last: int
) -> None:
    content = MP4 + bytes(range(256))
    row, size = arrived(gateway, content), len(content)
    first, last = first % size, last % size
    response = ranged(desk, row, asked)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{size}"
    assert body_of(response) == content[first : last + 1]
    assert int(response["Content-Length"]) == last - first + 1


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=-", "bytes=9-2", "metros=0-1", "bytes=a-b", "bytes=0-1x"])
def test_a_range_that_makes_no_sense_is_the_whole_file(desk: Client, gateway: FakeGateway, asked: str) -> None:
    response = ranged(desk, arrived(gateway, MP4), asked)
    assert response.status_code == 200 and body_of(response) == MP4


@pytest.mark.parametrize("asked", ["bytes=99999-", "bytes=-0"])
def test_a_range_behind_the_end_is_416(desk: Client, gateway: FakeGateway, asked: str) -> None:
    response = ranged(desk, arrived(gateway, MP4), asked)
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(MP4)}")


def test_a_browser_that_has_it_is_told_so(desk: Client, gateway: FakeGateway) -> None:
    row = arrived(gateway, MP4)
    tag = desk.get(url_of(row))["ETag"]
    assert desk.get(url_of(row), headers={"If-None-Match": tag}).status_code == 304
    assert ranged(desk, row, "bytes=0-3", **{"If-Range": tag}).status_code == 206
    assert ranged(desk, row, "bytes=0-3", **{"If-Range": '"otra"'}).status_code == 200
    assert desk.head(url_of(row))["Accept-Ranges"] == "bytes"


def test_a_slow_read_holds_up_no_other_download() -> None:
    both = threading.Barrier(2, timeout=10)

    def slow() -> Iterator[bytes]:
        both.wait()  # nobody passes alone
        yield b"abc"

    async def download() -> bytes:
        return b"".join([piece async for piece in media_ranges.Stream(slow())])

    async def two() -> list[bytes]:
        return await asyncio.gather(download(), download())

    assert asyncio.run(two()) == [b"abc", b"abc"]


def test_a_download_can_be_asked_for_and_has_its_name(desk: Client, gateway: FakeGateway) -> None:
    row = arrived(gateway, picture(), filename="año nuevo.jpg")
    disposition = desk.get(url_of(row) + "?descargar")["Content-Disposition"]
    assert disposition == "attachment; filename*=utf-8''a%C3%B1o%20nuevo.jpg"


def test_a_thumbnail_is_added_to_a_picture_that_was_sent_from_here(gateway: FakeGateway) -> None:
    row = sent()
    Attachment.objects.update(state="listo", mime="image/png")
    row.refresh_from_db()
    row.file.save("cualquiera", ContentFile(picture("PNG", (300, 100))))
    media.add_thumbnail(row.pk)
    row.refresh_from_db()
    assert row.thumbnail and (row.width, row.height) == (300, 100)
