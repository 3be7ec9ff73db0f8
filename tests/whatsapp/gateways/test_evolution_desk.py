"""Evolution's webhooks from the door to the conversation, and our words back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat import delivery
from chat.models import Conversation, Delivery, Message
from tests.whatsapp.gateways.server import RawServer, http, says
from tests.whatsapp.gateways.test_evolution import key, seen, webhook
from whatsapp import connection
from whatsapp.checks import check_gateway
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def evolution(settings: Settings) -> None:
    settings.WHATSAPP_GATEWAY = "evolution"
    settings.EVOLUTION_URL, settings.EVOLUTION_API_KEY = "http://127.0.0.1:9", "llave"
    settings.EVOLUTION_INSTANCE, settings.EVOLUTION_WEBHOOK_SECRET = "mesa", "secreto"
    settings.ENVIO_POR_SEGUNDO = 0


def post(payload: Any, url: str = "/webhooks/evolution", secret: str = "secreto") -> HttpResponse:
    headers = {"Authorization": f"Bearer {secret}"}
    return Client().post(url, json.dumps(payload), content_type="application/json", headers=headers)


def says_hello(text: str = "No enciende", message_id: str = "A1") -> dict[str, Any]:
    return webhook("messages.upsert", {"key": key(message_id), "pushName": "Ana", "message": {"conversation": text}})


def theirs() -> list[str]:
    return list(Message.objects.filter(role="user").order_by("seq").values_list("text", flat=True))


def test_a_webhook_is_a_message_and_evolution_s_key_is_not_kept() -> None:
    assert post(says_hello()).status_code == 200
    assert theirs() == ["No enciende"]
    row = WebhookEvent.objects.get()
    assert (row.gateway, row.external_id, row.state) == ("evolution", "messages.upsert:A1", "procesado")
    assert "TOKEN" not in row.body and "No enciende" in row.body


def test_a_webhook_at_its_event_s_own_address_is_the_same() -> None:
    post(says_hello(), "/webhooks/evolution/messages-upsert")
    post(says_hello())
    assert theirs() == ["No enciende"]


def test_a_name_with_half_a_character_in_it_keeps_no_message_out() -> None:
    body = says_hello()
    body["data"]["pushName"] = "x\ud83d"
    assert post(body).status_code == 200
    assert theirs() == ["No enciende"]


@pytest.mark.parametrize("body", ["[" * 5000, '{"a": '])
def test_a_body_that_cannot_be_read_keeps_no_key_of_evolution_s(body: str) -> None:
    headers = {"Authorization": "Bearer secreto"}
    raw = f'{{"apikey": "TOKEN", "data": {body}'
    assert (
        Client().post("/webhooks/evolution", raw, content_type="application/json", headers=headers).status_code == 200
    )
    row = WebhookEvent.objects.get()
    assert "TOKEN" not in row.body and str(len(raw)) in row.body and row.state == "error"


def test_a_wrong_secret_is_a_401_and_nothing_is_stored(caplog: pytest.LogCaptureFixture) -> None:
    assert post(says_hello(), secret="otro").status_code == 401
    assert not WebhookEvent.objects.exists()
    assert "EVOLUTION_WEBHOOK_SECRET" in caplog.text and "otro" not in caplog.text


def test_another_gateway_s_address_with_a_topic_does_not_exist() -> None:
    assert post(says_hello(), "/webhooks/waha/messages-upsert").status_code == 404


def test_a_dead_session_that_repeats_itself_stays_one_event_and_its_return_is_never_missed() -> None:
    down, up = webhook("connection.update", {"state": "connecting"}), webhook("connection.update", {"state": "open"})
    for outage in range(2):
        for _ in range(20):
            post(down)
        if outage == 0:
            assert not connection.current().connected
        post(up)
        assert connection.current().connected
    assert WebhookEvent.objects.filter(external_id__startswith="connection.update:open").count() == 2
    assert WebhookEvent.objects.filter(external_id__startswith="connection.update:connecting").count() <= 2


def test_an_answer_goes_out_and_its_echo_and_ticks_come_back(settings: Settings) -> None:
    post(says_hello())
    conversation = Conversation.objects.get()
    conversation.messages.filter(role="assistant").delete()
    ticket = Message.objects.get(role="user").ticket
    row = Conversation.locked(conversation.pk).append(ticket, "tecnico", "Voy")
    with RawServer(says(http(201, {"key": key("B1", own=True)}))) as server:
        settings.EVOLUTION_URL = server.url
        delivery.drain(conversation.pk)
    assert server.request["text"] == "Voy"
    post(webhook("send.message", {"key": key("B1", own=True), "message": {"conversation": "Voy"}}))
    post(webhook("messages.update", {"keyId": "B1", "status": "READ", **key("B1", own=True)}))
    row.refresh_from_db()
    assert (row.state, row.gateway_id) == (Delivery.READ, "B1")
    assert Message.objects.filter(role="tecnico").count() == 1


def test_an_answer_that_meets_a_dead_session_waits(settings: Settings) -> None:
    post(says_hello())
    conversation = Conversation.objects.get()
    with RawServer(says(seen("500_connection_closed"))) as server:
        settings.EVOLUTION_URL = server.url
        delivery.drain(conversation.pk)
    row = conversation.messages.get(role="assistant")
    assert row.state == Delivery.QUEUED and not connection.current().connected


def test_a_message_without_a_time_was_written_when_it_reached_us() -> None:
    post(says_hello())
    assert timezone.now() - Message.objects.get(role="user").created < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVOLUTION_URL", "evolution:8080"),
        ("EVOLUTION_API_KEY", ""),
        ("EVOLUTION_API_KEY", "ñ"),
        ("EVOLUTION_INSTANCE", ""),
        ("EVOLUTION_WEBHOOK_SECRET", ""),
    ],
)
def test_check_names_what_is_missing(settings: Settings, name: str, value: str) -> None:
    assert check_gateway() == []
    setattr(settings, name, value)
    assert [name in found.msg and name in str(found.hint) for found in check_gateway()] == [True]
    settings.WHATSAPP_GATEWAY = "waha"
    assert check_gateway() == []
