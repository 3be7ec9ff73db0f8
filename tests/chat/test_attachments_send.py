"""A technician sends a picture or a file."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from chat import delivery, media, media_uploads
from chat.models import Attachment, Conversation, Message
from tests.chat.test_attachments import HTML, MP3, MP4, OGG, PDF, body_of, media_folder, picture, shown, url_of
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway, receive
from tickets.models import Ticket
from whatsapp.gateways.base import MediaLimit
from whatsapp.gateways.results import Accepted, Ambiguous, Disconnected, Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("inline", "media_folder")]
assert media_folder  # the fixture


@pytest.fixture
def ticket() -> Ticket:
    return make_ticket()


def post(desk: Client, ticket: Ticket, content: bytes = b"", name: str = "falla.jpg", **fields: Any) -> HttpResponse:
    file = SimpleUploadedFile(name, content or picture(), content_type="text/html")
    return desk.post(f"/ticket/{ticket.pk}/enviar-archivo", {"archivo": file, **fields})


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_picture_is_sent_with_its_caption(desk: Client, ticket: Ticket, gateway: FakeGateway, tecnica: User) -> None:
    content = picture()
    response = post(desk, ticket, content, mensaje="Así debe verse")
    assert (response.status_code, response.json()["status"]) == (200, "enviado")
    row = Message.objects.get()
    assert (row.text, row.kind, row.state, row.author) == ("📷 Imagen: Así debe verse", "image", "enviado", tecnica)
    (out,) = gateway.sent
    assert out.text == "Así debe verse" and out.file is not None
    assert (out.file.kind, out.file.mime, out.file.name, out.file.size) == (
        "image",
        "image/jpeg",
        "falla.jpg",
        len(content),
    )
    assert out.file.read() == content
    told = shown(desk, row.attachment)
    assert (told["estado"], told["tipo"], told["bytes"], told["en_linea"]) == (
        "listo",
        "image/jpeg",
        len(content),
        True,
    )
    assert body_of(desk.get(url_of(row.attachment))) == content


@pytest.mark.parametrize(
    ("content", "name", "caption", "kind", "mime", "text"),
    [
        (PDF, "guía.pdf", "", "document", "application/pdf", "📄 Documento"),
        (PDF, "foto.jpg", "", "document", "application/pdf", "📄 Documento"),
        (MP4, "a.mp4", "Mira", "video", "video/mp4", "🎬 Video: Mira"),
        (OGG, "a.ogg", "", "audio", "audio/ogg", "🎤 Audio"),
        (MP3, "a.mp3", "con palabras", "document", "audio/mpeg", "📄 Documento: con palabras"),
        (picture("GIF"), "a.gif", "", "document", "image/gif", "📄 Documento"),
        (b"uno,dos\n", "datos.csv", "", "document", "text/csv", "📄 Documento"),
        (HTML, "manual.html", "", "document", "text/html", "📄 Documento"),
        (b"\0\1\2", "sin tipo", "", "document", "application/octet-stream", "📄 Documento"),
    ],
)
def test_what_a_file_is_sent_as_depends_on_its_content(
    desk: Client,
    ticket: Ticket,
    gateway: FakeGateway,
    content: bytes,
    name: str,
    caption: str,
    kind: str,
    mime: str,
    text: str,
) -> None:
    assert post(desk, ticket, content, name, mensaje=caption).status_code == 200
    file = gateway.sent[0].file
    assert file and (file.kind, file.mime, file.name) == (kind, mime, name)
    assert (Message.objects.get().text, gateway.sent[0].text) == (text, caption)


def test_a_page_that_was_uploaded_is_never_shown_as_one(desk: Client, ticket: Ticket) -> None:
    post(desk, ticket, HTML, "manual.html")
    response = desk.get(url_of(Attachment.objects.get()))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("answer", "status", "word"),
    [
        (Disconnected("La sesión está detenida"), 503, "en_cola"),
        (Ambiguous("sin respuesta"), 504, "sin_confirmar"),
        (Refused("No es un número de WhatsApp"), 422, "fallido"),
    ],
)
def test_it_answers_as_a_text_does(
    desk: Client, ticket: Ticket, gateway: FakeGateway, answer: Any, status: int, word: str
) -> None:
    gateway.answers(answer)
    response = post(desk, ticket)
    assert (response.status_code, response.json()["status"]) == (status, word)
    assert {"ticket_id", "telefono", "seq", "detail"} <= set(response.json())
    assert Attachment.objects.count() == 1


def test_a_repeat_with_the_same_clave_answers_the_outcome_and_keeps_one_file(
    desk: Client, ticket: Ticket, gateway: FakeGateway, media_folder: Path
) -> None:
    key, content = str(uuid.uuid4()), picture()
    answers = [post(desk, ticket, content, mensaje="Mira", clave=key).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(gateway.sent) == 1
    assert len(stored(media_folder)) == 1


def test_another_file_or_text_under_the_same_clave_is_409_and_saves_nothing(
    desk: Client, ticket: Ticket, gateway: FakeGateway, media_folder: Path
) -> None:
    key, content = str(uuid.uuid4()), picture()
    post(desk, ticket, content, clave=key)
    for response in (
        post(desk, ticket, picture(size=(9, 9)), clave=key),
        post(desk, ticket, content, mensaje="otro texto", clave=key),
        desk.post(
            f"/ticket/{ticket.pk}/enviar-mensaje",
            {"mensaje": "📷 Imagen", "clave": key},
            content_type="application/json",
        ),
    ):
        assert (response.status_code, response.json()["status"]) == (409, "clave_con_otro_texto")
    assert Message.objects.count() == 1 and len(stored(media_folder)) == 1


def test_what_the_person_wrote_meanwhile_is_shown_first_and_the_file_can_be_forced(
    desk: Client, gateway: FakeGateway, media_folder: Path
) -> None:
    receive("¿sigues ahí?")
    ticket = Ticket.objects.get()
    gateway.script.clear()
    response = post(desk, ticket, visto_hasta="0")
    assert (response.status_code, response.json()["status"]) == (409, "hay_mensajes_nuevos")
    assert stored(media_folder) == []
    assert post(desk, ticket, visto_hasta="0", forzar="true").status_code in (200, 503)
    assert Attachment.objects.count() == 1


# Limits


def test_a_file_too_large_for_its_kind_is_refused_in_words_before_anything_is_saved(
    desk: Client, ticket: Ticket, gateway: FakeGateway, media_folder: Path
) -> None:
    gateway.limits = {"image": MediaLimit(5 * 2**20, ("image/jpeg",)), "document": MediaLimit(100 * 2**20)}  # type: ignore[misc]
    response = post(desk, ticket, picture() + bytes(int(7.2 * 2**20)))
    assert response.status_code == 400
    assert response.json()["detail"] == "WhatsApp acepta imágenes de hasta 5 MB; esta pesa 7.2 MB."
    assert not Message.objects.exists() and stored(media_folder) == [] and gateway.sent == []


def test_a_type_that_the_gateway_does_not_take_is_refused(desk: Client, ticket: Ticket, gateway: FakeGateway) -> None:
    gateway.limits = {"image": MediaLimit(2**20, ("image/png",)), "document": MediaLimit(2**20, ("application/pdf",))}  # type: ignore[misc]
    response = post(desk, ticket)
    assert response.json()["detail"] == "WhatsApp no acepta archivos de este tipo (image/jpeg)."


def test_more_than_anything_may_weigh_is_refused_before_it_is_read(
    desk: Client, ticket: Ticket, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ADJUNTO_MAX_MB = 1
    response = post(desk, ticket, bytes(2 * 2**20))
    assert (response.status_code, response.json()["status"]) == (413, "archivo_demasiado_grande")
    assert "1 MB" in response.json()["detail"]
    response = post(desk, ticket, picture() + bytes(2**20))  # within what a form may add to a file
    assert response.status_code == 413
    assert not Message.objects.exists()


def test_a_gateway_without_files_says_so_and_the_page_knows(
    desk: Client, ticket: Ticket, gateway: FakeGateway, settings: Settings
) -> None:
    told = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["archivos"]
    assert told["leyenda"] == 1024 and told["tipos"]["image"] == {
        "bytes": 16 * 2**20,
        "tipos": ["image/jpeg", "image/png"],
    }
    gateway.can = frozenset()  # type: ignore[misc]
    assert desk.get(f"/ticket/{ticket.pk}/conversacion").json()["archivos"] is None
    response = post(desk, ticket)
    assert (response.status_code, response.json()["detail"]) == (400, "WAHA no envía archivos.")


@pytest.mark.parametrize(
    "fields",
    [
        {"clave": "no"},
        {"visto_hasta": "-1"},
        {"visto_hasta": "x"},
        {"forzar": "quizás"},
        {"mensaje": "a" * 1025},
        {"mensaje": "a\0b"},
    ],
    ids=str,
)
def test_a_malformed_field_is_400_and_saves_nothing(
    desk: Client, ticket: Ticket, media_folder: Path, fields: dict[str, Any]
) -> None:
    response = post(desk, ticket, **fields)
    assert (response.status_code, response.json()["status"]) == (400, "datos_no_validos")
    assert not Message.objects.exists() and stored(media_folder) == []


def test_a_form_without_one_file_is_400(desk: Client, ticket: Ticket) -> None:
    url = f"/ticket/{ticket.pk}/enviar-archivo"
    two = [SimpleUploadedFile("a", b"a"), SimpleUploadedFile("b", b"b")]
    for data in ({}, {"archivo": "texto"}, {"archivo": two}):
        assert desk.post(url, data).status_code == 400
    assert desk.post(url, {"archivo": SimpleUploadedFile("vacío.txt", b"")}).status_code == 400
    assert desk.post(url, {"mensaje": "hola"}, content_type="application/json").status_code == 415
    assert not Message.objects.exists()


def test_the_file_goes_to_the_disk_and_not_into_memory(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: list[str] = []
    take = media_uploads.take

    def noted(file: Any, caption: str) -> Any:
        kinds.append(type(file).__name__)
        return take(file, caption)

    monkeypatch.setattr(media_uploads, "take", noted)
    post(desk, ticket)
    assert kinds == ["TemporaryUploadedFile"]


# Who may


def test_only_who_works_at_the_desk_may_send(ticket: Ticket, extrana: User, tecnica: User, media_folder: Path) -> None:
    nobody = Client()
    assert post(nobody, ticket).status_code == 401
    nobody.force_login(extrana)
    assert post(nobody, ticket).status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(tecnica)
    assert post(strict, ticket).status_code == 403
    assert not Message.objects.exists() and stored(media_folder) == []


# After it


def test_reenviar_sends_the_same_file_again(
    desk: Client, ticket: Ticket, gateway: FakeGateway, media_folder: Path
) -> None:
    gateway.answers(Refused("no"))
    content = picture()
    seq = post(desk, ticket, content, mensaje="Mira").json()["seq"]
    answer = desk.post(
        f"/ticket/{ticket.pk}/mensaje/{seq}/resolver", {"decision": "reenviar"}, content_type="application/json"
    )
    assert answer.json()["status"] == "enviado"
    again = gateway.sent[-1]
    assert again.text == "Mira" and again.file and again.file.read() == content
    assert shown(desk, Message.objects.latest("seq").attachment)["url"]
    assert len(stored(media_folder)) == 1


def test_a_picture_sent_again_before_it_had_a_thumbnail_gets_its_own(
    desk: Client,
    ticket: Ticket,
    gateway: FakeGateway,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    gateway.answers(Refused("no"))
    seq = post(desk, ticket).json()["seq"]
    woken: list[Any] = []
    monkeypatch.setattr("chat.wake.wake", lambda task, *args: woken.append((task.name, *args)))
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(
            f"/ticket/{ticket.pk}/mensaje/{seq}/resolver", {"decision": "reenviar"}, content_type="application/json"
        )
    again = Attachment.objects.latest("pk")
    assert again.message.seq > seq and ("chat.add_thumbnail", again.pk) in woken


def test_a_file_sent_before_digests_had_a_column_is_still_known_by_its_key(desk: Client, ticket: Ticket) -> None:
    fields = {"content": picture(), "clave": str(uuid.uuid4())}
    post(desk, ticket, **fields)
    row = Attachment.objects.get()
    assert row.digest.startswith("sha256:") and row.ref == ""
    Attachment.objects.update(ref=row.digest, digest="")
    assert post(desk, ticket, **fields).status_code == 409
    import_module("chat.migrations.0010_digests_of_files").forwards(apps, None)
    assert post(desk, ticket, **fields).json()["status"] == "enviado"
    row.refresh_from_db()
    assert row.digest.startswith("sha256:") and row.ref == ""


def test_a_file_that_is_gone_is_refused_and_not_tried_for_ever(
    desk: Client, ticket: Ticket, gateway: FakeGateway, nobody_sends: None
) -> None:
    post(desk, ticket)
    row = Attachment.objects.get()
    row.file.storage.delete(str(row.file.name))
    delivery.drain(Conversation.objects.get().pk)
    message = Message.objects.get()
    assert (message.state, message.reason) == ("fallido", "El archivo ya no está en el servidor")
    assert gateway.sent == []


def test_the_thumbnail_of_what_was_sent_is_made_by_a_task(desk: Client, ticket: Ticket) -> None:
    post(desk, ticket)
    row = Attachment.objects.get()
    assert shown(desk, row)["miniatura"] is None
    media.add_thumbnail(row.pk)
    assert shown(desk, row)["miniatura"] and shown(desk, row)["ancho"] == 1200


def test_the_echo_settles_a_doubtful_file(desk: Client, ticket: Ticket, gateway: FakeGateway) -> None:
    from tests.fake_gateway import echo, post_webhook

    gateway.answers(Ambiguous("sin respuesta"))
    post(desk, ticket, mensaje="Mira")
    media_told = {"url": "http://x/api/files/a.jpg", "mimetype": "image/jpeg"}
    post_webhook(echo("Mira", phone=ticket.contact.address, hasMedia=True, media=media_told))
    message = Message.objects.get()
    assert message.state == "enviado" and Attachment.objects.count() == 1


def test_a_file_is_given_the_time_that_a_slow_line_needs_and_its_lease_too(
    desk: Client, ticket: Ticket, gateway: FakeGateway, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a large one would be tried for ever, and its failures would shut the line for everybody."""
    settings.WHATSAPP_TIMEOUT_S = 15
    monkeypatch.setattr("whatsapp.gateways.base.SLOWEST_BYTES_S", 1)
    leases: list[float] = []

    def answer(before_first_byte: Callable[[], None]) -> Accepted:
        before_first_byte()
        conversation = Conversation.objects.annotate(clock=Now()).get()
        assert conversation.lease_until
        leases.append((conversation.lease_until - conversation.clock).total_seconds())
        return Accepted("3EB0")

    gateway.answers(answer)
    post(desk, ticket, PDF, "guía.pdf")
    assert gateway.sent[-1].extra_s == len(PDF)
    assert leases[0] == pytest.approx(2 * 15 + 2 + len(PDF), abs=5)
