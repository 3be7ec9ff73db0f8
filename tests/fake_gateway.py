"""A gateway whose every answer is written in the test, and WAHA's webhooks as WAHA signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, ClassVar

from django.http import HttpResponse
from django.test import Client

from whatsapp import gateways
from whatsapp.gateways.base import Ability, Fetched, Gateway, MediaLimit, Outgoing
from whatsapp.gateways.events import ConnectionChanged, Event, Inbound, Media, OwnMessage
from whatsapp.gateways.results import Accepted, Disconnected, Failure, Misconfigured, RateLimited, Result, Unreachable
from whatsapp.gateways.waha import Waha

HMAC_KEY = "secreto"
PERSON = "5214772758198"
_ids = count(1)


def gateway_id() -> str:
    return f"3EB0{next(_ids):012X}"


@dataclass(frozen=True)
class AfterFirstByte:
    """Our own bug when the request has already begun to leave."""

    error: Exception


Answer = Result | Exception | AfterFirstByte | Callable[[Callable[[], None]], Result]


class FakeGateway(Gateway):
    """Answers `send` with what was scripted, in order, and then accepts; webhooks are the real WAHA's.

    A result that says "not sent" does not touch the wire; an exception is raised before it. A function gets
    `before_first_byte` and does what it likes.
    """

    name = "waha"
    title = "WAHA"
    can: ClassVar[frozenset[Ability]] = frozenset({"echo", "read_back", "media"})
    limits: ClassVar[Mapping[str, MediaLimit]] = Waha.limits

    def __init__(self) -> None:
        self.files: deque[Fetched | Failure | Exception] = deque()
        self.fetched: list[str] = []
        self.script: deque[Answer] = deque()
        self.calls: list[tuple[str, str]] = []
        self.sent: list[Outgoing] = []
        self.connected = True
        self.status_calls = 0
        self.chats: dict[str, list[OwnMessage | Inbound]] | None = {}  # what it remembers; None: it cannot say
        self.real: Gateway = gateways.GATEWAYS["waha"]()

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.calls]

    def answers(self, *answers: Answer) -> None:
        self.script.extend(answers)

    def send(self, address: str, message: Outgoing, before_first_byte: Callable[[], None]) -> Result:
        self.calls.append((address, message.text))
        self.sent.append(message)
        answer = self.script.popleft() if self.script else Accepted(gateway_id())
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, AfterFirstByte):
            before_first_byte()
            raise answer.error
        if isinstance(answer, Unreachable | Misconfigured):
            return answer
        if callable(answer):
            return answer(before_first_byte)
        before_first_byte()
        return answer

    def status(self) -> ConnectionChanged | Misconfigured:
        self.status_calls += 1
        return ConnectionChanged(self.connected, "WhatsApp conectado" if self.connected else "Sigue sin conexión")

    def read_back(self, address: str, since: datetime) -> list[OwnMessage | Inbound] | None:
        return (self.chats or {}).get(address)

    def chats_since(self, since: datetime) -> list[str] | None:
        return None if self.chats is None else list(self.chats)

    def fetch(self, media: Media, max_bytes: int) -> Fetched | Failure:
        """The next of `files`; with none left, WAHA is away."""
        self.fetched.append(media.ref)
        answer = self.files.popleft() if self.files else Failure("WAHA no contesta")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.real.verify(body, headers)

    def external_id(self, body: bytes, payload: Any) -> str:
        return self.real.external_id(body, payload)

    def parse(self, payload: Any) -> list[Event]:
        return self.real.parse(payload)


class CourteousGateway(FakeGateway):
    """Shows typing and read marks too; `signs` has each of those calls, in order."""

    can: ClassVar[frozenset[Ability]] = FakeGateway.can | {"typing", "watch", "read_marks"}

    def __init__(self) -> None:
        super().__init__()
        self.signs: list[tuple[Any, ...]] = []

    def typing(self, address: str, *, on: bool, message_id: str | None) -> None:
        self.signs.append(("escribiendo" if on else "ya no", address, message_id))

    def watch(self, address: str) -> None:
        self.signs.append(("vigilar", address))

    def mark_read(self, address: str, message_ids: list[str]) -> None:
        self.signs.append(("leído", address, message_ids))


# One of each, for tests that hold for every answer of a kind.
NOT_SENT_BY_SESSION: dict[str, Result] = {
    "unreachable": Unreachable("conexión rechazada"),
    "disconnected": Disconnected("La sesión de WhatsApp está detenida"),
    "misconfigured": Misconfigured("WAHA_API_KEY", "WAHA rechazó la llave (HTTP 401)"),
    "rate limited": RateLimited("session", 30),
}


def event(name: str, payload: dict[str, Any], event_id: str = "") -> bytes:
    """The body of one of WAHA's webhooks; each is new unless `event_id` is given."""
    body = {"id": event_id or f"evt_{next(_ids):026}", "event": name, "session": "default", "payload": payload}
    return json.dumps(body).encode()


def inbound(text: str = "Mi laptop no enciende", phone: str = PERSON, **fields: Any) -> bytes:
    """A person writes. `message_id`, `event_id`, and any other key of WAHA's payload may be given."""
    event_id, message_id = fields.pop("event_id", ""), fields.pop("message_id", "") or gateway_id()
    push_name = fields.pop("push_name", "Juanito")
    chat = phone if "@" in phone else f"{phone}@c.us"
    payload = {"id": f"false_{chat}_{message_id}", "from": chat, "fromMe": False, "body": text}
    return event("message", {**payload, "_data": {"notifyName": push_name}, **fields}, event_id)


def echo(text: str, phone: str = PERSON, *, source: str = "api", message_id: str = "", **fields: Any) -> bytes:
    """WAHA's echo of our own number's message: sent by us (`api`), or typed on the phone (`app`)."""
    chat = f"{phone}@c.us"
    payload = {"id": f"true_{chat}_{message_id or gateway_id()}", "from": chat, "fromMe": True, "body": text}
    return event("message.any", {**payload, "source": source, **fields})


def ack(message_id: str, level: int, phone: str = PERSON, event_id: str = "") -> bytes:
    """A tick: -1 error, 1 sent, 2 delivered, 3 read."""
    return event("message.ack", {"id": f"true_{phone}@c.us_{message_id}", "fromMe": True, "ack": level}, event_id)


def edited(message_id: str, text: str, phone: str = PERSON, *, own: bool = False) -> bytes:
    """The person, or our own phone, changes the words of a message (NOWEB's shape)."""
    action = {"id": f"{str(own).lower()}_{phone}@c.us_{gateway_id()}", "from": f"{phone}@c.us", "fromMe": own}
    return event("message.edited", {**action, "editedMessageId": message_id, "body": text})


def revoked(message_id: str, phone: str = PERSON, *, own: bool = False) -> bytes:
    """A message is deleted for everybody."""
    after = {"id": f"{str(own).lower()}_{phone}@c.us_{gateway_id()}", "from": f"{phone}@c.us", "fromMe": own}
    return event("message.revoked", {"after": after, "revokedMessageId": message_id, "before": None})


def reaction(message_id: str, emoji: str, phone: str = PERSON, *, own: bool = False) -> bytes:
    """An emoji on a message, or "" to take it away."""
    told = {"text": emoji, "messageId": f"true_{phone}@c.us_{message_id}"}
    payload = {"id": f"{str(own).lower()}_{phone}@c.us_{gateway_id()}", "from": f"{phone}@c.us", "fromMe": own}
    return event("message.reaction", {**payload, "reaction": told})


def writes_now(phone: str = PERSON, *, on: bool = True) -> bytes:
    """The person presses keys, or has stopped."""
    known = {"participant": f"{phone}@c.us", "lastKnownPresence": "typing" if on else "paused"}
    return event("presence.update", {"id": f"{phone}@c.us", "presences": [known]})


def session_status(status: str) -> bytes:
    return event("session.status", {"status": status})


def signature(body: bytes, key: str = HMAC_KEY) -> str:
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


def post_webhook(body: bytes, *, key: str = HMAC_KEY) -> HttpResponse:
    """Post `body` as WAHA does, signed with `key`."""
    headers = {"X-Webhook-Hmac": signature(body, key), "X-Webhook-Hmac-Algorithm": "sha512"}
    return Client().post("/webhooks/waha", body, content_type="application/json", headers=headers)


def receive(text: str = "Mi laptop no enciende", phone: str = PERSON, **fields: Any) -> None:
    """A person writes, and the desk takes it."""
    response = post_webhook(inbound(text, phone, **fields))
    assert response.status_code == 200, response.content
