"""What is in a WhatsApp message, in the protocol's own words, as gateways built on Baileys hand it on.

Field names: https://github.com/WhiskeySockets/Baileys/blob/master/WAProto/WAProto.proto (message Message).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from whatsapp.gateways.events import Media
from whatsapp.gateways.shape import at, degrees, one_line, sane_id, text_at
from whatsapp.gateways.vcard import contacts

_WRAPPERS = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
)
_TEXTS = {
    "extendedTextMessage": "text",
    "buttonsResponseMessage": "selectedDisplayText",
    "templateButtonReplyMessage": "selectedDisplayText",
    "listResponseMessage": "title",
}
_FILES = {
    "imageMessage": "image",
    "videoMessage": "video",
    "ptvMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "stickerMessage": "sticker",
}
_PLACES = ("locationMessage", "liveLocationMessage")


@dataclass(frozen=True)
class Content:
    """What an `Inbound` or an `OwnMessage` tells of the message itself."""

    kind: str
    text: str = ""
    media: Media | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    quotes: str | None = None


def unwrapped(message: Any) -> Any:
    """The message inside its envelopes (disappearing, to be seen once, a document with its caption)."""
    for _ in range(5):
        inner = next((at(message, name, "message") for name in _WRAPPERS if at(message, name, "message")), None)
        if inner is None:
            break
        message = inner
    return message


def content(message: Any, ref: str) -> Content:
    """What `message` holds; `ref` is the gateway's handle for its file. "unknown" for what has no place here."""
    whole, message = message, unwrapped(message)
    if text := text_at(message, "conversation"):
        return Content("text", text)
    for name, where in _TEXTS.items():
        if isinstance(found := at(message, name), dict):
            return Content("text", text_at(found, where), quotes=quoted(found))
    for name, kind in _FILES.items():
        if isinstance(found := at(message, name), dict):
            return Content(kind, text_at(found, "caption"), _media(found, whole, ref), quotes=quoted(found))
    for name in _PLACES:
        if isinstance(found := at(message, name), dict):
            return _place(found)
    if cards := _cards(message):
        people = contacts([at(card, "vcard") for card in cards], [text_at(card, "displayName") for card in cards])
        names = ", ".join(person["nombre"] for person in people if person["nombre"])
        return Content("contact", names, details={"contactos": people})
    return Content("unknown")


def quoted(message: Any) -> str | None:
    """The id of the message that this one answers."""
    return sane_id(at(message, "contextInfo", "stanzaId"))


def emoji(reaction: Any) -> str:
    """The emoji of a reactionMessage, "" when it was taken away."""
    return "".join(c for c in text_at(reaction, "text") if c.isprintable() or c == "\u200d")[:40]


def unbase64(text: Any) -> bytes | None:
    """The bytes of bare base64, or None when it is none."""
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) and text else None
    except ValueError:
        return None


def whole_number(value: Any) -> int | None:
    """A protobuf 64-bit number, which JSON shows as a number, as digits, or as {low, high}."""
    if isinstance(value, dict):
        value = value.get("low") if not value.get("high") else None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _media(found: dict[str, Any], message: Any, ref: str) -> Media:
    name = one_line(found.get("fileName") or found.get("title"), 200)
    size = whole_number(found.get("fileLength"))
    # The webhook may carry the file itself, beside the message (Evolution's `base64` option).
    return Media(ref, one_line(found.get("mimetype"), 100), name, size, content=unbase64(at(message, "base64")))


def _place(found: dict[str, Any]) -> Content:
    latitude, longitude = degrees(found.get("degreesLatitude"), 90), degrees(found.get("degreesLongitude"), 180)
    name, address = one_line(found.get("name"), 200), one_line(found.get("address"), 300)
    if latitude is None or longitude is None:
        return Content("location", name or address)
    details = {"latitud": latitude, "longitud": longitude, "nombre": name, "direccion": address}
    return Content("location", "\n".join(filter(None, (name, f"{latitude}, {longitude}"))), details=details)


def _cards(message: Any) -> list[Any]:
    if isinstance(one := at(message, "contactMessage"), dict):
        return [one]
    many = at(message, "contactsArrayMessage", "contacts")
    return many if isinstance(many, list) else []
