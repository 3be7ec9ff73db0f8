"""How Evolution is asked: its addresses, its messages, its times (docs/gateways.md, section 3)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from whatsapp.gateways.base import File, Outgoing
from whatsapp.gateways.shape import person

LONGEST_NUMBER = 15  # E.164; Evolution takes 18 digits and more for a group


def number(address: str) -> str | None:
    """What Evolution is told to write to: bare digits (a "+" or a suffix misleads its own look-up), or `…@lid`."""
    chat = jid(address)
    return chat.removesuffix("@s.whatsapp.net") if chat else None


def jid(address: str) -> str | None:
    if address.isascii() and address.isdecimal():
        return f"{address}@s.whatsapp.net" if len(address) <= LONGEST_NUMBER and address[0] != "0" else None
    return address if address.endswith("@lid") and person(address) else None


def request(number: str, message: Outgoing) -> tuple[str, dict[str, Any]]:
    """The endpoint and body of a send. Files are *bare* base64: a data URL is refused."""
    file = message.file
    if file is None:
        return "sendText", {"number": number, "text": message.text}
    data = base64.b64encode(file.read()).decode()
    if file.kind == "audio":
        return "sendWhatsAppAudio", {"number": number, "audio": data}
    if file.kind == "sticker":
        return "sendSticker", {"number": number, "sticker": data}
    return "sendMedia", {
        "number": number,
        "mediatype": file.kind if file.kind in ("image", "video") else "document",
        "mimetype": file.mime,
        "media": data,
        "fileName": file.name or _name(file),
        "caption": message.text,
    }


def _name(file: File) -> str:
    return f"{file.kind}.{file.mime.partition('/')[2].partition(';')[0] or 'bin'}"


def since(since: datetime) -> dict[str, str]:
    """Evolution's filter by time, which it leaves out unless both ends are given."""
    return {"gte": since.astimezone(UTC).isoformat(), "lte": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
