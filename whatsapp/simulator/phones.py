"""The people's phones and what is on their screens."""

import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_NUMBER = re.compile(r"[0-9]{8,15}")
_CHAT = re.compile(r"([0-9]{8,15})@(?:c\.us|s\.whatsapp\.net)|([0-9]{4,20})@lid")

# How far a message got, in WhatsApp's own numbers.
PENDING, SERVER, DEVICE, READ = 0, 1, 2, 3


def chat_id_of(text: object) -> str | None:
    """In: `+52 1 477 275 8198`, digits, `…@c.us`, `…@s.whatsapp.net`, `…@lid`. Out: the chat id, None if it is none."""
    if not isinstance(text, str):
        return None
    if "@" not in text:
        digits = re.sub(r"[\s().+-]", "", text)
        return f"{digits}@c.us" if _NUMBER.fullmatch(digits) else None
    if not (match := _CHAT.fullmatch(text.strip())):
        return None
    return f"{match[1]}@c.us" if match[1] else f"{match[2]}@lid"


def phone_number(chat_id: str) -> str:
    """In: a chat id. Out: `+digits`; a LID has no number behind it and stays as it is."""
    return "+" + chat_id.removesuffix("@c.us") if chat_id.endswith("@c.us") else chat_id


def person_key(chat_id: str) -> str:
    """Out: the same for `52…` and `521…`, because WhatsApp takes both spellings of a Mexican mobile for one person."""
    match = re.fullmatch(r"521([0-9]{10})@c\.us", chat_id)
    return f"52{match[1]}@c.us" if match else chat_id


def new_bare_id() -> str:
    """Out: a message id as NOWEB makes them."""
    return "3EB0" + secrets.token_hex(9).upper()


@dataclass
class Message:
    """One bubble. `from_me` is WAHA's word: written by the desk's own account."""

    bare_id: str
    chat_id: str
    text: str
    from_me: bool
    at: float = field(default_factory=time.time)
    ack: int = PENDING
    reply_to: str | None = None
    # A file, place or contact, as media.py keeps it.
    extra: dict[str, Any] | None = None
    # What happened to it since: editado, eliminado, reaccion, reaccion_mesa.
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """WAHA's serialized id."""
        return f"{'true' if self.from_me else 'false'}_{self.chat_id}_{self.bare_id}"

    @property
    def when(self) -> str:
        """The moment in ISO 8601, UTC."""
        return datetime.fromtimestamp(self.at, UTC).isoformat()

    def accepted(self) -> dict[str, Any]:
        """Out: the line that proves that the desk's message was taken."""
        return {
            "id": self.id,
            "chatId": self.chat_id,
            "telefono": phone_number(self.chat_id),
            "texto": self.text,
            "cuando": self.when,
            **({"adjunto": self.extra} if self.extra else {}),
        }

    def shown(self) -> dict[str, Any]:
        """Out: what the page needs of it; `propio` is written by the phone's owner."""
        return {
            "id": self.id,
            "texto": self.text,
            "propio": not self.from_me,
            "cuando": self.when,
            "palomitas": self.ack,
            "adjunto": self.extra,
            "cambios": self.changes,
        }


@dataclass
class Phone:
    """One person's phone."""

    chat_id: str
    name: str
    messages: list[Message] = field(default_factory=list)
    last_change: int = 0
    desk_types: bool = False

    def shown(self, last: int) -> dict[str, Any]:
        """In: how many of its newest messages. Out: what the page needs."""
        unread = sum(1 for message in self.messages if message.from_me and message.ack < READ)
        return {
            "chatId": self.chat_id,
            "telefono": phone_number(self.chat_id),
            "nombre": self.name,
            "sin_leer": unread,
            "escribiendo": self.desk_types,
            "mensajes": [message.shown() for message in self.messages[-last:]],
        }
