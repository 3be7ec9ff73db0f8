"""Evolution's webhooks, normalised: docs/gateways.md, section 3. Shapes are those of Evolution API 2.3."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from whatsapp.gateways import baileys
from whatsapp.gateways.base import Malformed
from whatsapp.gateways.events import (
    ConnectionChanged,
    Deleted,
    Edited,
    Event,
    Ignored,
    Inbound,
    OwnMessage,
    Reaction,
    StatusUpdate,
    Typing,
)
from whatsapp.gateways.evolution_ledger import STATUSES, event_name
from whatsapp.gateways.shape import at, moment, one_line, person, sane_id, text_at

_STATES = {
    "open": "WhatsApp conectado",
    "connecting": "WhatsApp se está conectando",
    "close": "La sesión de WhatsApp está cerrada",
    "refused": "Se acabaron los códigos QR de este intento: pide otro",
}
_DOWN = {  # events that say no more than that, whatever their `data` is
    "qrcode.updated": "Falta escanear el código QR de WhatsApp",
    "status.instance": "La sesión de WhatsApp está cerrada",
    "logout.instance": "La sesión de WhatsApp se cerró desde Evolution",
    "remove.instance": "La instancia de Evolution se eliminó",
}
_OTHERS = ("remoteJidAlt", "senderPn", "senderLid", "previousRemoteJid")  # where else a key may name the person
_LOGGED_OUT = (401, 402, 403, 406)
_PHONES = ("ios", "android")  # where `source` says that our own message was written


def parse(payload: Any, instance: str) -> list[Event]:
    """The events of one webhook of `instance`; another instance's are ignored. Raises Malformed."""
    event = event_name(payload)
    if not event:
        raise Malformed("No es un evento de Evolution: falta «event»")
    if at(payload, "instance") != instance:
        return [Ignored(f"Evento de otra instancia de Evolution: {one_line(at(payload, 'instance'), 60)}")]
    if event in _DOWN:
        return [ConnectionChanged(False, _DOWN[event])]
    read = _EVENTS.get(event)
    if read is None:
        return [Ignored(f"Evento de Evolution sin uso aquí: {one_line(event, 60)}")]
    data = at(payload, "data")
    items = data if isinstance(data, list) else [data]
    if not all(isinstance(item, dict) for item in items):
        raise Malformed(f"Evento «{event}» de Evolution sin contenido")
    us = person(at(payload, "sender"))
    return [_without(us, read(item)) for item in items]


def messages(found: list[Any]) -> list[OwnMessage | Inbound]:
    """The messages of a chat read back; what cannot be read is left out."""
    read: list[OwnMessage | Inbound] = []
    for item in found:
        with contextlib.suppress(Malformed):
            event = _without(None, _upserted(item)) if isinstance(item, dict) else None
            if isinstance(event, OwnMessage | Inbound):
                read.append(event)
    return read


def connection(state: Any, reason: Any = None) -> ConnectionChanged:
    """What a session's state means; only `open` can send."""
    name = one_line(state, 60)
    if name == "close" and reason in _LOGGED_OUT:
        return ConnectionChanged(False, "WhatsApp cerró la sesión: hay que escanear el código QR de nuevo")
    return ConnectionChanged(name == "open", _STATES.get(name, f"Estado de WhatsApp desconocido: {name}"))


def _upserted(item: dict[str, Any], by_api: bool | None = None) -> Event:
    key = at(item, "key")
    message_id, jid = sane_id(at(key, "id")), text_at(key, "remoteJid")
    if message_id is None or not jid:
        raise Malformed("Mensaje de Evolution sin identificador o sin chat")
    address = person(jid)
    if address is None:
        return Ignored(f"No es el chat de una persona: …@{one_line(jid.rpartition('@')[2], 40)}")
    own = at(key, "fromMe") is True
    aliases = _aliases(key, address, own=own)
    message = baileys.unwrapped(item.get("message"))
    if isinstance(reaction := at(message, "reactionMessage"), dict):
        target = sane_id(at(reaction, "key", "id"))
        if target is None:
            return Ignored("Reacción a nada")
        return Reaction(target, baileys.emoji(reaction), own, address, aliases)
    if isinstance(protocol := at(message, "protocolMessage"), dict):
        change = _edited(protocol)
        if isinstance(change, Edited | Deleted):
            return replace(change, own=own, address=address, aliases=aliases)
        return change
    if isinstance(at(message, "albumMessage"), dict):
        return Ignored("Anuncio de un álbum: cada foto llega aparte")
    content = baileys.content(item.get("message"), message_id)
    sent_at = moment(item.get("messageTimestamp"))
    if own:
        # API sends may come as messages.upsert too (evolution-api#1340), with the id of a linked device.
        by_us = by_api if by_api is not None else item.get("source") not in _PHONES
        return OwnMessage(
            message_id, address, content.text, by_us, content.kind, sent_at, content.media, content.details, aliases
        )
    quotes = baileys.quoted(item) or content.quotes
    push_name = one_line(item.get("pushName"), 120)
    return Inbound(
        message_id,
        address,
        content.text,
        content.kind,
        push_name,
        aliases,
        sent_at,
        content.media,
        content.details,
        quotes,
    )


def _aliases(key: Any, address: str, *, own: bool) -> tuple[str, ...]:
    """The phone of a LID or the LID of a phone: versions have told them either way round.

    Of our own messages only phones: a LID there may be ours, and nobody tells us which one that is.
    """
    others = dict.fromkeys(person(at(key, name)) for name in _OTHERS)
    return tuple(one for one in others if one and one != address and not (own and one.endswith("@lid")))


def _without(us: str | None, event: Event) -> Event:
    """An alias that is our own number ties nobody to us: versions have put it there, mostly in what we wrote."""
    if not isinstance(event, Inbound | OwnMessage | Edited | Deleted | Reaction) or not event.aliases:
        return event
    ours = isinstance(event, OwnMessage) or (not isinstance(event, Inbound) and event.own)
    aliases = () if ours and us is None else tuple(one for one in event.aliases if one != us)
    return replace(event, aliases=aliases)


def _updated(item: dict[str, Any]) -> Event:
    message_id = sane_id(item.get("keyId"))
    if message_id is None:
        raise Malformed("Estado de Evolution sin identificador de mensaje")
    if person(item.get("remoteJid")) is None:
        return Ignored("Estado de un grupo o canal")
    if item.get("fromMe") is not True:
        return Ignored("Estado de un mensaje recibido")
    # Evolution 2.3 writes DELETED for every update without a status (an edit, a vote); what was really deleted comes
    # as messages.delete.
    status = STATUSES.get(text_at(item, "status"))
    if status is None:
        return Ignored("Estado que no cambia nada")
    if status != "fallido":
        return StatusUpdate(message_id, status)
    codes = at(item, "messageStubParameters")
    code = one_line(codes[0], 40) if isinstance(codes, list) and codes else ""
    if code == "463":  # https://github.com/EvolutionAPI/evolution-api/issues/2642
        reason = "WhatsApp no deja iniciar esta conversación: la persona debe escribir primero"
        return StatusUpdate(message_id, status, reason, code)
    return StatusUpdate(message_id, status, "WhatsApp no pudo entregar el mensaje", code)


def _edited(item: dict[str, Any]) -> Event:
    """A protocolMessage: an edit, or with `REVOKE` a deletion; the rest is the phones' own business.

    Its key is in the author's own words (`fromMe` is "mine" of whoever wrote it), so that it names nobody. Where it
    comes alone, as messages.edited, it may change a person's words only.
    """
    message_id = sane_id(at(item, "key", "id"))
    if message_id is None:
        return Ignored("Aviso del protocolo de WhatsApp")
    if _elsewhere(at(item, "key")):
        return Ignored("Cambio en un grupo o canal")
    if isinstance(new := item.get("editedMessage"), dict):
        content = baileys.content(new, message_id)
        return Edited(message_id, content.text) if content.text else Ignored("Edición que no se puede mostrar")
    if item.get("type") in ("REVOKE", 0) and not isinstance(item.get("type"), bool):
        return Deleted(message_id)
    return Ignored("Aviso del protocolo de WhatsApp")


def _deleted(item: dict[str, Any]) -> Event:
    key = item["key"] if isinstance(item.get("key"), dict) else item
    message_id = sane_id(key.get("id"))
    if message_id is None:
        raise Malformed("Borrado de Evolution sin identificador de mensaje")
    if _elsewhere(key):
        return Ignored("Borrado en un grupo o canal")
    return Deleted(message_id, key.get("fromMe") is True, person(key.get("remoteJid")) or "")


def _elsewhere(key: Any) -> bool:
    """Whether `key` names a chat that is no person's; old versions name none."""
    jid = at(key, "remoteJid")
    return jid is not None and person(jid) is None


def _connection(item: dict[str, Any]) -> Event:
    if not text_at(item, "state"):
        raise Malformed("Evento de conexión de Evolution sin estado")
    return connection(item["state"], item.get("statusReason"))


def _presence(item: dict[str, Any]) -> Event:
    address, presences = person(item.get("id")), item.get("presences")
    if address is None or not isinstance(presences, dict):
        return Ignored("Presencia de un grupo")
    known = {text_at(presence, "lastKnownPresence") for presence in presences.values()}
    return Typing(address, bool(known & {"composing", "recording"}))


# https://doc.evolution-api.com/v2/en/configuration/webhooks
_EVENTS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "messages.upsert": _upserted,
    "send.message": lambda item: _upserted(item, by_api=True),
    "messages.update": _updated,
    "messages.edited": _edited,
    "messages.delete": _deleted,
    "connection.update": _connection,
    "presence.update": _presence,
}
