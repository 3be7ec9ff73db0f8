"""What every gateway has to do. A gateway's test module subclasses GatewayContract and fills in its shapes."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from tests.whatsapp.gateways.server import Answer, RawServer, hangs, http, refused_url, resets, says
from whatsapp import events
from whatsapp.gateways.base import Gateway, InvalidSignature, Malformed, NotConfigured, Outgoing
from whatsapp.gateways.events import ConnectionChanged, Event, Ignored
from whatsapp.gateways.results import Accepted, Ambiguous, Disconnected, Misconfigured, Refused, Result, Unreachable
from whatsapp.models import WebhookEvent

ADDRESS = "5214772758198"
TEXT = "Buenos días, ¿ya enciende?"

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()))
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
PROMISES = {
    "read_back": ("read_back", "chats_since"),
    "typing": ("typing",),
    "watch": ("watch",),
    "read_marks": ("mark_read",),
    "media": ("fetch",),
    "templates": ("templates",),
    "session": ("qr", "restart", "log_out"),
}
# A mixin's test runs in several classes, which Hypothesis takes for a mistake.
fuzzed = settings(suppress_health_check=[HealthCheck.differing_executors], deadline=None)


def never(*args: Any) -> None:
    """A `before_first_byte` that lets everything through."""


class GatewayContract(ABC):
    """Fill in the attributes and the two methods; add what is particular to the gateway as tests of your own."""

    accepted: bytes  # a whole HTTP answer that carries `accepted_id`
    accepted_id: str | None  # None where the gateway tells none
    accepted_without_id: bytes
    disconnected: bytes
    refused: bytes
    bad_key: bytes
    key_setting: str
    status_up: bytes
    status_down: bytes
    secret_setting: str
    webhooks: list[Any]  # payloads that it understands
    tells_ids = True  # else every webhook is new, and the desk recognises its repeats by their content

    @abstractmethod
    def gateway(self, url: str = "http://127.0.0.1:9", *, secret: str = "secreto", timeout_s: float = 5) -> Gateway:
        """The gateway under test."""

    @abstractmethod
    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a webhook that `gateway` believes."""

    def send(self, answer: Answer | bytes, timeout_s: float = 5) -> Result:
        """Send a message to a server that gives `answer` to every request, of which one at most may send."""
        with RawServer(says(answer) if isinstance(answer, bytes) else answer) as server:
            result = self.gateway(server.url, timeout_s=timeout_s).send(ADDRESS, Outgoing(TEXT), never)
        assert len([request for request in server.received if request.startswith(b"POST ")]) == 1
        return result

    def status_when(self, answer: bytes) -> ConnectionChanged | Misconfigured:
        with RawServer(says(answer)) as server:
            return self.gateway(server.url).status()

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str = "secreto") -> None:
        self.gateway(secret=secret).verify(body, CaseInsensitiveDict(headers))

    def test_what_it_says_it_can_is_written_and_nothing_else(self) -> None:
        kind = type(self.gateway())
        for ability, methods in PROMISES.items():
            for method in methods:
                written = getattr(kind, method) is not getattr(Gateway, method)
                assert written == (ability in kind.can), method

    def test_its_settings_are_named_where_they_are_missing(self) -> None:
        assert self.gateway().problems() == []
        assert self.gateway().secret_setting == self.secret_setting
        assert [one.key for one in self.gateway(secret="").problems()] == [self.secret_setting]
        (wrong,) = self.gateway("gateway:3000").problems()
        assert wrong.key == self.gateway().url_setting and wrong.key in wrong.todo
        assert self.gateway("gateway:3000").send(ADDRESS, Outgoing(TEXT), never) == wrong

    # Sending

    def test_a_message_it_took_is_accepted_with_its_id(self) -> None:
        result = self.send(self.accepted)
        assert isinstance(result, Accepted) and result.id == self.accepted_id

    def test_a_session_that_is_down_is_disconnected(self) -> None:
        assert isinstance(self.send(self.disconnected), Disconnected)

    def test_a_message_it_never_takes_is_refused_with_a_reason(self) -> None:
        result = self.send(self.refused)
        assert isinstance(result, Refused) and result.reason

    def test_a_bad_key_names_the_setting(self) -> None:
        result = self.send(self.bad_key)
        assert isinstance(result, Misconfigured) and result.key == self.key_setting

    def test_a_gateway_that_is_not_there_is_unreachable(self) -> None:
        assert isinstance(self.gateway(refused_url()).send(ADDRESS, Outgoing(TEXT), never), Unreachable)

    def test_no_answer_in_time_is_ambiguous(self) -> None:
        assert isinstance(self.send(hangs, timeout_s=0.5), Ambiguous)

    def test_a_reset_is_ambiguous(self) -> None:
        assert isinstance(self.send(resets), Ambiguous)

    def test_a_cut_success_is_ambiguous(self) -> None:
        assert isinstance(self.send(self.accepted[:-1]), Ambiguous)

    def test_a_success_without_id_is_ambiguous(self) -> None:
        assert isinstance(self.send(self.accepted_without_id), Ambiguous)

    @pytest.mark.parametrize("status", [200, 201, 204])
    def test_an_empty_success_is_ambiguous(self, status: int) -> None:
        assert isinstance(self.send(http(status)), Ambiguous)

    @pytest.mark.parametrize("status", [302, 307, 418, 500, 502, 503, 504])
    @pytest.mark.parametrize(
        "body", [b"", b"<html>502</html>", b"[]", b'"no"', b'{"message": {}}', b"\xff", b"[" * 9999]
    )
    def test_an_error_that_nobody_documents_is_ambiguous_and_not_retried(self, status: int, body: bytes) -> None:
        assert isinstance(self.send(http(status, body, "Retry-After: 0")), Ambiguous)

    def test_a_redirect_is_not_followed(self) -> None:
        with RawServer(hangs) as elsewhere:
            self.send(http(307, b"", f"Location: {elsewhere.url}/api/sendText"))
        assert elsewhere.connections == 0

    def test_what_before_first_byte_raises_stops_the_message(self) -> None:
        def lost() -> None:
            raise LookupError

        with RawServer(hangs) as server:
            with pytest.raises(LookupError):
                self.gateway(server.url).send(ADDRESS, Outgoing(TEXT), lost)
            server.close()
            assert server.received == [b""]

    @fuzzed
    @given(status=st.sampled_from([200, 400, 404, 409, 422, 500]), body=JSON)
    def test_no_answer_makes_it_raise(self, status: int, body: Any) -> None:
        self.send(http(status, body))

    # Its state

    def test_a_session_that_can_send_is_connected(self) -> None:
        assert getattr(self.status_when(self.status_up), "connected", None) is True

    def test_a_session_that_cannot_send_is_not_connected(self) -> None:
        assert getattr(self.status_when(self.status_down), "connected", None) is False

    @pytest.mark.parametrize("answer", [http(200), http(200, b"[]"), http(500), http(302), http(200, b"{", length=9)])
    def test_a_state_that_proves_nothing_is_not_connected(self, answer: bytes) -> None:
        assert getattr(self.status_when(answer), "connected", None) is False

    def test_a_gateway_that_is_not_there_is_not_connected(self) -> None:
        assert getattr(self.gateway(refused_url()).status(), "connected", None) is False

    def test_asking_for_the_state_with_a_bad_key_names_the_setting(self) -> None:
        assert getattr(self.status_when(self.bad_key), "key", None) == self.key_setting

    # Its signature

    def test_a_signed_webhook_is_believed(self) -> None:
        self.verify(b'{"a":1}', self.signed(b'{"a":1}'))

    def test_an_unsigned_webhook_is_refused_and_the_setting_named(self) -> None:
        with pytest.raises(InvalidSignature) as refusal:
            self.verify(b'{"a":1}', {})
        assert refusal.value.setting == self.secret_setting

    def test_a_webhook_signed_with_another_secret_is_refused(self) -> None:
        with pytest.raises(InvalidSignature):
            self.verify(b'{"a":1}', self.signed(b'{"a":1}'), secret="otro")

    @pytest.mark.parametrize("garbage", ["", " ", "\xf1\xe1", "0" * 128, "sha256=", "Bearer ", "Bearer \udcff"])
    def test_a_signature_that_is_garbage_is_refused(self, garbage: str) -> None:
        with pytest.raises(InvalidSignature):
            self.verify(b'{"a":1}', dict.fromkeys(self.signed(b'{"a":1}'), garbage))

    @pytest.mark.parametrize("headers", ["none", "good"])
    def test_without_a_secret_nothing_is_believed(self, headers: str) -> None:
        with pytest.raises(NotConfigured) as refusal:
            self.verify(b"{}", self.signed(b"{}") if headers == "good" else {}, secret="")
        assert refusal.value.setting == self.secret_setting

    # What it tells

    def test_a_repeated_webhook_is_recognised(self) -> None:
        for payload in self.webhooks:
            body = json.dumps(payload).encode()
            ids = {self.gateway().external_id(body, payload) for _ in range(2)}
            assert len(ids) == (1 if self.tells_ids else 2)

    def test_different_webhooks_are_told_apart(self) -> None:
        bodies = [(json.dumps(payload).encode(), payload) for payload in self.webhooks]
        assert len({self.gateway().external_id(*each) for each in bodies}) == len(bodies)

    def test_every_example_is_understood(self) -> None:
        for payload in self.webhooks:
            found = self.gateway().parse(payload)
            assert found and not any(isinstance(event, Ignored) for event in found)

    @fuzzed
    @given(payload=JSON)
    def test_no_json_makes_parse_raise_anything_but_malformed(self, payload: Any) -> None:
        self.read(payload)

    @fuzzed
    @given(data=st.data())
    def test_no_wrong_value_in_a_good_webhook_makes_parse_raise_anything_but_malformed(
        self, data: st.DataObject
    ) -> None:
        payload = json.loads(json.dumps(data.draw(st.sampled_from(self.webhooks))))
        parent, key = data.draw(st.sampled_from(list(_places(payload))))
        parent[key] = data.draw(JSON)
        self.read(payload)

    @pytest.mark.django_db
    def test_half_a_character_anywhere_in_a_good_webhook_is_stored(self) -> None:
        for webhook in self.webhooks:
            for index, _ in enumerate(_places(webhook)):
                payload = json.loads(json.dumps(webhook))
                parent, key = list(_places(payload))[index]
                if isinstance(parent[key], str):
                    parent[key] += "\ud83d"
                    assert all(row.pk for row in self.stored(payload))

    @fuzzed
    @pytest.mark.django_db
    @given(data=st.data())
    def test_no_wrong_value_in_a_good_webhook_keeps_it_out_of_the_ledger(self, data: st.DataObject) -> None:
        payload = json.loads(json.dumps(data.draw(st.sampled_from(self.webhooks))))
        parent, key = data.draw(st.sampled_from(list(_places(payload))))
        parent[key] = data.draw(JSON)
        assert all(row.pk for row in self.stored(payload))

    def stored(self, payload: Any) -> list[WebhookEvent]:
        return events.store(self.gateway(), json.dumps(payload).encode())

    def read(self, payload: Any) -> None:
        assert self.gateway().parts(payload)
        external_id = self.gateway().external_id(repr(payload).encode("utf-8", "replace"), payload)
        assert 0 < len(external_id) <= 200 and external_id.isascii()
        try:
            found: list[Event] = self.gateway().parse(payload)
        except Malformed:
            return
        assert all(isinstance(event, Event) for event in found)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield value, key
        yield from _places(child)
