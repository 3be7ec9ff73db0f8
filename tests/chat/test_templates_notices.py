"""Notificar outside of the 24-hour window: the notice's template goes instead of its text, or it says why not."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, Message, PredefinedMessage
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway
from tests.supervision import browser_of, posted, text_of
from tickets.models import Ticket
from whatsapp.models import Template

pytestmark = pytest.mark.django_db

NOTICES = "/admin/chat/predefinedmessage/"


@pytest.fixture(autouse=True)
def with_templates(gateway: FakeGateway, db: None) -> None:
    PredefinedMessage.objects.all().delete()
    gateway.can = frozenset({"templates"})  # type: ignore[misc]


@pytest.fixture
def ticket(tecnica: User) -> Ticket:
    """Of a person who wrote 25 hours ago."""
    ticket = make_ticket(make_contact("5214772758198"), name="Juan  Pérez", state="En proceso", technician=tecnica)
    heard(ticket, timedelta(hours=25))
    return ticket


@pytest.fixture
def template() -> Template:
    return Template.objects.create(
        gateway="waha",
        name="listo",
        language="es_MX",
        status="APPROVED",
        body="Hola {{1}}, {{2}}",
        header="Ticket {{1}}",
    )


@pytest.fixture
def notice(template: Template) -> PredefinedMessage:
    return PredefinedMessage.objects.create(
        title="Listo",
        text="Hola {nombre}, ya está.",
        position=1,
        template=template,
        template_values="{numero}\n{nombre}\ntu equipo está {estado}",
    )


def heard(ticket: Ticket, ago: timedelta) -> None:
    """The person wrote so long ago."""
    conversation, when = Conversation.locked_for(ticket.contact), timezone.now() - ago
    conversation.append(ticket, "user", "Hola", state="recibido", gateway="waha", created=when)
    Conversation.objects.filter(pk=conversation.pk).update(last_inbound=when)


def post(client: Client, ticket: Ticket, notice: PredefinedMessage, **more: Any) -> HttpResponse:
    body = {"predefinido": notice.pk, **more}
    return client.post(f"/ticket/{ticket.pk}/notificar", json.dumps(body), content_type="application/json")


def preview(client: Client, ticket: Ticket) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/ticket/{ticket.pk}/notificar").json()["mensajes"][0]
    return found


def filled(ticket: Ticket) -> str:
    return f"*Ticket {ticket.pk}*\n\nHola Juan Pérez, tu equipo está En proceso"


def test_the_template_is_previewed_and_sent(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway, inline: None
) -> None:
    shown = preview(desk, ticket)
    assert (shown["texto"], shown["plantilla"], shown["problema"]) == (filled(ticket), "listo", "")
    assert post(desk, ticket, notice, plantilla="listo").status_code == 200
    row = Message.objects.exclude(role="user").get()
    assert (row.text, row.notice) == (shown["texto"], notice)
    assert gateway.sent[0].template is not None
    assert gateway.sent[0].template.body == ("Juan Pérez", "tu equipo está En proceso")
    assert gateway.sent[0].template.header == (str(ticket.pk),)
    assert post(desk, ticket, notice).json()["status"] == "ya_notificado"


def test_previews_ask_as_much_for_ten_notices_as_for_one(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, template: Template
) -> None:
    preview(desk, ticket)  # what is read once in a process
    with CaptureQueriesContext(connection) as one:
        preview(desk, ticket)
    for number in range(9):
        PredefinedMessage.objects.create(title=str(number), text="x", template=template, template_values="1\n2\n3")
    with CaptureQueriesContext(connection) as ten:
        preview(desk, ticket)
    assert len(ten) == len(one)


def test_inside_of_the_window_the_text_goes(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway, inline: None
) -> None:
    heard(ticket, timedelta(hours=1))
    assert (preview(desk, ticket)["plantilla"], preview(desk, ticket)["problema"]) == (None, "")
    assert post(desk, ticket, notice, plantilla=None).status_code == 200
    assert (gateway.texts, gateway.sent[0].template) == (["Hola Juan  Pérez, ya está."], None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "REJECTED"}, "rechazada"),
        ({"usable": False, "problem": "Lleva una imagen."}, "Lleva una imagen."),
        ({"body": "Hola {{1}}"}, "lleva 1 variables en el cuerpo, y llegaron 2"),
        ({"body": "{{1}} {{2}}" + "x" * 1024}, "1024"),
    ],
    ids=["rejected", "unusable", "changed", "too long"],
)
def test_a_template_that_cannot_go_says_why_and_nothing_is_saved(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, change: dict[str, Any], words: str
) -> None:
    Template.objects.update(**change)
    assert words in preview(desk, ticket)["problema"]
    response = post(desk, ticket, notice)
    assert (response.status_code, response.json()["status"]) == (422, "ventana_cerrada")
    assert not Message.objects.exclude(role="user").exists()


def test_a_notice_without_a_template_cannot_go(desk: Client, ticket: Ticket, notice: PredefinedMessage) -> None:
    PredefinedMessage.objects.update(template=None, template_values="")
    assert "no tiene plantilla" in preview(desk, ticket)["problema"]
    assert post(desk, ticket, notice).status_code == 422
    assert not Message.objects.exclude(role="user").exists()


def test_what_was_not_previewed_is_not_sent(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway
) -> None:
    """The window closed, or opened, since the page was drawn."""
    assert post(desk, ticket, notice, plantilla=None).json()["status"] == "ventana_cambio"
    heard(ticket, timedelta(0))
    assert post(desk, ticket, notice, plantilla="listo").json()["status"] == "ventana_cambio"
    assert not gateway.calls
    assert not Message.objects.exclude(role="user").exists()


def test_a_repeat_with_the_same_clave_answers_what_was_sent_though_the_window_closed(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway, inline: None
) -> None:
    key = str(uuid.uuid4())
    heard(ticket, timedelta(hours=1))
    assert post(desk, ticket, notice, clave=key).status_code == 200
    heard(ticket, timedelta(hours=25))
    assert post(desk, ticket, notice, clave=key).status_code == 200
    assert len(gateway.calls) == 1


def test_without_a_window_a_template_is_never_used(
    desk: Client, ticket: Ticket, notice: PredefinedMessage, gateway: FakeGateway, inline: None
) -> None:
    gateway.can = frozenset()  # type: ignore[misc]
    assert preview(desk, ticket)["plantilla"] is None
    assert post(desk, ticket, notice).status_code == 200
    assert gateway.sent[0].template is None


# The admin's form


def save(client: Client, notice: PredefinedMessage, **changes: Any) -> str:
    """Change a notice through its form; returns the page's text, empty when it was taken."""
    url = f"{NOTICES}{notice.pk}/change/"
    response = client.post(url, posted(client, url, **changes))
    return "" if response.status_code == 302 else text_of(response)


def test_a_supervisor_gives_a_notice_its_template(supervisora: User, template: Template) -> None:
    admin = browser_of(supervisora)
    notice = PredefinedMessage.objects.create(title="Listo", text="Hola", position=1)
    assert not save(admin, notice, template=template.pk, template_values="{numero}\n\n {nombre} \nlisto")
    notice.refresh_from_db()
    assert (notice.template, notice.template_values) == (template, "{numero}\n{nombre}\nlisto")
    shown = text_of(admin.get(f"{NOTICES}{notice.pk}/change/"))
    assert "*Ticket 123*\n\nHola Juan Pérez, listo" in shown
    assert not save(admin, notice, template="", template_values="")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("{numero}\n{nombre}", "Hay 2 valores"),
        ("", "Hay 0 valores"),
        ("{numero}\n{folio}\nx", "No se conoce {folio}"),
        ("{numero}\n{nombre}\n" + "x" * 1024, "1024"),
    ],
)
def test_values_that_do_not_fit_the_template_are_refused(
    supervisora: User, notice: PredefinedMessage, values: str, words: str
) -> None:
    assert words in save(browser_of(supervisora), notice, template_values=values)


def test_values_without_a_template_are_refused(supervisora: User, notice: PredefinedMessage) -> None:
    assert "sin plantilla no lleva ninguno" in save(browser_of(supervisora), notice, template="")


def test_only_what_can_be_sent_is_offered_and_what_a_notice_already_has(
    supervisora: User, notice: PredefinedMessage
) -> None:
    Template.objects.create(gateway="waha", name="rechazada", language="es", status="REJECTED")
    Template.objects.filter(name="listo").update(status="PAUSED")
    shown = text_of(browser_of(supervisora).get(f"{NOTICES}{notice.pk}/change/"))
    assert "listo (es_MX)" in shown
    assert "rechazada (es)" not in shown
    assert "no se puede enviar ahora (en pausa" in shown


def test_a_gateway_without_templates_has_a_form_without_them(
    supervisora: User, notice: PredefinedMessage, gateway: FakeGateway
) -> None:
    gateway.can = frozenset()  # type: ignore[misc]
    admin = browser_of(supervisora)
    shown = text_of(admin.get(f"{NOTICES}{notice.pk}/change/"))
    assert "template_values" not in shown
    assert not save(admin, notice, title="Otro")
    notice.refresh_from_db()
    assert (notice.title, notice.template_values.count("\n")) == ("Otro", 2)
