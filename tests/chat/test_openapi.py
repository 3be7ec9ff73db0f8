"""The OpenAPI document: valid, complete, for who works here, and true of what the addresses really answer."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from chat import presence
from chat.models import Attachment, Conversation, Message, PredefinedMessage
from config.auth import make_token
from config.openapi.document import INTERNAL, document
from tests.config.test_headers import Page
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway
from tests.test_docs import documented_addresses
from whatsapp import connection
from whatsapp.gateways.base import MediaLimit
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Ambiguous, Refused
from whatsapp.models import Template

pytestmark = pytest.mark.django_db
KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PAGES = {"/", "/entrar", "/salir", "/admin/", "/avisos", "/sw.js"}


@cache
def strict() -> dict[str, Any]:
    """The document, with every object closed: an answer may have no key that is not described."""
    closed = json.loads(json.dumps(document(), default=str))

    def close(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part:
                part["additionalProperties"] = False
            for one in part.values():
                close(one)
        elif isinstance(part, list):
            for one in part:
                close(one)

    close(closed)
    return closed


def errors(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with `value`, by a schema of the document."""
    whole = {**copy.copy(schema), "components": strict()["components"]}
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(value)]


def conforms(response: Any, method: str, path: str) -> HttpResponse:
    """`response` is one that the document knows for `path`: its status, its type, its body."""
    operation = strict()["paths"][path][method.lower()]
    described = operation["responses"].get(str(response.status_code))
    assert described, f"{method} {path}: {response.status_code} no está descrito: {response.content[:200]!r}"
    content = described.get("content", {})
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind == "application/json":
        assert not errors(response.json(), content[kind]["schema"]), response.json()
    elif content:
        assert kind in content or any(one.endswith("/*") for one in content), kind
    return response  # type: ignore[no-any-return]


def test_it_is_valid_and_made_without_a_warning() -> None:
    validate_schema(document())
    assert not GENERATOR_STATS._warn_cache and not GENERATOR_STATS._error_cache


def test_every_address_for_programs_is_described_with_its_methods_and_the_reverse() -> None:
    """Webhooks have a page of their own; what only the desk's pages use is INTERNAL."""
    described = {
        path.replace("{ticket_id}", "{id}"): {method.upper() for method in methods}
        for path, methods in document()["paths"].items()
    }
    others = ("/webhook", *(path.replace("{ticket_id}", "{id}") for path in INTERNAL))
    addresses = documented_addresses().items()
    wanted = {
        path: set(methods.split(", "))
        for path, methods in addresses
        if path not in PAGES and not path.startswith(others)
    }
    assert described == wanted


def test_the_examples_are_what_they_say() -> None:
    found = 0
    for methods in strict()["paths"].values():
        for operation in methods.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (one for body in bodies for one in body.get("content", {}).values()):
                for example in content.get("examples", {}).values():
                    assert not errors(example["value"], content["schema"])
                    found += 1
    assert found > 10


@pytest.mark.parametrize("path", ["/api/esquema", "/api/docs"])
def test_both_are_for_who_works_here_by_session_or_token(path: str, desk: Client, tecnica: User, extrana: User) -> None:
    assert desk.get(path).status_code == 200
    assert Client().get(path, headers={"Authorization": f"Token {make_token(tecnica)}"}).status_code == 200
    stranger = Client()
    stranger.force_login(extrana)
    assert stranger.get(path).status_code == 404
    response = Client().get(path)
    assert (response.status_code, response.json()["status"]) == (401, "sin_sesion")


def test_a_browser_without_a_session_is_led_to_the_login_and_back_to_the_page() -> None:
    response = Client().get("/api/docs", headers={"Accept": "text/html"})
    assert (response.status_code, response["Location"]) == (302, "/entrar?next=/api/docs")


def test_the_document_is_yaml_or_json_as_asked(desk: Client) -> None:
    assert desk.get("/api/esquema").content.startswith(b"openapi: 3.1")
    for response in (
        desk.get("/api/esquema?formato=json"),
        desk.get("/api/esquema", headers={"Accept": "application/json"}),
    ):
        assert response["Content-Type"].startswith("application/json")
        assert response.json()["info"]["title"] == "Chat en Vivo"


def test_the_page_shows_every_operation_with_nothing_inline(desk: Client) -> None:
    text = desk.get("/api/docs").content.decode()
    page = Page(text)
    assert (page.headings, page.inline) == (1, [])
    for path, methods in document()["paths"].items():
        assert f"<code>{path}</code>" in text
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in text
            for answer in operation["responses"]:
                assert f'<strong class="num">{answer}</strong>' in text
    assert "obligatoria" in text and "clave_con_otro_texto" in text


# What the addresses really answer.


class Caller:
    """Asks as Ana does, and holds each answer against the document."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.seen: set[tuple[str, str, int]] = set()

    def get(self, path: str, status: int = 200, query: dict[str, Any] | None = None, **keys: int) -> Any:
        response = self.client.get(path.format(**keys), query)
        return self.check(response, "GET", path, status)

    def post(self, path: str, body: Any, status: int = 200, **keys: int) -> Any:
        response = self.client.post(path.format(**keys), body, content_type="application/json")
        return self.check(response, "POST", path, status)

    def form(self, path: str, fields: dict[str, Any], status: int = 200, **keys: int) -> Any:
        return self.check(self.client.post(path.format(**keys), fields), "POST", path, status)

    def check(self, response: Any, method: str, path: str, status: int) -> Any:
        conforms(response, method, path)
        assert response.status_code == status, response.content
        return response


@pytest.fixture
def ana(desk: Client, gateway: FakeGateway, inline: None) -> Caller:
    return Caller(desk)


SEND = "/ticket/{ticket_id}/enviar-mensaje"
READ = "/ticket/{ticket_id}/conversacion"
NOTIFY = "/ticket/{ticket_id}/notificar"
FILE = "/ticket/{ticket_id}/enviar-archivo"
DECIDE = "/ticket/{ticket_id}/mensaje/{seq}/resolver"


def test_sending_answers_as_described(ana: Caller, gateway: FakeGateway) -> None:
    ticket = make_ticket().pk
    ana.post(SEND, {"mensaje": "hola", "clave": KEY}, ticket_id=ticket)
    ana.post(SEND, {"mensaje": "otra", "clave": KEY}, 409, ticket_id=ticket)
    gateway.answers(Refused("El número no tiene WhatsApp"), Ambiguous("HTTP 500"))
    ana.post(SEND, {"mensaje": "hola"}, 422, ticket_id=ticket)
    ana.post(SEND, {"mensaje": "hola"}, 504, ticket_id=ticket)
    ana.post(SEND, {"mensaje": "hola"}, 503, ticket_id=ticket)
    ana.post(DECIDE, {"decision": "ya_llego"}, ticket_id=ticket, seq=3)
    ana.post(DECIDE, {"decision": "ya_llego"}, 409, ticket_id=ticket, seq=3)
    ana.post(DECIDE, {"decision": "reenviar"}, ticket_id=ticket, seq=2)
    ana.post(DECIDE, {"decision": "no sé"}, 400, ticket_id=ticket, seq=2)
    ana.post(DECIDE, {"decision": "ya_llego"}, 404, ticket_id=ticket, seq=99)
    for body in ({}, [], {"mensaje": 1}, {"mensaje": "x", "clave": "y"}, {"mensaje": " "}):
        ana.post(SEND, body, 400, ticket_id=ticket)
    ana.post(SEND, {"mensaje": "x"}, 404, ticket_id=ticket + 99)
    response = ana.client.post(SEND.format(ticket_id=ticket), "x", content_type="text/plain")
    ana.check(response, "POST", SEND, 415)


def test_conflicts_of_a_send_are_as_described(ana: Caller) -> None:
    contact = make_contact()
    closed = make_ticket(contact, state="Cerrado").pk
    ticket = make_ticket(contact)
    Conversation.locked_for(contact).append(ticket, "user", "¿Hola?", state="recibido")
    ana.post(SEND, {"mensaje": "x", "visto_hasta": 0}, 409, ticket_id=ticket.pk)
    ana.post(SEND, {"mensaje": "x"}, 409, ticket_id=closed)
    ana.post("/ticket/{ticket_id}/estado", {"estado": "Pendiente"}, 409, ticket_id=closed)


def test_errors_of_the_server_are_as_described(ana: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = make_ticket().pk
    for error, status in ((RuntimeError("bug"), 500), (OperationalError("away"), 503)):

        def broken(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        for target, call in (
            ("chat.compose.write", lambda status=status: ana.post(SEND, {"mensaje": "x"}, status, ticket_id=ticket)),
            ("chat.history.conversation", lambda status=status: ana.get(READ, status, ticket_id=ticket)),
            ("tickets.api.read_page", lambda status=status: ana.get("/tickets", status)),
        ):
            with monkeypatch.context() as patched:
                patched.setattr(target, broken)
                call()


def test_the_conversation_answers_as_described(ana: Caller, tecnica: User) -> None:
    ticket = make_ticket(technician=tecnica)
    thread = Conversation.locked_for(ticket.contact)
    first = thread.append(ticket, "user", "Hola", state="recibido")
    thread.append(ticket, "tecnico", "Va", author=tecnica, key=KEY, quotes=first, state="enviado")
    place = {"latitud": 1.5, "longitud": 2.5, "nombre": "Aquí"}
    thread.append(ticket, "user", "📍", kind="location", details=place, state="recibido")
    Attachment.objects.create(message=thread.append(ticket, "user", "📷", kind="image", state="recibido"), ref="x")
    ana.get(READ, ticket_id=ticket.pk)
    ana.get(READ, ticket_id=ticket.pk, query={"desde": 1})
    ana.get(READ, ticket_id=ticket.pk, query={"antes": 3})
    ana.get(READ, 400, ticket_id=ticket.pk, query={"desde": "x"})
    ana.get(READ, 404, ticket_id=ticket.pk + 99)
    tag = ana.client.get(READ.format(ticket_id=ticket.pk))["ETag"]
    response = ana.client.get(READ.format(ticket_id=ticket.pk), headers={"If-None-Match": tag})
    ana.check(response, "GET", READ, 304)


def test_the_table_and_the_ticket_answer_as_described(ana: Caller, tecnica: User) -> None:
    ticket = make_ticket(technician=tecnica).pk
    make_ticket()
    ana.get("/tickets")
    ana.get("/tickets", query={"estado": "Pendiente", "q": "laptop", "tecnico": "ninguno"})
    ana.get("/tickets", 400, query={"estado": "Nada"})
    ana.get("/tickets", 400, query={"cursor": "x"})
    ana.post("/ticket/{ticket_id}/tomar", {}, ticket_id=ticket)
    ana.post("/ticket/{ticket_id}/estado", {"estado": "Resuelto"}, ticket_id=ticket)
    ana.post("/ticket/{ticket_id}/estado", {"estado": "Nada"}, 400, ticket_id=ticket)
    ana.post("/ticket/{ticket_id}/leido", {"hasta": 3}, 204, ticket_id=ticket)
    ana.post("/ticket/{ticket_id}/leido", {"hasta": "x"}, 400, ticket_id=ticket)
    ana.get("/ticket/{ticket_id}/log", ticket_id=ticket)
    ana.get("/ticket/{ticket_id}/log", 404, ticket_id=ticket + 99)
    ana.get("/ticket/{ticket_id}/evidencia", 404, ticket_id=ticket)


def test_working_together_answers_as_described(ana: Caller, tecnica: User, supervisora: User) -> None:
    ticket = make_ticket().pk
    note, transfer = "/ticket/{ticket_id}/nota", "/ticket/{ticket_id}/transferir"
    ana.post(note, {"texto": "@sofia, ¿lo ves?", "clave": KEY}, ticket_id=ticket)
    ana.post(note, {"texto": "otra", "clave": KEY}, 409, ticket_id=ticket)
    ana.post(note, {"texto": " "}, 400, ticket_id=ticket)
    ana.post("/ticket/{ticket_id}/unirme", {}, ticket_id=ticket)
    ana.get(READ, ticket_id=ticket)
    ana.post("/ticket/{ticket_id}/salir", {}, ticket_id=ticket)
    ana.post(transfer, {"tecnico": supervisora.pk, "nota": "Gracias"}, ticket_id=ticket)
    ana.post(transfer, {"tecnico": supervisora.pk}, 400, ticket_id=ticket)
    presence.note(ticket, supervisora.pk, "", typing=True, draft=True, leaves=False)
    ana.post(SEND, {"mensaje": "x", "visto_hasta": 9}, 409, ticket_id=ticket)


def test_notices_answer_as_described(ana: Caller) -> None:
    ticket = make_ticket().pk
    chosen = PredefinedMessage.objects.all()[0].pk
    ana.get(NOTIFY, ticket_id=ticket)
    ana.post(NOTIFY, {"predefinido": chosen}, ticket_id=ticket)
    ana.get(NOTIFY, ticket_id=ticket)
    ana.post(NOTIFY, {"predefinido": chosen}, 409, ticket_id=ticket)
    ana.post(NOTIFY, {"predefinido": chosen, "plantilla": "otra"}, 409, ticket_id=ticket)
    ana.post(NOTIFY, {"predefinido": "x"}, 400, ticket_id=ticket)
    ana.post(NOTIFY, {"predefinido": 999}, 404, ticket_id=ticket)
    file = {"file": "adjuntos/x", "name": "guía.pdf", "mime": "application/pdf", "size": 9}
    PredefinedMessage.objects.filter(pk=chosen).update(**file)
    ana.get(NOTIFY, ticket_id=ticket)
    ana.get("/ticket/{ticket_id}/respuestas", ticket_id=ticket)
    ana.get("/ticket/{ticket_id}/respuestas", 404, ticket_id=999)
    ana.post(SEND, {"mensaje": "hola", "predefinido": chosen}, ticket_id=ticket)
    ana.post(SEND, {"mensaje": "hola", "predefinido": "x"}, 400, ticket_id=ticket)


def test_templates_and_the_closed_window_answer_as_described(ana: Caller, gateway: FakeGateway) -> None:
    path = "/ticket/{ticket_id}/enviar-plantilla"
    ticket = make_ticket().pk
    ana.get(path, 404, ticket_id=ticket)
    gateway.can = frozenset({"templates"})  # type: ignore[misc]
    row = Template.objects.create(gateway="waha", name="listo", language="es_MX", status="APPROVED", body="Hola {{1}}")
    ana.get(path, ticket_id=ticket)
    ana.get(READ, ticket_id=ticket)
    ana.get(NOTIFY, ticket_id=ticket)
    ana.post(SEND, {"mensaje": "hola"}, 422, ticket_id=ticket)
    ana.post(path, {"plantilla": row.pk, "variables": ["Juan"]}, ticket_id=ticket)
    ana.post(path, {"plantilla": row.pk + 1, "variables": ["Juan"]}, 422, ticket_id=ticket)
    ana.post(path, {"plantilla": "x"}, 400, ticket_id=ticket)


def test_files_answer_as_described(ana: Caller, gateway: FakeGateway) -> None:
    ticket = make_ticket().pk
    file = lambda: SimpleUploadedFile("nota.txt", b"hola")  # noqa: E731
    ana.form(FILE, {"archivo": file(), "clave": KEY}, ticket_id=ticket)
    ana.form(FILE, {"archivo": SimpleUploadedFile("otra.txt", b"adios"), "clave": KEY}, 409, ticket_id=ticket)
    ana.form(FILE, {}, 400, ticket_id=ticket)
    stored, small = ("/ticket/{ticket_id}/mensaje/{seq}/" + name for name in ("archivo", "miniatura"))
    ana.get(stored, ticket_id=ticket, seq=1)
    for bounds, status in (("bytes=0-1", 206), ("bytes=99-", 416)):
        response = ana.client.get(stored.format(ticket_id=ticket, seq=1), headers={"Range": bounds})
        ana.check(response, "GET", stored, status)
    ana.get(small, 404, ticket_id=ticket, seq=1)
    again = "/ticket/{ticket_id}/mensaje/{seq}/descargar"
    ana.post(again, {}, 409, ticket_id=ticket, seq=1)
    Attachment.objects.create(message=failed_file(ticket), ref="x", state="fallido")
    ana.post(again, {}, 202, ticket_id=ticket, seq=2)
    ana.post(again, {}, 404, ticket_id=ticket, seq=99)
    gateway.limits = {"document": MediaLimit(3)}  # type: ignore[misc]
    big = SimpleUploadedFile("grande.bin", b"x" * 200_000)
    ana.form(FILE, {"archivo": big}, 413, ticket_id=ticket)


def failed_file(ticket_id: int) -> Message:
    thread = Conversation.objects.get()
    return thread.append(Message.objects.filter(ticket=ticket_id)[0].ticket, "user", "📷", kind="image")


def test_the_desk_answers_as_described(ana: Caller, tecnica: User, supervisora: User) -> None:
    ana.get("/estado")
    connection.update(ConnectionChanged(connected=False, detail="Falta el código QR"))
    connection.pause("Lo pidió sofia")
    ana.get("/estado")
    ana.get("/salud")
    ana.get("/metricas", 404)
    ana.get("/eventos", 503)
    ana.client.force_login(supervisora)
    ana.get("/metricas")
    tecnica.set_password("clave-1234")
    tecnica.save()
    ana.client.logout()
    ana.post("/api/token", {"username": "ana", "password": "clave-1234"})
    ana.post("/api/token", {"username": "ana"}, 400)
    for status in (*[400] * 5, 429):
        ana.post("/api/token", {"username": "ana", "password": "otra"}, status)


def test_without_a_login_or_its_csrf_token_every_address_answers_as_described(desk: Client, tecnica: User) -> None:
    strictly = Client(enforce_csrf_checks=True)
    strictly.force_login(tecnica)
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if "security" not in operation:
                continue
            real = path.format(ticket_id=1, seq=1)
            asks: list[tuple[Callable[..., Any], int]] = [(getattr(Client(), method), 401)]
            asks += [(strictly.post, 403)] if method == "post" else []
            for ask, status in asks:
                response = conforms(ask(real), method, path)
                assert response.status_code == status, (path, method)
