"""WAHA's files, places and contacts, both ways: docs/gateways.md, section 2.1."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from whatsapp import wire
from whatsapp.gateways.base import Fetched, File, MediaLimit, Outgoing
from whatsapp.gateways.events import Media
from whatsapp.gateways.results import Ambiguous, Failure, Misconfigured, Unreachable
from whatsapp.gateways.shape import at, degrees, one_line, sane_id, text_at
from whatsapp.gateways.vcard import contacts

# A file may be large and WAHA far: longer than a call that sends, which holds a lease. All calls of one fetch together
# take at most twice as long, less than chat.media.LEASE.
FETCH_DEADLINE_S = 60.0
MB = 2**20

# WhatsApp's own limits, but for documents: a file travels in base64, of which we hold up to four copies at a time
# (docs/operating.md, Memory). WAHA itself takes JSON of 50 MB, which is 36 of a file (not in its manual).
LIMITS = {
    "image": MediaLimit(16 * MB, ("image/jpeg", "image/png")),
    "video": MediaLimit(16 * MB, ("video/mp4", "video/3gpp")),
    "audio": MediaLimit(16 * MB, ("audio/ogg", "audio/mpeg", "audio/mp4", "audio/aac", "audio/amr")),
    "document": MediaLimit(24 * MB),
}
# https://waha.devlike.pro/docs/how-to/send-messages/
_PATHS = {"image": "/api/sendImage", "video": "/api/sendVideo", "audio": "/api/sendVoice"}

_FILES = re.compile(r"/api/files/[\w.~@%+=:,/-]+", re.ASCII)
# A file that WAHA has not downloaded, or no longer has, is asked for by its message: "mensaje:<chat>/<id>". A reference
# is a path, a message, or "<path> <message>".
_MESSAGE = "mensaje:"
_LONGEST_REF = 1000
NOT_DOWNLOADED = "WAHA no descargó este archivo; revisa su configuración de descargas (WHATSAPP_DOWNLOAD_MEDIA)"
ELSEWHERE = "WAHA guarda sus archivos en otro servidor, del que la mesa no descarga"

Answer = wire.Response | Unreachable | Ambiguous | Misconfigured
# A path, the most bytes and the most seconds; and the same within the time of one fetch.
Get = Callable[[str, int, float], Answer]
GetInTime = Callable[[str, int], Answer]


def sending(message: Outgoing, file: File) -> tuple[str, dict[str, Any]]:
    """The path and the body's own part of the call that sends `file`."""
    data = base64.b64encode(file.read()).decode("ascii")
    body: dict[str, Any] = {"file": {"mimetype": file.mime, "filename": file.name, "data": data}}
    if file.kind == "audio":
        body["convert"] = file.mime != "audio/ogg"  # a voice note is Ogg with Opus
    else:
        body["caption"] = message.text  # also when empty: WAHA has a default of its own
    return _PATHS.get(file.kind, "/api/sendFile"), body


def media_of(content: dict[str, Any], chat: str) -> Media | None:
    """The file of a message in `chat`, or None when it has none."""
    if content.get("hasMedia") is not True:
        return None
    told = content.get("media")
    mime, name = text_at(told, "mimetype"), text_at(told, "filename")
    message_id = sane_id(at(content, "id")) or sane_id(at(content, "id", "_serialized"))
    by_message = f"{_MESSAGE}{chat}/{message_id}" if message_id else ""
    ref, problem = by_message, NOT_DOWNLOADED
    if url := text_at(told, "url"):
        ref, problem = _path(url), ELSEWHERE
        if ref and by_message and len(ref) + 1 + len(by_message) <= _LONGEST_REF:
            ref = f"{ref} {by_message}"
    return Media(ref=ref, mime=mime, name=name, problem="" if ref else problem)


def fetch(get: Get, session: str, ref: str, max_bytes: int) -> Fetched | Failure:
    """The file behind `ref`. `get` asks the configured WAHA for a path, and nobody else is ever asked."""
    ends = time.monotonic() + 2 * FETCH_DEADLINE_S

    def in_time(path: str, max_body: int) -> Answer:
        left = min(FETCH_DEADLINE_S, ends - time.monotonic())
        return get(path, max_body, left) if left > 0 else Unreachable("no terminó a tiempo")

    path, _, message = ref.rpartition(" ")
    if not message.startswith(_MESSAGE):
        path, message = ref, ""
    if path or not message:
        found = _file(in_time, Media(path), max_bytes)
        if not isinstance(found, _Gone) or not message:
            return found
    asked = _ask_for_message(in_time, session, message)
    return asked if isinstance(asked, Failure) else _file(in_time, asked, max_bytes)


class _Gone(Failure):
    """WAHA deletes a file some minutes after it told of it (WHATSAPP_FILES_LIFETIME)."""


def _file(get: GetInTime, media: Media, max_bytes: int) -> Fetched | Failure:
    """The file at the path that is the `ref` of `media`."""
    if not _path(media.ref):
        return Failure(ELSEWHERE, again=False)
    answer = get(media.ref, max_bytes)
    if isinstance(answer, wire.TooLong):
        return Failure(f"El archivo pesa más de {max_bytes // MB} MB", again=False)
    if not isinstance(answer, wire.Response):
        return Failure(f"WAHA no entregó el archivo: {answer.detail}")
    if answer.status == 404:
        return _Gone("WAHA ya no tiene este archivo", again=False)
    if not answer.ok:
        return Failure(f"WAHA no entregó el archivo: HTTP {answer.status}")
    return Fetched(answer.body, media.mime or answer.headers.get("Content-Type", ""), media.name)


def details_of(content: dict[str, Any], kind: str) -> dict[str, Any]:
    """`Inbound.details` of a place or of contacts; {} where there are none to read."""
    if kind == "contact":
        cards = content.get("vCards")
        found = [one for one in contacts(cards if isinstance(cards, list) else ()) if any(one.values())]
        return {"contactos": found} if found else {}
    if kind != "location":
        return {}
    place = content.get("location")
    latitude, longitude = degrees(at(place, "latitude"), 90), degrees(at(place, "longitude"), 180)
    if latitude is None or longitude is None:
        return {}
    first, _, rest = text_at(content, "location", "description").partition("\n")
    return {
        "latitud": latitude,
        "longitud": longitude,
        "nombre": one_line(text_at(content, "location", "name") or first),
        "direccion": one_line(text_at(content, "location", "address") or rest),
    }


def text_of(details: dict[str, Any]) -> str:
    """A line for each contact in `details`: WEBJS puts the raw card into the body."""
    lines = ([one["nombre"], ", ".join(one["telefonos"])] for one in details["contactos"])
    return "\n".join(" ".join(filter(None, line)) for line in lines)


def _ask_for_message(get: GetInTime, session: str, ref: str) -> Media | Failure:
    """Have WAHA download the file of a message now (https://waha.devlike.pro/docs/how-to/chats/)."""
    chat, _, message_id = ref.removeprefix(_MESSAGE).partition("/")
    session, where, message = (quote(part, safe="") for part in (session, chat, message_id))
    answer = get(f"/api/{session}/chats/{where}/messages/{message}?downloadMedia=true", wire.MAX_BODY)
    if not isinstance(answer, wire.Response):
        return Failure(f"WAHA no entregó el archivo: {answer.detail}")
    told = at(answer.json(), "media")
    if answer.ok and (path := _path(text_at(told, "url"))):
        return Media(path, text_at(told, "mimetype"), text_at(told, "filename"))
    if answer.ok or answer.status == 404:
        return Failure(ELSEWHERE if text_at(told, "url") else NOT_DOWNLOADED, again=False)
    return Failure(f"WAHA no entregó el archivo: HTTP {answer.status}")


def _path(url: str) -> str:
    """The path of one of WAHA's own files, whatever host it names (often localhost); "" for anything else."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    start = path.find("/api/files/")
    path = path[start:] if start >= 0 else ""
    climbs = ".." in unquote(unquote(path)) or "\\" in unquote(path)
    return path if _FILES.fullmatch(path) and len(path) < 900 and not climbs else ""
