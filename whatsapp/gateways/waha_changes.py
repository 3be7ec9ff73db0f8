"""WAHA's events about messages that are there already, and about the person: https://waha.devlike.pro/docs/how-to/events/"""

from __future__ import annotations

from typing import Any

from whatsapp.gateways.base import Malformed
from whatsapp.gateways.events import Deleted, Edited, Event, Ignored, NumberChanged, Reaction, Typing
from whatsapp.gateways.shape import at, person, text_at
from whatsapp.gateways.waha_ids import aliases_of, bare_id, chat_in_id

# WhatsApp's own protocol, in the numbers of NOWEB and the names of GOWS: somebody has a new number.
_NEW_NUMBER = (42, "INDIVIDUAL_CHANGE_NUMBER")
# What WhatsApp says of itself in a chat (encryption, …), in WEBJS's `_data.type`.
_NOTICES = ("e2e_notification", "notification", "notification_template", "protocol")
_WRITING = ("typing", "recording")


def edited(content: dict[str, Any]) -> Event:
    """The new words of a message. In WEBJS the event's own id is the message's."""
    message_id = bare_id(content.get("editedMessageId")) or bare_id(content.get("id"))
    if message_id is None:
        raise Malformed("Edición de WAHA sin identificador de mensaje")
    if _is_group(content.get("id"), content):
        return Ignored("Edición en un grupo o canal")
    return Edited(message_id, text_at(content, "body"), *_whose(content))


def revoked(content: dict[str, Any]) -> Event:
    """A message deleted for everybody. WEBJS tells it as it was in `before`, and as it is in `after`."""
    after = content.get("after")
    told = (content.get("revokedMessageId"), at(content, "before", "id"), at(after, "id"))
    message_id = next((found for value in told if (found := bare_id(value))), None)
    if message_id is None:
        raise Malformed("Eliminación de WAHA sin identificador de mensaje")
    if _is_group(at(after, "id"), after):
        return Ignored("Eliminación en un grupo o canal")
    acts = (after, content.get("before"), {"id": content.get("revokedMessageId")})
    return Deleted(message_id, *next((whose for act in acts if (whose := _whose(act))[1]), (False, "", ())))


def reaction(content: dict[str, Any]) -> Event:
    """An emoji on a message, or none any more."""
    target = at(content, "reaction", "messageId")
    message_id = bare_id(target)
    if message_id is None:
        raise Malformed("Reacción de WAHA sin identificador de mensaje")
    if _is_group(target, content) or _is_group(content.get("id"), {}):
        return Ignored("Reacción en un grupo o canal")
    return Reaction(message_id, text_at(content, "reaction", "text"), *_whose(content))


def presence(content: dict[str, Any]) -> Event:
    """Whether the person writes just now (https://waha.devlike.pro/docs/how-to/presence/)."""
    chat = text_at(content, "id")
    if not chat:
        raise Malformed("Presencia de WAHA sin chat")
    address = person(chat)
    if address is None:
        return Ignored("Presencia en un grupo o canal")
    presences = content.get("presences")
    known = [text_at(one, "lastKnownPresence") for one in presences] if isinstance(presences, list) else []
    return Typing(address, any(one in _WRITING for one in known))


def notice(content: dict[str, Any], address: str) -> Event | None:
    """What WhatsApp itself says in the chat of `address`; None for what a person wrote."""
    data = content.get("_data")
    if at(data, "type") == "notification_template" and at(data, "subtype") == "change_number":
        # WEBJS names both; where it is told is the new one (whatsapp-web.js, "contact_changed").
        new = person(content.get("to")) or address
        return _new_number(_other(at(data, "templateParams"), new), new)
    stub = at(data, "messageStubType")
    if isinstance(stub, int | str) and stub in _NEW_NUMBER:
        return _new_number(address, _other(at(data, "messageStubParameters"), address))
    if at(data, "type") in _NOTICES:
        return Ignored("Aviso del propio WhatsApp")
    return None


def _other(parameters: Any, known: str) -> str | None:
    """The first person among a notice's parameters who is not `known`."""
    found = [person(jid) for jid in parameters] if isinstance(parameters, list) else []
    return next((one for one in found if one and one != known), None)


def _new_number(old: str | None, new: str | None) -> Event:
    return NumberChanged(old, new) if old and new else Ignored("Cambio de número sin el número")


def _whose(act: Any) -> tuple[bool, str, tuple[str, ...]]:
    """Whether we did `act`, in whose chat, and their aliases; "" where it does not say."""
    own = at(act, "fromMe") is True or (at(act, "fromMe") is None and text_at(act, "id").startswith("true_"))
    sender = text_at(act, "from")  # WEBJS puts us there when the act is our own
    told = (chat_in_id(at(act, "id")), text_at(act, "to") or sender if own else sender)
    address = next((found for jid in told if (found := person(jid))), "")
    return own, address, aliases_of(act, address, own=own)


def _is_group(serialized: Any, content: Any) -> bool:
    chat = chat_in_id(serialized) or text_at(content, "from")
    return bool(chat) and person(chat) is None
