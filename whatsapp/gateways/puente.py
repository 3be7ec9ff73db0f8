"""The bridge that this desk's forerunner came with (whatsapp-bridge.js): docs/gateways.md, section 4.

It sends texts and hands on texts and pictures, and tells no ids: there are neither ticks nor echoes.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from whatsapp import wire
from whatsapp.gateways import baileys, bearer, rules
from whatsapp.gateways.base import Ability, Gateway, InvalidSignature, Malformed, Outgoing
from whatsapp.gateways.events import ConnectionChanged, Event, Ignored, Inbound, Media
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
    Unreachable,
)
from whatsapp.gateways.shape import at, one_line, person, text_at

_STATUS_DEADLINE_S = 5.0
_LARGEST_PICTURE = 16_000_000  # the bridge's own limit
_NO_CAPTION = "Imagen enviada"
_TOO_LARGE = "[Imagen muy grande, no procesada]"


class Puente(Gateway):
    """One bridge. Values come from settings; the same `token` is for both directions."""

    name = "puente"
    title = "Puente"
    can: ClassVar[frozenset[Ability]] = frozenset()
    url_setting, secret_setting = "PUENTE_URL", "PUENTE_TOKEN"
    webhook_max_bytes = 24 * 1024 * 1024  # pictures of 16 MB come in base64 inside webhooks

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s

    def problems(self) -> list[Misconfigured]:
        """See `Gateway.problems`. All of them stop every call too."""
        todo = "Pon PUENTE_TOKEN en .env, y el mismo en el puente (API_TOKEN)"
        return rules.broken(
            rules.address("PUENTE_URL", self._url, "http://127.0.0.1:9000"),
            rules.header("PUENTE_TOKEN", self._token, todo),
        )

    def send(self, address: str, message: Outgoing, before_first_byte: Callable[[], None]) -> Result:
        """See `Gateway.send`. The bridge hands `numero` to its library as it is, which wants a whole jid.

        A LID is sent to as the LID it is: the suffix that the bridge writes on one names nobody (see `parse`).
        """
        jid = f"{address}@s.whatsapp.net" if address.isdecimal() else address
        if person(jid) is None:
            return Refused("El puente no puede escribir a esta dirección: no es un número ni un LID", "direccion")
        if message.file or message.template:
            return Refused("El puente solo envía texto", "archivo")
        if not message.text:
            return Refused("El puente no envía mensajes vacíos", "texto")
        body = {"numero": jid, "texto": message.text}
        answer = self._call("POST", "/enviar-mensaje", body, self._timeout_s, before_first_byte)
        if not isinstance(answer, wire.Response):
            return answer
        if answer.ok and at(answer.json(), "ok") is True:
            return Accepted(None)
        return _refusal(answer)

    def status(self) -> ConnectionChanged | Misconfigured:
        """See `Gateway.status`. At most 5 seconds. The bridge announces nothing, so this is how it is seen again."""
        answer = self._call("GET", "/health", None, min(_STATUS_DEADLINE_S, self._timeout_s), None)
        if isinstance(answer, Misconfigured):
            return answer
        if isinstance(answer, Unreachable | Ambiguous):
            return ConnectionChanged(False, f"El puente no contesta: {answer.detail}")
        if mistaken := _misconfigured(answer):
            return mistaken
        state = one_line(at(answer.json(), "whatsapp"), 60)
        if not answer.ok or not state:
            return ConnectionChanged(False, f"El puente contesta HTTP {answer.status} sin su estado")
        return ConnectionChanged(state == "conectado", f"WhatsApp {state}")

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """See `Gateway.verify`: the token alone, which does not sign the body."""
        if not bearer.is_secret(bearer.token(headers, self._token, "PUENTE_TOKEN"), self._token):
            raise InvalidSignature("PUENTE_TOKEN", "el token no es el nuestro")

    def external_id(self, body: bytes, payload: Any) -> str:
        """New each time: two equal bodies may be a repeat or a person who says it twice. The desk tells them apart."""
        return f"mensaje:{uuid.uuid4().hex}"

    def parse(self, payload: Any) -> list[Event]:
        """See `Gateway.parse`. `details` carries the body's fingerprint, by which the desk knows a repeat.

        The bridge writes @s.whatsapp.net on a LID; whoever reads the address sees that it fits no phone.
        """
        sender, text, picture = (at(payload, key) for key in ("remitente", "contenido", "imagen"))
        if not isinstance(sender, str) or not (text is None or isinstance(text, str)):
            raise Malformed("No es un mensaje del puente: falta «remitente» o «contenido»")
        address = person(sender)
        if address is None:
            return [Ignored(f"No es el chat de una persona: …@{one_line(sender.rpartition('@')[2], 40)}")]
        told = json.dumps([sender, text, picture], default=str).encode()
        details = {"huella": hashlib.sha256(told).hexdigest()}
        media, text = _picture(picture, text or "")
        if media is None and not text:
            raise Malformed("Mensaje del puente sin contenido")
        return [Inbound(None, address, text, "image" if media else "text", media=media, details=details)]

    def _call(
        self, method: str, path: str, json: Any, deadline_s: float, before_first_byte: Callable[[], None] | None
    ) -> wire.Response | Unreachable | Ambiguous | Misconfigured:
        if found := self.problems():
            return found[0]
        return wire.call(
            method,
            self._url + path,
            json=json,
            headers={"Authorization": f"Bearer {self._token}"} if method == "POST" else {},
            deadline_s=deadline_s,
            before_first_byte=before_first_byte,
        )


def _picture(picture: Any, text: str) -> tuple[Media | None, str]:
    """The picture and its caption; without one, why there is none, where the bridge says so."""
    if not picture:
        if text.endswith(_TOO_LARGE):
            caption = text.removesuffix(_TOO_LARGE).strip()
            return Media(problem="La imagen era demasiado grande para el puente"), _caption(caption)
        return None, text
    content = baileys.unbase64(picture)
    if content is None:
        return Media(problem="El puente mandó una imagen que no se puede leer"), _caption(text)
    if len(content) > _LARGEST_PICTURE:
        return Media(problem="La imagen es demasiado grande"), _caption(text)
    return Media(content=content, size=len(content)), _caption(text)


def _caption(text: str) -> str:
    return "" if text == _NO_CAPTION else text


def _refusal(answer: wire.Response) -> Result:
    """What any other answer to a send means; a 500 carries the library's own words, also after the send."""
    status, words = answer.status, one_line(text_at(answer.json(), "error"))
    if mistaken := _misconfigured(answer):
        return mistaken
    if status == 429:
        return RateLimited("session", answer.retry_after)
    if status == 503 and words == "WhatsApp desconectado":
        return Disconnected("La sesión de WhatsApp del puente está desconectada")
    if status == 400 and words == "Faltan parámetros":
        return Refused("El puente dice que faltan parámetros", "400")
    if status == 400 and b"SyntaxError" in answer.body:  # Express's page for JSON that it cannot read
        return Refused("El puente no entendió el mensaje", "400")
    return Ambiguous(f"El puente contestó HTTP {status}: {words or 'sin explicación'}")


def _misconfigured(answer: wire.Response) -> Misconfigured | None:
    if answer.status in (401, 403):
        return Misconfigured("PUENTE_TOKEN", f"El puente rechazó el token (HTTP {answer.status})")
    if answer.status == 404 and b"Cannot " in answer.body:
        return Misconfigured("PUENTE_URL", "ahí no está el puente (HTTP 404)")
    return None
