"""WAHA's webhooks, normalised. Shapes differ by engine (NOWEB, WEBJS, GOWS) and by year: see docs/gateways.md 2.4."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Literal

from whatsapp.gateways import waha_changes, waha_media
from whatsapp.gateways.base import Malformed
from whatsapp.gateways.events import ConnectionChanged, Event, Ignored, Inbound, OwnMessage, StatusUpdate
from whatsapp.gateways.shape import at, moment, one_line, person, text_at
from whatsapp.gateways.waha_ids import aliases_of, bare_id, chat_in_id

# https://waha.devlike.pro/docs/how-to/sessions/: all but WORKING cannot send.
_STATES = {
    "STOPPED": "La sesión de WhatsApp está detenida",
    "STARTING": "La sesión de WhatsApp está iniciando",
    "SCAN_QR_CODE": "Falta escanear el código QR de WhatsApp",
    "WORKING": "WhatsApp conectado",
    "FAILED": "La sesión de WhatsApp falló",
    "PASSKEY_REQUIRED": "WhatsApp pide confirmar la llave de acceso en el teléfono",
    "PASSKEY_CONFIRMATION_REQUIRED": "WhatsApp pide confirmar la llave de acceso en el teléfono",
}

# https://waha.devlike.pro/docs/how-to/events/#messageack: PENDING (0) says nothing that we do not know.
_ACKS: dict[int, Literal["enviado", "entregado", "leido", "fallido"]] = {
    -1: "fallido",
    1: "enviado",
    2: "entregado",
    3: "leido",
    4: "leido",  # played
}

# What WEBJS calls the kinds in `_data.type`, and NOWEB and GOWS in the keys of the protocol's own message.
_KINDS = {
    "image": "image",
    "video": "video",
    "gif": "video",
    "audio": "audio",
    "ptt": "audio",
    "document": "document",
    "sticker": "sticker",
    "location": "location",
    "vcard": "contact",
    "multi_vcard": "contact",
    "imageMessage": "image",
    "videoMessage": "video",
    "ptvMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "documentWithCaptionMessage": "document",
    "stickerMessage": "sticker",
    "locationMessage": "location",
    "liveLocationMessage": "location",
    "contactMessage": "contact",
    "contactsArrayMessage": "contact",
}

_PUSH_NAMES = (("_data", "pushName"), ("_data", "notifyName"), ("_data", "Info", "PushName"))


def parse(payload: Any, session: str) -> list[Event]:
    """The events of one webhook of `session`; another session's are ignored. Raises Malformed."""
    event = text_at(payload, "event")
    if not event:
        raise Malformed("No es un evento de WAHA: falta «event»")
    if at(payload, "session") != session:
        return [Ignored(f"Evento de otra sesión de WAHA: {one_line(at(payload, 'session'), 60)}")]
    read = _EVENTS.get(event)
    if read is None:
        return [Ignored(f"Evento de WAHA sin uso aquí: {one_line(event, 60)}")]
    content = at(payload, "payload")
    if not isinstance(content, dict):
        raise Malformed(f"Evento «{event}» de WAHA sin contenido")
    return [read(content)]


def messages(found: list[Any]) -> list[OwnMessage | Inbound]:
    """The messages of a chat read back; what cannot be read is left out."""
    messages: list[OwnMessage | Inbound] = []
    for item in found:
        with contextlib.suppress(Malformed):
            event = _message(item) if isinstance(item, dict) else None
            if isinstance(event, OwnMessage | Inbound):
                messages.append(event)
    return messages


def connection(status: Any) -> ConnectionChanged:
    """What a session's status means; one that we do not know cannot send."""
    name = one_line(status, 60)
    return ConnectionChanged(name == "WORKING", _STATES.get(name, f"Estado de WhatsApp desconocido: {name}"))


def _message(content: dict[str, Any]) -> Event:
    message_id = bare_id(content.get("id"))
    if message_id is None:
        raise Malformed("Mensaje de WAHA sin identificador")
    in_id, sender, to = chat_in_id(content.get("id")), text_at(content, "from"), text_at(content, "to")
    own = content.get("fromMe") is True
    # NOWEB and GOWS put the chat in `from` of our own messages too and leave `to` empty; WEBJS puts us there.
    chat = (in_id or to or sender) if own else (sender or in_id)
    if not chat:
        raise Malformed("Mensaje de WAHA sin remitente")
    address = person(chat)
    if address is None or (in_id and person(in_id) is None):
        return Ignored(f"No es el chat de una persona: …@{one_line(chat.rpartition('@')[2], 40)}")
    if notice := waha_changes.notice(content, address):
        return notice
    kind = _kind(content)
    details = waha_media.details_of(content, kind)
    text = text_at(content, "body")
    if kind == "location":
        text = _location(content)
    elif details:
        text = waha_media.text_of(details)
    media = waha_media.media_of(content, chat)
    sent_at = moment(content.get("timestamp"))
    aliases = aliases_of(content, address, own=own)
    if own:
        by_api = content.get("source") == "api"
        return OwnMessage(message_id, address, text, by_api, kind, sent_at, media, details, aliases)
    push_name = next((name for path in _PUSH_NAMES if (name := text_at(content, *path))), "")
    quotes = bare_id(at(content, "replyTo", "id"))
    return Inbound(message_id, address, text, kind, push_name, aliases, sent_at, media, details, quotes)


def _kind(content: dict[str, Any]) -> str:
    if isinstance(content.get("location"), dict):
        return "location"
    if content.get("vCards") and isinstance(content["vCards"], list):
        return "contact"
    data = content.get("_data")
    hints = [at(data, "type"), *(at(data, "message") or at(data, "Message") or ())]
    for hint in hints:
        if isinstance(hint, str) and hint in _KINDS:
            return _KINDS[hint]
    if content.get("hasMedia") is True:
        family = text_at(content, "media", "mimetype").partition("/")[0]
        if not family:
            return "unknown"
        return family if family in ("image", "audio", "video") else "document"
    return "text" if text_at(content, "body") else "unknown"


def _location(content: dict[str, Any]) -> str:
    """The place's name and coordinates: WEBJS fills the body of a location with a picture."""
    latitude, longitude = at(content, "location", "latitude"), at(content, "location", "longitude")
    where = f"{latitude}, {longitude}" if latitude and longitude else ""
    return "\n".join(line for line in (text_at(content, "location", "description"), one_line(where, 60)) if line)


def _ack(content: dict[str, Any]) -> Event:
    message_id = bare_id(content.get("id"))
    if message_id is None:
        raise Malformed("Confirmación de WAHA sin identificador de mensaje")
    in_id = chat_in_id(content.get("id"))
    if in_id and person(in_id) is None:
        return Ignored("Confirmación de un grupo o canal")
    # Engines disagree about `fromMe` here, so only a message that both call somebody else's is not ours.
    if text_at(content, "id").startswith("false_") and content.get("fromMe") is False:
        return Ignored("Confirmación de un mensaje recibido")
    ack = content.get("ack")
    status = _ACKS.get(ack) if isinstance(ack, int) and not isinstance(ack, bool) else None
    if status is None:
        return Ignored("Confirmación que no cambia nada")
    return StatusUpdate(message_id, status, "WhatsApp no pudo entregar el mensaje" if status == "fallido" else "")


def _session_status(content: dict[str, Any]) -> Event:
    if not text_at(content, "status"):
        raise Malformed("Evento de sesión de WAHA sin estado")
    return connection(content["status"])


# https://waha.devlike.pro/docs/how-to/events/
_EVENTS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "message": _message,
    "message.any": _message,  # the same and our own; both may be subscribed, and the message id is the same
    "message.ack": _ack,
    "message.edited": waha_changes.edited,
    "message.revoked": waha_changes.revoked,
    "message.reaction": waha_changes.reaction,
    "presence.update": waha_changes.presence,
    "session.status": _session_status,
}
