"""POST /webhooks/{gateway}: size, signature, ledger, 200. What the events do is in tests/chat/test_inbound.py."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from chat.models import Message
from tests.fake_gateway import event, gateway_id, inbound, post_webhook, signature
from tickets.models import Ticket
from whatsapp import events
from whatsapp.gateways.base import Gateway
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db


def send(body: bytes, url: str = "/webhooks/waha", **headers: str) -> Any:
    return Client().post(url, body, content_type="application/json", headers=headers)


def test_a_signed_event_is_stored_handled_and_answered_200() -> None:
    response = post_webhook(inbound("Mi laptop no enciende", event_id="evt_1"))
    assert (response.status_code, response.json()) == (200, {"status": "recibido"})
    row = WebhookEvent.objects.get()
    assert (row.gateway, row.external_id, row.state) == ("waha", "message:evt_1", "procesado")
    assert "Mi laptop no enciende" in row.body
    assert row.handled
    assert Message.objects.get(role="user").text == "Mi laptop no enciende"


def test_the_gateway_needs_neither_login_nor_csrf_token() -> None:
    body = inbound()
    client = Client(enforce_csrf_checks=True)
    headers = {"X-Webhook-Hmac": signature(body)}
    assert client.post("/webhooks/waha", body, content_type="application/json", headers=headers).status_code == 200


@pytest.mark.parametrize("times", [2, 5])
def test_a_repeat_is_a_200_and_happens_once(times: int) -> None:
    body = inbound(event_id="evt_1")
    assert [post_webhook(body).status_code for _ in range(times)] == [200] * times
    assert WebhookEvent.objects.count() == Ticket.objects.count() == 1
    assert Message.objects.filter(role="user").count() == 1


def test_the_same_message_in_two_events_happens_once() -> None:
    message_id = gateway_id()
    post_webhook(inbound("hola", message_id=message_id))
    post_webhook(inbound("hola", message_id=message_id))
    assert WebhookEvent.objects.count() == 2
    assert Message.objects.filter(role="user").count() == 1


# The signature


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Webhook-Hmac": ""},
        {"X-Webhook-Hmac": "00"},
        {"X-Webhook-Hmac": "ñ" * 128},
        {"X-Webhook-Hmac": signature(b"otra cosa")},
        {"X-Webhook-Hmac": signature(inbound(event_id="evt_1", message_id="3EB0"), "otra llave")},
    ],
    ids=["missing", "empty", "short", "not ASCII", "of another body", "with another key"],
)
def test_what_is_not_signed_by_our_gateway_is_a_401_and_nothing_is_stored(
    caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    response = send(inbound(event_id="evt_1", message_id="3EB0"), **headers)
    assert response.status_code == 401
    assert response.json()["status"] == "sin_firma"
    assert not WebhookEvent.objects.exists()
    assert not Ticket.objects.exists()
    assert "WAHA_HMAC_KEY" in caplog.text
    assert "secreto" not in caplog.text


def test_the_signature_is_over_the_raw_bytes() -> None:
    body = inbound("año")
    assert b"\\u00f1" in body
    rewritten = body.replace(b"\\u00f1", "ñ".encode())
    assert send(rewritten, **{"X-Webhook-Hmac": signature(body)}).status_code == 401


@pytest.mark.parametrize(
    "header", [{"X-Webhook-Hmac-Algorithm": "sha256"}, {"X-Webhook-Hmac-Version": "2"}], ids=["algorithm", "version"]
)
def test_a_signature_of_another_kind_is_a_401(header: dict[str, str]) -> None:
    body = inbound()
    assert send(body, **{"X-Webhook-Hmac": signature(body), **header}).status_code == 401


def test_an_empty_secret_is_a_503_that_names_the_setting_for_ops_only(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.WAHA_HMAC_KEY = ""
    body = inbound()
    response = send(body, **{"X-Webhook-Hmac": signature(body, "")})
    assert response.status_code == 503
    assert "WAHA_HMAC_KEY" in caplog.text
    assert "WAHA_HMAC_KEY" not in response.content.decode()
    assert not WebhookEvent.objects.exists()


# The door


def test_a_body_that_is_too_large_is_a_413_and_nothing_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    body = inbound("x" * 2000)
    monkeypatch.setattr(Gateway, "webhook_max_bytes", len(body) - 1)
    assert post_webhook(body).status_code == 413
    assert not WebhookEvent.objects.exists()
    monkeypatch.setattr(Gateway, "webhook_max_bytes", len(body))
    assert post_webhook(body).status_code == 200


def test_a_body_that_django_refuses_to_read_is_a_413_too(settings: Settings) -> None:
    response = post_webhook(b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert response.status_code == 413
    assert response.json()["status"] == "demasiado_grande"


def test_the_size_is_checked_before_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gateway, "webhook_max_bytes", 10)
    assert send(b"x" * 11).status_code == 413


@pytest.mark.parametrize("name", ["evolution", "nadie"])
def test_another_gateway_than_ours_is_a_404(name: str) -> None:
    body = inbound()
    assert send(body, f"/webhooks/{name}", **{"X-Webhook-Hmac": signature(body)}).status_code == 404
    assert not WebhookEvent.objects.exists()


def test_a_get_is_refused_where_the_gateway_has_no_handshake() -> None:
    assert Client().get("/webhooks/waha?hub.mode=subscribe").status_code == 403


def test_what_could_not_be_stored_is_a_503_so_that_the_gateway_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise DatabaseError("disco lleno")

    body = inbound()
    with monkeypatch.context() as patch:
        patch.setattr(WebhookEvent.objects, "get_or_create", full)
        response = post_webhook(body)
    assert (response.status_code, response.json()["status"]) == (503, "sin_guardar")
    assert not Ticket.objects.exists()
    assert post_webhook(body).status_code == 200
    assert Ticket.objects.count() == 1


# What is stored is answered 200, whatever it is


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "event"),
        (b"{", "event"),
        (b"[]", "event"),
        (b'"hola"', "event"),
        (b"\xff\xfe", "event"),
        (b"[" * 100_000, "event"),
        (b'{"event": "message", "session": "default"}', "sin contenido"),
        (b'{"event": "message", "session": "default", "payload": {"from": "1@c.us"}}', "sin identificador"),
    ],
    ids=["empty", "broken", "array", "string", "not UTF-8", "very deep", "without payload", "without id"],
)
def test_a_signed_body_that_cannot_be_read_is_kept_as_an_error_with_its_reason(body: bytes, word: str) -> None:
    assert post_webhook(body).status_code == 200
    row = WebhookEvent.objects.get()
    assert row.state == "error"
    assert word in row.reason


def test_an_event_of_no_interest_is_ignored_with_its_reason() -> None:
    post_webhook(event("group.v2.join", {"a": 1}))
    row = WebhookEvent.objects.get()
    assert (row.state, row.reason) == ("ignorado", "Evento de WAHA sin uso aquí: group.v2.join")


def test_a_failure_is_kept_with_its_reason_and_the_next_event_is_fine(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Any) -> None:
        raise ZeroDivisionError("división entre cero")

    body = inbound("uno")
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr("chat.inbound.receive", broken)
        assert post_webhook(body).status_code == 200
    row = WebhookEvent.objects.get()
    assert (row.state, row.reason) == ("error", "ZeroDivisionError: división entre cero")
    assert "con error" in caplog.text
    post_webhook(inbound("dos"))
    assert [message.text for message in Message.objects.filter(role="user")] == ["dos"]
    events.handle(row.pk)  # "reprocesar"
    row.refresh_from_db()
    assert row.state == "procesado"
    assert Message.objects.filter(role="user", text="uno").count() == 1


def test_a_failure_half_way_leaves_nothing_but_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("chat.interview.assist", broken)
    assert post_webhook(inbound()).status_code == 200
    assert WebhookEvent.objects.get().state == "error"
    assert not Ticket.objects.exists()
    assert not Message.objects.exists()
