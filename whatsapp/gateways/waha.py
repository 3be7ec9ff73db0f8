"""WAHA (https://waha.devlike.pro), the default gateway: every fact is in docs/gateways.md, section 2."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from whatsapp import wire
from whatsapp.gateways import waha_events, waha_media
from whatsapp.gateways.base import Ability, Fetched, InvalidSignature, MediaLimit, NotConfigured, Outgoing
from whatsapp.gateways.events import Event, Media
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Failure,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
    Unreachable,
)
from whatsapp.gateways.shape import at, one_line, person, sane_id, text_at
from whatsapp.gateways.waha_account import WahaAccount, bad_key, chat_of
from whatsapp.gateways.waha_ids import bare_id, chat_in_id

_EVENT_NAME = re.compile(r"[a-z._]{1,40}")


class Waha(WahaAccount):
    """One session of one WAHA server. Values come from settings; an empty `api_key` is not sent."""

    name = "waha"
    title = "WAHA"
    can: ClassVar[frozenset[Ability]] = frozenset(
        {"echo", "read_back", "typing", "watch", "read_marks", "media", "session"}
    )
    limits: ClassVar[Mapping[str, MediaLimit]] = waha_media.LIMITS

    def send(self, address: str, message: Outgoing, before_first_byte: Callable[[], None]) -> Result:
        """See `Gateway.send`. WAHA takes 5 s to refuse while its session is down, so `timeout_s` has to be longer."""
        chat = chat_of(address)
        if person(chat) is None:
            return Refused("WAHA no puede escribir a esta dirección: no es un número ni un LID", "direccion")
        path, content = "/api/sendText", {"text": message.text}
        if message.file:
            path, content = waha_media.sending(message, message.file)
        body = {"session": self._session, "chatId": chat, **content}
        answer = self._call("POST", path, body, self._timeout_s + message.extra_s, before_first_byte)
        if not isinstance(answer, wire.Response):
            return answer
        return _accepted(answer) if answer.ok else _refusal(answer)

    def fetch(self, media: Media, max_bytes: int) -> Fetched | Failure:
        """See `Gateway.fetch`. At most 120 seconds."""

        def get(path: str, max_body: int, deadline_s: float) -> wire.Response | Unreachable | Ambiguous | Misconfigured:
            return self._call("GET", path, None, deadline_s, None, max_body)

        return waha_media.fetch(get, self._session, media.ref, max_bytes)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """See `Gateway.verify`: the hex HMAC-SHA512 of the body (https://waha.devlike.pro/docs/how-to/webhooks/)."""
        if not self._hmac_key:
            raise NotConfigured("WAHA_HMAC_KEY")
        if (headers.get("X-Webhook-Hmac-Algorithm") or "sha512").lower() != "sha512":
            raise InvalidSignature("WAHA_HMAC_KEY", "la firma no es sha512")
        # A fork's version 2 signs more than the body: it would be compared with something else.
        if (headers.get("X-Webhook-Hmac-Version") or "1") != "1":
            raise InvalidSignature("WAHA_HMAC_KEY", "versión de firma desconocida")
        signature = headers.get("X-Webhook-Hmac")
        if not signature:
            raise InvalidSignature("WAHA_HMAC_KEY", "falta la cabecera X-Webhook-Hmac")
        expected = hmac.new(self._hmac_key.encode(), body, hashlib.sha512).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.strip().lower().encode("utf-8", "replace")):
            raise InvalidSignature("WAHA_HMAC_KEY", "la firma no corresponde al contenido")

    def external_id(self, body: bytes, payload: Any) -> str:
        """See `Gateway.external_id`: the event's id, or the body's hash for a WAHA of 2024, which sends none.

        A session's status without id is never a repeat: the second WORKING of a day has the bytes of the first.
        """
        name = text_at(payload, "event")
        event = name if _EVENT_NAME.fullmatch(name) else "?"
        own_id = sane_id(at(payload, "id"))
        if own_id is None:
            own_id = uuid.uuid4().hex if event == "session.status" else hashlib.sha256(body).hexdigest()
        return f"{event}:{own_id}"

    def parse(self, payload: Any) -> list[Event]:
        """See `Gateway.parse`."""
        return waha_events.parse(payload, self._session)


def _accepted(answer: wire.Response) -> Accepted | Ambiguous:
    """The id is `id` (text, or WEBJS's object) or, in NOWEB's raw message, `key.id`; WEBJS has answered nothing at all
    (https://github.com/devlikeapro/waha/issues/760 and 1083)."""
    body = answer.json()
    for where in (at(body, "id"), at(body, "key")):
        if message_id := bare_id(where):
            chat = chat_in_id(where) or text_at(where, "remoteJid")
            return Accepted(message_id, person(chat))
    return Ambiguous(f"WAHA contestó HTTP {answer.status} sin identificador del mensaje")


def _refusal(answer: wire.Response) -> Result:
    """What an error answer means; whatever the documentation does not name proves nothing."""
    body, status = answer.json(), answer.status
    message = at(body, "message")
    words = message if isinstance(message, str) else ""
    if status in (401, 403):
        return bad_key(status)
    if status == 429:
        return RateLimited("session", answer.retry_after)
    if status == 422 and at(body, "expected") is not None and at(body, "status") is not None:
        return Disconnected(waha_events.connection(at(body, "status")).detail)
    if status == 404 and ("We didn't find a session" in words or "Session not found" in words):
        return Disconnected("La sesión de WhatsApp está detenida")
    if status == 422 and "WAHA Core support only" in words:
        return Misconfigured("WAHA_SESSION", one_line(words))
    if status in (400, 422) and isinstance(message, list):
        first = next((one_line(item) for item in message if isinstance(item, str)), "sin explicación")
        return Refused(f"WAHA no acepta el mensaje: {first}", str(status))
    if status == 400 and " in JSON at position" in words:
        return Refused(f"WAHA no entendió el mensaje: {one_line(words)}", "400")
    if status == 500:
        # Only the exception: `request` echoes our own words.
        reason = text_at(body, "exception", "message")
        if "server returned error 463" in reason:  # https://github.com/devlikeapro/waha/issues/1992
            return Refused("WhatsApp no deja iniciar esta conversación: la persona debe escribir primero", "463")
        if "server returned error 475" in reason:  # https://waha.devlike.pro/docs/how-to/sessions/#message-capping
            return Refused("WhatsApp no deja escribir primero a más personas por ahora", "475")
        if "rate-overlimit" in reason:
            return RateLimited("session", answer.retry_after)
    return Ambiguous(f"WAHA contestó HTTP {status}: {one_line(words or text_at(body, 'exception', 'message'))}")
