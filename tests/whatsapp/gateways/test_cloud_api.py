"""Sending and asking, against raw sockets; the shapes are Meta's documented ones (docs/gateways.md, section 5)."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.gateways.contract import ADDRESS, TEXT, GatewayContract, never
from tests.whatsapp.gateways.server import RawServer, http, says
from whatsapp.gateways.base import InvalidSignature, Outgoing, TemplateUse
from whatsapp.gateways.cloud_api import CloudApi
from whatsapp.gateways.cloud_graph import Graph
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Ambiguous, Misconfigured, Refused

PAYLOADS = Path(__file__).parent / "payloads" / "cloud_api"
PHONE_ID, WABA_ID = "106540352242922", "102290129340398"
WAMID = "wamid.HBgNNTIxNDc3Mjc1ODE5OBUCABEYEjVGNDI1QTc0RjEzMDMzNDkyQQA="
BSUID = "MX.13491208655302741918"
REFERENCE = "5d3a1f0e-7c44-4b8e-9a55-0b9f5a2f6c11"
# These are of no interest, which the contract's examples may not be.
UNINTERESTING = ("batch", "message_unreadable", "templates")


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def cloud_api(url: str = "http://127.0.0.1:9", *, timeout_s: float = 5, **changes: Any) -> CloudApi:
    graph = {"url": url, "version": "v25.0", "token": "EAAG0", "phone_id": PHONE_ID, "timeout_s": timeout_s}
    secrets = {"waba_id": WABA_ID, "app_secret": "secreto", "verify_token": "contraseña"}
    for values in (graph, secrets):
        values.update({name: changes.pop(name) for name in list(changes) if name in values})
    assert not changes
    return CloudApi(Graph(**graph), **secrets)


def error(code: Any, message: str = "(#X) Something", details: str = "", status: int = 400, *headers: str) -> bytes:
    """One of Meta's error answers."""
    body: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    if details:
        body["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return http(status, {"error": body}, *headers)


def accepted(**contact: str) -> bytes:
    contacts = [{"input": ADDRESS, **(contact or {"wa_id": ADDRESS})}]
    return http(200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": WAMID}]})


class TestCloudApi(GatewayContract):
    accepted = accepted()
    accepted_id = WAMID
    accepted_without_id = http(200, {"messaging_product": "whatsapp", "messages": []})
    disconnected = error(131031, "(#131031) Business Account locked", status=403)
    refused = error(131009, "(#131009) Parameter value is not valid", "Invalid type for text")
    bad_key = error(190, "Error validating access token: Session has expired", status=401)
    key_setting = "CLOUD_API_TOKEN"
    status_up = http(200, {"status": "CONNECTED", "health_status": {"can_send_message": "AVAILABLE"}, "id": PHONE_ID})
    status_down = http(200, {"status": "DISCONNECTED", "id": PHONE_ID})
    secret_setting = "CLOUD_API_APP_SECRET"
    webhooks = [payload(path.stem) for path in sorted(PAYLOADS.glob("*.json")) if path.stem not in UNINTERESTING]

    def gateway(self, url: str = "http://127.0.0.1:9", *, secret: str = "secreto", timeout_s: float = 5) -> CloudApi:
        return cloud_api(url, app_secret=secret, timeout_s=timeout_s)

    def signed(self, body: bytes) -> dict[str, str]:
        return {"X-Hub-Signature-256": "sha256=" + hmac.new(b"secreto", body, hashlib.sha256).hexdigest()}

    # Sending

    def test_the_request_is_what_meta_documents(self) -> None:
        with RawServer(says(self.accepted)) as server:
            self.gateway(server.url + "/").send(ADDRESS, Outgoing(TEXT, REFERENCE), never)
        assert server.received[0].startswith(b"POST /v25.0/106540352242922/messages HTTP/1.1\r\n")
        assert b"Authorization: Bearer EAAG0\r\n" in server.received[0]
        assert server.request == {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": ADDRESS,
            "type": "text",
            "text": {"body": TEXT, "preview_url": False},
            "biz_opaque_callback_data": REFERENCE,
        }

    def test_without_a_reference_none_is_sent(self) -> None:
        with RawServer(says(self.accepted)) as server:
            self.gateway(server.url).send(ADDRESS, Outgoing(TEXT), never)
        assert "biz_opaque_callback_data" not in server.request

    def test_a_person_without_a_phone_is_written_to_by_their_bsuid(self) -> None:
        with RawServer(says(accepted(user_id=BSUID))) as server:
            result = self.gateway(server.url).send(BSUID, Outgoing(TEXT), never)
        assert server.request["recipient"] == BSUID and "to" not in server.request
        assert result == Accepted(WAMID, BSUID)

    @pytest.mark.parametrize("address", ["123456@lid", "1203630@g.us", "", "+5214772758198", "5²", "MX.", "mx.12"])
    def test_an_address_that_meta_cannot_reach_is_refused_unsent(self, address: str) -> None:
        result = self.gateway().send(address, Outgoing(TEXT), never)
        assert isinstance(result, Refused) and result.reason

    def test_a_template_is_sent_with_its_values_in_order(self) -> None:
        use = TemplateUse("seguimiento", "es_MX", body=("Ana", "laptop"), header=("4821",))
        with RawServer(says(self.accepted)) as server:
            self.gateway(server.url).send(ADDRESS, Outgoing("Hola Ana…", REFERENCE, template=use), never)
        assert server.request["type"] == "template" and "text" not in server.request
        assert server.request["template"] == {
            "name": "seguimiento",
            "language": {"code": "es_MX"},
            "components": [
                {"type": "header", "parameters": [{"type": "text", "text": "4821"}]},
                {
                    "type": "body",
                    "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "laptop"}],
                },
            ],
        }

    def test_a_template_without_variables_has_no_components(self) -> None:
        with RawServer(says(self.accepted)) as server:
            use = TemplateUse("hello_world", "en_US")
            self.gateway(server.url).send(ADDRESS, Outgoing("Welcome", template=use), never)
        assert server.request["template"]["components"] == []

    @pytest.mark.parametrize(
        ("contact", "address"),
        [({"wa_id": "524772758198"}, "524772758198"), ({"user_id": BSUID}, BSUID), ({"wa_id": "x"}, None)],
    )
    def test_the_resolved_address_is_told(self, contact: dict[str, str], address: str | None) -> None:
        assert self.send(accepted(**contact)) == Accepted(WAMID, address)

    @pytest.mark.parametrize(
        "messages", [None, {}, [], [None], [{}], [{"id": 5}], [{"id": "a b"}], [{"id": "x" * 500}]]
    )
    def test_an_id_that_cannot_be_one_is_none(self, messages: Any) -> None:
        assert isinstance(self.send(http(200, {"messages": messages})), Ambiguous)

    @pytest.mark.parametrize(
        ("changes", "key"),
        [
            ({"url": "graph.facebook.com"}, "CLOUD_API_URL"),
            ({"version": "25"}, "CLOUD_API_VERSION"),
            ({"version": "v25.0/../v1.0"}, "CLOUD_API_VERSION"),
            ({"token": ""}, "CLOUD_API_TOKEN"),
            ({"token": "EAAG0\r\nX: y"}, "CLOUD_API_TOKEN"),
            ({"token": "ñandú"}, "CLOUD_API_TOKEN"),
            ({"phone_id": ""}, "CLOUD_API_PHONE_ID"),
            ({"phone_id": "+52 477"}, "CLOUD_API_PHONE_ID"),
        ],
    )
    def test_a_setting_with_which_nothing_can_be_sent_is_named(self, changes: dict[str, str], key: str) -> None:
        gateway = cloud_api(**changes)
        for result in (gateway.send(ADDRESS, Outgoing(TEXT), never), gateway.status(), gateway.templates()):
            assert isinstance(result, Misconfigured) and result.key == key

    # Its state

    def test_the_state_is_asked_of_the_number(self) -> None:
        with RawServer(says(self.status_up)) as server:
            self.gateway(server.url).status()
        wanted = b"GET /v25.0/106540352242922?fields=status,health_status HTTP/1.1\r\n"
        assert server.received[0].startswith(wanted)

    @pytest.mark.parametrize("state", ["DISCONNECTED", "BANNED", "DELETED", "MIGRATED", "PENDING", "NEW", "", None, 7])
    def test_a_number_that_is_not_connected_is_down(self, state: Any) -> None:
        status = self.status_when(http(200, {"status": state}))
        assert isinstance(status, ConnectionChanged) and not status.connected and status.detail

    @pytest.mark.parametrize("state", ["CONNECTED", "FLAGGED", "RATE_LIMITED", "RESTRICTED"])
    @pytest.mark.parametrize("health", ["AVAILABLE", "LIMITED", None])
    def test_a_number_that_meta_warns_about_still_sends(self, state: str, health: str | None) -> None:
        status = self.status_when(http(200, {"status": state, "health_status": {"can_send_message": health}}))
        assert isinstance(status, ConnectionChanged) and status.connected

    def blocked(self, *codes: int) -> ConnectionChanged | Misconfigured:
        errors = [{"error_code": code, "error_description": "Violates policy"} for code in codes]
        entities = [
            {"entity_type": "PHONE_NUMBER", "id": PHONE_ID, "can_send_message": "AVAILABLE"},
            {"entity_type": "WABA", "id": WABA_ID, "can_send_message": "BLOCKED", "errors": errors},
        ]
        health = {"can_send_message": "BLOCKED", "entities": entities}
        return self.status_when(http(200, {"status": "CONNECTED", "health_status": health}))

    @pytest.mark.parametrize("codes", [(), (141000,), (141006, 141000)])
    def test_a_blocked_account_is_down_whatever_its_number_says(self, codes: tuple[int, ...]) -> None:
        status = self.blocked(*codes)
        assert isinstance(status, ConnectionChanged) and not status.connected
        assert not codes or "Violates policy" in status.detail

    def test_an_account_that_cannot_pay_still_answers(self) -> None:
        status = self.blocked(141006)
        assert isinstance(status, ConnectionChanged) and status.connected and "pago" in status.detail

    def test_a_number_that_the_token_does_not_reach_names_the_setting(self) -> None:
        message = f"Unsupported get request. Object with ID '{PHONE_ID}' does not exist, cannot be loaded due to …"
        status = self.status_when(error(100, message))
        assert isinstance(status, Misconfigured) and status.key == "CLOUD_API_PHONE_ID"

    def test_an_account_that_is_locked_says_why(self) -> None:
        status = self.status_when(self.disconnected)
        assert isinstance(status, ConnectionChanged) and "131031" in status.detail

    # Its signature, its handshake, the ledger's id

    def test_the_signature_is_over_the_raw_bytes(self) -> None:
        body = b'{"text": "\\u00bfHola?"}'
        self.verify(body, self.signed(body))
        with pytest.raises(InvalidSignature):
            self.verify(json.dumps(json.loads(body), ensure_ascii=False).encode(), self.signed(body))

    def test_a_signature_of_the_older_kind_is_refused(self) -> None:
        old = {"X-Hub-Signature": "sha1=" + hmac.new(b"secreto", b"{}", hashlib.sha1).hexdigest()}
        with pytest.raises(InvalidSignature):
            self.verify(b"{}", old)

    def test_who_knows_the_token_gets_the_challenge_back(self) -> None:
        asked = {"hub.mode": "subscribe", "hub.verify_token": "contraseña", "hub.challenge": "1158201444"}
        assert cloud_api().handshake(asked) == "1158201444"

    @pytest.mark.parametrize(
        "changes",
        [{"mode": "unsubscribe"}, {"mode": ""}, {"verify_token": "otra"}, {"verify_token": ""}, {"challenge": ""}],
    )
    def test_nobody_else_does(self, changes: dict[str, str]) -> None:
        asked = {"hub.mode": "subscribe", "hub.verify_token": "contraseña", "hub.challenge": "1158201444"}
        asked.update({f"hub.{name}": value for name, value in changes.items()})
        assert cloud_api().handshake(asked) is None
        assert cloud_api().handshake({}) is None

    def test_without_a_token_of_ours_nobody_knows_it(self) -> None:
        asked = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1158201444"}
        assert cloud_api(verify_token="").handshake(asked) is None

    def test_the_external_id_is_the_hash_of_the_bytes(self) -> None:
        assert self.gateway().external_id(b"{}", {}) == hashlib.sha256(b"{}").hexdigest()
