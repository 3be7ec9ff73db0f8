"""WAHA's message ids (bare, serialized, or WEBJS's object of both) and whose chat they are of."""

from __future__ import annotations

import re
from typing import Any

from whatsapp.gateways.shape import at, person, sane_id, text_at

# {fromMe}_{chatId}_{id}[_{participant}]: https://waha.devlike.pro/docs/how-to/receive-messages/
_SERIALIZED = re.compile(r"(true|false)_([^_@]+@[a-z.]+)_(.+?)(?:_[^_@]+@[a-z.]+)?")

_PHONES = (
    ("_data", "key", "remoteJidAlt"),  # NOWEB on Baileys 7
    ("_data", "key", "senderPn"),  # and before
    ("_data", "senderPn"),
    ("_data", "Info", "SenderAlt"),  # GOWS
)
# The sender of our own messages is us.
_PHONES_OF_OWN = (
    ("_data", "key", "remoteJidAlt"),
    ("_data", "Info", "RecipientAlt"),
)


def bare_id(value: Any) -> str | None:
    """The last component of a message id, the only one that is the same in every event about the message."""
    for form in (value, at(value, "_serialized"), at(value, "id")):
        if form_id := sane_id(form):
            serialized = _SERIALIZED.fullmatch(form_id)
            return serialized[3] if serialized else form_id
    return None


def chat_in_id(value: Any) -> str:
    """The chat's jid inside a serialized message id, or ""."""
    for form in (value, at(value, "_serialized")):
        if isinstance(form, str) and (serialized := _SERIALIZED.fullmatch(form)):
            return serialized[2]
    return text_at(value, "remote")


def aliases_of(content: Any, address: str, *, own: bool = False) -> tuple[str, ...]:
    """The phone of somebody seen by their LID; `own` is whether `content` is ours."""
    if not address.endswith("@lid"):
        return ()
    phones = (person(at(content, *path)) for path in (_PHONES_OF_OWN if own else _PHONES))
    return tuple(phone for phone in phones if phone and not phone.endswith("@lid"))[:1]
