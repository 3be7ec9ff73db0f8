"""What a gateway tells us, normalised. Addresses are in neutral form: digits, `…@lid` or a BSUID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True)
class Media:
    """A file that arrived with a message, before it is fetched.

    `ref` is the gateway's own handle for it (an id, or a path on its server), "" when it cannot be fetched: `problem`
    then says why, in Spanish. `content` is the file itself where the webhook carried it. `mime` and `name` are the
    sender's claims, maybe empty; `size` in bytes, if told.
    """

    ref: str = ""
    mime: str = ""
    name: str = ""
    size: int | None = None
    problem: str = ""
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Inbound:
    """A person wrote. `address` is the chat as seen by the gateway.

    `external_id` is the message's bare id, None where the gateway tells none (its repeats are then recognised by
    content). `kind` is "text" or what else arrived (image, audio, video, document, sticker, location, contact,
    "unknown"); `text` the text or caption, maybe empty. `aliases` are the same person's other addresses as the payload
    tells them; "@ana" is a username. `details` of a location: latitud, longitud, nombre, direccion; of contacts:
    contactos, a list of {nombre, telefonos}. `quotes` is the bare id of the message it answers.
    """

    external_id: str | None
    address: str
    text: str
    kind: str = "text"
    push_name: str = ""
    aliases: tuple[str, ...] = ()
    sent_at: datetime | None = None
    media: Media | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    quotes: str | None = None


@dataclass(frozen=True)
class OwnMessage:
    """The gateway's echo of a message from our own number. `by_api` is False when it was typed on the phone."""

    external_id: str
    address: str
    text: str
    by_api: bool
    kind: str = "text"
    sent_at: datetime | None = None
    media: Media | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatusUpdate:
    """A tick for one of our messages, by its bare id.

    `reference` is what we gave with the send, where the gateway tells it back; `reason` in Spanish and `code` of a
    failure.
    """

    message_id: str
    status: Literal["enviado", "entregado", "leido", "fallido"]
    reason: str = ""
    code: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Edited:
    """The person, or our own phone when `own`, changed the text of the message `message_id`.

    `address` and `aliases` are the chat's, as of an `Inbound`; "" where the gateway does not say. Of an author that the
    gateway does not name `own` is False: a person may touch their own words only.
    """

    message_id: str
    text: str
    own: bool = False
    address: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deleted:
    """The message `message_id` was deleted for everybody; by whom and in which chat, as of an `Edited`."""

    message_id: str
    own: bool = False
    address: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reaction:
    """`emoji` on the message `message_id`, by the person, or from our own phone when `own`; "" takes it away.

    `address` and `aliases` are the chat's, as of an `Edited`.
    """

    message_id: str
    emoji: str
    own: bool = False
    address: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class NumberChanged:
    """WhatsApp says that the person at `old` is now at `new`."""

    old: str
    new: str


@dataclass(frozen=True)
class Typing:
    """The person at `address` is writing just now, or has stopped."""

    address: str
    on: bool


@dataclass(frozen=True)
class ConnectionChanged:
    """The session's state. `connected` is True only when messages can leave now."""

    connected: bool
    detail: str


@dataclass(frozen=True)
class Ignored:
    """Understood and of no interest here (a group, a newsletter, our own presence); `reason` in Spanish."""

    reason: str


Event = (
    Inbound
    | OwnMessage
    | StatusUpdate
    | Edited
    | Deleted
    | Reaction
    | NumberChanged
    | Typing
    | ConnectionChanged
    | Ignored
)
