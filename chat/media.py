"""Fetching the files that arrive: in tasks, one fetch at a time per row, its back-off in the row."""

from __future__ import annotations

import logging
import random
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Q
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from chat import runtime
from chat.media_pictures import thumbnail
from chat.media_store import AWAY, StorageAway, put
from chat.media_types import HEAD, PICTURES, UNKNOWN, clean_name, shown_size, type_of
from chat.models import ArrivedFile, Attachment, Conversation, Message, PredefinedMessage
from tickets.pictures import BadPicture
from whatsapp import gateways
from whatsapp.gateways.base import Fetched
from whatsapp.gateways.events import Media
from whatsapp.gateways.results import Failure

logger = logging.getLogger(__name__)
State = Attachment.State

TRIES = 8
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5, 900
# Longer than any gateway's fetch (the longest: one call of WHATSAPP_TIMEOUT_S, which is added to this, and 120 s); then
# its process is taken for dead.
AWAY_PAUSE_S = 120
LEASE = timedelta(seconds=150)
# Each holds a whole file in memory.
seats = threading.BoundedSemaphore(4)


@dataclass(frozen=True)
class Kept:
    """A file as it was judged: what its row will say."""

    mime: str
    content: bytes
    picture: bytes = b""
    width: int | None = None
    height: int | None = None
    problem: str = ""


def due(limit: int = 50) -> list[int]:
    """Files to fetch now."""
    now = Q(due=None) | Q(due__lte=timezone.now())
    return list(Attachment.objects.filter(now, state=State.WAITING).order_by("pk").values_list("pk", flat=True)[:limit])


def fetch(attachment_id: int) -> None:
    """Fetch a file and then, while there are any, the next ones. With no seat free who has one will come to it."""
    if not seats.acquire(blocking=False):
        return
    try:
        waiting = [attachment_id]
        while waiting and not runtime.stopping.is_set():
            fetch_one(waiting[0])
            waiting = due(1)
    finally:
        seats.release()


def fetch_one(attachment_id: int) -> None:
    """One try to fetch a file that is due, unless somebody else is at it."""
    row = Attachment.objects.select_related("message").filter(pk=attachment_id, state=State.WAITING).first()
    now = timezone.now()
    if row is None or (row.due and row.due > now):
        return
    if row.attempts >= TRIES:  # the last try ended with its process, maybe because of this file
        fail(row, Failure(row.problem or "La descarga se interrumpió demasiadas veces", again=False))
        return
    mine = Attachment.objects.filter(pk=row.pk, state=State.WAITING, attempts=row.attempts)
    lease = LEASE + timedelta(seconds=settings.WHATSAPP_TIMEOUT_S)
    if not mine.update(attempts=F("attempts") + 1, due=now + lease):
        return
    row.attempts += 1
    try:
        found = content_of(row)
        if isinstance(found, Fetched):
            keep(row, judge(found, row.message.kind), clean_name(found.name))
            return
    except StorageAway as error:
        put_off(row, error)
        return
    except OSError:
        logger.exception("No se pudo leer o guardar el archivo del mensaje %s", row.message_id)
        found = Failure("El servidor no pudo guardar el archivo")
    except Exception:
        logger.exception("Error interno al descargar el archivo del mensaje %s", row.message_id)
        found = Failure("Error interno al descargar")
    fail(row, found)


def content_of(row: Attachment) -> Fetched | Failure:
    """The file's bytes: as the webhook brought them, else from the gateway."""
    limit = int(settings.ADJUNTO_MAX_MB * 2**20)
    if row.size and row.size > limit:
        return Failure(
            f"Pesa {shown_size(row.size)}; aquí se descargan hasta {settings.ADJUNTO_MAX_MB:g} MB", again=False
        )
    if arrived := ArrivedFile.objects.filter(attachment=row).first():
        return Fetched(bytes(arrived.content))
    if row.file:  # stored with its webhook, by an earlier release
        with row.file.open("rb") as file:
            return Fetched(file.read())
    if row.message.gateway != settings.WHATSAPP_GATEWAY:
        return Failure("Llegó por otro gateway, que ya no está en uso", again=False)
    gateway = gateways.active()
    if "media" not in gateway.can:
        return Failure(f"{gateway.title} no entrega archivos", again=False)
    runtime.let_go_of_database()
    return gateway.fetch(Media(row.ref, row.mime, row.name, row.size), limit)


def judge(found: Fetched, kind: str) -> Kept:
    """What the file is, by its content. A picture that cannot be read is only a download."""
    mime = type_of(found.content[:HEAD], kind)
    if mime not in PICTURES:
        return Kept(mime, found.content)
    try:
        small = thumbnail(ContentFile(found.content))
    except Exception as error:  # Pillow's decoders raise almost anything for a broken file
        reason = str(error) if isinstance(error, BadPicture) else "No es una imagen que se pueda mostrar."
        return Kept(UNKNOWN, found.content, problem=reason)
    return Kept(mime, found.content, small.content, small.width, small.height)


def keep(row: Attachment, kept: Kept, name: str) -> None:
    """Store the file and its thumbnail under random names, and tell the conversation."""
    wanted: list[tuple[FieldFile, bytes]] = [] if row.file else [(row.file, kept.content)]
    if kept.picture:
        wanted.append((row.thumbnail, kept.picture))
    stored: list[FieldFile] = []
    try:
        for field, content in wanted:
            put(field, content)
            stored.append(field)
    except OSError:
        drop(stored)
        raise
    size = {"size": len(kept.content), "width": kept.width, "height": kept.height}
    files = {"file": row.file.name, "thumbnail": row.thumbnail.name or ""}
    state = {"state": State.READY, "mime": kept.mime, "problem": kept.problem[:200], "name": row.name or name}
    if not settle(row, **state, **size, **files):
        drop(stored)


def drop(stored: list[FieldFile]) -> None:
    for file in stored:
        with suppress(OSError):  # the daily look for files without a row will find it
            file.delete(save=False)


def put_off(row: Attachment, error: StorageAway) -> None:
    """The file cannot be stored now: that is no fault of its own, and was no try. Its bubble says what it waits for."""
    logger.warning("El archivo del mensaje %s espera: %s", row.message_id, error)
    later = timezone.now() + timedelta(seconds=AWAY_PAUSE_S * random.uniform(0.7, 1))  # noqa: S311
    with transaction.atomic():
        conversation = Conversation.locked(row.message.conversation_id)
        mine = Attachment.objects.filter(pk=row.pk, state=State.WAITING, attempts=row.attempts)
        moved = mine.update(attempts=row.attempts - 1, due=later, problem=AWAY)
        if moved and row.problem != AWAY:
            show(conversation, row.message)


def fail(row: Attachment, failure: Failure) -> None:
    """Try again later, unless that cannot help or was done often enough."""
    if failure.again and row.attempts < TRIES:
        pause = min(FIRST_PAUSE_S * 3 ** (row.attempts - 1), LONGEST_PAUSE_S) * random.uniform(0.7, 1)  # noqa: S311
        later = timezone.now() + timedelta(seconds=pause)
        Attachment.objects.filter(pk=row.pk, attempts=row.attempts).update(due=later, problem=failure.detail[:200])
        return
    logger.warning("Archivo sin descargar en el mensaje %s: %s", row.message_id, failure.detail)
    settle(row, state=State.FAILED, problem=failure.detail[:200])


def settle(row: Attachment, **fields: Any) -> bool:
    """End this try: write the row if the try is still ours, and let every open page see it."""
    with transaction.atomic():
        conversation = Conversation.locked(row.message.conversation_id)
        mine = Attachment.objects.filter(pk=row.pk, state=State.WAITING, attempts=row.attempts)
        moved = bool(mine.update(due=None, **fields))
        if moved:
            if fields["state"] == State.READY:
                ArrivedFile.objects.filter(attachment=row.pk).delete()
            show(conversation, row.message)
    return moved


def show(conversation: Conversation, message: Message) -> None:
    """The message looks different now. Needs the conversation's lock."""
    Message.objects.filter(pk=message.pk).update(version=conversation.bump(message.ticket_id))


def add_thumbnail(attachment_id: int) -> None:
    """The thumbnail of a picture that was sent from here; without one its page shows the picture itself."""
    row = Attachment.objects.select_related("message").filter(pk=attachment_id, thumbnail="").first()
    if row is None or row.mime not in PICTURES:
        return
    with row.file.open("rb") as file:
        kept = judge(Fetched(file.read()), row.message.kind)
    if not kept.picture:
        return
    put(row.thumbnail, kept.picture)
    row.width, row.height = kept.width, kept.height
    with transaction.atomic():
        conversation = Conversation.locked(row.message.conversation_id)
        row.save(update_fields=["thumbnail", "width", "height"])
        show(conversation, row.message)


def add_reply_thumbnail(reply_id: int) -> None:
    """The same of a predefined message's picture, unless it has another by now."""
    row = PredefinedMessage.objects.filter(pk=reply_id, thumbnail="", mime__in=PICTURES).first()
    if row is None:
        return
    with row.file.open("rb") as file:
        kept = judge(Fetched(file.read()), "image")
    if kept.picture:
        put(row.thumbnail, kept.picture)
        PredefinedMessage.objects.filter(pk=row.pk, file=row.file.name).update(thumbnail=row.thumbnail.name)
