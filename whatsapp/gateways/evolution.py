"""Evolution API 2.3 (https://doc.evolution-api.com): every fact is in docs/gateways.md, section 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from whatsapp import wire
from whatsapp.gateways import (
    baileys,
    evolution_answers,
    evolution_auth,
    evolution_events,
    evolution_ledger,
    evolution_requests,
)
from whatsapp.gateways.base import Ability, Fetched, Gateway, MediaLimit, Outgoing
from whatsapp.gateways.events import ConnectionChanged, Event, Inbound, Media, OwnMessage
from whatsapp.gateways.results import Ambiguous, Failure, Misconfigured, Refused, Result, Unreachable
from whatsapp.gateways.shape import at, one_line, person, text_at

_STATUS_DEADLINE_S = 5.0
_FETCH_DEADLINE_S = 60.0  # Evolution downloads and decrypts the file first; nothing waits for it
_MOST_MESSAGES = 100
# Evolution answers only when this is over, and then shows by itself that we write no more.
_TYPING_MS = 1200
_MB = 1024 * 1024

Answer = wire.Response | Unreachable | Ambiguous | Misconfigured


class Evolution(Gateway):
    """One instance of one Evolution server, of its WhatsApp Web kind (Baileys). Values come from settings."""

    name = "evolution"
    title = "Evolution API"
    can: ClassVar[frozenset[Ability]] = frozenset({"echo", "read_back", "typing", "read_marks", "media", "session"})
    # WhatsApp Web's own; a document could be larger, but it travels in base64 inside one request.
    limits: ClassVar[Mapping[str, MediaLimit]] = {
        "image": MediaLimit(16 * _MB, ("image/jpeg", "image/png")),
        "video": MediaLimit(16 * _MB, ("video/mp4", "video/3gpp")),
        "audio": MediaLimit(16 * _MB),
        "document": MediaLimit(64 * _MB),
        "sticker": MediaLimit(_MB, ("image/webp",)),
    }

    def __init__(self, url: str, api_key: str, instance: str, webhook_secret: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._instance = instance
        self._secret = webhook_secret
        self._timeout_s = timeout_s

    def send(self, address: str, message: Outgoing, before_first_byte: Callable[[], None]) -> Result:
        """See `Gateway.send`. A refusal that may mean a dead session costs one more call, of at most 5 seconds."""
        number = evolution_requests.number(address)
        if number is None:
            return Refused("Evolution no puede escribir a esta dirección: no es un número ni un LID", "direccion")
        if message.file and message.text and message.file.kind in ("audio", "sticker"):
            return Refused("WhatsApp no deja poner texto a un audio o a un sticker: envíalo aparte", "texto")
        action, body = evolution_requests.request(number, message)
        answer = self._call("POST", f"/message/{action}", body, self._timeout_s, before_first_byte)
        if not isinstance(answer, wire.Response):
            return answer
        if answer.ok:
            return evolution_answers.accepted(answer)
        return evolution_answers.refusal(answer, self._is_open)

    def status(self) -> ConnectionChanged | Misconfigured:
        """See `Gateway.status`. At most 5 seconds."""
        answer = self._quick("GET", "/instance/connectionState")
        if isinstance(answer, Misconfigured):
            return answer
        if isinstance(answer, Unreachable | Ambiguous):
            return ConnectionChanged(False, f"Evolution no contesta: {answer.detail}")
        if mistaken := evolution_answers.misconfigured(answer):
            return mistaken
        if not answer.ok:
            return ConnectionChanged(False, f"Evolution contesta HTTP {answer.status}")
        return evolution_events.connection(at(answer.json(), "instance", "state"))

    def read_back(self, address: str, since: datetime) -> list[OwnMessage | Inbound] | None:
        """See `Gateway.read_back`: Evolution's own database, newest first. At most 5 seconds."""
        chat = evolution_requests.jid(address)
        if chat is None:
            return None
        where = {"key": {"remoteJid": chat}, "messageTimestamp": evolution_requests.since(since)}
        answer = self._quick("POST", "/chat/findMessages", {"where": where, "offset": _MOST_MESSAGES, "page": 1})
        found = at(_json(answer), "messages", "records")
        return evolution_events.messages(found) if isinstance(found, list) else None

    def chats_since(self, since: datetime) -> list[str] | None:
        """See `Gateway.chats_since`. At most 5 seconds."""
        found = _json(
            self._quick("POST", "/chat/findChats", {"where": {"messageTimestamp": evolution_requests.since(since)}})
        )
        if not isinstance(found, list):
            return None
        return [address for chat in found if (address := person(at(chat, "remoteJid")))]

    def typing(self, address: str, *, on: bool, message_id: str | None) -> None:
        """See `Gateway.typing`. Blocks for about a second; Evolution stops it by itself."""
        number = evolution_requests.number(address)
        if on and number:
            self._quick("POST", "/chat/sendPresence", {"number": number, "presence": "composing", "delay": _TYPING_MS})

    def mark_read(self, address: str, message_ids: list[str]) -> None:
        """See `Gateway.mark_read`. Evolution skips LIDs and says that it did not, so for them nothing is asked."""
        chat = evolution_requests.jid(address)
        if chat and message_ids and not chat.endswith("@lid"):
            read = [{"remoteJid": chat, "fromMe": False, "id": one} for one in message_ids]
            self._quick("POST", "/chat/markMessageAsRead", {"readMessages": read})

    def fetch(self, media: Media, max_bytes: int) -> Fetched | Failure:
        """See `Gateway.fetch`: the webhook's own file, or what Evolution downloads when it is asked by message id."""
        if media.content is not None:
            return Fetched(media.content, media.mime, media.name)
        body = {"message": {"key": {"id": media.ref}}, "convertToMp4": False}
        largest = max_bytes * 4 // 3 + 64 * 1024  # base64, and the JSON around it
        path = "/chat/getBase64FromMediaMessage"
        answer = self._call("POST", path, body, _FETCH_DEADLINE_S, None, max_body=largest)
        if isinstance(answer, wire.TooLong):
            return Failure("El archivo es demasiado grande", again=False)
        if not isinstance(answer, wire.Response):
            return Failure(f"Evolution no entregó el archivo: {answer.detail}")
        told, content = answer.json(), baileys.unbase64(at(answer.json(), "base64"))
        if not answer.ok or content is None:
            words = [word for word in evolution_answers.flat(at(told, "response", "message")) if isinstance(word, str)]
            reason = one_line("; ".join(words)) or f"HTTP {answer.status}"
            return Failure(f"Evolution no entregó el archivo: {reason}", again="Message not found" not in reason)
        if len(content) > max_bytes:
            return Failure("El archivo es demasiado grande", again=False)
        return Fetched(content, one_line(at(told, "mimetype"), 100), one_line(at(told, "fileName"), 200))

    def qr(self) -> bytes | Failure:
        """See `Gateway.qr`. Asking also starts a session that is closed; `base64` is a data URL of a PNG."""
        told = _json(answer := self._call("GET", "/instance/connect", None, self._timeout_s, None))
        if at(told, "instance", "state") == "open":
            return Failure("WhatsApp ya está conectado: no hace falta un código", again=False)
        code = text_at(told, "base64") or text_at(told, "qrcode", "base64")
        picture = baileys.unbase64(code.removeprefix("data:image/png;base64,"))
        if picture and picture.startswith(b"\x89PNG"):
            return picture
        return _not_done(answer) or Failure("Evolution todavía no tiene un código QR: pídelo otra vez en unos segundos")

    def restart(self) -> Failure | None:
        """See `Gateway.restart`. A session that is closed is not restarted (200 with `error`) but connected."""
        answer = self._call("POST", "/instance/restart", None, self._timeout_s, None)
        if failed := _not_done(answer):
            if at(_json(answer), "error") is True:
                return _not_done(self._call("GET", "/instance/connect", None, self._timeout_s, None))
            return failed
        return None

    def log_out(self) -> Failure | None:
        """See `Gateway.log_out`. One that is not connected has nothing to forget."""
        answer = self._call("DELETE", "/instance/logout", None, self._timeout_s, None)
        if isinstance(answer, wire.Response) and answer.status == 400 and b"is not connected" in answer.body:
            return None
        return _not_done(answer)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """See `Gateway.verify` and `evolution_auth`."""
        evolution_auth.verify(self._secret, headers)

    def external_id(self, body: bytes, payload: Any) -> str:
        """See `Gateway.external_id` and `evolution_ledger`."""
        return evolution_ledger.external_id(body, payload, self._instance)

    def parse(self, payload: Any) -> list[Event]:
        """See `Gateway.parse`."""
        return evolution_events.parse(payload, self._instance)

    def clean(self, payload: Any) -> Any:
        """See `Gateway.clean`."""
        return evolution_ledger.clean(payload)

    def _is_open(self) -> bool:
        state = self.status()
        return isinstance(state, ConnectionChanged) and state.connected

    def _quick(self, method: str, path: str, json: Any = None) -> Answer:
        return self._call(method, path, json, min(_STATUS_DEADLINE_S, self._timeout_s), None)

    def _call(
        self,
        method: str,
        path: str,
        json: Any,
        deadline_s: float,
        before_first_byte: Callable[[], None] | None,
        max_body: int = wire.MAX_BODY,
    ) -> Answer:
        """One request about our instance, whose name ends every path."""
        if not self._url.startswith(("http://", "https://")):
            return Misconfigured("EVOLUTION_URL", "debe empezar con http:// o https://")
        if not self._instance:
            return Misconfigured("EVOLUTION_INSTANCE", "falta el nombre de la instancia")
        if not (self._api_key.isascii() and (self._api_key + "x").isprintable()):
            return Misconfigured("EVOLUTION_API_KEY", "tiene caracteres que no caben en una cabecera")
        return wire.call(
            method,
            f"{self._url}{path}/{quote(self._instance, safe='')}",
            json=json,
            headers={"apikey": self._api_key},
            deadline_s=deadline_s,
            before_first_byte=before_first_byte,
            max_body=max_body,
        )


def _json(answer: Answer) -> Any:
    return answer.json() if isinstance(answer, wire.Response) and answer.ok else None


def _not_done(answer: Answer) -> Failure | None:
    """Why an order did not happen. A 200 may carry `error`: its status alone proves nothing."""
    if isinstance(answer, Misconfigured):
        return Failure(f"Revisa {answer.key}: {answer.detail}", again=False)
    if not isinstance(answer, wire.Response):
        return Failure(f"Evolution no contesta: {answer.detail}")
    if mistaken := evolution_answers.misconfigured(answer):
        return Failure(f"Revisa {mistaken.key}: {mistaken.detail}", again=False)
    if answer.ok and at(answer.json(), "error") is not True:
        return None
    words = [word for word in evolution_answers.flat(at(answer.json(), "response", "message")) if isinstance(word, str)]
    return Failure(f"Evolution contestó HTTP {answer.status}: {one_line('; '.join(words)) or 'sin explicación'}")
