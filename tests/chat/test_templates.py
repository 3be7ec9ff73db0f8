"""Templates: listed from Meta by a command, in the admin and once a day; filled, sent and refused by the desk."""

from __future__ import annotations

import json
import uuid
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client

from chat import tasks
from chat.models import Conversation, Delivery, Message, PredefinedMessage
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, receive
from tests.supervision import browser_of, text_of
from tickets.models import Ticket
from whatsapp.gateways.base import TemplateInfo
from whatsapp.gateways.results import Disconnected, Failure, Misconfigured, Refused
from whatsapp.models import Template

pytestmark = pytest.mark.django_db

TEMPLATES = "/admin/whatsapp/template/"
BODY = "Hola {{1}}, tu ticket #{{2}} está {{3}}. Te atiende {{4}}."
READY = TemplateInfo("equipo_listo", "es_MX", "APPROVED", "UTILITY", header="Ticket {{1}}", body=BODY, footer="Soporte")


@pytest.fixture(autouse=True)
def with_templates(gateway: FakeGateway) -> None:
    gateway.can = frozenset({"templates"})  # type: ignore[misc]
    lists(gateway, READY)


def lists(gateway: FakeGateway, *found: TemplateInfo | Failure | Misconfigured) -> None:
    """What the gateway answers when asked for its templates."""
    answer = found[0] if found and not isinstance(found[0], TemplateInfo) else list(found)
    gateway.templates = lambda: answer  # type: ignore[method-assign,assignment,return-value]


@pytest.fixture
def ticket(tecnica: User) -> Ticket:
    """Of a person who never wrote, so that only a template may go."""
    return make_ticket(make_contact("5214772758198"), name="Juan Pérez", state="En proceso", technician=tecnica)


@pytest.fixture
def template() -> Template:
    call_command("plantillas", stdout=StringIO())
    return Template.objects.get()


def make_template(body: str = "Hola {{1}}", **fields: Any) -> Template:
    defaults = {"gateway": "waha", "name": "aviso", "language": "es_MX", "status": "APPROVED"}
    return Template.objects.create(**{**defaults, "body": body, **fields})


def post(client: Client, ticket: Ticket, body: Any) -> HttpResponse:
    return client.post(f"/ticket/{ticket.pk}/enviar-plantilla", json.dumps(body), content_type="application/json")


def use(template: Template, *values: str, **more: Any) -> dict[str, Any]:
    return {"plantilla": template.pk, "variables": list(values), **more}


def offered(client: Client, ticket: Ticket) -> dict[str, Any]:
    response = client.get(f"/ticket/{ticket.pk}/enviar-plantilla")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def command() -> str:
    out = StringIO()
    call_command("plantillas", stdout=out)
    return out.getvalue()


# Listing


def test_the_command_stores_and_lists_them(gateway: FakeGateway) -> None:
    lists(gateway, READY, TemplateInfo("promo", "en", "REJECTED", "MARKETING", body="Buy"))
    told = command()
    assert [line.split()[0] for line in told.splitlines()] == ["NOMBRE", "equipo_listo", "promo", "Plantillas"]
    assert "Aprobada" in told
    assert "Rechazada" in told
    assert "Plantillas leídas: 2; se pueden enviar: 1." in told
    row = Template.objects.get(name="equipo_listo")
    assert (row.gateway, row.language, row.body, row.header, row.footer) == (
        "waha",
        "es_MX",
        BODY,
        "Ticket {{1}}",
        "Soporte",
    )


def test_a_second_reading_changes_the_rows_and_marks_what_is_gone(gateway: FakeGateway, template: Template) -> None:
    lists(gateway, TemplateInfo("otra", "es", "PENDING", body="Hola"))
    assert "ya no están en Meta: 1" in command()
    assert dict(Template.objects.values_list("name", "status")) == {"equipo_listo": "REMOVED", "otra": "PENDING"}
    lists(gateway, READY)
    assert "ya no están en Meta: 1" in command()
    template.refresh_from_db()
    assert template.status == "APPROVED"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Failure("Meta no contesta."), "Meta no contesta."),
        (Misconfigured("CLOUD_API_WABA_ID", "está vacía"), "Revisa CLOUD_API_WABA_ID: está vacía"),
    ],
    ids=["failure", "misconfigured"],
)
def test_a_list_that_cannot_be_read_says_why_and_changes_nothing(
    gateway: FakeGateway, template: Template, answer: Any, words: str
) -> None:
    lists(gateway, answer)
    with pytest.raises(CommandError, match=words):
        command()
    template.refresh_from_db()
    assert template.status == "APPROVED"


def test_a_gateway_without_templates_is_named(gateway: FakeGateway) -> None:
    gateway.can = frozenset()  # type: ignore[misc]
    with pytest.raises(CommandError, match="WAHA no usa plantillas"):
        command()


@pytest.mark.parametrize(
    ("body", "words"),
    [("Hola {{nombre}}", "nombre"), ("Hola {{1}} y {{3}}", "corrido"), ("Hola {{2}}", "corrido")],
)
def test_what_cannot_be_filled_here_is_stored_and_not_offered(
    desk: Client, ticket: Ticket, gateway: FakeGateway, body: str, words: str
) -> None:
    lists(gateway, TemplateInfo("rara", "es", "APPROVED", body=body), READY)
    command()
    assert words in Template.objects.get(name="rara").problem
    assert [one["nombre"] for one in offered(desk, ticket)["plantillas"]] == ["equipo_listo"]
    assert offered(desk, ticket)["otras"] == 1


def test_they_are_read_again_once_a_day_and_a_failure_is_only_a_line_in_the_log(
    gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.refresh_templates.run()
    assert Template.objects.count() == 1
    lists(gateway, Failure("Meta no contesta."))
    tasks.refresh_templates.run()
    assert "No se pudieron leer las plantillas: Meta no contesta." in caplog.text
    gateway.can = frozenset()  # type: ignore[misc]
    caplog.clear()
    tasks.refresh_templates.run()
    assert not caplog.text


# The admin


def test_a_supervisor_reads_them_and_asks_for_them_again(supervisora: User, gateway: FakeGateway) -> None:
    admin = browser_of(supervisora)
    assert "Actualizar desde Meta" in text_of(admin.get(TEMPLATES))
    shown = text_of(admin.post(f"{TEMPLATES}actualizar/", follow=True))
    assert "Plantillas leídas: 1; se pueden enviar: 1." in shown
    assert "equipo_listo" in shown
    page = text_of(admin.get(f"{TEMPLATES}{Template.objects.get().pk}/change/"))
    assert "Ticket {{1}}" in page
    lists(gateway, Failure("Meta no contesta."))
    shown = text_of(admin.post(f"{TEMPLATES}actualizar/", follow=True))
    assert "No se pudieron leer las plantillas. Meta no contesta." in shown


def test_nobody_else_may_and_nobody_writes_them_by_hand(supervisora: User, desk: Client, template: Template) -> None:
    assert desk.post(f"{TEMPLATES}actualizar/").status_code == 302  # to the admin's own login
    admin = browser_of(supervisora)
    assert admin.get(f"{TEMPLATES}actualizar/").status_code == 405
    assert admin.get(f"{TEMPLATES}add/").status_code == 403
    assert admin.post(f"{TEMPLATES}{template.pk}/change/", {"name": "x"}).status_code == 403


def test_the_admin_of_a_gateway_without_templates_says_so_and_has_no_button(
    supervisora: User, gateway: FakeGateway
) -> None:
    gateway.can = frozenset()  # type: ignore[misc]
    shown = text_of(browser_of(supervisora).get(TEMPLATES))
    assert "no usa plantillas" in shown
    assert "Actualizar desde Meta" not in shown


# The picker


def test_the_picker_gets_the_approved_ones_with_values_that_are_probably_meant(
    desk: Client, ticket: Ticket, template: Template
) -> None:
    found = offered(desk, ticket)
    assert found["sugerencias"] == ["Juan Pérez", str(ticket.pk), "En proceso", "Ana Ruiz"]
    assert found["plantillas"] == [
        {
            "id": template.pk,
            "nombre": "equipo_listo",
            "idioma": "es_MX",
            "categoria": "UTILITY",
            "encabezado": "Ticket {{1}}",
            "cuerpo": BODY,
            "pie": "Soporte",
            "valores_encabezado": [str(ticket.pk)],
            "valores": ["Juan Pérez", str(ticket.pk), "En proceso", "Ana Ruiz"],
        }
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{1}}, ya puedes pasar", ["Juan Pérez"]),
        ("¡Buenas tardes, *{{1}}*!", ["Juan Pérez"]),
        ("Folio: {{1}}. Estatus: {{2}}", ["{pk}", "En proceso"]),
        ("Soy {{1}} de soporte", ["Ana Ruiz"]),
        ("Pasa a las {{1}}", [""]),
        ("Lo dejamos listo, {{1}}", [""]),
    ],
)
def test_a_value_is_guessed_by_the_words_before_it(
    desk: Client, ticket: Ticket, body: str, expected: list[str]
) -> None:
    make_template(body)
    expected = [value.format(pk=ticket.pk) for value in expected]
    assert offered(desk, ticket)["plantillas"][0]["valores"] == expected


def test_what_a_notice_puts_into_it_is_a_better_guess(desk: Client, ticket: Ticket) -> None:
    template = make_template("Hola {{1}}, pasa a las {{2}}")
    PredefinedMessage.objects.create(title="x", text="x", template=template, template_values="{tecnico}\n12 del día")
    assert offered(desk, ticket)["plantillas"][0]["valores"] == ["Ana Ruiz", "12 del día"]


def test_without_any_the_picker_is_empty_and_knows_of_the_others(desk: Client, ticket: Ticket) -> None:
    assert offered(desk, ticket)["plantillas"] == []
    assert offered(desk, ticket)["leidas"] is None
    make_template(status="PENDING")
    make_template(status="REMOVED", name="vieja")
    make_template(gateway="evolution", name="ajena")
    assert (offered(desk, ticket)["plantillas"], offered(desk, ticket)["otras"]) == ([], 1)


# Sending


def test_a_template_is_sent_outside_of_the_window_and_kept_as_the_person_reads_it(
    desk: Client, tecnica: User, ticket: Ticket, template: Template, gateway: FakeGateway, inline: None
) -> None:
    body = use(template, "Juan", "7", "En proceso", " Ana ", encabezado=["7"], clave=str(uuid.uuid4()))
    response = post(desk, ticket, body)
    assert (response.status_code, response.json()["mensaje"]) == (200, "Mensaje enviado correctamente")
    row = Message.objects.get()
    assert row.text == "*Ticket 7*\n\nHola Juan, tu ticket #7 está En proceso. Te atiende Ana.\n\nSoporte"
    assert (row.kind, row.role, row.author) == ("text", "tecnico", tecnica)
    sent = gateway.sent[0]
    assert sent.text == row.text
    assert sent.template is not None
    assert (sent.template.name, sent.template.language) == ("equipo_listo", "es_MX")
    assert (sent.template.header, sent.template.body) == (("7",), ("Juan", "7", "En proceso", "Ana"))
    assert post(desk, ticket, body).status_code == 200
    assert len(gateway.calls) == 1


def test_a_template_waits_in_order_behind_what_is_in_doubt_or_down(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    template = make_template()
    gateway.answers(Disconnected("sin red"))
    assert post(desk, ticket, use(template, "Juan")).status_code == 503
    assert Message.objects.get().state == Delivery.QUEUED


def test_what_meta_refuses_is_a_failure_with_its_reason_and_code(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    gateway.answers(Refused("La plantilla está en pausa por su calidad.", "132015"))
    response = post(desk, ticket, use(make_template(), "Juan"))
    assert (response.status_code, response.json()["status"]) == (422, "fallido")
    assert Message.objects.get().code == "132015"


BAD_VALUES = {
    "empty": "",
    "blank": "   ",
    "newline": "a\nb",
    "tab": "a\tb",
    "four spaces": "a    b",
    "nul": "a\0b",
    "surrogate": "a\ud800",
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_value_that_meta_would_refuse_is_a_400_that_names_it(desk: Client, ticket: Ticket, value: str) -> None:
    response = post(desk, ticket, use(make_template(), value))
    assert (response.status_code, response.json()["status"]) == (400, "datos_no_validos")
    assert "variable 1" in response.json()["detail"]
    assert not Message.objects.exists()


def test_a_body_longer_than_1024_characters_is_a_400(desk: Client, ticket: Ticket, inline: None) -> None:
    template = make_template()
    assert post(desk, ticket, use(template, "x" * 1020)).status_code == 400
    assert post(desk, ticket, use(template, "x" * 1019)).status_code == 200


@pytest.mark.parametrize("values", [[], ["a", "b"]])
def test_the_number_of_values_must_be_the_templates(desk: Client, ticket: Ticket, values: list[str]) -> None:
    response = post(desk, ticket, use(make_template(), *values))
    assert response.status_code == 400
    assert "lleva 1" in response.json()["detail"]


def test_values_are_not_looked_into_for_more_variables(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    post(desk, ticket, use(make_template("{{1}} y {{2}}, {{1}}"), "{{2}}", "dos"))
    assert gateway.texts == ["{{2}} y dos, {{2}}"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"plantilla": "1"},
        {"plantilla": True},
        {"plantilla": -1},
        {"plantilla": 10**30},
        {"plantilla": 1, "variables": "x"},
        {"plantilla": 1, "variables": [1]},
        {"plantilla": 1, "variables": [], "encabezado": {}},
        [1],
    ],
)
def test_nonsense_is_a_400(desk: Client, ticket: Ticket, body: Any) -> None:
    assert post(desk, ticket, body).status_code == 400


@pytest.mark.parametrize("change", [{"status": "PAUSED"}, {"status": "REMOVED"}, {"usable": False}])
def test_one_that_can_no_longer_be_sent_is_a_422_and_nothing_is_saved(
    desk: Client, ticket: Ticket, change: dict[str, Any]
) -> None:
    template = make_template(**change)
    response = post(desk, ticket, use(template, "Juan"))
    assert (response.status_code, response.json()["status"]) == (422, "plantilla_no_disponible")
    assert not Message.objects.exists()


def test_what_the_person_wrote_meanwhile_is_shown_first(desk: Client, ticket: Ticket, inline: None) -> None:
    Conversation.locked_for(ticket.contact).append(ticket, "user", "espera", state="recibido")
    response = post(desk, ticket, use(make_template(), "Juan", visto_hasta=0))
    assert (response.status_code, response.json()["status"]) == (409, "hay_mensajes_nuevos")


def test_a_template_may_also_go_while_the_window_is_open(desk: Client, inline: None, gateway: FakeGateway) -> None:
    receive("hola", "5214772758198")
    assert post(desk, Ticket.objects.get(), use(make_template(), "Juan")).status_code == 200


def test_strangers_and_gateways_without_templates_get_a_404(
    desk: Client, extrana: User, ticket: Ticket, gateway: FakeGateway
) -> None:
    template = make_template()
    stranger = browser_of(extrana)
    assert stranger.get(f"/ticket/{ticket.pk}/enviar-plantilla").status_code == 404
    assert post(stranger, ticket, use(template, "x")).status_code == 404
    assert post(Client(), ticket, use(template, "x")).status_code == 401
    gateway.can = frozenset()  # type: ignore[misc]
    assert desk.get(f"/ticket/{ticket.pk}/enviar-plantilla").status_code == 404
    assert post(desk, ticket, use(template, "x")).status_code == 404
    assert not Message.objects.exists()
