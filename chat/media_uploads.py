"""A technician's file on its way in: judged by its content and the gateway's limits before anything is saved."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from chat import runtime
from chat.media_types import HEAD, UNKNOWN, clean_name, random_name, shown_size, type_of
from chat.models import Attachment
from whatsapp import gateways
from whatsapp.gateways.base import MediaLimit

MAX_CAPTION = 1024
# What a form may hold besides its file.
FORM_BYTES = 64 * 1024
MB = 2**20
WORDS = {
    "image": ("imágenes", "esta"),
    "video": ("videos", "este"),
    "audio": ("audios", "este"),
    "document": ("documentos", "este"),
}


class RefusedFile(ValueError):
    """The file cannot be sent; the message says why, in Spanish."""


@dataclass(frozen=True)
class Upload:
    """A file that was taken and stored, and has no row yet. `digest` tells a repeat under the same key."""

    path: str
    kind: str
    mime: str
    name: str
    size: int
    digest: str


def largest() -> int:
    """The bytes of the largest file that may be sent now; 0 when the gateway takes none."""
    gateway = gateways.active()
    limits = [limit.max_bytes for limit in gateway.limits.values()] if "media" in gateway.can else []
    return min(max(limits, default=0), int(settings.ADJUNTO_MAX_MB * MB))


def offered() -> dict[str, Any] | None:
    """What a page may offer to send, by kind; None when the gateway takes no files."""
    most = largest()
    if not most:
        return None
    limits = gateways.active().limits
    kinds = {kind: {"bytes": min(limit.max_bytes, most), "tipos": limit.mimes} for kind, limit in limits.items()}
    return {"leyenda": MAX_CAPTION, "tipos": kinds}


def judge(file: File[Any], caption: str) -> tuple[str, str, str]:
    """The name, type and kind that `file` would be sent under with `caption`; raises RefusedFile."""
    file.seek(0)
    name, mime = clean_name(file.name or ""), type_of(file.read(HEAD))
    if mime == UNKNOWN:  # a text has nothing to know it by; it is never shown in a page
        mime = mimetypes.guess_type(name)[0] or UNKNOWN
    return name, mime, checked(mime, file.size or 0, caption)


def take(file: File[Any], caption: str) -> Upload:
    """Judge `file` and store it under a random name; raises RefusedFile, and then nothing is stored."""
    name, mime, kind = judge(file, caption)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    path = default_storage.save(f"{timezone.now():adjuntos/%Y/%m}/{random_name()}", file)
    return Upload(path, kind, mime, name, file.size or 0, f"sha256:{digest.hexdigest()}")


def checked(mime: str, size: int, caption: str) -> str:
    """The kind of message that such a file is sent as; raises RefusedFile."""
    gateway, most = gateways.active(), largest()
    if not most:
        raise RefusedFile(f"{gateway.title} no envía archivos.")
    if not size:
        raise RefusedFile("El archivo está vacío.")
    kind = kind_of(mime, caption, gateway.limits)
    limit = gateway.limits.get(kind)
    if limit is None or (limit.mimes and mime not in limit.mimes):
        raise RefusedFile(f"WhatsApp no acepta archivos de este tipo ({mime}).")
    if size > limit.max_bytes:
        many, this = WORDS.get(kind, ("archivos", "este"))
        accepts = f"WhatsApp acepta {many} de hasta {shown_size(limit.max_bytes)}"
        raise RefusedFile(f"{accepts}; {this} pesa {shown_size(size)}.")
    if size > most:
        raise RefusedFile(f"Aquí se aceptan archivos de hasta {shown_size(most)}; este pesa {shown_size(size)}.")
    return kind


def kind_of(mime: str, caption: str, limits: Mapping[str, MediaLimit]) -> str:
    """image, video or audio where the gateway takes that type as one, else document, which may hold anything."""
    family = mime.partition("/")[0]
    limit = limits.get(family)
    if limit is None or (limit.mimes and mime not in limit.mimes) or (family == "audio" and caption):
        return "document"  # an audio has no caption in WhatsApp, and the words must not be lost
    return family


def drop_unused(upload: Upload) -> None:
    """Delete the stored file if no row came of it; what is left when the database is away takes only room."""
    with suppress(DatabaseError):
        if not Attachment.objects.filter(file=upload.path).exists():
            default_storage.delete(upload.path)


class ToDisk(TemporaryFileUploadHandler):
    """Writes a file to disk as it comes, and no more of it than may be sent."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.left = most + 1

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        """Called before the first byte of a form is read: how long the rest takes is up to who sends it."""
        runtime.let_go_of_database()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.left -= len(raw_data)
        if self.left <= 0:
            raise RequestDataTooBig(too_large())
        super().receive_data_chunk(raw_data, start)


def too_large() -> str:
    return f"El archivo es demasiado grande: se aceptan hasta {shown_size(largest())}."


def room_for(request: HttpRequest) -> bool:
    """Have the body go to the disk as it is read, which it was not yet; False when its length is too much already."""
    most, length = largest(), request.META.get("CONTENT_LENGTH") or "0"
    request.upload_handlers = [ToDisk(most or FORM_BYTES)]
    return not (most and length.isdecimal() and int(length) > most + FORM_BYTES)


def streamed(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Have the body of `view` go to the disk; a length that is too much is refused before a byte is read."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not room_for(request):
            return JsonResponse({"detail": too_large(), "status": "archivo_demasiado_grande"}, status=413)
        return view(request, *args, **kwargs)

    return wrapped
