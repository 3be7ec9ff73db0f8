"""Quick replies: what the composer offers, who sees which, what is counted, and one's own on /respuestas."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from chat import media, media_store, notices
from chat.models import Attachment, AuditEntry, Message, PredefinedMessage, ReplyUse
from tests.chat.test_attachments import PDF, body_of, media_folder, picture
from tests.chat.test_attachments_store import aged
from tests.factory import make_contact, make_ticket, make_user
from tests.fake_gateway import FakeGateway
from tests.supervision import browser_of, posted, text_of
from tickets.access import GROUP_TECHNICIANS
from tickets.models import Ticket
from whatsapp.gateways.results import Disconnected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("inline", "media_folder")]
assert media_folder  # the fixture
ADMIN = "/admin/chat/predefinedmessage/"


@pytest.fixture(autouse=True)
def only_ours(db: None) -> None:
    PredefinedMessage.objects.all().delete()


@pytest.fixture
def ticket() -> Ticket:
    return make_ticket(make_contact("5214772758198"), name="Juan Pérez", state="En proceso")


@pytest.fixture
def beto(db: None) -> User:
    return make_user("beto", GROUP_TECHNICIANS, first_name="Beto", last_name="Paz")


def reply(title: str, text: str = "Hola", **fields: Any) -> PredefinedMessage:
    return PredefinedMessage.objects.create(title=title, text=text, **fields)


def offered(client: Client, ticket: Ticket) -> list[dict[str, Any]]:
    response = client.get(f"/ticket/{ticket.pk}/respuestas")
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["respuestas"]
    return found


def titles(client: Client, ticket: Ticket) -> list[str]:
    return [one["titulo"] for one in offered(client, ticket)]


def send(client: Client, ticket: Ticket, text: str = "Hola", **more: Any) -> HttpResponse:
    body = json.dumps({"mensaje": text, **more})
    return client.post(f"/ticket/{ticket.pk}/enviar-mensaje", body, content_type="application/json")


def save(client: Client, path: str = "/respuestas/nueva", **fields: Any) -> HttpResponse:
    return client.post(path, {"title": "Saludo", "text": "Hola {nombre}", "shortcut": "", **fields})


def upload(name: str = "guía.jpg", content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or picture())


# What the composer offers


def test_one_s_own_and_the_shared_ones_are_offered_filled(desk: Client, tecnica: User, ticket: Ticket) -> None:
    own = reply("Listo", "{nombre}: #{numero}, {estado}. {tecnico}", owner=tecnica, shortcut="listo")
    reply("Compartida")
    first = next(one for one in offered(desk, ticket) if one["propia"])
    assert first == {
        "id": own.pk,
        "titulo": "Listo",
        "atajo": "listo",
        "texto": f"Juan Pérez: #{ticket.pk}, En proceso. Ana Ruiz",
        "propia": True,
        "usos": 0,
        "adjunto": None,
    }
    assert sorted(titles(desk, ticket)) == ["Compartida", "Listo"]


def test_a_colleague_s_own_are_never_shown_nor_those_that_are_not_active(
    desk: Client, beto: User, supervisora: User, ticket: Ticket
) -> None:
    secret = reply("De Beto", owner=beto, file="adjuntos/x", mime="application/pdf", size=1)
    reply("Apagada", active=False)
    for client in (desk, browser_of(supervisora)):
        assert titles(client, ticket) == []
        assert "De Beto" not in text_of(client.get("/respuestas"))
        for path in ("", "/archivo", "/miniatura"):
            assert client.get(f"/respuestas/{secret.pk}{path}").status_code == 404
        assert client.post(f"/respuestas/{secret.pk}/borrar").status_code == 404
        assert save(client, f"/respuestas/{secret.pk}").status_code == 404
        assert client.get(f"/ticket/{ticket.pk}/notificar").json()["mensajes"] == []
        assert send(client, ticket, predefinido=secret.pk).status_code == 200
    assert "De Beto" not in text_of(browser_of(supervisora).get(ADMIN))
    assert browser_of(supervisora).get(f"{ADMIN}{secret.pk}/change/").status_code == 302
    assert PredefinedMessage.objects.get(title="De Beto").text == "Hola" and not ReplyUse.objects.exists()


@pytest.mark.parametrize(
    ("hour", "words"),
    [(5, "Buenos días"), (11, "Buenos días"), (12, "Buenas tardes"), (19, "Buenas noches"), (4, "Buenas noches")],
)
def test_the_greeting_is_by_the_hour_of_the_desk(tecnica: User, ticket: Ticket, hour: int, words: str) -> None:
    reply("Saludo", "{saludo}, {nombre}")
    with time_machine.travel(datetime(2026, 3, 2, hour, 30, tzinfo=ZoneInfo("America/Mexico_City")), tick=False):
        found = notices.replies(ticket, tecnica)
    assert found[0]["texto"] == f"{words}, Juan Pérez"


def test_what_one_sent_most_comes_first_and_only_one_s_own_sends_count(
    desk: Client,
    beto: User,
    ticket: Ticket,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    one, two, three = (reply(title, position=place) for place, title in enumerate("abc"))
    with django_capture_on_commit_callbacks(execute=True):
        for chosen in (three, three, two):
            assert send(desk, ticket, predefinido=chosen.pk).status_code == 200
        send(browser_of(beto), ticket, predefinido=one.pk)
    assert [(entry["titulo"], entry["usos"]) for entry in offered(desk, ticket)] == [("c", 2), ("b", 1), ("a", 0)]
    assert titles(browser_of(beto), ticket) == ["a", "b", "c"]


def test_a_use_is_counted_once_when_the_message_is_saved_and_not_before(
    desk: Client,
    ticket: Ticket,
    gateway: FakeGateway,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    chosen, key = reply("a").pk, str(uuid.uuid4())
    gateway.answers(Disconnected("x"))
    with django_capture_on_commit_callbacks(execute=True):
        offered(desk, ticket)
        assert send(desk, ticket, "", predefinido=chosen).status_code == 400
        assert not ReplyUse.objects.exists()
        for _ in range(3):
            assert send(desk, ticket, clave=key, predefinido=chosen).status_code == 503
    assert ReplyUse.objects.get().count == 1


def test_notificar_and_files_count_too(
    desk: Client, ticket: Ticket, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    chosen = reply("a").pk
    with django_capture_on_commit_callbacks(execute=True):
        body = json.dumps({"predefinido": chosen})
        assert desk.post(f"/ticket/{ticket.pk}/notificar", body, content_type="application/json").status_code == 200
        form = {"archivo": upload(), "mensaje": "Mira", "predefinido": str(chosen)}
        assert desk.post(f"/ticket/{ticket.pk}/enviar-archivo", form).status_code == 200
    assert ReplyUse.objects.get().count == 2


def test_a_reply_that_is_gone_meanwhile_stops_no_message(
    desk: Client, ticket: Ticket, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for gone in (999_999, 10**30):
            assert send(desk, ticket, predefinido=gone).status_code == 200
    assert Message.objects.count() == 2


@pytest.mark.parametrize("wrong", ["1", True, [1], 1.5])
def test_a_malformed_predefinido_is_a_400_and_nothing_is_saved(desk: Client, ticket: Ticket, wrong: Any) -> None:
    response = send(desk, ticket, predefinido=wrong)
    assert (response.status_code, response.json()["status"]) == (400, "datos_no_validos")
    assert not Message.objects.exists()


def test_the_list_asks_as_many_questions_for_thirty_as_for_one(
    desk: Client, tecnica: User, ticket: Ticket, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for path, queries in ((f"/ticket/{ticket.pk}/respuestas", 3), ("/respuestas", 2)):
        PredefinedMessage.objects.all().delete()
        for many in (1, 29):
            for number in range(many):
                reply(f"{many}-{number}", owner=tecnica if number % 2 else None)
            desk.get(path)
            with django_assert_num_queries(queries):
                assert desk.get(path).status_code == 200


# Files


def test_a_file_goes_with_a_shared_one_by_notificar_as_an_upload_of_its_own(
    desk: Client, supervisora: User, ticket: Ticket, gateway: FakeGateway, media_folder: Path
) -> None:
    admin, content = browser_of(supervisora), picture()
    data = {"title": "Guía", "text": "Hola {nombre}", "position": 1, "active": "on", "notify": "on"}
    assert admin.post(f"{ADMIN}add/", {**data, "upload": upload(content=content)}).status_code == 302
    row = PredefinedMessage.objects.get()
    shown = desk.get(f"/ticket/{ticket.pk}/notificar").json()["mensajes"][0]
    assert (shown["adjunto"]["nombre"], shown["problema"]) == ("guía.jpg", "")
    for _ in range(2):
        body = json.dumps({"predefinido": row.pk, "forzar": True})
        assert desk.post(f"/ticket/{ticket.pk}/notificar", body, content_type="application/json").status_code == 200
    assert [(out.text, out.file and out.file.read()) for out in gateway.sent] == [("Hola Juan Pérez", content)] * 2
    paths = {row.file.name, *Attachment.objects.values_list("file", flat=True)}
    assert len(paths) == 3
    row.delete()
    aged(media_folder)
    assert media_store.drop_orphans() == 1  # the reply's; each message keeps its own


def test_the_daily_look_keeps_a_reply_s_file_and_thumbnail(desk: Client, ticket: Ticket, media_folder: Path) -> None:
    desk.post(f"/ticket/{ticket.pk}/enviar-archivo", {"archivo": upload()})
    save(desk, upload=upload())
    row = PredefinedMessage.objects.get()
    media.add_reply_thumbnail(row.pk)
    aged(media_folder)
    assert media_store.drop_orphans() == 0
    response = desk.get(f"/respuestas/{row.pk}/miniatura")
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")


def test_a_file_is_judged_and_given_as_those_of_messages_are(desk: Client) -> None:
    page = text_of(save(desk, upload=upload("a.jpg", b"")))
    assert PredefinedMessage.objects.count() == 1 and not page
    refused = save(desk, title="Otra", upload=SimpleUploadedFile("a.txt", b""))
    assert (refused.status_code, PredefinedMessage.objects.count()) == (400, 1)
    save(desk, title="Página", upload=upload("manual.html", b"<!doctype html><script>1</script>"))
    row = PredefinedMessage.objects.get(title="Página")
    response = desk.get(f"/respuestas/{row.pk}/archivo")
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")


def test_a_file_that_is_too_large_is_refused_by_its_length_in_the_page(desk: Client, settings: Any) -> None:
    settings.ADJUNTO_MAX_MB = 0.1
    response = save(desk, upload=upload("a.pdf", PDF + bytes(400_000)))
    assert response.status_code == 413
    assert "demasiado grande" in text_of(response) and not PredefinedMessage.objects.exists()


def test_with_a_file_the_text_is_no_longer_than_a_caption(desk: Client) -> None:
    response = save(desk, text="x" * 1025, upload=upload())
    assert response.status_code == 400 and "1024" in text_of(response)
    assert save(desk, text="x" * 1025).status_code == 302
    row = PredefinedMessage.objects.get()
    assert save(desk, f"/respuestas/{row.pk}", text="x" * 1025, upload=upload()).status_code == 400


def test_a_file_is_replaced_and_taken_away(desk: Client) -> None:
    save(desk, upload=upload())
    row = PredefinedMessage.objects.get()
    assert body_of(desk.get(f"/respuestas/{row.pk}/archivo")) == picture()
    save(desk, f"/respuestas/{row.pk}", upload=upload("b.pdf", PDF))
    row.refresh_from_db()
    assert (row.name, row.mime, row.thumbnail.name) == ("b.pdf", "application/pdf", "")
    save(desk, f"/respuestas/{row.pk}", remove="on")
    assert desk.get(f"/respuestas/{row.pk}/archivo").status_code == 404


# One's own, on the desk


def test_one_s_own_is_written_changed_and_deleted_and_each_is_audited(desk: Client, tecnica: User) -> None:
    assert save(desk, shortcut="/Envío").status_code == 302
    row = PredefinedMessage.objects.get()
    assert (row.owner, row.title, row.shortcut, row.text) == (tecnica, "Saludo", "envio", "Hola {nombre}")
    page = text_of(desk.get("/respuestas"))
    assert "Hola Juan Pérez" in page and "/envio" in page
    assert "Hola {nombre}" in text_of(desk.get(f"/respuestas/{row.pk}"))
    assert save(desk, f"/respuestas/{row.pk}", title="Otro", shortcut="envio").status_code == 302
    assert PredefinedMessage.objects.get().title == "Otro"
    assert desk.post(f"/respuestas/{row.pk}/borrar").status_code == 302
    assert not PredefinedMessage.objects.exists()
    acts = list(AuditEntry.objects.filter(kind="chat.predefinedmessage").order_by("pk"))
    assert [(act.act, act.object) for act in acts] == [("alta", "Saludo"), ("cambio", "Otro"), ("baja", "Otro")]
    assert "Título: Saludo → Otro" in acts[1].detail


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "Hola {apellido}"}, "No se conoce {apellido}. Las variables son: {nombre}"),
        ({"text": "  "}, "text-error"),
        ({"title": ""}, "title-error"),
        ({"text": "x" * 4097}, "4096"),
        ({"shortcut": "dos palabras"}, "Una sola palabra"),
        ({"title": "Mía"}, "Ya tienes una con ese título."),
        ({"shortcut": "mia"}, "Ya tienes una con ese atajo."),
    ],
)
def test_what_cannot_be_saved_says_why_and_is_kept_in_the_form(
    desk: Client, tecnica: User, fields: dict[str, str], words: str
) -> None:
    reply("Mía", owner=tecnica, shortcut="mia")
    response = save(desk, **fields)
    page = text_of(response)
    assert (response.status_code, words in page) == (400, True)
    assert PredefinedMessage.objects.count() == 1


def test_titles_and_shortcuts_are_unique_among_one_s_own_and_among_the_shared(
    desk: Client, beto: User, supervisora: User
) -> None:
    reply("Saludo", shortcut="s")
    assert save(desk, shortcut="s").status_code == 302
    assert save(browser_of(beto), shortcut="s").status_code == 302
    admin = browser_of(supervisora)
    data = {"title": "Saludo", "text": "Hola", "position": 1, "shortcut": "s"}
    page = text_of(admin.post(f"{ADMIN}add/", data))
    assert "Ya hay uno compartido con ese título." in page and "Ya hay uno compartido con ese atajo." in page
    assert PredefinedMessage.objects.count() == 3


def test_the_shared_ones_are_read_only_on_the_page_and_supervisors_are_led_to_the_administration(
    desk: Client, supervisora: User
) -> None:
    row = reply("Compartida", "Hola {nombre}, <b>{numero}</b>")
    page = text_of(desk.get("/respuestas"))
    assert "Hola Juan Pérez, &lt;b&gt;123&lt;/b&gt;" in page and "/admin/" not in page
    assert desk.get(f"/respuestas/{row.pk}").status_code == 404
    assert f"{ADMIN}{row.pk}/change/" in text_of(browser_of(supervisora).get("/respuestas"))


def test_without_any_the_page_says_how_to_begin(desk: Client) -> None:
    page = text_of(desk.get("/respuestas"))
    assert "Todavía no tienes ninguna" in page and 'href="/respuestas/nueva"' in page


def test_the_menu_leads_to_the_page(desk: Client) -> None:
    assert 'href="/respuestas"' in text_of(desk.get("/"))


def test_a_form_of_another_site_is_refused(tecnica: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(tecnica)
    assert save(client).status_code == 403
    assert not PredefinedMessage.objects.exists()


# Shared ones


def test_notificar_offers_the_shared_ones_that_are_marked_for_it(desk: Client, ticket: Ticket) -> None:
    other = reply("Sólo en el chat", notify=False)
    reply("En ambos")
    found = desk.get(f"/ticket/{ticket.pk}/notificar").json()["mensajes"]
    assert [one["titulo"] for one in found] == ["En ambos"]
    body = json.dumps({"predefinido": other.pk})
    assert desk.post(f"/ticket/{ticket.pk}/notificar", body, content_type="application/json").status_code == 404
    assert titles(desk, ticket) == ["En ambos", "Sólo en el chat"]


def test_a_supervisor_gives_a_shared_one_a_shortcut_and_takes_its_file_away(supervisora: User) -> None:
    admin = browser_of(supervisora)
    row = reply("Guía", file="adjuntos/x", name="guía.pdf", mime="application/pdf", size=9, position=1)
    page = f"{ADMIN}{row.pk}/change/"
    assert "guía.pdf" in text_of(admin.get(page))
    assert admin.post(page, posted(admin, page, shortcut="guia", remove="on")).status_code == 302
    row.refresh_from_db()
    assert (row.shortcut, row.file.name, row.name, row.size) == ("guia", "", "", None)
