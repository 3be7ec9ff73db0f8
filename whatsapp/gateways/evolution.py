"""Evolution API 2.3 (https://doc.evolution-api.com): every fact is in docs/gateways.md, section 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from whatsapp import wire
from whatsapp.gateways import (
    evolution_answers,
    evolution_auth,
    evolution_events,
    evolution_ledger,
    evolution_requests,
)
from whatsapp.gateways.base import Ability, Fetched, MediaLimit, Outgoing
from whatsapp.gateways.events import Event, Media
from whatsapp.gateways.evolution_account import EvolutionAccount
from whatsapp.gateways.results import Failure, Refused, Result
from whatsapp.gateways.shape import at, one_line

_FETCH_DEADLINE_S = 60.0  # Evolution downloads and decrypts the file first; nothing waits for it
_MB = 1024 * 1024
_MAX_FETCH = 40 * _MB  # it comes in base64, of which we hold 2.5 times the file (docs/operating.md, Memory)


class Evolution(EvolutionAccount):
    """One instance of one Evolution server, of its WhatsApp Web kind (Baileys)."""

    name = "evolution"
    title = "Evolution API"
    can: ClassVar[frozenset[Ability]] = frozenset({"echo", "read_back", "typing", "read_marks", "media", "session"})
    url_setting, secret_setting = "EVOLUTION_URL", evolution_auth.SETTING
    webhook_max_bytes = 24 * _MB  # any file may come in base64 inside a webhook
    # WhatsApp Web's own; a document could be larger, but it travels in base64 inside one request, all of it in memory.
    limits: ClassVar[Mapping[str, MediaLimit]] = {
        "image": MediaLimit(16 * _MB, ("image/jpeg", "image/png")),
        "video": MediaLimit(16 * _MB, ("video/mp4", "video/3gpp")),
        "audio": MediaLimit(16 * _MB),
        "document": MediaLimit(24 * _MB),
        "sticker": MediaLimit(_MB, ("image/webp",)),
    }

    def send(self, address: str, message: Outgoing, before_first_byte: Callable[[], None]) -> Result:
        """See `Gateway.send`. A refusal that may mean a dead session costs one more call, of at most 5 seconds."""
        number = evolution_requests.number(address)
        if number is None:
            return Refused("Evolution no puede escribir a esta dirección: no es un número ni un LID", "direccion")
        if message.file and message.text and message.file.kind in ("audio", "sticker"):
            return Refused("WhatsApp no deja poner texto a un audio o a un sticker: envíalo aparte", "texto")
        action, body = evolution_requests.request(number, message)
        deadline_s = self._timeout_s + message.extra_s
        answer = self._call("POST", f"/message/{action}", body, deadline_s, before_first_byte)
        if not isinstance(answer, wire.Response):
            return answer
        if answer.ok:
            return evolution_answers.accepted(answer)
        return evolution_answers.refusal(answer, self._is_open)

    def fetch(self, media: Media, max_bytes: int) -> Fetched | Failure:
        """See `Gateway.fetch`: what Evolution downloads when it is asked by message id."""
        max_bytes = min(max_bytes, _MAX_FETCH)
        body = {"message": {"key": {"id": media.ref}}, "convertToMp4": False}
        largest = max_bytes * 4 // 3 + 64 * 1024  # base64, and the JSON around it
        path = "/chat/getBase64FromMediaMessage"
        answer = self._call("POST", path, body, _FETCH_DEADLINE_S, None, max_body=largest)
        if isinstance(answer, wire.TooLong):
            return Failure(f"El archivo pesa más de {max_bytes // _MB} MB", again=False)
        if not isinstance(answer, wire.Response):
            return Failure(f"Evolution no entregó el archivo: {answer.detail}")
        told, content = evolution_answers.file_of(answer)
        if not answer.ok or content is None:
            words = [word for word in evolution_answers.flat(at(told, "response", "message")) if isinstance(word, str)]
            reason = one_line("; ".join(words)) or f"HTTP {answer.status}"
            return Failure(f"Evolution no entregó el archivo: {reason}", again="Message not found" not in reason)
        if len(content) > max_bytes:
            return Failure(f"El archivo pesa más de {max_bytes // _MB} MB", again=False)
        return Fetched(content, one_line(at(told, "mimetype"), 100), one_line(at(told, "fileName"), 200))

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
