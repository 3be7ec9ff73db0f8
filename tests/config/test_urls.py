"""Every address of the URLconf, and what each kind of person gets there. A new address without a row fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chat import merging
from chat.audit_models import AuditEntry
from chat.llm_models import ModelSpending
from chat.models import Conversation, Message, PredefinedMessage
from config.auth import make_token
from tests.factory import make_ticket, make_user
from tickets.contacts import Merge
from tickets.models import Contact, Holiday, OpeningHours, Ticket
from whatsapp.models import Connection, Template, WebhookEvent

LOGIN, ADMIN_LOGIN, UNKNOWN = "→ /entrar", "→ /admin/login/", "401 sin_sesion"


class Row(NamedTuple):
    """A request and its answers: a status, "→ path" for a redirect, and for a 401 its JSON `status` too."""

    method: str
    anonymous: str
    technician: str
    supervisor: str
    stranger: str


def api(method: str, answer: str) -> Row:
    """An address for programs, which exists only for who works at the desk."""
    return Row(method, UNKNOWN, answer, answer, "404")


def page(answer: str) -> Row:
    return Row("GET", LOGIN, answer, answer, "404")


def public(method: str, answer: str) -> Row:
    return Row(method, answer, answer, answer, answer)


def admin(answer: str, anonymous: str = LOGIN, method: str = "GET") -> Row:
    """A page of the administration: only supervisors are in, with what their permissions allow."""
    return Row(method, anonymous, ADMIN_LOGIN, answer, ADMIN_LOGIN)


DESK = {
    "": page("200"),
    "tickets": api("GET", "200"),
    "ticket/<int:ticket_id>/evidencia": api("GET", "404"),  # this ticket has no picture
    "ticket/<int:ticket_id>/log": api("GET", "200"),
    "ticket/<int:ticket_id>/conversacion": api("GET", "200"),
    "ticket/<int:ticket_id>/notificar": api("GET", "200"),
    "ticket/<int:ticket_id>/respuestas": api("GET", "200"),
    "ticket/<int:ticket_id>/enviar-plantilla": api("GET", "404"),  # the gateway in use has none
    # An empty body: whoever may is told what is missing.
    "ticket/<int:ticket_id>/enviar-mensaje": api("POST", "400"),
    "ticket/<int:ticket_id>/mensaje/<int:seq>/resolver": api("POST", "400"),
    "ticket/<int:ticket_id>/enviar-archivo": api("POST", "415"),  # a form, and not JSON
    "ticket/<int:ticket_id>/mensaje/<int:seq>/archivo": api("GET", "404"),  # this message has no file
    "ticket/<int:ticket_id>/mensaje/<int:seq>/miniatura": api("GET", "404"),
    "ticket/<int:ticket_id>/mensaje/<int:seq>/descargar": api("POST", "404"),
    "ticket/<int:ticket_id>/nota": api("POST", "400"),
    "ticket/<int:ticket_id>/unirme": api("POST", "200"),
    "ticket/<int:ticket_id>/salir": api("POST", "200"),
    "ticket/<int:ticket_id>/transferir": api("POST", "400"),
    "ticket/<int:ticket_id>/leido": api("POST", "400"),
    "ticket/<int:ticket_id>/presencia": api("POST", "400"),
    "ticket/<int:ticket_id>/persona": api("GET", "200"),
    "ticket/<int:ticket_id>/persona/mensajes": api("GET", "200"),
    "ticket/<int:ticket_id>/persona/buscar": api("GET", "200"),  # nothing is searched, and nothing found
    "ticket/<int:ticket_id>/sugerir": api("POST", "404"),  # no model is configured
    "ticket/<int:ticket_id>/resumir": api("POST", "404"),
    "ticket/<int:ticket_id>/estado": api("POST", "400"),
    "ticket/<int:ticket_id>/tomar": api("POST", "200"),
    "estadisticas": Row("GET", LOGIN, "404", "200", "404"),
    "estadisticas/tickets": Row("GET", LOGIN, "404", "400", "404"),  # which list is not said
    "estadisticas/csv": Row("GET", LOGIN, "404", "200", "404"),
    "avisos": page("200"),
    "avisos/pendientes": api("GET", "200"),
    "avisos/preferencias": api("POST", "200"),  # nothing is named, so nothing changes
    "avisos/dispositivos": api("GET", "200"),
    "avisos/quitar": api("POST", "400"),
    "avisos/probar": api("POST", "400"),
    "respuestas": page("200"),
    "respuestas/nueva": page("200"),
    # This one is nobody's of those who ask: it is shared.
    "respuestas/<int:reply_id>": page("404"),
    "respuestas/<int:reply_id>/borrar": Row("POST", LOGIN, "404", "404", "404"),
    "respuestas/<int:reply_id>/archivo": api("GET", "404"),  # and has no file
    "respuestas/<int:reply_id>/miniatura": api("GET", "404"),
    "sw.js": public("GET", "200"),
    "eventos": api("GET", "503"),  # the tests ask by WSGI, which serves no streams
    "estado": api("GET", "200"),
    "api/esquema": api("GET", "200"),
    "api/docs": api("GET", "200"),
    "metricas": Row("GET", UNKNOWN, "404", "200", "404"),
    "salir": Row("POST", LOGIN, LOGIN, LOGIN, LOGIN),
    "entrar": Row("GET", "200", "→ /", "→ /", "→ /"),
    "api/token": public("POST", "400"),
    "salud": public("GET", "200"),
    "webhooks/<slug:gateway>": public("POST", "401 sin_firma"),
    "webhooks/evolution/<slug:topic>": public("POST", "404"),  # another gateway is in use
    "webhook": public("POST", "404"),
}
ADMIN = {
    "admin/": admin("200", ADMIN_LOGIN),
    "admin/login/": Row("GET", "200", "200", "→ /admin/", "200"),
    "admin/logout/": Row("POST", ADMIN_LOGIN, "→ /admin/", LOGIN, "→ /admin/"),
    "admin/password_change/": admin("200", ADMIN_LOGIN),
    "admin/password_change/done/": admin("200", ADMIN_LOGIN),
    "admin/autocomplete/": admin("403", ADMIN_LOGIN),
    "admin/jsi18n/": admin("200", ADMIN_LOGIN),
    "admin/r/<path:content_type_id>/<path:object_id>/": admin("404", ADMIN_LOGIN),
    "admin/^(?P<app_label>axes|whatsapp|chat|tickets|auth)/$": admin("200", ADMIN_LOGIN),
    "admin/(?P<url>.*)$": admin("404", ADMIN_LOGIN),
    "admin/tickets/ticket/export/": admin("200"),
    "admin/chat/message/libros/": admin("200"),
    "admin/chat/auditentry/export/": admin("200"),
    "admin/tickets/holiday/oficiales/": admin("→ /admin/tickets/holiday/", method="POST"),
    "admin/tickets/contact/combinar/": admin("→ /admin/tickets/contact/"),  # nobody was chosen
    "admin/tickets/merge/<path:object_id>/deshacer/": admin("→ change", method="POST"),
    "admin/whatsapp/connection/<path:object_id>/comprobar/": admin("→ change", method="POST"),
    "admin/whatsapp/connection/<path:object_id>/qr/": admin("200", method="POST"),
    "admin/whatsapp/connection/<path:object_id>/reiniciar/": admin("→ change", method="POST"),
    "admin/whatsapp/connection/<path:object_id>/cerrar-sesion/": admin("200"),
    "admin/whatsapp/webhookevent/<path:object_id>/reprocesar/": admin("→ change", method="POST"),
    "admin/whatsapp/template/actualizar/": admin("→ /admin/whatsapp/template/", method="POST"),
    "admin/auth/user/<id>/password/": admin("200"),
}
# What a supervisor gets of each model: its list, add, change, history and delete.
MODELS = {
    "axes/accessattempt": "403 403 403 403 403",
    "axes/accesslog": "403 403 403 403 403",
    "axes/accessfailurelog": "403 403 403 403 403",
    "whatsapp/connection": "200 403 200 200 403",
    "whatsapp/webhookevent": "200 403 200 200 403",
    "whatsapp/template": "200 403 200 200 403",
    "tickets/contact": "200 403 200 200 403",
    "tickets/merge": "200 403 200 200 403",
    "tickets/openinghours": "200 200 200 200 200",
    "tickets/holiday": "200 200 200 200 200",
    "tickets/ticket": "200 403 200 200 403",
    "chat/message": "200 403 200 200 403",
    "chat/auditentry": "200 403 200 200 403",
    "chat/modelspending": "403 403 403 403 403",  # no model is configured
    "chat/predefinedmessage": "200 200 200 200 200",
    "auth/user": "200 200 200 200 403",
    "auth/group": "200 403 200 200 403",
}


def rows_of_models() -> Iterator[tuple[str, Row]]:
    for model, answers in MODELS.items():
        listing, add, change, history, delete = answers.split()
        yield f"admin/{model}/", admin(listing)
        yield f"admin/{model}/add/", admin(add)
        yield f"admin/{model}/<path:object_id>/", admin("→ change")
        yield f"admin/{model}/<path:object_id>/change/", admin(change)
        yield f"admin/{model}/<path:object_id>/history/", admin(history)
        yield f"admin/{model}/<path:object_id>/delete/", admin(delete)


TABLE = {**DESK, **ADMIN, **dict(rows_of_models())}
WEBHOOKS = {"webhooks/<slug:gateway>", "webhooks/evolution/<slug:topic>", "webhook"}
PUBLIC = {"entrar", "admin/login/", "api/token", "salud", "sw.js", *WEBHOOKS}
API = [pattern for pattern, row in DESK.items() if row.anonymous == UNKNOWN]


def addresses(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Every address of the URLconf as it is written there."""
    for found in resolver.url_patterns:
        if isinstance(found, URLResolver):
            yield from addresses(found, before + str(found.pattern))
        elif isinstance(found, URLPattern):
            yield before + str(found.pattern)


def make(model: type[Model]) -> Model:
    """A row of `model` to look at."""
    if model is User:
        return make_user("beto")
    if model in (Contact, Ticket, Message):
        ticket = make_ticket()
        thread = Conversation.objects.create(contact=ticket.contact)
        message = Message.objects.create(conversation=thread, ticket=ticket, seq=1, version=1, role="user", text="Hola")
        return {Contact: ticket.contact, Ticket: ticket, Message: message}[model]
    if model is Merge:
        kept, absorbed = make_ticket().contact, make_ticket(state="Cerrado").contact
        return merging.merge(kept, absorbed, make_user("carla"))
    if model in (Group, PredefinedMessage):
        return model._default_manager.all()[0]
    fields: dict[type[Model], dict[str, Any]] = {
        AccessAttempt: {"failures_since_start": 1},
        AccessLog: {},
        AuditEntry: {},
        ModelSpending: {"day": "2026-11-16"},
        AccessFailureLog: {},
        Connection: {"gateway": "waha"},
        WebhookEvent: {"gateway": "waha", "body": "{}"},
        Template: {"gateway": "waha", "name": "listo", "language": "es_MX"},
        OpeningHours: {"monday": True},
        Holiday: {"date": "2026-11-16", "name": "Puente"},
    }
    return model._default_manager.create(**fields[model])


def address(pattern: str) -> str:
    """A real address that `pattern` matches, of rows that exist."""
    if found := re.match(r"admin/(\w+)/(\w+)/.*<(?:path:object_)?id>", pattern):
        row = make(ContentType.objects.get_by_natural_key(found[1], found[2]).model_class() or User)
        pattern = re.sub(r"<(path:object_)?id>", str(row.pk), pattern)
    if "<int:ticket_id>" in pattern:
        pattern = pattern.replace("<int:ticket_id>", str(make_ticket().pk))
    pattern = pattern.replace("^(?P<app_label>axes|whatsapp|chat|tickets|auth)/$", "tickets/")
    pattern = pattern.replace("(?P<url>.*)$", "nada").replace("<slug:gateway>", "waha").replace("<slug:topic>", "call")
    pattern = pattern.replace("<int:seq>", "1").replace("<path:content_type_id>/<path:object_id>", "1/1")
    pattern = pattern.replace("<int:reply_id>", "1")
    assert not set("<>^$(") & set(pattern), f"falta decir cómo se llena {pattern}"
    return "/" + pattern


def ask(client: Client, method: str, path: str, **headers: str) -> str:
    """The answer to a request as the table writes it."""
    body = "{}" if method == "POST" else ""
    return told(client.generic(method, path, body, content_type="application/json", headers=headers))


def told(response: HttpResponseBase) -> str:
    if response.status_code == 302:
        target = response["Location"].split("?")[0]
        return "→ change" if target.endswith("/change/") else f"→ {target}"
    if response.status_code == 401:
        assert response["Content-Type"] == "application/json"
        return f"401 {response.json()['status']}"  # type: ignore[attr-defined]
    return str(response.status_code)


def browser(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def test_every_address_has_a_row_in_this_table_and_every_row_an_address() -> None:
    assert sorted(TABLE) == sorted(addresses(get_resolver()))


@pytest.mark.parametrize("pattern", TABLE)
def test_each_person_gets_what_the_table_says(pattern: str, tecnica: User, supervisora: User, extrana: User) -> None:
    row, path = TABLE[pattern], address(pattern)
    people = [browser(user) for user in (None, tecnica, supervisora, extrana)]
    assert Row(row.method, *(ask(client, row.method, path) for client in people)) == row


def test_only_the_doors_health_and_webhooks_are_public() -> None:
    closed = (UNKNOWN, LOGIN, ADMIN_LOGIN)
    assert {pattern for pattern, row in TABLE.items() if row.anonymous not in closed} == PUBLIC


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("pattern", API)
def test_without_login_every_method_of_the_api_is_401_json(client: Client, db: None, pattern: str, method: str) -> None:
    response = client.generic(method, address(pattern), content_type="application/json")
    assert response.status_code == 401
    assert set(response.json()) == {"detail", "status"}
    assert response["WWW-Authenticate"].startswith("Token")


@pytest.mark.parametrize("pattern", API)
def test_a_token_opens_what_its_owner_may_open(client: Client, tecnica: User, extrana: User, pattern: str) -> None:
    row, path = TABLE[pattern], address(pattern)
    tokens = [f"Token {make_token(user)}" for user in (tecnica, extrana)]
    answers = [ask(client, row.method, path, Authorization=token) for token in tokens]
    assert answers == [row.technician, row.stranger]


def test_a_token_does_not_open_the_pages(client: Client, tecnica: User) -> None:
    assert ask(client, "GET", "/", Authorization=f"Token {make_token(tecnica)}") == LOGIN


@pytest.mark.parametrize("file", ["log", "evidencia"])
def test_a_browser_without_a_session_is_led_to_the_login_and_back_to_its_file(
    client: Client, db: None, file: str
) -> None:
    path = f"/ticket/{make_ticket().pk}/{file}"
    response = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (response.status_code, response["Location"]) == (302, f"/entrar?next={path}")


def test_a_browser_is_told_as_a_page_that_there_is_no_such_file(desk: Client) -> None:
    response = desk.get("/ticket/999/log", headers={"Accept": "text/html"})
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (404, "text/html")


def test_static_files_need_no_login(client: Client, db: None) -> None:
    assert client.get("/static/tickets/base.css").status_code == 200


def test_media_are_not_served_by_their_name(desk: Client) -> None:
    assert desk.get("/media/evidencia.jpg").status_code == 404


@pytest.mark.parametrize("path", ["/nada", "/ticket/x/log", "/static/../manage.py", "/static/%2e%2e/.env", "/.env"])
def test_an_address_that_does_not_exist_is_404_for_everybody(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 404
