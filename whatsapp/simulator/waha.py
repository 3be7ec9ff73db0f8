"""The bodies WAHA answers and announces, in the shape of its NOWEB engine. Only shapes: nothing here remembers.

Observed on a real WAHA 2024.10.8 unless said otherwise; `id` and `timestamp` of an event came with later releases.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from . import media
from .phones import Message

Body = dict[str, Any]

ENGINE = "NOWEB"
VERSION = "2026.9.1"
WORKING, STARTING, STOPPED, SCAN_QR_CODE = "WORKING", "STARTING", "STOPPED", "SCAN_QR_CODE"
ME: Body = {"id": "5214770000000@c.us", "pushName": "Soporte TI"}
ACK_NAMES = {0: "PENDING", 1: "SERVER", 2: "DEVICE", 3: "READ"}
_ULID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def error(status: int, message: str | list[str], name: str) -> Body:
    """Out: the body of a NestJS exception."""
    return {"statusCode": status, "message": message, "error": name}


def not_expected_status(session: str, status: str) -> Body:
    """Out: the refusal of a session that exists and is not connected (422)."""
    return {
        "error": "Session status is not as expected. Try again later or restart the session",
        "session": session,
        "status": status,
        "expected": [WORKING],
    }


def no_session(session: str) -> Body:
    """Out: the refusal of a session that was never started, or was stopped (404)."""
    return error(
        404,
        f"We didn't find a session with name '{session}'.\n"
        f"Please start it first by using POST /api/sessions/{session}/start request",
        "Not Found",
    )


def server_error(path: str, body: Mapping[str, object], text: str) -> Body:
    """Out: what WAHA's AllExceptionsFilter answers (500); it repeats the request to whoever made it."""
    return {
        "statusCode": 500,
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "exception": {"name": "Error", "message": text, "stack": f"Error: {text}\n    at simulador"},
        "request": {"path": path, "method": "POST", "body": dict(body), "query": {}},
        "version": {"version": VERSION, "engine": ENGINE, "tier": "CORE", "browser": None},
    }


def session_info(session: str, status: str, webhook_url: str) -> Body:
    """Out: one session, as `GET /api/sessions/{s}` and its start, stop and restart answer it."""
    webhooks = [{"url": webhook_url, "events": ["message.any", "message.ack", "session.status"]}]
    return {
        "name": session,
        "status": status,
        "config": {"metadata": {}, "webhooks": webhooks if webhook_url else []},
        "me": ME if status == WORKING else None,
        "engine": {} if status == STOPPED else {"engine": ENGINE},
    }


def message(item: Message, name: str, session: str = "default", media_fault: str = "") -> Body:
    """In: a message and the push name of the phone. Out: WAMessage.

    NOWEB puts the chat in `from` whoever wrote, and leaves `to` empty outside groups; the id says it too.
    """
    key = {"remoteJid": item.chat_id.replace("@c.us", "@s.whatsapp.net"), "fromMe": item.from_me, "id": item.bare_id}
    return {
        "id": item.id,
        "timestamp": int(item.at),
        "from": item.chat_id,
        "fromMe": item.from_me,
        "source": "api" if item.from_me else "app",
        "to": None,
        "participant": None,
        "body": item.text,
        "ack": item.ack if item.from_me else 2,
        "ackName": ACK_NAMES[item.ack if item.from_me else 2],
        **media.told(item.extra, session, media_fault),
        "replyTo": {"id": item.reply_to} if item.reply_to else None,
        "_data": {
            "key": key,
            "messageTimestamp": int(item.at),
            "pushName": ME["pushName"] if item.from_me else name,
            "message": media.protocol_message(item.extra, item.text),
        },
    }


def ack(item: Message, level: int) -> Body:
    """Out: the payload of `message.ack`."""
    return {
        "id": item.id,
        "from": item.chat_id,
        "to": None,
        "participant": None,
        "fromMe": item.from_me,
        "ack": level,
        "ackName": ACK_NAMES[level],
    }


def event(name: str, session: str, payload: Body) -> Body:
    """Out: the whole body of one webhook."""
    now = int(time.time() * 1000)
    return {
        "id": f"evt_{_ulid(now)}",
        "timestamp": now,
        "event": name,
        "session": session,
        "metadata": {},
        "me": ME,
        "payload": payload,
        "environment": {"version": VERSION, "engine": ENGINE, "tier": "CORE", "browser": None},
        "engine": ENGINE,
    }


def _ulid(milliseconds: int) -> str:
    number = (milliseconds << 80) | secrets.randbits(80)
    return "".join(_ULID_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
