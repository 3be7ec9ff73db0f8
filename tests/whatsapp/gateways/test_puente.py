from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.gateways.contract import ADDRESS, TEXT, GatewayContract, never
from tests.whatsapp.gateways.server import RawServer, http, says
from whatsapp.gateways.base import File, Gateway, Malformed, Outgoing
from whatsapp.gateways.events import Ignored, Inbound
from whatsapp.gateways.puente import Puente
from whatsapp.gateways.results import Accepted, Ambiguous, Disconnected, Misconfigured, RateLimited, Refused

SEEN = json.loads((Path(__file__).parent / "payloads" / "puente" / "answers.json").read_text())
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JID = "5214772758198@s.whatsapp.net"
EXPRESS = b"<!DOCTYPE html><pre>%s</pre>"


def seen(name: str) -> bytes:
    """An answer of the bridge (payloads/puente)."""
    return http(SEEN[name]["status"], SEEN[name]["body"])


def body(contenido: Any = "No enciende", imagen: Any = None, remitente: Any = JID) -> dict[str, Any]:
    return {"remitente": remitente, "contenido": contenido, "imagen": imagen}


def got(*args: Any, **fields: Any) -> Inbound:
    (event,) = Puente("http://127.0.0.1:9", "token", 5).parse(body(*args, **fields))
    assert isinstance(event, Inbound)
    return event


class TestPuente(GatewayContract):
    accepted = seen("200_sent")
    accepted_id = None
    accepted_without_id = http(200, {"ok": False})
    disconnected = seen("503_disconnected")
    refused = seen("400_missing")
    bad_key = seen("401_bad_token")
    key_setting = "PUENTE_TOKEN"
    status_up = seen("health_up")
    status_down = seen("health_down")
    secret_setting = "PUENTE_TOKEN"
    tells_ids = False
    webhooks = [
        body(),
        body("Imagen enviada", base64.b64encode(PNG).decode()),
        body("Mira", base64.b64encode(PNG).decode()),
        body(remitente="12345678901234567@s.whatsapp.net"),
    ]

    def gateway(self, url: str = "http://127.0.0.1:9", *, secret: str = "secreto", timeout_s: float = 5) -> Gateway:
        return Puente(url=url, token=secret, timeout_s=timeout_s)

    def signed(self, body: bytes) -> dict[str, str]:
        return {"Authorization": "Bearer secreto"}

    # Sending

    @pytest.mark.parametrize(("address", "numero"), [(ADDRESS, JID), ("123456@lid", "123456@lid")])
    def test_the_request_is_what_the_bridge_wants(self, address: str, numero: str) -> None:
        with RawServer(says(self.accepted)) as server:
            self.gateway(server.url + "/").send(address, Outgoing(TEXT), never)
        assert server.received[0].startswith(b"POST /enviar-mensaje HTTP/1.1\r\n")
        assert b"Authorization: Bearer secreto\r\n" in server.received[0]
        assert server.request == {"numero": numero, "texto": TEXT}

    @pytest.mark.parametrize("address", ["MX.1349", "1203630@g.us", "status@broadcast", "", "5²", "52\n"])
    def test_an_address_that_the_bridge_has_no_word_for_is_refused_unsent(self, address: str) -> None:
        assert isinstance(self.gateway().send(address, Outgoing(TEXT), never), Refused)

    def test_a_file_is_refused_because_the_bridge_sends_only_text(self) -> None:
        message = Outgoing("", file=File("image", "image/png", "a.png", 1, lambda: b"x"))
        assert isinstance(self.gateway().send(ADDRESS, message, never), Refused)
        assert "media" not in self.gateway().can

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (seen("200_sent"), Accepted(None)),
            (seen("503_disconnected"), Disconnected("La sesión de WhatsApp del puente está desconectada")),
            (seen("500_library"), Ambiguous("El puente contestó HTTP 500: Connection Closed")),
            (seen("400_missing"), Refused("El puente dice que faltan parámetros", "400")),
            (http(400, EXPRESS % b"SyntaxError: Unexpected token"), Refused("El puente no entendió el mensaje", "400")),
            (http(429, b"", "Retry-After: 7"), RateLimited("session", 7.0)),
        ],
    )
    def test_every_answer_of_the_bridge_is_understood(self, answer: bytes, expected: Any) -> None:
        assert self.send(answer) == expected

    @pytest.mark.parametrize(
        ("answer", "setting"),
        [(seen("401_bad_token"), "PUENTE_TOKEN"), (http(404, EXPRESS % b"Cannot POST /enviar-mensaje"), "PUENTE_URL")],
    )
    def test_what_is_wrong_here_is_named(self, answer: bytes, setting: str) -> None:
        result = self.send(answer)
        assert isinstance(result, Misconfigured) and result.key == setting

    @pytest.mark.parametrize("status", [400, 404, 503])
    def test_a_proxy_s_words_are_not_the_bridge_s(self, status: int) -> None:
        assert isinstance(self.send(http(status, b"<html>nginx</html>")), Ambiguous)

    @pytest.mark.parametrize(
        ("url", "token", "setting"),
        [
            ("puente:9000", "token", "PUENTE_URL"),
            ("http://127.0.0.1:9", "", "PUENTE_TOKEN"),
            ("http://127.0.0.1:9", "ñ", "PUENTE_TOKEN"),
            ("http://127.0.0.1:9", "a\nb", "PUENTE_TOKEN"),
        ],
    )
    def test_a_setting_that_cannot_be_right_is_named(self, url: str, token: str, setting: str) -> None:
        for result in (Puente(url, token, 5).send(ADDRESS, Outgoing(TEXT), never), Puente(url, token, 5).status()):
            assert isinstance(result, Misconfigured) and result.key == setting

    # Its state

    def test_the_state_is_asked_without_the_token(self) -> None:
        with RawServer(says(self.status_up)) as server:
            self.gateway(server.url).status()
        assert server.received[0].startswith(b"GET /health HTTP/1.1\r\n")
        assert b"secreto" not in server.received[0]


# What people write


def test_a_text_is_an_inbound_message_without_an_id() -> None:
    event = got()
    assert (event.external_id, event.address, event.text, event.kind) == (None, ADDRESS, "No enciende", "text")


@pytest.mark.parametrize(("caption", "text"), [("Imagen enviada", ""), ("Mira", "Mira"), ("", ""), (None, "")])
def test_a_picture_comes_with_the_message_and_its_caption(caption: Any, text: str) -> None:
    event = got(caption, base64.b64encode(PNG).decode())
    assert (event.kind, event.text) == ("image", text)
    assert event.media and event.media.content == PNG


def test_words_that_only_look_like_the_placeholder_are_words() -> None:
    assert (got("Imagen enviada").kind, got("Imagen enviada").text) == ("text", "Imagen enviada")


@pytest.mark.parametrize(
    ("content", "picture"),
    [
        ("Imagen enviada [Imagen muy grande, no procesada]", None),
        ("Imagen enviada", "no es base64"),
        ("Imagen enviada", 7),
        ("Imagen enviada", base64.b64encode(bytes(16_000_001)).decode()),
    ],
    ids=["too large for the bridge", "garbage", "a number", "too large"],
)
def test_a_picture_that_did_not_come_is_a_picture_with_its_reason(content: str, picture: Any) -> None:
    event = got(content, picture)
    assert (event.kind, event.text) == ("image", "")
    assert event.media and event.media.content is None and event.media.problem


def test_a_lid_whose_suffix_the_bridge_rewrote_keeps_its_digits() -> None:
    assert got(remitente="12345678901234567@s.whatsapp.net").address == "12345678901234567"
    assert got(remitente="123456@lid").address == "123456@lid"


def test_equal_bodies_have_the_same_fingerprint_and_others_another() -> None:
    bodies = [body(), body("otra"), body(remitente="123456@lid"), body("a", base64.b64encode(PNG).decode()), body("a")]
    prints = [got(**one).details["huella"] for one in bodies]
    assert len(set(prints)) == len(bodies)
    assert got().details == got().details


@pytest.mark.parametrize("chat", ["120363025246125486@g.us", "status@broadcast", "1@newsletter", "nadie"])
def test_what_is_no_person_s_chat_is_ignored(chat: str) -> None:
    (event,) = Puente("http://127.0.0.1:9", "token", 5).parse(body(remitente=chat))
    assert isinstance(event, Ignored)


@pytest.mark.parametrize(
    "payload", [None, [], "x", {}, body(remitente=5), body(5), body(""), {"remitente": JID}, {"contenido": "x"}]
)
def test_what_is_no_message_is_malformed(payload: Any) -> None:
    with pytest.raises(Malformed):
        Puente("http://127.0.0.1:9", "token", 5).parse(payload)
