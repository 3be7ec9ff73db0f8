"""What Evolution's answers to a send mean: docs/gateways.md, section 3. What is not proof is Ambiguous."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
)
from whatsapp.gateways.shape import at, one_line, person, sane_id, text_at
from whatsapp.wire import Response

# Thrown by the look-up of the number or by the upload of a file, which both come before the send.
_BEFORE_THE_SEND = ("Connection Closed", "onWhatsApp")
_OUR_MISTAKES = ("Owned media must be a url or base64", "For base64 the file name must be informed")
_BASE64 = re.compile(rb'"base64"\s*:\s*"([^"\\]*)"')


def file_of(answer: Response) -> tuple[Any, bytes | None]:
    """The JSON of an answer with a file, less the file; and the file, or None when there is none to read.

    The file is decoded where it stands in the body: the JSON decoder would copy it twice more.
    """
    match = _BASE64.search(answer.body)
    if match is None:
        return answer.json(), None
    start, end = match.span(1)
    told = replace(answer, body=answer.body[:start] + answer.body[end:]).json()
    if at(told, "base64") != "":
        return told, None
    try:
        return told, binascii.a2b_base64(memoryview(answer.body)[start:end], strict_mode=True) or None
    except ValueError:
        return told, None


def accepted(answer: Response) -> Accepted | Ambiguous:
    """The id is `key.id`; `key.remoteJid` is the number that Evolution really wrote to."""
    key = at(answer.json(), "key")
    if message_id := sane_id(at(key, "id")):
        return Accepted(message_id, person(at(key, "remoteJid")))
    return Ambiguous(f"Evolution contestó HTTP {answer.status} sin identificador del mensaje")


def refusal(answer: Response, is_open: Callable[[], bool]) -> Result:
    """What an error answer to a send means; `is_open` asks whether the session can send now.

    Evolution wraps the send *and* the work after it (its database, S3, the webhook) in one try, which throws
    everything as 400: a 400 is no proof that nothing was sent. What it throws before the send has status 500, or is
    the library's own error object.
    """
    body, status = answer.json(), answer.status
    items = list(flat(at(body, "response", "message")))
    words = [item for item in items if isinstance(item, str)]
    told = one_line("; ".join(words)) or "sin explicación"
    if mistaken := misconfigured(answer):
        return mistaken
    if status == 429:
        return RateLimited("session", answer.retry_after)
    if status == 400:
        if any(at(item, "exists") is False for item in items):
            return Refused("Este número no está en WhatsApp", "exists:false")
        if any(word.startswith(("instance requires property", "instance.")) for word in words if _nested(body)):
            return Refused(f"Evolution no acepta el mensaje: {told}", "400")
        if any(word.startswith(_OUR_MISTAKES) for word in words):
            return Refused(f"Evolution no acepta el archivo: {told}", "400")
        if text_at(body, "error") == "Internal Server Error" and " in JSON at position" in told:
            return Refused(f"Evolution no entendió el mensaje: {told}", "400")
    boom = text_at(body, "output", "payload", "message") if at(body, "isBoom") is True else ""
    before = boom or ("; ".join(words) if status == 500 else "")
    if any(sign in before for sign in _BEFORE_THE_SEND) and not is_open():
        return Disconnected(f"La sesión de WhatsApp está desconectada: {one_line(before, 100)}")
    return Ambiguous(f"Evolution contestó HTTP {status}: {one_line(boom) or told}")


def misconfigured(answer: Response) -> Misconfigured | None:
    """The setting that an answer says is wrong, if it does. The instance is looked for before the key."""
    words = [item for item in flat(at(answer.json(), "response", "message")) if isinstance(item, str)]
    if answer.status in (401, 403):
        return Misconfigured("EVOLUTION_API_KEY", f"Evolution rechazó la llave (HTTP {answer.status})")
    if answer.status != 404:
        return None
    if any("instance does not exist" in word for word in words):
        return Misconfigured("EVOLUTION_INSTANCE", one_line(words[0]))
    if any(word.startswith(("Cannot GET ", "Cannot POST ")) for word in words):
        return Misconfigured("EVOLUTION_URL", f"ahí no está la API de Evolution: {one_line(words[0], 100)}")
    return None


def flat(message: Any) -> Iterator[Any]:
    """What is in `response.message`, which is a text, a list, or a list of lists."""
    stack = [message]
    for _ in range(1000):
        if not stack:
            return
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(reversed(item[:100]))
        elif item is not None:
            yield item


def _nested(body: Any) -> bool:
    """Whether the messages are a list of lists, as only the check of the request's schema writes them."""
    message = at(body, "response", "message")
    return isinstance(message, list) and any(isinstance(item, list) for item in message)
