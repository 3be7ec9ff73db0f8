"""Evolution's instance and its chats: its state, its QR code, what it remembers. See docs/gateways.md, section 3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from whatsapp import wire
from whatsapp.gateways import baileys, evolution_answers, evolution_events, evolution_requests, rules
from whatsapp.gateways.base import Gateway
from whatsapp.gateways.events import ConnectionChanged, Inbound, OwnMessage
from whatsapp.gateways.results import Ambiguous, Failure, Misconfigured, Unreachable
from whatsapp.gateways.shape import at, person, text_at

Answer = wire.Response | Unreachable | Ambiguous | Misconfigured

_DEADLINE_S = 5.0
# A page of a chat, and how many of them are read at most; a message may come with a thumbnail written in numbers.
_PAGE, _PAGES, _LONGEST_PAGE = 50, 10, 8 * 1024 * 1024
# Evolution answers only when this is over, and then shows by itself that we write no more.
_TYPING_MS = 3000


class EvolutionAccount(Gateway):
    """One instance of one Evolution server: everything but messages. Values come from settings."""

    def __init__(self, url: str, api_key: str, instance: str, webhook_secret: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._instance = instance
        self._secret = webhook_secret
        self._timeout_s = timeout_s

    def problems(self) -> list[Misconfigured]:
        """See `Gateway.problems`."""
        todo = "Pon EVOLUTION_WEBHOOK_SECRET en .env, y el mismo en el webhook de la instancia (headers)"
        return self._not_callable() + rules.broken(rules.needed("EVOLUTION_WEBHOOK_SECRET", self._secret, todo))

    def _not_callable(self) -> list[Misconfigured]:
        key = "Pon EVOLUTION_API_KEY en .env: la llave de la instancia, o la global de Evolution"
        return rules.broken(
            rules.address("EVOLUTION_URL", self._url, "http://127.0.0.1:8080"),
            rules.header("EVOLUTION_API_KEY", self._api_key, key),
            rules.needed("EVOLUTION_INSTANCE", self._instance, "Pon EVOLUTION_INSTANCE en .env: su nombre"),
        )

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

    def exists(self, address: str) -> str | bool | None:
        """See `Gateway.exists`. Evolution finds a Mexican, Argentine or Brazilian number in either of its forms."""
        number = evolution_requests.number(address)
        if number is None or number.endswith("@lid"):
            return None
        found = _json(self._quick("POST", "/chat/whatsappNumbers", {"numbers": [number]}))
        told = found[0] if isinstance(found, list) and found else None
        if at(told, "exists") is True:
            return person(at(told, "jid")) or True
        return False if at(told, "exists") is False else None

    def read_back(self, address: str, since: datetime) -> list[OwnMessage | Inbound] | None:
        """See `Gateway.read_back`: Evolution's own database, newest first. At most 5 seconds a page."""
        chat = evolution_requests.jid(address)
        if chat is None:
            return None
        where = {"key": {"remoteJid": chat}, "messageTimestamp": evolution_requests.since(since)}
        found: list[Any] = []
        for page in range(1, _PAGES + 1):
            body = {"where": where, "offset": _PAGE, "page": page}  # `offset` is the length of a page
            listed = at(_json(self._quick("POST", "/chat/findMessages", body)), "messages", "records")
            if not isinstance(listed, list):
                return None
            found += listed
            if len(listed) < _PAGE:
                break
        return evolution_events.messages(found)

    def chats_since(self, since: datetime) -> list[str] | None:
        """See `Gateway.chats_since`. At most 5 seconds."""
        body = {"where": {"messageTimestamp": evolution_requests.since(since)}}
        found = _json(self._quick("POST", "/chat/findChats", body))
        if not isinstance(found, list):
            return None
        addresses = [person(at(chat, "remoteJid")) for chat in found]
        return list(dict.fromkeys(address for address in addresses if address))

    def typing(self, address: str, *, on: bool, message_id: str | None) -> None:
        """See `Gateway.typing`. Blocks for as long as it is shown; Evolution stops it by itself."""
        number = evolution_requests.number(address)
        if on and number:
            self._quick("POST", "/chat/sendPresence", {"number": number, "presence": "composing", "delay": _TYPING_MS})

    def mark_read(self, address: str, message_ids: list[str]) -> None:
        """See `Gateway.mark_read`. Evolution skips LIDs and says that it did not, so for them nothing is asked."""
        chat = evolution_requests.jid(address)
        if chat and message_ids and not chat.endswith("@lid"):
            read = [{"remoteJid": chat, "fromMe": False, "id": one} for one in message_ids]
            self._quick("POST", "/chat/markMessageAsRead", {"readMessages": read})

    def qr(self) -> bytes | Failure:
        """See `Gateway.qr`. At most 5 seconds. Asking also starts a session that is closed; `base64` is a data URL of
        a PNG."""
        told = _json(answer := self._quick("GET", "/instance/connect"))
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

    def _is_open(self) -> bool:
        state = self.status()
        return isinstance(state, ConnectionChanged) and state.connected

    def _quick(self, method: str, path: str, json: Any = None) -> Answer:
        return self._call(method, path, json, min(_DEADLINE_S, self._timeout_s), None, _LONGEST_PAGE)

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
        if found := self._not_callable():
            return found[0]
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
    return Failure(f"Evolution contestó HTTP {answer.status}: {'; '.join(words)[:200] or 'sin explicación'}")
