"""The desk on the Cloud API, from Meta's webhook to Meta's server: everything but Meta is real."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from chat import compose, delivery, references, runtime
from chat.models import Message
from tests.whatsapp.gateways.server import RawServer, resets, says
from tests.whatsapp.gateways.test_cloud_api import BSUID, PHONE_ID, WABA_ID, accepted, error, payload
from tickets.models import Contact
from whatsapp import connection, events
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def desk_on_cloud_api(settings: Settings) -> Iterator[None]:
    settings.WHATSAPP_GATEWAY = "cloud_api"
    settings.WHATSAPP_TIMEOUT_S = 5
    settings.ENVIO_POR_SEGUNDO = 0
    settings.CLOUD_API_TOKEN = "EAAG0"
    settings.CLOUD_API_PHONE_ID, settings.CLOUD_API_WABA_ID = PHONE_ID, WABA_ID
    settings.CLOUD_API_APP_SECRET, settings.CLOUD_API_VERIFY_TOKEN = "secreto", "contraseña"
    runtime.stopping.clear()
    yield
    runtime.stopping.clear()


def post(body: Any, secret: bytes = b"secreto") -> HttpResponse:
    raw = json.dumps(body).encode()
    signature = "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature}
    return Client().post("/webhooks/cloud_api", raw, content_type="application/json", headers=headers)


def status(message: Message, word: str, **more: Any) -> Any:
    body = payload("status_sent")
    told = {"status": word, "biz_opaque_callback_data": references.of(message), **more}
    body["entry"][0]["changes"][0]["value"]["statuses"][0].update(told)
    return body


def fresh_message() -> Any:
    """Ana's text, written just now, so that the 24 hours are open."""
    body = payload("message_text")
    del body["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"]
    return body


def answer(tecnica: User, server: RawServer, settings: Settings) -> Message:
    """What Ana the technician answers to whoever wrote, sent to `server`."""
    settings.CLOUD_API_URL = server.url
    ticket = Message.objects.get(role="user").ticket
    message, _ = compose.write(ticket.pk, tecnica, compose.Draft("¿Ya la conectaste?"))
    delivery.drain(message.conversation_id)
    message.refresh_from_db()
    return message


def test_meta_s_check_of_our_address_gets_its_challenge() -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "contraseña", "hub.challenge": "1158201444"}
    response = Client().get("/webhooks/cloud_api", query)
    assert (response.status_code, response.content) == (200, b"1158201444")
    assert Client().get("/webhooks/cloud_api", {**query, "hub.verify_token": "otra"}).status_code == 403


def test_an_unsigned_body_is_a_401_and_nothing_is_stored() -> None:
    assert post(payload("message_text"), b"otro").status_code == 401
    assert not WebhookEvent.objects.exists()


def test_half_a_character_in_one_message_of_a_batch_keeps_none_out() -> None:
    body = payload("message_text")
    messages = body["entry"][0]["changes"][0]["value"]["messages"]
    messages.append({**messages[0], "id": "wamid.otro", "text": {"body": "x\ud83d"}})
    assert post(body).status_code == 200
    assert list(Message.objects.filter(role="user").values_list("text", flat=True)) == ["No enciende", "x"]


def test_a_signed_message_is_in_a_conversation_once() -> None:
    assert [post(payload("message_text")).status_code for _ in range(2)] == [200, 200]
    message = Message.objects.get(role="user")
    assert (message.text, message.gateway) == ("No enciende", "cloud_api")
    contact = Contact.objects.get()
    assert contact.address == "5214772758198"
    assert set(contact.aliases.values_list("key", flat=True)) == {"+524772758198", BSUID}
    assert WebhookEvent.objects.count() == 1


def test_the_same_message_in_another_batch_is_still_one() -> None:
    post(payload("message_text"))
    post(payload("batch"))
    assert [m.text for m in Message.objects.filter(role="user").order_by("seq")] == ["No enciende", "¿Hola?"]


def test_somebody_without_a_phone_has_a_conversation_too(tecnica: User, settings: Settings) -> None:
    body = payload("message_without_phone")
    del body["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"]
    post(body)
    with RawServer(says(accepted(user_id=BSUID))) as server:
        assert answer(tecnica, server, settings).state == "enviado"
    assert server.request["recipient"] == BSUID


def test_what_waits_in_a_batch_makes_nothing_else_of_it_wait(tecnica: User, settings: Settings) -> None:
    body = payload("status_sent")
    value = body["entry"][0]["changes"][0]["value"]
    known, stranger = ({**value["statuses"][0], "id": one, "status": "read"} for one in ("wamid.OURS", "wamid.OTHER"))
    value["statuses"] = [stranger, known]
    post(fresh_message())
    message = Message.objects.get(role="user")
    assert post(body).status_code == post(body).status_code == 200
    assert list(WebhookEvent.objects.filter(body__contains="wamid.O").values_list("waits_on", flat=True)) == [
        "message:wamid.OTHER",
        "message:wamid.OURS",
    ]
    sent = Message.objects.create(
        conversation=message.conversation, ticket=message.ticket, role="tecnico", text="¿Y ahora?", seq=99, version=99,
        state="enviado", gateway="cloud_api", gateway_id="wamid.OURS",
    )  # fmt: skip
    events.wake_waiting("message:wamid.OURS")
    sent.refresh_from_db()
    assert sent.state == "leido"


def test_an_answer_leaves_and_its_ticks_arrive(tecnica: User, settings: Settings) -> None:
    post(fresh_message())
    with RawServer(says(accepted())) as server:
        message = answer(tecnica, server, settings)
    assert message.state == "enviado" and server.request["biz_opaque_callback_data"] == references.of(message)
    post(status(message, "read", id=message.gateway_id))
    post(status(message, "delivered", id=message.gateway_id))
    message.refresh_from_db()
    assert message.state == "leido"


def test_a_send_that_ended_in_doubt_is_settled_by_the_reference(tecnica: User, settings: Settings) -> None:
    post(fresh_message())
    with RawServer(resets) as server:
        message = answer(tecnica, server, settings)
    assert (message.state, message.gateway_id) == ("sin_confirmar", None)
    assert post(status(message, "delivered")).status_code == 200
    message.refresh_from_db()
    assert (message.state, message.gateway_id) == ("entregado", "wamid.HBgNNTIxNDc3NzUxOTgVAgARGBI1")
    assert WebhookEvent.objects.latest("pk").state == "procesado"
    assert server.connections == 1


def test_a_failure_that_comes_later_tells_the_technician_why(tecnica: User, settings: Settings) -> None:
    post(fresh_message())
    with RawServer(says(accepted())) as server:
        message = answer(tecnica, server, settings)
    failed = payload("status_failed")
    failed["entry"][0]["changes"][0]["value"]["statuses"][0]["id"] = message.gateway_id
    post(failed)
    message.refresh_from_db()
    assert (message.state, message.code) == ("fallido", "131047") and "plantilla" in message.reason


def test_a_token_that_expired_keeps_the_queue_and_names_the_setting(tecnica: User, settings: Settings) -> None:
    post(fresh_message())
    with RawServer(says(error(190, status=401))) as server:
        assert answer(tecnica, server, settings).state == "en_cola"
    row = connection.current()
    assert not row.connected and "CLOUD_API_TOKEN" in row.detail


def test_a_limit_for_one_person_leaves_the_session_alone(tecnica: User, settings: Settings) -> None:
    post(fresh_message())
    with RawServer(says(error(131056))) as server:
        message = answer(tecnica, server, settings)
    assert (message.state, message.held) == ("en_cola", "recipient")
    assert connection.current().connected


def test_the_account_s_own_news_open_and_close_the_line() -> None:
    post(payload("account_offboarded"))
    assert not connection.current().connected
    post(payload("account_reconnected"))
    assert connection.current().connected
