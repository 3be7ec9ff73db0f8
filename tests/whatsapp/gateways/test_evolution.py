from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.gateways.contract import ADDRESS, TEXT, GatewayContract, never
from tests.whatsapp.gateways.server import Answer, RawServer, http, says
from whatsapp.gateways.base import Fetched, File, Gateway, InvalidSignature, Outgoing
from whatsapp.gateways.events import ConnectionChanged, Inbound, Media, OwnMessage
from whatsapp.gateways.evolution import Evolution
from whatsapp.gateways.evolution_auth import RETRIES_S
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Failure,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
)
from whatsapp.gateways.waha import Waha
from whatsapp.wire import Response, TooLong

SEEN = {
    seen["name"]: seen
    for seen in json.loads((Path(__file__).parent / "payloads" / "evolution" / "answers.json").read_text())
}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
OPEN, CLOSED = {"instance": {"state": "open"}}, {"instance": {"state": "close"}}
SENT = {"key": {"remoteJid": "5214772758198@s.whatsapp.net", "fromMe": True, "id": "3EB0A1"}, "status": "PENDING"}


def seen(name: str) -> bytes:
    """An answer that Evolution 2.3.6 gave while its session was down (payloads/evolution)."""
    return http(SEEN[name]["status"], SEEN[name]["body"])


def routes(**answers: Any) -> Answer:
    """Answer by the first word of the path: `message=…`, `instance=…`, `chat=…`."""

    def answer(server: RawServer, client: socket.socket) -> None:
        group = server.received[-1].split(b"/", 2)[1].decode()
        told = answers[group]
        client.sendall(told if isinstance(told, bytes) else http(200, told))

    return answer


def webhook(event: str, data: Any, instance: str = "mesa", **more: Any) -> dict[str, Any]:
    return {"event": event, "instance": instance, "data": data, "apikey": "TOKEN", "date_time": "2026-11-22", **more}


def key(message_id: str, *, own: bool = False) -> dict[str, Any]:
    return {"remoteJid": "5214772758198@s.whatsapp.net", "fromMe": own, "id": message_id}


class TestEvolution(GatewayContract):
    accepted = http(201, SENT)
    accepted_id = "3EB0A1"
    accepted_without_id = http(201, {"status": "PENDING"})
    disconnected = seen("500_connection_closed")
    refused = seen("400_schema_text")
    bad_key = seen("401_bad_key")
    key_setting = "EVOLUTION_API_KEY"
    status_up = http(200, OPEN)
    status_down = seen("state_close")
    secret_setting = "EVOLUTION_WEBHOOK_SECRET"
    webhooks = [
        webhook("messages.upsert", {"key": key("A1"), "message": {"conversation": "hola"}, "pushName": "Ana"}),
        webhook("messages.upsert", {"key": key("A2"), "message": {"imageMessage": {"mimetype": "image/jpeg"}}}),
        webhook(
            "messages.upsert", {"key": key("A3"), "message": {"reactionMessage": {"key": key("A1"), "text": "👍"}}}
        ),
        webhook("messages.upsert", {"key": key("A4"), "message": {"locationMessage": {"degreesLatitude": 21.1}}}),
        webhook("messages.upsert", {"key": key("A5"), "message": {"contactMessage": {"vcard": "BEGIN:VCARD\nTEL:1"}}}),
        webhook("send.message", {"key": key("B1", own=True), "message": {"conversation": "voy"}}),
        webhook("messages.update", {"keyId": "B1", "status": "READ", **key("B1", own=True)}),
        webhook("messages.edited", {"key": key("A1"), "editedMessage": {"conversation": "hola!"}}),
        webhook("messages.delete", {**key("A1"), "status": "DELETED"}),
        webhook("connection.update", {"state": "connecting"}),
    ]

    def gateway(self, url: str = "http://127.0.0.1:9", *, secret: str = "secreto", timeout_s: float = 5) -> Gateway:
        return Evolution(url=url, api_key="llave", instance="mesa", webhook_secret=secret, timeout_s=timeout_s)

    def signed(self, body: bytes) -> dict[str, str]:
        return {"Authorization": "Bearer secreto"}

    def send_when(self, answer: bytes, state: Any = CLOSED) -> Result:
        """Send while the session's state, when asked, is `state`."""
        return self.send(routes(message=answer, instance=state))

    # Sending

    @pytest.mark.parametrize(("address", "number"), [(ADDRESS, ADDRESS), ("123456@lid", "123456@lid")])
    def test_the_request_is_what_evolution_documents(self, address: str, number: str) -> None:
        with RawServer(says(self.accepted)) as server:
            self.gateway(server.url + "/").send(address, Outgoing(TEXT), never)
        assert server.received[0].startswith(b"POST /message/sendText/mesa HTTP/1.1\r\n")
        assert b"apikey: llave\r\n" in server.received[0]
        assert server.request == {"number": number, "text": TEXT}

    def test_the_instance_is_quoted_in_the_path(self) -> None:
        with RawServer(says(self.accepted)) as server:
            Evolution(server.url, "llave", "mesa 1/x", "", 5).send(ADDRESS, Outgoing(TEXT), never)
        assert server.received[0].startswith(b"POST /message/sendText/mesa%201%2Fx HTTP")

    @pytest.mark.parametrize(
        "address",
        ["MX.1349", "1203630@g.us", "status@broadcast", "", "5²", "0521", "1" * 16, "+5214772758198", "1 2@lid"],
    )
    def test_an_address_that_evolution_would_mistake_is_refused_unsent(self, address: str) -> None:
        assert isinstance(self.gateway().send(address, Outgoing(TEXT), never), Refused)

    def test_the_chat_that_evolution_resolved_to_is_told(self) -> None:
        body = {"key": {"remoteJid": "524772758198@s.whatsapp.net", "id": "3EB0A1"}}
        assert self.send(http(201, body)) == Accepted("3EB0A1", "524772758198")

    @pytest.mark.parametrize("body", [{"key": {"id": ""}}, {"key": {"id": 5}}, {"key": []}, {"id": "3EB0A1"}, []])
    def test_an_id_that_cannot_be_one_is_none(self, body: Any) -> None:
        assert isinstance(self.send(http(201, body)), Ambiguous)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("404_no_instance", Misconfigured),
            ("404_no_instance_bad_key", Misconfigured),
            ("404_no_instance_no_key", Misconfigured),
            ("404_no_route", Misconfigured),
            ("401_bad_key", Misconfigured),
            ("401_no_key", Misconfigured),
            ("500_never_connected", Disconnected),
            ("500_connection_closed", Disconnected),
            ("500_jid_connection_closed", Disconnected),
            ("500_media_connection_closed", Disconnected),
            ("500_read", Disconnected),
            ("400_number_check_boom", Disconnected),
            ("400_schema_text", Refused),
            ("400_schema_number", Refused),
            ("400_data_url", Refused),
            ("400_bad_json", Refused),
            ("400_lid_never_connected", Ambiguous),
            ("400_presence", Ambiguous),
            ("400_media_not_found", Ambiguous),
            ("400_logout_not_connected", Ambiguous),
            ("500_template", Ambiguous),
        ],
    )
    def test_every_refusal_seen_is_understood(self, name: str, expected: type) -> None:
        assert isinstance(self.send_when(seen(name)), expected)

    @pytest.mark.parametrize("name", ["500_never_connected", "500_connection_closed", "400_number_check_boom"])
    @pytest.mark.parametrize("state", [OPEN, {"instance": {"state": "connecting"}}, {}])
    def test_a_dead_session_is_asked_whether_it_is_dead(self, name: str, state: Any) -> None:
        expected = Ambiguous if state == OPEN else Disconnected
        assert isinstance(self.send_when(seen(name), state), expected)

    @pytest.mark.parametrize("words", ["Error: Connection Closed", "Error: Timed Out", "onWhatsApp", "reading 'id'"])
    def test_a_400_may_come_after_the_send_and_proves_nothing(self, words: str) -> None:
        assert isinstance(self.send_when(http(400, {"response": {"message": [words]}})), Ambiguous)

    @pytest.mark.parametrize("words", ["Timed Out", "Request Time-out", "PrismaClientKnownRequestError"])
    def test_a_500_that_does_not_say_where_it_failed_proves_nothing(self, words: str) -> None:
        assert isinstance(self.send_when(http(500, {"response": {"message": words}})), Ambiguous)

    def test_a_number_that_is_not_on_whatsapp_is_refused(self) -> None:
        item = {"exists": False, "jid": "524772758198@s.whatsapp.net", "number": ADDRESS}
        result = self.send(http(400, {"response": {"message": [item]}}))
        assert result == Refused("Este número no está en WhatsApp", "exists:false")

    @pytest.mark.parametrize("item", [{"exists": True}, {"exists": None}, {"exists": 0}, {}])
    def test_another_word_about_a_number_is_ambiguous(self, item: Any) -> None:
        assert isinstance(self.send(http(400, {"response": {"message": [item]}})), Ambiguous)

    def test_our_own_words_echoed_in_an_error_decide_nothing(self) -> None:
        body = {"response": {"message": ["instance requires property of mine"]}}
        assert isinstance(self.send(http(400, body)), Ambiguous)  # only the check of the schema nests its lists

    @pytest.mark.parametrize(("header", "after"), [((), None), (("Retry-After: 30",), 30.0)])
    def test_too_many_requests_slow_the_session_down(self, header: tuple[str, ...], after: float | None) -> None:
        assert self.send(http(429, b"", *header)) == RateLimited("session", after)

    def test_an_instance_that_does_not_exist_names_the_setting_before_the_key(self) -> None:
        for name in ("404_no_instance", "404_no_instance_bad_key"):
            result = self.send(seen(name))
            assert isinstance(result, Misconfigured) and result.key == "EVOLUTION_INSTANCE"

    def test_an_address_where_evolution_is_not_names_the_setting(self) -> None:
        result = self.send(seen("404_no_route"))
        assert isinstance(result, Misconfigured) and result.key == "EVOLUTION_URL"

    def test_a_hostile_reason_is_one_short_line(self) -> None:
        result = self.send(http(400, {"response": {"message": [["instance.text a\n\0\x1b[31m" + "b" * 9000]]}}))
        assert isinstance(result, Refused) and result.reason.isprintable() and len(result.reason) < 300

    def test_a_very_deep_reason_ends(self) -> None:
        deep: Any = "x"
        for _ in range(500):
            deep = [deep]
        assert isinstance(self.send(http(400, {"response": {"message": [deep] * 90}})), Ambiguous)

    @pytest.mark.parametrize(
        ("url", "api_key", "instance", "setting"),
        [
            ("evolution:8080", "llave", "mesa", "EVOLUTION_URL"),
            ("http://127.0.0.1:9", "ñandú", "mesa", "EVOLUTION_API_KEY"),
            ("http://127.0.0.1:9", "llave\n", "mesa", "EVOLUTION_API_KEY"),
            ("http://127.0.0.1:9", "llave", "", "EVOLUTION_INSTANCE"),
        ],
    )
    def test_a_setting_that_cannot_be_right_is_named(self, url: str, api_key: str, instance: str, setting: str) -> None:
        gateway = Evolution(url, api_key, instance, "", 5)
        for result in (gateway.send(ADDRESS, Outgoing(TEXT), never), gateway.status()):
            assert isinstance(result, Misconfigured) and result.key == setting

    # Files

    @pytest.mark.parametrize(
        ("kind", "path", "expected"),
        [
            ("image", b"sendMedia", {"mediatype": "image", "mimetype": "a/b", "fileName": "f.b", "caption": "Mira"}),
            ("document", b"sendMedia", {"mediatype": "document", "fileName": "f.b", "caption": "Mira"}),
            ("video", b"sendMedia", {"mediatype": "video"}),
            ("audio", b"sendWhatsAppAudio", {}),
            ("sticker", b"sendSticker", {}),
        ],
    )
    def test_a_file_travels_in_bare_base64(self, kind: str, path: bytes, expected: dict[str, str]) -> None:
        text = "" if kind in ("audio", "sticker") else "Mira"
        with RawServer(says(self.accepted)) as server:
            message = Outgoing(text, file=File(kind, "a/b", "f.b", len(PNG), lambda: PNG))
            assert self.gateway(server.url).send(ADDRESS, message, never) == Accepted("3EB0A1", ADDRESS)
        assert server.received[0].startswith(b"POST /message/" + path + b"/mesa ")
        field = {"audio": "audio", "sticker": "sticker"}.get(kind, "media")
        assert base64.b64decode(server.request[field]) == PNG
        assert expected.items() <= server.request.items()

    def test_a_file_without_a_name_gets_one_because_evolution_wants_it(self) -> None:
        with RawServer(says(self.accepted)) as server:
            message = Outgoing("", file=File("document", "application/pdf", "", 3, lambda: b"pdf"))
            self.gateway(server.url).send(ADDRESS, message, never)
        assert server.request["fileName"] == "document.pdf"

    @pytest.mark.parametrize("kind", ["audio", "sticker"])
    def test_words_that_whatsapp_would_drop_are_refused_and_not_lost(self, kind: str) -> None:
        message = Outgoing("importante", file=File(kind, "a/b", "f", 1, lambda: b"x"))
        assert isinstance(self.gateway().send(ADDRESS, message, never), Refused)

    def test_a_file_is_fetched_by_its_message(self) -> None:
        told = {"mediaType": "imageMessage", "fileName": "a.png", "mimetype": "image/png", "base64": _text(PNG)}
        with RawServer(says(http(201, told))) as server:
            assert self.gateway(server.url).fetch(Media("A1"), 1000) == Fetched(PNG, "image/png", "a.png")
        assert server.received[0].startswith(b"POST /chat/getBase64FromMediaMessage/mesa ")
        assert server.request == {"message": {"key": {"id": "A1"}}, "convertToMp4": False}

    def test_a_fetched_file_is_in_memory_once_besides_the_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        size = 4 * 2**20
        answer = Response(201, {}, b'{"fileName": "a", "base64": "%s"}' % base64.b64encode(bytes(size)))
        monkeypatch.setattr("whatsapp.wire.call", lambda *_, **__: answer)
        tracemalloc.start()
        try:
            found = self.gateway().fetch(Media("A1"), size)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert found == Fetched(bytes(size), "", "a") and peak < 1.2 * size

    def test_what_a_name_says_of_base64_is_no_file(self) -> None:
        told = {"fileName": '"base64":"AAAA"', "base64": _text(PNG), "mimetype": ""}
        with RawServer(says(http(201, told))) as server:
            found = self.gateway(server.url).fetch(Media("A1"), 1000)
        assert found == Fetched(PNG, "", '"base64":"AAAA"')
        with RawServer(says(http(201, {"otro": {"base64": _text(PNG)}}))) as server:
            assert isinstance(self.gateway(server.url).fetch(Media("A1"), 1000), Failure)

    def test_a_file_too_large_for_base64_in_memory_is_refused_whatever_the_setting(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []

        def call(*_: Any, max_body: int, **__: Any) -> TooLong:
            asked.append(max_body)
            return TooLong("larga")

        monkeypatch.setattr("whatsapp.wire.call", call)
        found = self.gateway().fetch(Media("A1"), 500 * 2**20)
        assert found == Failure("El archivo pesa más de 40 MB", again=False) and asked[0] < 54 * 2**20

    @pytest.mark.parametrize("gateway", [Evolution, Waha])
    def test_eight_files_of_the_largest_kind_fit_in_memory(self, gateway: type[Gateway]) -> None:
        assert max(limit.max_bytes for limit in gateway.limits.values()) <= 24 * 2**20

    @pytest.mark.parametrize(
        ("answer", "again"),
        [
            (seen("400_media_not_found"), False),
            (http(201, {"base64": "A" * 4000}), False),
            (http(201, {"base64": "A" * 200_000}), False),
            (http(201, {"base64": "no es base64"}), True),
            (http(201, {}), True),
            (http(500), True),
        ],
        ids=["not found", "too large", "far too large", "garbage", "nothing", "500"],
    )
    def test_a_file_that_does_not_come_says_whether_to_ask_again(self, answer: bytes, again: bool) -> None:
        with RawServer(says(answer)) as server:
            result = self.gateway(server.url).fetch(Media("A1"), 1000)
        assert isinstance(result, Failure) and result.again is again and result.detail

    # Its state

    @pytest.mark.parametrize("state", ["close", "connecting", "refused", "OPEN", "", None, 7])
    def test_anything_but_open_is_down(self, state: Any) -> None:
        status = self.status_when(http(200, {"instance": {"instanceName": "mesa", "state": state}}))
        assert isinstance(status, ConnectionChanged) and not status.connected and status.detail

    def test_the_state_of_an_instance_that_does_not_exist_names_the_setting(self) -> None:
        assert getattr(self.status_when(seen("404_no_instance")), "key", None) == "EVOLUTION_INSTANCE"

    # Typing and read marks

    def test_typing_is_shown_for_as_long_as_evolution_blocks(self) -> None:
        with RawServer(says(http(201, {}))) as server:
            self.gateway(server.url).typing(ADDRESS, on=True, message_id=None)
        assert server.received[0].startswith(b"POST /chat/sendPresence/mesa ")
        assert {"number": ADDRESS, "presence": "composing"}.items() <= server.request.items()
        assert server.request["delay"] < 4000

    def test_typing_ends_by_itself(self) -> None:
        with RawServer(says(http(201, {}))) as server:
            self.gateway(server.url).typing(ADDRESS, on=False, message_id=None)
        assert server.connections == 0

    def test_messages_are_marked_read(self) -> None:
        with RawServer(says(http(201, {"message": "Read messages", "read": "success"}))) as server:
            self.gateway(server.url).mark_read(ADDRESS, ["A1", "A2"])
        marks = [{"remoteJid": f"{ADDRESS}@s.whatsapp.net", "fromMe": False, "id": one} for one in ("A1", "A2")]
        assert server.request == {"readMessages": marks}

    def test_a_lid_is_not_asked_to_be_marked_because_evolution_only_pretends(self) -> None:
        with RawServer(says(http(201, {"read": "success"}))) as server:
            self.gateway(server.url).mark_read("123456@lid", ["A1"])
        assert server.connections == 0

    @pytest.mark.parametrize("answer", [seen("400_presence"), seen("500_read"), http(500), b""])
    def test_neither_raises_when_the_session_is_down(self, answer: bytes) -> None:
        with RawServer(says(answer)) as server:
            self.gateway(server.url).typing(ADDRESS, on=True, message_id=None)
            self.gateway(server.url).mark_read(ADDRESS, ["A1"])

    # The session

    @pytest.mark.parametrize("where", [{"base64": "X"}, {"qrcode": {"base64": "X"}}])
    def test_the_qr_code_is_a_picture(self, where: Any) -> None:
        told = json.loads(json.dumps(where).replace("X", f"data:image/png;base64,{_text(PNG)}"))
        with RawServer(says(http(200, {**told, "count": 1}))) as server:
            assert self.gateway(server.url).qr() == PNG
        assert server.received[0].startswith(b"GET /instance/connect/mesa ")

    @pytest.mark.parametrize(
        "answer",
        [
            seen("connect_without_qr"),
            seen("401_bad_key"),
            seen("404_no_instance"),
            http(200, OPEN),
            http(200, {"base64": "data:image/svg+xml;base64,PHN2Zz4="}),
            http(500),
            b"",
        ],
    )
    def test_no_qr_code_has_a_reason(self, answer: bytes) -> None:
        with RawServer(says(answer)) as server:
            result = self.gateway(server.url).qr()
        assert isinstance(result, Failure) and result.detail

    def test_an_open_session_is_restarted(self) -> None:
        with RawServer(says(http(200, OPEN))) as server:
            assert self.gateway(server.url).restart() is None
        assert [request.split(b" HTTP")[0] for request in server.received] == [b"POST /instance/restart/mesa"]

    def test_a_closed_session_whose_restart_answers_200_with_an_error_is_connected_instead(self) -> None:
        restart, connect = seen("200_restart_error"), seen("connect_without_qr")

        def answer(server: RawServer, client: socket.socket) -> None:
            client.sendall(restart if b"/restart/" in server.received[-1] else connect)

        with RawServer(answer) as server:
            assert self.gateway(server.url).restart() is None
        assert server.received[1].startswith(b"GET /instance/connect/mesa ")

    @pytest.mark.parametrize(
        "answer", [seen("200_restart_error"), seen("401_bad_key"), seen("404_no_instance"), http(500), b""]
    )
    def test_a_restart_that_did_not_happen_says_so(self, answer: bytes) -> None:
        with RawServer(says(answer)) as server:
            assert isinstance(self.gateway(server.url).restart(), Failure)

    @pytest.mark.parametrize(
        ("answer", "done"),
        [
            (http(200, {"status": "SUCCESS", "error": False}), True),
            (seen("400_logout_not_connected"), True),
            (seen("401_bad_key"), False),
            (http(200, {"error": True}), False),
            (http(500), False),
        ],
    )
    def test_logging_out_forgets_the_phone(self, answer: bytes, done: bool) -> None:
        with RawServer(says(answer)) as server:
            assert (self.gateway(server.url).log_out() is None) is done
        assert server.received[0].startswith(b"DELETE /instance/logout/mesa ")

    # Its signature

    def test_a_token_signed_with_our_secret_is_believed(self) -> None:
        self.verify(b"{}", bearer(token()))

    def test_a_late_retry_carries_a_token_that_is_over_and_is_believed(self) -> None:
        self.verify(b"{}", bearer(token(exp=time.time() - RETRIES_S + 60)))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"exp": 0},
            {"exp": None},
            {"exp": "mañana"},
            {"exp": float("nan")},
            {"app": "otro"},
            {"action": "login"},
            {"alg": "none"},
            {"alg": "HS512"},
            {"key": "otro"},
            {"key": ""},
        ],
        ids=str,
    )
    def test_any_other_token_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidSignature):
            self.verify(b"{}", bearer(token(**wrong)))

    @pytest.mark.parametrize("junk", ["a.b.c", "..", "a..", ".b.", "a.b", "é.é.é", "x" * 5000])
    def test_what_looks_like_a_token_is_refused(self, junk: str) -> None:
        with pytest.raises(InvalidSignature):
            self.verify(b"{}", bearer(junk))

    def test_a_token_without_its_signature_is_refused(self) -> None:
        with pytest.raises(InvalidSignature):
            self.verify(b"{}", bearer(token().rpartition(".")[0] + "."))

    def test_the_secret_without_bearer_is_refused(self) -> None:
        with pytest.raises(InvalidSignature):
            self.verify(b"{}", {"Authorization": "secreto"})


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def bearer(given: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {given}"}


def token(*, key: str = "secreto", alg: str = "HS256", **claims: Any) -> str:
    """A token as Evolution makes it (src/api/integrations/event/webhook, generateJwtToken)."""
    now = time.time()
    told = {"iat": now, "exp": now + 600, "app": "evolution", "action": "webhook", **claims}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": alg, "typ": "JWT"}, told)
    ]
    signature = hmac.new(key.encode(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


# Reading back

SINCE = datetime(2025, 5, 23, tzinfo=UTC)


def test_a_chat_read_back_tells_the_messages_of_both_and_leaves_out_the_rest() -> None:
    when = {"messageTimestamp": 1748000000}
    records = [
        {"key": key("3EB0A1", own=True), "message": {"conversation": TEXT}, "source": "web", **when},
        {"key": key("3EB0APP", own=True), "message": {"conversation": "a mano"}, "source": "android", **when},
        {"key": key("HERS"), "message": {"conversation": "de la persona"}, **when},
        {"key": key("GONE"), "message": {"reactionMessage": {"key": key("HERS"), "text": "👍"}}},
        {"sin": "identificador"},
        "basura",
    ]
    with RawServer(says(http(200, {"messages": {"total": 6, "records": records}}))) as server:
        found = Evolution(server.url, "llave", "mesa", "", 3).read_back(ADDRESS, SINCE)
    assert found is not None
    told = [(one.external_id, type(one), one.text, getattr(one, "by_api", None)) for one in found]
    assert told == [
        ("3EB0A1", OwnMessage, TEXT, True),
        ("3EB0APP", OwnMessage, "a mano", False),
        ("HERS", Inbound, "de la persona", None),
    ]
    assert server.received[0].startswith(b"POST /chat/findMessages/mesa ")
    where = server.request["where"]
    assert where["key"] == {"remoteJid": f"{ADDRESS}@s.whatsapp.net"}
    assert where["messageTimestamp"]["gte"].startswith("2025-05-23T00:00:00") and where["messageTimestamp"]["lte"]


def test_a_lid_s_chat_is_read_back_by_its_lid() -> None:
    with RawServer(says(http(200, {"messages": {"records": []}}))) as server:
        assert Evolution(server.url, "llave", "mesa", "", 3).read_back("123456@lid", SINCE) == []
    assert server.request["where"]["key"] == {"remoteJid": "123456@lid"}


@pytest.mark.parametrize("answer", [http(200, []), http(200, {"messages": {}}), seen("401_bad_key"), http(500), b""])
def test_a_chat_that_cannot_be_read_back_is_none_and_not_empty(answer: bytes) -> None:
    with RawServer(says(answer)) as server:
        assert Evolution(server.url, "llave", "mesa", "", 3).read_back(ADDRESS, SINCE) is None


def test_the_chats_with_news_are_those_of_people() -> None:
    chats = [{"remoteJid": f"{ADDRESS}@s.whatsapp.net"}, {"remoteJid": "1203630@g.us"}, {"remoteJid": "9@lid"}, None]
    with RawServer(says(http(200, chats))) as server:
        assert Evolution(server.url, "llave", "mesa", "", 3).chats_since(SINCE) == [ADDRESS, "9@lid"]
    assert server.received[0].startswith(b"POST /chat/findChats/mesa ")


def test_chats_that_cannot_be_listed_are_none() -> None:
    with RawServer(says(http(500))) as server:
        assert Evolution(server.url, "llave", "mesa", "", 3).chats_since(SINCE) is None


def test_a_long_chat_is_read_page_by_page() -> None:
    def page(server: RawServer, client: socket.socket) -> None:
        body = json.loads(server.received[-1].partition(b"\r\n\r\n")[2])
        count = 50 if body["page"] < 3 else 7
        records = [{"key": key(f"P{body['page']}_{index}"), "message": {"conversation": "x"}} for index in range(count)]
        client.sendall(http(200, {"messages": {"records": records}}))

    with RawServer(page) as server:
        found = Evolution(server.url, "llave", "mesa", "", 3).read_back(ADDRESS, SINCE)
    assert found is not None and len({one.external_id for one in found}) == 107


# Whether somebody is on WhatsApp


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (http(200, [{"jid": "524772758198@s.whatsapp.net", "exists": True, "number": ADDRESS}]), "524772758198"),
        (http(200, [{"exists": True}]), True),
        (http(200, [{"jid": "x", "exists": False, "number": ADDRESS}]), False),
        (http(200, []), None),
        (seen("400_number_check_boom"), None),
        (http(500), None),
    ],
)
def test_a_number_is_looked_up(answer: bytes, expected: Any) -> None:
    with RawServer(says(answer)) as server:
        assert Evolution(server.url, "llave", "mesa", "", 3).exists(ADDRESS) == expected
    assert server.request == {"numbers": [ADDRESS]}


def test_a_lid_is_not_looked_up() -> None:
    assert Evolution("http://127.0.0.1:9", "llave", "mesa", "", 3).exists("9@lid") is None
