"""Meta's webhooks, normalised: docs/gateways.md, section 5.2.

One body may carry many messages and statuses of many numbers, so what cannot be read is left out by itself. Shapes:
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from whatsapp.gateways import cloud_account
from whatsapp.gateways import cloud_errors as errors
from whatsapp.gateways import cloud_messages as messages
from whatsapp.gateways.base import Malformed
from whatsapp.gateways.events import (
    Deleted,
    Edited,
    Event,
    Ignored,
    NumberChanged,
    Reaction,
    StatusUpdate,
)
from whatsapp.gateways.shape import at, one_line, sane_id, text_at

_BATCHED = ("messages", "statuses", "errors")
# …/webhooks/reference/messages/status. `played` is a voice message that was listened to.
_STATUSES: dict[str, Literal["enviado", "entregado", "leido", "fallido"]] = {
    "sent": "enviado",
    "delivered": "entregado",
    "read": "leido",
    "played": "leido",
    "failed": "fallido",
}


def parse(payload: Any, phone_id: str, waba_id: str) -> list[Event]:
    """The events of one webhook that concern the number `phone_id`. Raises Malformed."""
    entries = at(payload, "entry")
    if at(payload, "object") != "whatsapp_business_account" or not isinstance(entries, list):
        raise Malformed("No es un evento de WhatsApp de Meta: falta «object» o «entry»")
    found: list[Event] = []
    for entry in entries:
        for change in _list(entry, "changes"):
            field, value = one_line(at(change, "field"), 60), at(change, "value")
            if field == "messages":
                found += _messages(value, phone_id)
            elif field == "account_update":
                found.append(cloud_account.update(value, at(entry, "id"), waba_id))
            else:
                found.append(Ignored(f"Evento de Meta sin uso aquí: {field}"))
    return found


def parts(payload: Any) -> list[Any]:
    """`payload` as payloads of one message, status or error each; itself where there is nothing to part."""
    found = [
        {
            **payload,
            "entry": [{**entry, "changes": [{**change, "value": value} if isinstance(change, dict) else change]}],
        }
        for entry in _list(payload, "entry")
        for change in _list(entry, "changes")
        for value in _values(at(change, "value"))
    ]
    return found if len(found) > 1 else [payload]


def _values(value: Any) -> list[Any]:
    """The `value` of a change once for each thing in it."""
    if not isinstance(value, dict):
        return [value]
    single = [(key, item) for key in _BATCHED for item in _list(value, key)]
    if len(single) < 2:
        return [value]
    # Each with who wrote it only: all of them in each would be as many copies as there are messages, squared.
    frame = {key: item for key, item in value.items() if key not in (*_BATCHED, "contacts")}
    find = messages.finder(_list(value, "contacts"))
    return [
        {**frame, **({"contacts": [who]} if key == "messages" and (who := find(item)) else {}), key: [item]}
        for key, item in single
    ]


def _list(value: Any, key: str) -> list[Any]:
    found = at(value, key)
    return found if isinstance(found, list) else []


def _messages(value: Any, phone_id: str) -> Iterator[Event]:
    number = at(value, "metadata", "phone_number_id")
    if number != phone_id:
        yield Ignored(f"Evento de otro número de Meta: {one_line(number, 40)}")
        return
    contacts = _list(value, "contacts")
    for message in _list(value, "messages"):
        yield _message(message, contacts)
    for status in _list(value, "statuses"):
        yield _status(status)
    for error in _list(value, "errors"):
        yield cloud_account.system_error(error)


def _message(message: Any, contacts: list[Any]) -> Event:
    if text_at(message, "group_id"):
        return Ignored("Mensaje de un grupo")
    read = _CHANGES.get(text_at(message, "type"))
    if read is None:
        return messages.inbound(message, contacts)
    change = read(message)
    if not isinstance(change, Reaction | Edited | Deleted):
        return change
    address, aliases = messages.sender(message, messages.finder(contacts)(message))
    return replace(change, address=address, aliases=aliases) if address else Ignored("Cambio de Meta sin autor")


def _reaction(message: Any) -> Event:
    message_id = sane_id(at(message, "reaction", "message_id"))
    if message_id is None:
        return Ignored("Reacción sin el mensaje al que responde")
    return Reaction(message_id, text_at(message, "reaction", "emoji"))  # taken away: "" or no emoji


def _edit(message: Any) -> Event:
    message_id = sane_id(at(message, "edit", "original_message_id"))
    if message_id is None:
        return Ignored("Edición sin el mensaje que cambia")
    return Edited(message_id, messages.text_of(at(message, "edit", "message")))


def _revoke(message: Any) -> Event:
    message_id = sane_id(at(message, "revoke", "original_message_id"))
    return Deleted(message_id) if message_id else Ignored("Eliminación sin el mensaje que borra")


def _system(message: Any) -> Event:
    """The person has another number, or another BSUID; up to v11 the keys were `customer` and `new_wa_id`."""
    system = at(message, "system")
    kind = text_at(system, "type")
    old: str | None = None
    new: str | None = None
    if kind in ("user_changed_number", "customer_changed_number"):
        old = messages.phone(at(message, "from")) or messages.phone(at(system, "customer"))
        new = messages.phone(at(system, "wa_id")) or messages.phone(at(system, "new_wa_id"))
    elif kind == "user_changed_user_id":
        old, new = messages.bsuid(at(system, "previous_user_id")), messages.bsuid(at(system, "user_id"))
    if old and new:
        return NumberChanged(old, new)
    return Ignored(f"Aviso de WhatsApp sin uso aquí: {one_line(kind, 60)}")


# What is said about a message, instead of a message.
_CHANGES: dict[str, Callable[[Any], Event]] = {
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
    "request_welcome": lambda message: Ignored("La persona abrió el chat por primera vez"),
}


def _status(status: Any) -> Event:
    """Any step may be missing or come late: `delivered` is skipped when a message is read at once."""
    message_id, word = sane_id(at(status, "id")), _STATUSES.get(text_at(status, "status"))
    if message_id is None or word is None:
        return Ignored("Estado de Meta que no cambia nada")
    reference = sane_id(at(status, "biz_opaque_callback_data")) or ""
    if word != "fallido":
        return StatusUpdate(message_id, word, reference=reference)
    error = next(iter(_list(status, "errors")), None)
    return StatusUpdate(message_id, word, errors.explain(error), errors.shown_code(error), reference)
