"""How a session and a token are got, and what ends them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client
from pytest_django import Settings

from config.auth import SALT, make_token
from tests.factory import make_ticket, make_user
from tickets.access import GROUP_TECHNICIANS

PASSWORD = "clave-1234"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def luz(db: None, quick_passwords: None) -> User:
    return make_user("luz", GROUP_TECHNICIANS, password=PASSWORD)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Token {token}"}


def ask_token(client: Client, body: Any, content_type: str = "application/json") -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post("/api/token", text, content_type=content_type)


def refused(response: Any, status: int, word: str) -> str:
    """The `detail` of a refusal, which is one clean Spanish sentence or more."""
    assert response.status_code == status, response.content
    assert set(response.json()) == {"detail", "status"}
    assert response.json()["status"] == word
    detail: str = response.json()["detail"]
    assert (
        detail.endswith(".") and not set("[]{}") & set(detail) and "Error" not in detail and "CSRF Failed" not in detail
    )
    return detail


def test_a_token_is_given_for_the_right_password_and_works(client: Client, luz: User) -> None:
    response = ask_token(client, {"username": "luz", "password": PASSWORD})
    assert response.status_code == 200
    assert set(response.json()) == {"token"}
    assert client.get("/tickets", headers=bearer(response.json()["token"])).status_code == 200


def test_asking_for_a_token_makes_no_session(client: Client, luz: User) -> None:
    response = ask_token(client, {"username": "luz", "password": PASSWORD})
    assert not response.cookies
    assert not Session.objects.exists()


def test_a_new_password_ends_sessions(client: Client, luz: User) -> None:
    client.force_login(luz)
    assert client.get("/tickets").status_code == 200
    luz.set_password("otra-clave-9")
    luz.save()
    assert client.get("/tickets").status_code == 401
    assert client.get("/").status_code == 302


def test_a_new_password_ends_tokens(client: Client, luz: User) -> None:
    token = make_token(luz)
    luz.set_password("otra-clave-9")
    luz.save()
    assert client.get("/tickets", headers=bearer(token)).status_code == 401


def test_a_disabled_account_loses_its_sessions(client: Client, luz: User) -> None:
    client.force_login(luz)
    User.objects.filter(pk=luz.pk).update(is_active=False)
    assert client.get("/tickets").status_code == 401
    assert client.get("/").status_code == 302


def test_a_disabled_account_loses_its_tokens_and_gets_no_new_one(client: Client, luz: User) -> None:
    token = make_token(luz)
    User.objects.filter(pk=luz.pk).update(is_active=False)
    assert client.get("/tickets", headers=bearer(token)).status_code == 401
    assert ask_token(client, {"username": "luz", "password": PASSWORD}).status_code == 400


def test_a_deleted_account_loses_its_tokens(client: Client, luz: User) -> None:
    token = make_token(luz)
    luz.delete()
    assert client.get("/tickets", headers=bearer(token)).status_code == 401


def test_who_leaves_the_groups_sees_nothing_with_the_old_session_or_token(client: Client, luz: User) -> None:
    client.force_login(luz)
    token = make_token(luz)
    luz.groups.clear()
    assert client.get("/tickets").status_code == 404
    assert Client().get("/tickets", headers=bearer(token)).status_code == 404


def test_logging_out_ends_the_session_on_the_server(client: Client, luz: User) -> None:
    client.force_login(luz)
    stolen = client.cookies["sessionid"].value
    client.post("/salir")
    other = Client()
    other.cookies["sessionid"] = stolen
    assert other.get("/tickets").status_code == 401


def test_logging_in_changes_the_session_s_id(client: Client, luz: User) -> None:
    client.cookies["sessionid"] = "a" * 32
    client.post("/entrar", {"username": "luz", "password": PASSWORD})
    assert client.cookies["sessionid"].value not in ("", "a" * 32)


@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token ",
        "Token a b",
        "Token x",
        "Token " + "x" * 5000,
        "Token \xff\xfe",
        "Token " + signing.dumps("texto", salt=SALT),
        "Token " + signing.dumps([1], salt=SALT),
        "Token " + signing.dumps([None, None], salt=SALT),
        "Token " + signing.dumps({"1": 2}, salt=SALT),
        "Token " + signing.dumps([1, "x"], salt="otra"),
        "Token " + signing.dumps([10**40, "x"], salt=SALT),
    ],
    ids=range(12),  # a signature holds the time: two test processes would not agree on names made of it
)
def test_a_token_that_is_not_ours_is_401_json(client: Client, luz: User, header: str) -> None:
    refused(client.get("/tickets", headers={"Authorization": header}), 401, "rechazado")


def test_a_changed_letter_breaks_a_token(client: Client, luz: User) -> None:
    token = make_token(luz)
    broken = token[:-1] + ("A" if token[-1] != "A" else "B")
    refused(client.get("/tickets", headers=bearer(broken)), 401, "rechazado")


@pytest.mark.parametrize("header", ["Basic bHV6OmNsYXZl", "Bearer x", "nada"])
def test_another_kind_of_authorization_is_as_none(client: Client, luz: User, header: str) -> None:
    refused(client.get("/tickets", headers={"Authorization": header}), 401, "sin_sesion")


def test_a_post_of_a_session_without_its_csrf_token_is_403_json_in_spanish(luz: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(luz)
    response = client.post(f"/ticket/{make_ticket().pk}/tomar", "{}", content_type="application/json")
    assert "Recarga la página" in refused(response, 403, "sin_permiso")


def test_a_post_of_a_session_with_its_csrf_token_is_let_in(luz: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(luz)
    client.get("/")
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    path = f"/ticket/{make_ticket().pk}/tomar"
    assert client.post(path, "{}", content_type="application/json", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/entrar", "/salir", "/admin/login/"])
def test_a_form_without_its_csrf_token_is_a_403_page(luz: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(luz)
    response = client.post(path, {})
    assert response.status_code == 403
    assert "<h1" in response.content.decode()


def test_a_token_needs_no_csrf_token(luz: User) -> None:
    client = Client(enforce_csrf_checks=True)
    path = f"/ticket/{make_ticket().pk}/tomar"
    response = client.post(path, "{}", content_type="application/json", headers=bearer(make_token(luz)))
    assert response.status_code == 200


def test_api_token_takes_only_a_post(client: Client, db: None) -> None:
    refused(client.get("/api/token"), 405, "metodo_no_permitido")


def test_api_token_takes_only_json(client: Client, luz: User) -> None:
    form = f"username=luz&password={PASSWORD}"
    refused(ask_token(client, form, "application/x-www-form-urlencoded"), 415, "datos_no_validos")


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, b"\xff\xfe", '"\\', "NaN,"])
def test_api_token_refuses_what_is_not_json(client: Client, luz: User, body: str | bytes) -> None:
    refused(ask_token(client, body), 400, "datos_no_validos")


def test_api_token_refuses_a_body_that_is_too_large(client: Client, luz: User) -> None:
    refused(ask_token(client, {"username": "luz", "password": "x" * 3_000_000}), 400, "datos_no_validos")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "texto",
        7,
        None,
        {"username": "luz"},
        {"password": PASSWORD},
        {"username": 1, "password": 2},
        {"username": ["luz"], "password": {"a": 1}},
        {"username": "luz\0", "password": PASSWORD},
        {"username": "luz", "password": PASSWORD + "\0"},
        {"username": "luz\ud800", "password": PASSWORD},
        {"username": "luz", "password": "\udfff"},
        {"username": "x" * 151, "password": PASSWORD},
    ],
)
def test_api_token_says_what_is_missing(client: Client, luz: User, body: Any) -> None:
    detail = refused(ask_token(client, json.dumps(body)), 400, "datos_no_validos")
    assert detail == "Envía «username» y «password»."


def test_api_token_does_not_say_whether_the_user_exists(client: Client, luz: User) -> None:
    answers = [ask_token(client, {"username": name, "password": "no"}) for name in ("luz", "nadie")]
    details = {refused(answer, 400, "datos_no_validos") for answer in answers}
    assert details == {"Usuario o contraseña incorrectos."}
