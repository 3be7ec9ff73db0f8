"""What every answer carries: policies, cookies, ids; and pages with nothing inline."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from config.logs import RequestIdFilter
from tests.factory import make_ticket, make_user
from tests.prepared import ROOT, prepare
from tickets.access import GROUP_TECHNICIANS

CHANGELISTS = [
    f"/admin/{model}/"
    for model in (
        "tickets/ticket",
        "tickets/contact",
        "chat/message",
        "chat/predefinedmessage",
        "whatsapp/connection",
        "whatsapp/webhookevent",
        "auth/user",
        "auth/group",
    )
]
SUPERVISORS = ["/", "/?q=nada", "/nada", "/admin/", "/admin/nada", "/admin/axes/accesslog/", *CHANGELISTS]
SUPERVISORS += ["/admin/chat/message/libros/", "/admin/password_change/", "/admin/auth/user/add/"]
SUPERVISORS += ["/respuestas", "/respuestas/nueva"]
OPEN = ["/entrar", "/admin/login/", "/nada", "/salud"]


class Page(HTMLParser):
    """Counts headings and gathers whatever would run or style inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings, self.inline = 0, list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.headings += tag == "h1"
        data = (names.get("type") or "").endswith("json")
        if tag == "style" or (tag == "script" and "src" not in names and not data):
            self.inline.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith("on") or (value or "").lstrip().lower().startswith("javascript:"):
                self.inline.append(f"<{tag} {name}>")


@pytest.fixture
def chief(supervisora: User) -> Client:
    make_ticket()
    client = Client()
    client.force_login(supervisora)
    return client


@pytest.fixture
def answers(chief: Client) -> list[Any]:
    """An answer of every kind: pages, errors, JSON and redirects."""
    return [chief.get(path) for path in SUPERVISORS] + [Client().get(path) for path in [*OPEN, "/", "/tickets"]]


@pytest.mark.parametrize("path", SUPERVISORS)
def test_every_page_has_one_main_heading_and_nothing_inline(chief: Client, path: str) -> None:
    page = Page(chief.get(path).content.decode())
    assert (page.headings, page.inline) == (1, [])


@pytest.mark.parametrize("path", ["/entrar", "/nada"])
def test_every_open_page_has_one_main_heading_and_nothing_inline(client: Client, db: None, path: str) -> None:
    page = Page(client.get(path).content.decode())
    assert (page.headings, page.inline) == (1, [])


def test_the_administration_s_login_has_nothing_inline(client: Client, db: None) -> None:
    assert Page(client.get("/admin/login/").content.decode()).inline == []


def test_the_page_of_a_locked_user_has_one_main_heading_and_nothing_inline(client: Client, db: None) -> None:
    for _ in range(6):
        response = client.post("/entrar", {"username": "nadie", "password": "no"})
    assert response.status_code == 429
    page = Page(response.content.decode())
    assert (page.headings, page.inline) == (1, [])


def test_the_pages_of_a_refused_form_and_of_no_permission_have_one_heading(chief: Client) -> None:
    refused = [Client(enforce_csrf_checks=True).post("/entrar"), chief.get("/admin/axes/accesslog/")]
    assert [response.status_code for response in refused] == [403, 403]
    assert [Page(response.content.decode()).headings for response in refused] == [1, 1]


def test_every_answer_has_a_content_policy_without_anything_inline_or_foreign(answers: list[Any]) -> None:
    for response in answers:
        policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert not re.search("unsafe|http:|https:|[*]", response["Content-Security-Policy"])


@pytest.mark.parametrize(
    ("header", "value"),
    [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"), ("X-Frame-Options", "DENY")],
)
def test_every_answer_has_the_header(answers: list[Any], header: str, value: str) -> None:
    assert {response[header] for response in answers} == {value}


def test_every_json_answer_is_kept_by_no_cache(desk: Client) -> None:
    ticket = make_ticket().pk
    paths = [
        "/tickets",
        "/estado",
        "/salud",
        "/tickets?estado=x",
        f"/ticket/{ticket}/conversacion",
        "/ticket/99/conversacion",
    ]
    responses = [desk.get(path) for path in paths] + [Client().get("/tickets"), desk.get("/api/token")]
    for response in responses:
        assert response["Content-Type"] == "application/json"
        assert {part.strip() for part in response["Cache-Control"].split(",")} == {"private", "no-cache"}


def test_a_private_page_is_never_for_shared_caches(answers: list[Any]) -> None:
    for response in answers:
        assert "private" in response["Cache-Control"] and "no-cache" in response["Cache-Control"]


def test_every_answer_has_its_own_request_id(answers: list[Any]) -> None:
    ids = [response["X-Request-Id"] for response in answers]
    assert all(re.fullmatch("[0-9a-f]{8}", id_) for id_ in ids)
    assert len(set(ids)) == len(ids)


def test_the_request_id_is_on_the_lines_that_the_request_logs(client: Client, db: None) -> None:
    seen: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.request_id)  # type: ignore[attr-defined]

    handler = Keep()
    handler.addFilter(RequestIdFilter())
    logging.getLogger("whatsapp").addHandler(handler)
    try:
        response = client.post("/webhooks/waha", "{}", content_type="application/json")
    finally:
        logging.getLogger("whatsapp").removeHandler(handler)
    assert response.status_code == 401
    assert seen == [response["X-Request-Id"]]


def test_the_log_s_lines_are_written_with_the_request_id(settings: Settings) -> None:
    assert "%(request_id)s" in settings.LOGGING["formatters"]["lines"]["format"]
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["request_id"]


def test_the_client_cannot_choose_the_request_id(client: Client, db: None) -> None:
    assert client.get("/salud", headers={"X-Request-Id": "elegido"})["X-Request-Id"] != "elegido"


@pytest.fixture
def beto(db: None, settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return make_user("beto", GROUP_TECHNICIANS, password="clave-1234")


def test_the_session_s_cookie_is_out_of_reach_of_scripts_and_of_other_sites(client: Client, beto: User) -> None:
    cookies = client.post("/entrar", {"username": "beto", "password": "clave-1234"}).cookies
    assert cookies["sessionid"]["httponly"] is True
    assert {cookies[name]["samesite"] for name in ("sessionid", "csrftoken")} == {"Lax"}


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "///e"],
)
@pytest.mark.parametrize("door", ["/entrar", "/admin/login/"])
def test_logging_in_never_leads_to_another_site(client: Client, beto: User, door: str, target: str) -> None:
    beto.is_staff = True
    beto.save()
    fields = {"username": "beto", "password": "clave-1234", "next": target}
    response = client.post(door, fields, query_params={"next": target})
    assert (response.status_code, response["Location"]) == (302, "/")
    client.force_login(beto)
    assert client.get(door, {"next": target})["Location"] in ("/", "/admin/")


PROBE = """
import json, django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.test import Client
call_command("collectstatic", interactive=False, verbosity=0)
from django.contrib.auth.models import User
User.objects.create_user("ana", password="clave-1234")
client, told = Client(HTTP_HOST="mesa.example.org"), {}
for path in ("/", "/entrar", "/tickets", "/admin/", "/salud", "/webhooks/waha", "/api/token",
             "/static/tickets/base.css"):
    told[path] = client.get(path).status_code
safe = client.post("/entrar", {"username": "ana", "password": "clave-1234"}, secure=True)
told["hsts"] = safe["Strict-Transport-Security"]
told["cookies"] = {name: bool(cookie["secure"]) for name, cookie in safe.cookies.items()}
told["host"] = client.get("/entrar", secure=True, HTTP_HOST="evil.example").status_code
told["debug"] = settings.DEBUG
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a desk with DEBUG=false answers over plain HTTP, and sets over HTTPS."""
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    environment |= {
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(tmp_path_factory.mktemp("production")),
        "DEBUG": "false",
        "SECRET_KEY": "x" * 60,
        "ALLOWED_HOSTS": "mesa.example.org",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    prepare(environment)
    command = [sys.executable, "-c", PROBE]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("path", ["/", "/entrar", "/tickets", "/admin/", "/api/token", "/static/tickets/base.css"])
def test_production_leads_plain_http_to_https(production: dict[str, Any], path: str) -> None:
    assert production[path] == 301


def test_production_answers_probes_and_gateways_over_plain_http(production: dict[str, Any]) -> None:
    assert (production["/salud"], production["/webhooks/waha"]) == (200, 403)


def test_production_s_cookies_travel_by_https_only(production: dict[str, Any]) -> None:
    assert production["cookies"] == {"sessionid": True, "csrftoken": True}


def test_production_tells_browsers_to_stay_with_https(production: dict[str, Any]) -> None:
    assert re.search(r"max-age=31536000\b.*includeSubDomains", production["hsts"])


def test_production_answers_no_other_host_s_name(production: dict[str, Any]) -> None:
    assert (production["host"], production["debug"]) == (400, False)


def test_a_failed_send_leaves_no_line_of_the_frameworks_beside_ours() -> None:
    assert not logging.getLogger("django.request").isEnabledFor(logging.ERROR)
