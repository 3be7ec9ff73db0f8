from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.gateways.contract import ADDRESS, TEXT, GatewayContract, never
from tests.whatsapp.gateways.server import RawServer, http, says
from whatsapp.gateways.base import Gateway, InvalidSignature, Outgoing
from whatsapp.gateways.events import ConnectionChanged, Inbound, OwnMessage
from whatsapp.gateways.results import Accepted, Ambiguous, Disconnected, Misconfigured, RateLimited, Refused
from whatsapp.gateways.waha import Waha

PAYLOADS = Path(__file__).parent / "payloads" / "waha"
SERIALIZED = "true_5214772758198@c.us_3EB0A1B2C3"


def refusal(name: str) -> bytes:
    """The HTTP answer kept in payloads/waha."""
    kept = json.loads((PAYLOADS / f"refusal_{name}.json").read_text())
    return http(kept["status"], kept["body"])


def webhook(event: str, /, event_id: str = "evt_01", **payload: Any) -> dict[str, Any]:
    return {"id": event_id, "timestamp": 1748000000000, "event": event, "session": "default", "payload": payload}


class TestWaha(GatewayContract):
    accepted = http(201, {"id": SERIALIZED, "_data": {}})
    accepted_id = "3EB0A1B2C3"
    accepted_without_id = http(201, {"status": "PENDING"})
    disconnected = refusal("422_not_working")
    refused = refusal("422_validation")
    bad_key = http(401, {"statusCode": 401, "message": "Unauthorized"})
    key_setting = "WAHA_API_KEY"
    status_up = http(200, {"name": "default", "status": "WORKING"})
    status_down = http(200, {"name": "default", "status": "STARTING"})
    secret_setting = "WAHA_HMAC_KEY"
    webhooks = [
        webhook("message", "evt_01", id="false_5214772758198@c.us_AA", body="hola", **{"from": "5214772758198@c.us"}),
        webhook("message.any", "evt_02", id="true_123@lid_BB", body="hola", fromMe=True, source="api", to="123@lid"),
        webhook("message.ack", "evt_03", id="true_123@lid_BB", ack=3, fromMe=True),
        webhook("session.status", "evt_04", status="WORKING"),
        {"event": "message.ack", "session": "default", "payload": {"id": "true_123@lid_CC", "ack": 2}},
    ]

    def gateway(self, url: str = "http://127.0.0.1:9", *, secret: str = "secreto", timeout_s: float = 5) -> Gateway:
        return Waha(url=url, api_key="llave", session="default", hmac_key=secret, timeout_s=timeout_s)

    def signed(self, body: bytes) -> dict[str, str]:
        return {"X-Webhook-Hmac": hmac.new(b"secreto", body, hashlib.sha512).hexdigest()}

    # Sending

    @pytest.mark.parametrize(("address", "chat"), [(ADDRESS, "5214772758198@c.us"), ("123456@lid", "123456@lid")])
    def test_the_request_is_what_waha_documents(self, address: str, chat: str) -> None:
        with RawServer(says(self.accepted)) as server:
            self.gateway(server.url + "/").send(address, Outgoing(TEXT), never)
        assert server.received[0].startswith(b"POST /api/sendText HTTP/1.1\r\n")
        assert b"X-Api-Key: llave\r\n" in server.received[0]
        assert server.request == {"session": "default", "chatId": chat, "text": TEXT}

    def test_without_a_key_no_key_is_sent(self) -> None:
        with RawServer(says(self.accepted)) as server:
            Waha(server.url, "", "default", "", 5).send(ADDRESS, Outgoing(TEXT), never)
        assert b"x-api-key" not in server.received[0].lower()

    @pytest.mark.parametrize("address", ["MX.1349", "1203630@g.us", "status@broadcast", "", "5²", "52\n@c.us"])
    def test_an_address_that_waha_has_no_word_for_is_refused_unsent(self, address: str) -> None:
        assert isinstance(self.gateway().send(address, Outgoing(TEXT), never), Refused)

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"id": SERIALIZED}, Accepted("3EB0A1B2C3", ADDRESS)),
            ({"id": "3EB0A1B2C3"}, Accepted("3EB0A1B2C3")),
            ({"id": "true_123@lid_3EB0_A1"}, Accepted("3EB0_A1", "123@lid")),
            ({"id": "true_1203630@g.us_3EB0A1_5214772758198@c.us"}, Accepted("3EB0A1")),
            ({"id": {"_serialized": SERIALIZED, "id": "3EB0A1B2C3"}}, Accepted("3EB0A1B2C3", ADDRESS)),
            ({"id": {"fromMe": True, "remote": "123@lid", "id": "3EB0A1"}}, Accepted("3EB0A1", "123@lid")),
            ({"key": {"remoteJid": "5214772758198@s.whatsapp.net", "id": "3EB0A1"}}, Accepted("3EB0A1", ADDRESS)),
            ({"id": None, "key": {"id": "3EB0A1"}}, Accepted("3EB0A1")),
        ],
        ids=["serialized", "bare", "lid-and-underscore", "participant", "webjs", "webjs-2026", "noweb-raw", "null-id"],
    )
    def test_the_id_is_found_bare_in_every_engine_s_answer(self, body: Any, expected: Accepted) -> None:
        assert self.send(http(201, body)) == expected

    @pytest.mark.parametrize(
        "body", [{"id": ""}, {"id": 5}, {"id": "a b"}, {"id": "a\0"}, {"id": "x" * 500}, {"key": []}]
    )
    def test_an_id_that_cannot_be_one_is_none(self, body: Any) -> None:
        assert isinstance(self.send(http(201, body)), Ambiguous)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("422_not_working", Disconnected("La sesión de WhatsApp está iniciando")),
            ("404_stopped", Disconnected("La sesión de WhatsApp está detenida")),
            ("500_must_write_first", Refused(
                "WhatsApp no deja iniciar esta conversación: la persona debe escribir primero", "463")),
            ("422_validation", Refused("WAHA no acepta el mensaje: chatId should not be empty", "422")),
            ("400_bad_json", Refused(
                "WAHA no entendió el mensaje: Expected property name or '}' in JSON at position 1", "400")),
        ],
    )  # fmt: skip
    def test_every_refusal_seen_is_understood(self, name: str, expected: Any) -> None:
        assert self.send(refusal(name)) == expected

    def test_a_session_that_this_waha_cannot_have_names_the_setting(self) -> None:
        result = self.send(refusal("422_other_session"))
        assert isinstance(result, Misconfigured) and result.key == "WAHA_SESSION"

    def test_a_session_that_does_not_exist_is_disconnected(self) -> None:
        assert isinstance(self.send(http(404, {"statusCode": 404, "message": "Session not found"})), Disconnected)

    @pytest.mark.parametrize(("header", "after"), [((), None), (("Retry-After: 30",), 30.0)])
    def test_too_many_requests_slow_the_session_down(self, header: tuple[str, ...], after: float | None) -> None:
        assert self.send(http(429, b"", *header)) == RateLimited("session", after)

    def test_whatsapp_s_own_limit_slows_the_session_down(self) -> None:
        assert self.send(http(500, {"exception": {"message": "Error: rate-overlimit"}})) == RateLimited("session")

    @pytest.mark.parametrize("words", ["rate-overlimit", "server returned error 463"])
    def test_our_own_words_echoed_in_an_error_decide_nothing(self, words: str) -> None:
        body = {"statusCode": 500, "exception": {"message": "boom"}, "request": {"body": {"text": words}}}
        assert isinstance(self.send(http(500, body)), Ambiguous)

    @pytest.mark.parametrize("status", [404, 409, 422])
    def test_words_that_nobody_documents_are_ambiguous(self, status: int) -> None:
        assert isinstance(self.send(http(status, {"message": "Something else"})), Ambiguous)

    def test_a_hostile_reason_is_one_short_line(self) -> None:
        result = self.send(http(422, {"message": ["a\n\0\x1b[31m" + "b" * 9000]}))
        assert isinstance(result, Refused) and result.reason.isprintable() and len(result.reason) < 300

    @pytest.mark.parametrize(("url", "key"), [("waha:3000", "WAHA_URL"), ("", "WAHA_URL")])
    def test_a_url_that_is_none_names_the_setting(self, url: str, key: str) -> None:
        result = self.gateway(url).send(ADDRESS, Outgoing(TEXT), never)
        assert isinstance(result, Misconfigured) and result.key == key

    @pytest.mark.parametrize("api_key", ["llave\n", "ñandú"])
    def test_a_key_that_fits_no_header_names_the_setting(self, api_key: str) -> None:
        result = Waha("http://127.0.0.1:9", api_key, "default", "", 5).send(ADDRESS, Outgoing(TEXT), never)
        assert isinstance(result, Misconfigured) and result.key == "WAHA_API_KEY"

    # Its state

    @pytest.mark.parametrize(
        "state", ["STOPPED", "STARTING", "SCAN_QR_CODE", "FAILED", "PASSKEY_REQUIRED", "NEW", "", None, 7]
    )
    def test_anything_but_working_is_down(self, state: Any) -> None:
        status = self.status_when(http(200, {"status": state}))
        assert isinstance(status, ConnectionChanged) and not status.connected and status.detail

    def test_the_state_is_asked_of_the_session(self) -> None:
        with RawServer(says(self.status_up)) as server:
            Waha(server.url, "llave", "mesa 1", "", 5).status()
        assert server.received[0].startswith(b"GET /api/sessions/mesa%201 HTTP/1.1\r\n")

    def test_a_session_that_does_not_exist_is_named(self) -> None:
        status = self.status_when(http(404, {"message": "Session not found"}))
        assert status == ConnectionChanged(False, "WAHA no tiene la sesión «default»")

    # Its signature

    def test_the_official_vector_is_believed(self) -> None:
        """https://waha.devlike.pro/docs/how-to/webhooks/#hmac-authentication"""
        body = b'{"event":"message","session":"default","engine":"WEBJS"}'
        signature = (
            "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
            "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
        )
        headers = {"x-webhook-hmac": signature, "x-webhook-hmac-algorithm": "sha512"}
        self.verify(body, headers, secret="my-secret-key")

    @pytest.mark.parametrize("changed", [b'{"a":2}', b'{"a": 1}', b'{"a":1}\n', b""])
    def test_changed_bytes_are_refused(self, changed: bytes) -> None:
        with pytest.raises(InvalidSignature):
            self.verify(changed, self.signed(b'{"a":1}'))

    @pytest.mark.parametrize(
        "header",
        [{"X-Webhook-Hmac-Algorithm": "sha256"}, {"X-Webhook-Hmac-Version": "2"}],
        ids=["algorithm", "version"],
    )
    def test_another_way_of_signing_is_refused(self, header: dict[str, str]) -> None:
        with pytest.raises(InvalidSignature):
            self.verify(b"{}", {**self.signed(b"{}"), **header})

    def test_version_1_is_the_one_we_know(self) -> None:
        self.verify(b"{}", {**self.signed(b"{}"), "X-Webhook-Hmac-Version": "1"})

    # The ledger's id

    def test_the_event_s_id_and_kind_make_the_external_id(self) -> None:
        assert self.gateway().external_id(b"{}", webhook("message.any", "evt_9")) == "message.any:evt_9"

    @pytest.mark.parametrize("event_id", [None, "", 5, [], "ñ", "a b", "x" * 500])
    def test_without_a_sane_id_it_is_the_body_s_hash(self, event_id: Any) -> None:
        payload = {**webhook("message"), "id": event_id}
        assert self.gateway().external_id(b"{}", payload) == f"message:{hashlib.sha256(b'{}').hexdigest()}"

    def test_the_same_state_without_an_id_is_news_each_time(self) -> None:
        payload = {"event": "session.status", "session": "default", "payload": {"status": "WORKING"}}
        assert self.gateway().external_id(b"{}", payload) != self.gateway().external_id(b"{}", payload)


def test_a_chat_read_back_tells_the_messages_of_both_and_leaves_out_the_rest() -> None:
    chat = [
        {"id": SERIALIZED, "fromMe": True, "source": "api", "body": TEXT, "timestamp": 1748000000},
        {"id": "true_5214772758198@c.us_3EB0APP", "fromMe": True, "source": "app", "body": "a mano"},
        {
            "id": "false_5214772758198@c.us_3EB0HERS",
            "fromMe": False,
            "body": "de la persona",
            "from": f"{ADDRESS}@c.us",
        },
        {"sin": "identificador"},
        "basura",
    ]
    with RawServer(says(http(200, chat))) as server:
        gateway = Waha(server.url, "clave", "default", "secreto", 3)
        found = gateway.read_back(ADDRESS, datetime(2025, 5, 23, tzinfo=UTC))
    assert found is not None
    assert [(message.external_id, type(message), message.text) for message in found] == [
        ("3EB0A1B2C3", OwnMessage, TEXT),
        ("3EB0APP", OwnMessage, "a mano"),
        ("3EB0HERS", Inbound, "de la persona"),
    ]
    assert server.received[0].startswith(b"GET /api/default/chats/5214772758198%40c.us/messages?")


@pytest.mark.parametrize("answer", [http(422, {"expected": ["WORKING"]}), http(200, {"no": "lista"}), http(500, {})])
def test_a_chat_that_cannot_be_read_back_is_none_and_not_empty(answer: bytes) -> None:
    with RawServer(says(answer)) as server:
        gateway = Waha(server.url, "clave", "default", "secreto", 3)
        assert gateway.read_back(ADDRESS, datetime(2025, 5, 23, tzinfo=UTC)) is None
