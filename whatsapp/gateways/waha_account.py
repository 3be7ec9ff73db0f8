"""WAHA's session and its chats: its state, its QR code, what it remembers. See docs/gateways.md, section 2."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from whatsapp import wire
from whatsapp.gateways import rules, waha_events
from whatsapp.gateways.base import Gateway
from whatsapp.gateways.events import ConnectionChanged, Inbound, OwnMessage
from whatsapp.gateways.results import Ambiguous, Failure, Misconfigured, Unreachable
from whatsapp.gateways.shape import at, moment, one_line, person, text_at

Answer = wire.Response | Unreachable | Ambiguous | Misconfigured

# For what nobody should wait long for; a session that is down answers after 5 s.
_DEADLINE_S = 5.0
# A page of a chat, and how many of them are read at most.
_PAGE, _PAGES = 50, 10
_PNG = b"\x89PNG\r\n\x1a\n"


class WahaAccount(Gateway):
    """One session of one WAHA server: everything but messages. Values come from settings."""

    url_setting, secret_setting = "WAHA_URL", "WAHA_HMAC_KEY"

    def __init__(self, url: str, api_key: str, session: str, hmac_key: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._session = session
        self._hmac_key = hmac_key
        self._timeout_s = timeout_s

    def problems(self) -> list[Misconfigured]:
        """See `Gateway.problems`."""
        todo = "Pon WAHA_HMAC_KEY en .env, y la misma en WAHA (WHATSAPP_HOOK_HMAC_KEY)"
        return self._not_callable() + rules.broken(rules.needed("WAHA_HMAC_KEY", self._hmac_key, todo))

    def _not_callable(self) -> list[Misconfigured]:
        return rules.broken(
            rules.address("WAHA_URL", self._url, "http://127.0.0.1:3000"),
            rules.optional_header("WAHA_API_KEY", self._api_key),
        )

    def status(self) -> ConnectionChanged | Misconfigured:
        """See `Gateway.status`. At most 5 seconds."""
        answer = self._ask("GET", f"/api/sessions/{self._name}")
        if isinstance(answer, Misconfigured):
            return answer
        if not isinstance(answer, wire.Response):
            return ConnectionChanged(False, f"WAHA no contesta: {answer.detail}")
        if answer.status in (401, 403):
            return bad_key(answer.status)
        if answer.status == 404:
            return ConnectionChanged(False, f"WAHA no tiene la sesión «{self._session}»")
        if not answer.ok:
            return ConnectionChanged(False, f"WAHA contesta HTTP {answer.status}")
        return waha_events.connection(at(answer.json(), "status"))

    def exists(self, address: str) -> str | bool | None:
        """See `Gateway.exists` (https://waha.devlike.pro/docs/how-to/contacts/)."""
        query = f"phone={quote(address, safe='')}&session={self._name}"
        found = _json(self._ask("GET", f"/api/contacts/check-exists?{query}", 2 * _DEADLINE_S))
        if at(found, "numberExists") is True:
            return person(at(found, "chatId")) or True
        return False if at(found, "numberExists") is False else None

    def typing(self, address: str, *, on: bool, message_id: str | None) -> None:
        """See `Gateway.typing` (https://waha.devlike.pro/docs/how-to/presence/)."""
        self._ask("POST", "/api/startTyping" if on else "/api/stopTyping", json=self._about(address))

    def watch(self, address: str) -> None:
        """See `Gateway.watch` (https://waha.devlike.pro/docs/how-to/presence/)."""
        self._ask("POST", f"/api/{self._name}/presence/{quote(chat_of(address), safe='')}/subscribe")

    def mark_read(self, address: str, message_ids: list[str]) -> None:
        """See `Gateway.mark_read`."""
        ids = [f"false_{chat_of(address)}_{one}" for one in message_ids]
        self._ask("POST", "/api/sendSeen", json={**self._about(address), "messageIds": ids})

    def read_back(self, address: str, since: datetime) -> list[OwnMessage | Inbound] | None:
        """See `Gateway.read_back` (https://waha.devlike.pro/docs/how-to/chats/). At most 5 seconds a page."""
        chat = quote(chat_of(address), safe="")
        query = f"downloadMedia=false&filter.timestamp.gte={int(since.timestamp())}"
        found: list[Any] = []
        for page in range(_PAGES):
            path = f"/api/{self._name}/chats/{chat}/messages?limit={_PAGE}&offset={page * _PAGE}&{query}"
            listed = _json(self._ask("GET", path))
            if not isinstance(listed, list):
                return None
            found += listed
            if len(listed) < _PAGE // 2 or _all_before(since, [at(item, "timestamp") for item in listed]):
                break  # a page is cut before it is filtered, so that a full one may come with a little less
        return waha_events.messages(found)

    def chats_since(self, since: datetime) -> list[str] | None:
        """See `Gateway.chats_since`: the overview lists the chats with news first."""
        chats: dict[str, None] = {}
        for page in range(_PAGES):
            path = f"/api/{self._name}/chats/overview?limit={_PAGE}&offset={page * _PAGE}"
            listed = _json(self._ask("GET", path, 2 * _DEADLINE_S))
            if not isinstance(listed, list):
                return None
            for item in listed:
                last = moment(at(item, "lastMessage", "timestamp"))
                address = person(at(item, "id")) or person(at(item, "id", "_serialized"))
                if address and last and last >= since:
                    chats[address] = None
            if not listed or _all_before(since, [at(item, "lastMessage", "timestamp") for item in listed]):
                break
        return list(chats)

    def qr(self) -> bytes | Failure:
        """See `Gateway.qr` (https://waha.devlike.pro/docs/how-to/sessions/#get-qr). At most 7 seconds."""
        answer = self._ask("GET", f"/api/{self._name}/auth/qr?format=image", _DEADLINE_S + 2)
        if isinstance(answer, wire.Response) and answer.ok and answer.body.startswith(_PNG):
            return answer.body
        return self._failure(answer, "WAHA no da un código QR ahora")

    def restart(self) -> Failure | None:
        """See `Gateway.restart`. It stops first, which has taken 3 s."""
        return self._order("restart")

    def log_out(self) -> Failure | None:
        """See `Gateway.log_out`: WAHA then starts the session from scratch, with a QR code."""
        return self._order("logout")

    @property
    def _name(self) -> str:
        return quote(self._session, safe="")

    def _about(self, address: str) -> dict[str, Any]:
        return {"session": self._session, "chatId": chat_of(address)}

    def _order(self, verb: str) -> Failure | None:
        answer = self._ask("POST", f"/api/sessions/{self._name}/{verb}", 4 * _DEADLINE_S)
        if isinstance(answer, wire.Response) and answer.ok:
            return None
        return self._failure(answer, "WAHA no aceptó la orden")

    def _failure(self, answer: Answer, what: str) -> Failure:
        if isinstance(answer, Misconfigured):
            return Failure(f"Revisa {answer.key}: {answer.detail}", again=False)
        if not isinstance(answer, wire.Response):
            return Failure(f"WAHA no contesta: {answer.detail}")
        if answer.status in (401, 403):
            return Failure(f"Revisa WAHA_API_KEY: {bad_key(answer.status).detail}", again=False)
        if answer.status == 404:
            return Failure(f"{what}: la sesión «{self._session}» está detenida o no existe; reiníciala")
        body = answer.json()
        if answer.status == 422 and at(body, "status") is not None:
            return Failure(f"{what}: {waha_events.connection(at(body, 'status')).detail}")
        return Failure(f"{what}: HTTP {answer.status} {one_line(text_at(body, 'message'))}".strip())

    def _ask(self, method: str, path: str, most_s: float = _DEADLINE_S, json: Any = None) -> Answer:
        """A call that sends no message; at most `most_s` seconds, and never longer than a send."""
        return self._call(method, path, json, min(most_s, self._timeout_s), None)

    def _call(
        self,
        method: str,
        path: str,
        json: Any,
        deadline_s: float,
        before_first_byte: Callable[[], None] | None,
        max_body: int = wire.MAX_BODY,
    ) -> Answer:
        if found := self._not_callable():
            return found[0]
        headers = {"X-Api-Key": self._api_key} if self._api_key else {}
        return wire.call(
            method,
            self._url + path,
            json=json,
            headers=headers,
            deadline_s=deadline_s,
            before_first_byte=before_first_byte,
            max_body=max_body,
        )


def chat_of(address: str) -> str:
    """WAHA's name for the chat at a neutral address."""
    return f"{address}@c.us" if address.isdecimal() else address


def bad_key(status: int) -> Misconfigured:
    return Misconfigured("WAHA_API_KEY", f"WAHA rechazó la llave (HTTP {status})")


def _json(answer: Answer) -> Any:
    return answer.json() if isinstance(answer, wire.Response) and answer.ok else None


def _all_before(since: datetime, timestamps: list[Any]) -> bool:
    """Whether all that a page tells is older: an old WAHA does not know the filter."""
    times = [when for value in timestamps if (when := moment(value))]
    return bool(times) and all(when < since for when in times)
