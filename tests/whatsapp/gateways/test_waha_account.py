"""WAHA's session and its chats, against raw sockets; the refusals are those that a WAHA 2024.10.8 really gave."""

from __future__ import annotations

import json
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.whatsapp.gateways.contract import ADDRESS, JSON, fuzzed, never
from tests.whatsapp.gateways.server import Answer, RawServer, hangs, http, refused_url, resets, says
from whatsapp.gateways.base import Outgoing
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Disconnected, Failure, Misconfigured, Refused
from whatsapp.gateways.waha import Waha

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
SINCE = datetime(2025, 5, 23, 11, 0, tzinfo=UTC)
BEFORE, AFTER = int(SINCE.timestamp()) - 60, int(SINCE.timestamp()) + 60
# Recorded on 2024-11: method, path, and what came back.
OBSERVED = json.loads((Path(__file__).parent / "payloads" / "waha" / "observed.json").read_text())


def waha(url: str = "http://127.0.0.1:9", timeout_s: float = 5) -> Waha:
    return Waha(url=url, api_key="llave", session="default", hmac_key="secreto", timeout_s=timeout_s)


def observed(path: str, status: int) -> bytes:
    """The recorded answer to `path` with that status."""
    found = next(one for one in OBSERVED if one["path"].startswith(path) and one["status"] == status)
    return http(found["status"], found["response"] if found["response"] != "" else b"")


def paged(*pages: Any) -> Answer:
    """Answers the pages in order of `offset`, and an empty one after the last."""

    def answer(server: RawServer, client: socket.socket) -> None:
        offset = int(re.findall(rb"[?&]offset=(\d+)", server.received[-1])[0])
        index = offset // 50
        client.sendall(http(200, pages[index] if index < len(pages) else []))

    return answer


def first_line(server: RawServer, index: int = 0) -> str:
    return server.received[index].partition(b"\r\n")[0].decode()


# Its QR code, restart and log out


def test_the_qr_code_is_a_picture() -> None:
    with RawServer(says(http(200, PNG, "Content-Type: image/png"))) as server:
        assert waha(server.url).qr() == PNG
    assert first_line(server) == "GET /api/default/auth/qr?format=image HTTP/1.1"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (observed("/api/default/auth/qr", 404), "está detenida o no existe"),
        (observed("/api/default/auth/qr", 422), "La sesión de WhatsApp está iniciando"),
        (http(422, {"status": "WORKING", "expected": ["SCAN_QR_CODE"]}), "WhatsApp conectado"),
        (http(401, {"message": "Unauthorized"}), "WAHA_API_KEY"),
        (http(200, b"<html>"), "HTTP 200"),
        (http(200, {"value": "2@abc"}), "HTTP 200"),
        (http(500, {"message": "boom\n\0"}), "HTTP 500 boom"),
    ],
)
def test_no_qr_code_says_why(answer: bytes, words: str) -> None:
    with RawServer(says(answer)) as server:
        failure = waha(server.url).qr()
    assert isinstance(failure, Failure) and words in failure.detail and failure.detail.isprintable()


@pytest.mark.parametrize(("order", "verb"), [("restart", "restart"), ("log_out", "logout")])
def test_an_order_goes_to_the_session(order: str, verb: str) -> None:
    with RawServer(says(observed("/api/sessions/default/start", 201))) as server:
        assert getattr(waha(server.url), order)() is None
    assert first_line(server) == f"POST /api/sessions/default/{verb} HTTP/1.1"


@pytest.mark.parametrize("order", ["restart", "log_out", "qr"])
@pytest.mark.parametrize("answer", [hangs, resets, says(http(502)), says(observed("/api/sessions/nope", 404))])
def test_an_order_that_was_not_taken_says_so(order: str, answer: Answer) -> None:
    with RawServer(answer) as server:
        assert isinstance(getattr(waha(server.url, timeout_s=0.5), order)(), Failure)


@pytest.mark.parametrize("order", ["restart", "log_out", "qr"])
def test_an_order_to_nobody_says_that_nobody_answers(order: str) -> None:
    failure = getattr(waha(refused_url()), order)()
    assert isinstance(failure, Failure) and failure.detail.startswith("WAHA no contesta")
    failure = getattr(waha(""), order)()
    assert isinstance(failure, Failure) and "WAHA_URL" in failure.detail and not failure.again


# Every state it was seen in


@pytest.mark.parametrize("recorded", [one for one in OBSERVED if one["path"] == "/api/sessions/default"])
def test_every_recorded_session_is_down_and_says_how(recorded: dict[str, Any]) -> None:
    with RawServer(says(http(recorded["status"], recorded["response"]))) as server:
        status = waha(server.url).status()
    words = {"STOPPED": "detenida", "STARTING": "iniciando"}[recorded["response"]["status"]]
    assert isinstance(status, ConnectionChanged) and not status.connected and words in status.detail


@pytest.mark.parametrize("recorded", [one for one in OBSERVED if one["path"] in ("/api/sendText", "/api/sendImage")])
def test_every_recorded_refusal_of_a_message_is_understood(recorded: dict[str, Any]) -> None:
    expected = {
        "other": Misconfigured,  # a session that this WAHA cannot have
        404: Disconnected,
        422: Disconnected,
        400: Refused,  # a body that is no JSON, which we never send
    }
    with RawServer(says(http(recorded["status"], recorded["response"]))) as server:
        result = waha(server.url).send(ADDRESS, Outgoing("hola"), never)
    assert isinstance(result, expected["other" if "nope" in recorded["request_body"] else recorded["status"]])


# Whether a number is on WhatsApp


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (http(200, {"numberExists": True, "chatId": "5214772758198@c.us"}), "5214772758198"),
        (http(200, {"numberExists": True}), True),
        (http(200, {"numberExists": False}), False),
        (http(200, {}), None),
        (observed("/api/contacts/check-exists", 404), None),
        (observed("/api/contacts/check-exists", 422), None),
    ],
)
def test_a_number_exists_or_does_not_or_nobody_can_say(answer: bytes, expected: Any) -> None:
    with RawServer(says(answer)) as server:
        assert waha(server.url).exists("524772758198") == expected
    assert first_line(server) == "GET /api/contacts/check-exists?phone=524772758198&session=default HTTP/1.1"


# Typing and read marks


@pytest.mark.parametrize(("on", "path"), [(True, "/api/startTyping"), (False, "/api/stopTyping")])
def test_the_person_sees_that_we_write(on: bool, path: str) -> None:
    with RawServer(says(http(201, {"result": True}))) as server:
        waha(server.url).typing(ADDRESS, on=on, message_id=None)
    assert first_line(server) == f"POST {path} HTTP/1.1"
    assert server.request == {"session": "default", "chatId": f"{ADDRESS}@c.us"}


def test_we_are_told_when_they_write_once_we_ask() -> None:
    with RawServer(says(http(201, {}))) as server:
        waha(server.url).watch("123@lid")
    assert first_line(server) == "POST /api/default/presence/123%40lid/subscribe HTTP/1.1"


def test_the_person_sees_what_we_read() -> None:
    with RawServer(says(http(201, {}))) as server:
        waha(server.url).mark_read("123@lid", ["AAAA", "BBBB"])
    assert first_line(server) == "POST /api/sendSeen HTTP/1.1"
    body = json.loads(server.received[0].partition(b"\r\n\r\n")[2])
    assert body == {
        "session": "default",
        "chatId": "123@lid",
        "messageIds": ["false_123@lid_AAAA", "false_123@lid_BBBB"],
    }
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer", [resets, says(observed("/api/startTyping", 404)), says(observed("/api/sendSeen", 404))]
)
def test_a_courtesy_that_fails_is_nobody_s_problem(answer: Answer) -> None:
    with RawServer(answer) as server:
        waha(server.url).typing(ADDRESS, on=True, message_id=None)
        waha(server.url).watch(ADDRESS)
        waha(server.url).mark_read(ADDRESS, ["AAAA"])


# What it remembers


def message(number: int, timestamp: int = AFTER) -> dict[str, Any]:
    return {
        "id": f"false_{ADDRESS}@c.us_{number:04}",
        "from": f"{ADDRESS}@c.us",
        "body": str(number),
        "timestamp": timestamp,
    }


def test_a_long_chat_is_read_back_page_by_page() -> None:
    pages = [message(n) for n in range(50)], [message(n) for n in range(50, 97)], [message(97)]
    with RawServer(paged(*pages)) as server:
        found = waha(server.url).read_back(ADDRESS, SINCE)
    assert found is not None and len(found) == 98 and server.connections == 3


def test_a_waha_that_does_not_know_the_filter_is_not_asked_for_all_it_has() -> None:
    with RawServer(paged(*[[message(n, BEFORE) for n in range(50)]] * 99)) as server:
        assert waha(server.url).read_back(ADDRESS, SINCE) is not None
    assert server.connections == 1


def test_a_page_that_is_missing_makes_the_chat_unknown() -> None:
    def answer(server: RawServer, client: socket.socket) -> None:
        client.sendall(http(200, [message(n) for n in range(50)]) if server.connections == 1 else http(500, {}))

    with RawServer(answer) as server:
        assert waha(server.url).read_back(ADDRESS, SINCE) is None


def chat(chat_id: Any, timestamp: Any = AFTER) -> dict[str, Any]:
    return {"id": chat_id, "name": "Ana", "lastMessage": timestamp and {"timestamp": timestamp}}


def test_the_chats_with_news_are_people_s() -> None:
    listed = [
        chat("5214772758198@c.us"),
        chat({"_serialized": "123@lid"}),
        chat("120363025246125486@g.us"),
        chat("status@broadcast"),
        chat("5215511112222@c.us", BEFORE),
        chat("5215511113333@c.us", None),
        "basura",
    ]
    with RawServer(paged(listed)) as server:
        assert waha(server.url).chats_since(SINCE) == ["5214772758198", "123@lid"]
    assert first_line(server) == "GET /api/default/chats/overview?limit=50&offset=0 HTTP/1.1"


def test_old_chats_end_the_list() -> None:
    with RawServer(paged([chat("5214772758198@c.us")], [chat("5215511112222@c.us", BEFORE)], [])) as server:
        assert waha(server.url).chats_since(SINCE) == ["5214772758198"]
    assert server.connections == 2


@pytest.mark.parametrize("answer", [http(404, {}), http(422, {"expected": ["WORKING"]}), http(200, {"no": "lista"})])
def test_chats_that_cannot_be_listed_are_none_and_not_empty(answer: bytes) -> None:
    with RawServer(says(answer)) as server:
        assert waha(server.url).chats_since(SINCE) is None


@fuzzed
@given(body=JSON)
def test_no_answer_makes_any_of_it_raise(body: Any) -> None:
    with RawServer(says(http(200, body))) as server:
        gateway = waha(server.url)
        gateway.exists(ADDRESS)
        gateway.chats_since(SINCE)
        gateway.read_back(ADDRESS, SINCE)
        gateway.qr()
        gateway.restart()
