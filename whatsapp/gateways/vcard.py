"""The people in vCards, which is how WhatsApp shares contacts (RFC 6350)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from whatsapp.gateways.shape import one_line

MOST_CONTACTS, MOST_PHONES = 20, 10
_LINE = re.compile(r"^(?:item\d+\.)?([A-Za-z]+)((?:;[^:]*)?):(.*)$")
_WAID = re.compile(r"waid=([0-9]{5,20})", re.IGNORECASE)


def contacts(cards: Iterable[Any], names: Iterable[Any] = ()) -> list[dict[str, Any]]:
    """The `contactos` of an Inbound: {nombre, telefonos} of each card; `names` are what WhatsApp shows for them."""
    shown = list(names)
    found = []
    for index, card in enumerate(cards):
        if index == MOST_CONTACTS:
            break
        name, phones = _read(card if isinstance(card, str) else "")
        found.append({"nombre": one_line(shown[index], 120) if index < len(shown) else name, "telefonos": phones})
    return found


def _read(card: str) -> tuple[str, list[str]]:
    """The full name and the phones of one card; WhatsApp's own number (`waid`) rather than how it was written."""
    name = ""
    phones: list[str] = []
    unfolded = re.sub(r"\r?\n[ \t]", "", card[:20_000])
    for line in unfolded.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        kind, options, value = match[1].upper(), match[2], match[3]
        if kind == "FN" and not name:
            name = one_line(value.replace("\\,", ",").replace("\\;", ";"), 120)
        elif kind == "TEL" and len(phones) < MOST_PHONES:
            waid = _WAID.search(options)
            phone = f"+{waid[1]}" if waid else one_line(value.removeprefix("tel:"), 40)
            if phone and phone not in phones:
                phones.append(phone)
    return name, phones
