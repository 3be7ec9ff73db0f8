"""What Evolution's webhooks are kept as: under which id a repeat is recognised, and without its secrets."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from typing import Any, Literal

from whatsapp.gateways.shape import at, sane_id, text_at

_NAME = re.compile(r"[a-z.]{1,40}")
_STATE = re.compile(r"[a-z]{1,20}")
# The instance's token is in every body; and whoever scans a QR code links their own phone to our session.
_SECRETS = frozenset({"apikey", "qrcode"})
_DEEPEST = 60

# https://github.com/EvolutionAPI/evolution-api/blob/2.3.6/src/utils/renderStatus.ts: PENDING says nothing new.
STATUSES: dict[str, Literal["enviado", "entregado", "leido", "fallido"]] = {
    "ERROR": "fallido",
    "SERVER_ACK": "enviado",
    "DELIVERY_ACK": "entregado",
    "READ": "leido",
    "PLAYED": "leido",
}


def event_name(payload: Any) -> str:
    """The event in the form "messages.upsert", however this version writes it."""
    return text_at(payload, "event").lower().replace("_", ".").replace("-", ".")


def external_id(body: bytes, payload: Any, instance: str) -> str:
    """The id of a webhook: what it is about, else a hash without what changes when it is sent again.

    A session that is down repeats itself up to 35 times a second, so an unchanged state is news once a minute. That
    it is open (or closed for good) is always news: a swallowed one would stop the queue, or keep it running.
    """
    name = event_name(payload)
    event, data = (name if _NAME.fullmatch(name) else "?"), at(payload, "data")
    if at(payload, "instance") == instance:
        if event in ("messages.upsert", "send.message", "messages.delete"):
            if message_id := sane_id(at(data, "key", "id")) or sane_id(at(data, "id")):
                return f"{event}:{message_id}"
        elif event == "messages.update":
            message_id, status = sane_id(at(data, "keyId")), text_at(data, "status")
            if message_id and status in STATUSES:
                return f"{event}:{message_id}:{status}"
        elif event in ("connection.update", "qrcode.updated"):
            state = text_at(data, "state") or "qr"
            if state not in ("open", "close"):
                return f"{event}:{state if _STATE.fullmatch(state) else '?'}:{int(time.time() // 60)}"
            return f"{event}:{state}:{uuid.uuid4().hex}"
        elif event in ("status.instance", "logout.instance", "remove.instance"):
            return f"{event}:{uuid.uuid4().hex}"
        elif event == "presence.update":
            return f"{event}:{_hash(body, payload)}:{int(time.time() // 10)}"
    return f"{event}:{_hash(body, payload)}"


def clean(payload: Any, depth: int = 0) -> Any:
    """`payload` without Evolution's own API key and QR codes, wherever they are."""
    if depth > _DEEPEST:
        return None
    if isinstance(payload, dict):
        return {key: clean(value, depth + 1) for key, value in payload.items() if key.lower() not in _SECRETS}
    if isinstance(payload, list):
        return [clean(item, depth + 1) for item in payload]
    return payload


def _hash(body: bytes, payload: Any) -> str:
    try:
        told = {key: at(payload, key) for key in ("event", "instance", "data")}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    except RecursionError:
        return hashlib.sha256(body).hexdigest()
