"""One message of a Meta webhook as an `Inbound`: who wrote it, and what.

Since 2026 a person may have no phone, only a BSUID (https://developers.facebook.com/documentation/business-messaging/
whatsapp/business-scoped-user-ids), so `from` and `wa_id` may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from whatsapp.gateways import cloud_errors as errors
from whatsapp.gateways.events import Event, Ignored, Inbound, Media
from whatsapp.gateways.shape import at, degrees, moment, one_line, sane_id, text_at
from whatsapp.gateways.vcard import MOST_CONTACTS, MOST_PHONES

_PHONE = re.compile(r"[1-9][0-9]{0,19}")
_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_FILES = ("image", "video", "audio", "document", "sticker")


def phone(value: Any) -> str | None:
    return value if isinstance(value, str) and _PHONE.fullmatch(value) else None


def bsuid(value: Any) -> str | None:
    return value if isinstance(value, str) and _BSUID.fullmatch(value) else None


def inbound(message: Any, contacts: list[Any]) -> Event:
    """What the person wrote; `contacts` are those of the same webhook."""
    message_id = sane_id(at(message, "id"))
    if message_id is None:
        return Ignored("Mensaje de Meta sin identificador")
    contact = finder(contacts)(message)
    address, aliases = sender(message, contact)
    if address is None:
        return Ignored("Mensaje de Meta sin remitente")
    kind = _kind(message)
    return Inbound(
        message_id,
        address,
        text_of(message),
        kind,
        push_name=text_at(contact, "profile", "name"),
        aliases=aliases,
        sent_at=moment(at(message, "timestamp")),
        media=_media(message, kind) if kind in _FILES else None,
        details=_details(message, kind),
        quotes=sane_id(at(message, "context", "id")),
    )


def sender(message: Any, contact: Any) -> tuple[str | None, tuple[str, ...]]:
    """Who wrote `message`, and their other addresses; `contact` is theirs, or None."""
    user = bsuid(at(message, "from_user_id")) or bsuid(at(contact, "user_id"))
    address = phone(at(message, "from")) or phone(at(contact, "wa_id")) or user
    username = one_line(at(contact, "profile", "username"), 60).removeprefix("@")
    others = (
        phone(at(contact, "wa_id")),
        bsuid(at(message, "from_parent_user_id")) or bsuid(at(contact, "parent_user_id")),
        user,
        f"@{username}" if username else None,
    )
    return address, tuple(dict.fromkeys(other for other in others if other and other != address))


def text_of(message: Any) -> str:
    """The words of a message: its text, caption, chosen answer, or what a place and a contact are called."""
    kind = text_at(message, "type")
    if kind == "text":
        return text_at(message, "text", "body")
    if kind == "button":
        return text_at(message, "button", "text")
    if kind == "interactive":
        return _answer(at(message, "interactive"))
    if kind == "location":
        place = _place(at(message, "location"))
        where = f"{place['latitud']}, {place['longitud']}" if place else ""
        return "\n".join(filter(None, (place.get("nombre"), where)))
    if kind == "contacts":
        lines = ((card["nombre"], ", ".join(card["telefonos"])) for card in _cards(message))
        return "\n".join(" ".join(filter(None, line)) for line in lines)
    return text_at(message, kind, "caption") if kind in _FILES else ""


def finder(contacts: list[Any]) -> Callable[[Any], Any]:
    """Tells who of `contacts` wrote a message: by phone, by BSUID, or the only one there is, unless it is somebody
    else; looked up, because both lists may be long."""
    keys = (("from", "wa_id"), ("from_user_id", "user_id"))
    known = {theirs: {text_at(one, theirs): one for one in reversed(contacts)} for _, theirs in keys}
    only = contacts[0] if len(contacts) == 1 else None

    def find(message: Any) -> Any:
        for ours, theirs in keys:
            if (wanted := text_at(message, ours)) and wanted in known[theirs]:
                return known[theirs][wanted]
        told, theirs = text_at(message, "from_user_id"), text_at(only, "user_id")
        return None if told and theirs and told != theirs else only

    return find


def _kind(message: Any) -> str:
    kind = text_at(message, "type")
    if kind in ("text", "button") or (kind == "interactive" and text_of(message)):
        return "text"
    if kind in _FILES or kind == "location":
        return kind
    return "contact" if kind == "contacts" else "unknown"


def _answer(interactive: Any) -> str:
    """What the person chose: a button, a row of a list with its description, or what a form says of itself."""
    kind = text_at(interactive, "type")
    chosen = at(interactive, kind)
    lines = (text_at(chosen, "title"), text_at(chosen, "description"))
    return "\n".join(line for line in lines if line) or text_at(chosen, "body")


def _media(message: Any, kind: str) -> Media:
    """The file by its id, valid for 7 days; `errors` beside it say that Meta itself could not get it (131052)."""
    file = at(message, kind)
    mime, name = one_line(at(file, "mime_type"), 100), one_line(at(file, "filename"))
    failed = at(message, "errors")
    if isinstance(failed, list) and failed:
        return Media(mime=mime, name=name, problem=errors.explain(failed[0]))
    ref = sane_id(at(file, "id"))
    if ref is None:
        return Media(mime=mime, name=name, problem="Meta no dijo cómo descargar el archivo.")
    return Media(ref, mime, name)


def _details(message: Any, kind: str) -> Mapping[str, Any]:
    if kind == "contact":
        cards = _cards(message)
        return {"contactos": cards} if cards else {}
    return _place(at(message, "location")) if kind == "location" else {}


def _place(place: Any) -> dict[str, Any]:
    """Where it is; a current location has neither name nor address. {} without coordinates."""
    latitude, longitude = degrees(at(place, "latitude"), 90), degrees(at(place, "longitude"), 180)
    if latitude is None or longitude is None:
        return {}
    name, address = one_line(at(place, "name")), one_line(at(place, "address"))
    return {"latitud": latitude, "longitud": longitude, "nombre": name, "direccion": address}


def _cards(message: Any) -> list[dict[str, Any]]:
    found = at(message, "contacts")
    cards = []
    for card in found[:MOST_CONTACTS] if isinstance(found, list) else ():
        name = one_line(at(card, "name", "formatted_name") or at(card, "name", "first_name"), 120)
        phones = at(card, "phones")
        told = (
            [one_line(at(one, "phone") or at(one, "wa_id"), 40) for one in phones] if isinstance(phones, list) else []
        )
        numbers = [number for number in told if number][:MOST_PHONES]
        if name or numbers:
            cards.append({"nombre": name, "telefonos": numbers})
    return cards
