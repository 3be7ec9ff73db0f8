"""Files of messages: what arrived, until it is fetched, and what is sent."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from chat import tasks
from chat.media import show
from chat.media_types import INLINE, PICTURES, claimed_type, clean_name, shown_name
from chat.media_uploads import Upload
from chat.models import ArrivedFile, Attachment, Conversation, Message
from chat.wake import wake_on_commit
from whatsapp.gateways.events import Media

State = Attachment.State
COLUMNS = (
    "message__ticket_id",
    "message__seq",
    "message__kind",
    "state",
    "mime",
    "name",
    "size",
    "thumbnail",
    "width",
    "height",
    "problem",
    "ref",
    "file",
    "arrived",
)


def attach(message: Message, media: Media) -> Attachment:
    """Remember the file that arrived with `message`, to be fetched. What the webhook carried is stored at once."""
    there = media.content is not None
    row = Attachment(
        message=message,
        ref=media.ref,
        mime=claimed_type(media.mime),
        name=clean_name(media.name),
        size=media.size,
        state=State.WAITING if media.ref or there else State.FAILED,
        problem=media.problem[:200],
    )
    if media.content is not None:
        row.size = len(media.content)
    row.save()
    if media.content is not None:
        ArrivedFile.objects.create(attachment=row, content=media.content)
    if row.state == State.WAITING:
        wake_on_commit(tasks.fetch_file, row.pk)
    return row


def attach_upload(message: Message, upload: Upload) -> None:
    """`message` sends the stored `upload`."""
    row = Attachment.objects.create(
        message=message,
        state=State.READY,
        file=upload.path,
        **{name: getattr(upload, name) for name in ("mime", "name", "size", "digest")},
    )
    wake_on_commit(tasks.add_thumbnail, row.pk)


def same_file(message: Message, upload: Upload | None) -> bool:
    """Whether `message` sends just this file (or none, as is asked)."""
    digest = Attachment.objects.filter(message=message).values_list("digest", flat=True).first()
    return digest == (upload.digest if upload else None)


def copy_file(old: Message, new: Message) -> None:
    """`new` sends the file of `old` again, when it has one."""
    if row := Attachment.objects.filter(message=old).first():
        row.pk, row.message = None, new
        row._state.adding = True
        row.save()
        if row.mime in PICTURES and not row.thumbnail:
            wake_on_commit(tasks.add_thumbnail, row.pk)


def fetch_again(row: Attachment) -> bool:
    """A person wants one more round of tries for a file that could not be fetched; returns whether there will be."""
    with transaction.atomic():
        conversation = Conversation.locked(row.message.conversation_id)
        failed = Attachment.objects.filter(pk=row.pk, state=State.FAILED).exclude(ref="", file="", arrived=None)
        moved = bool(failed.update(state=State.WAITING, due=None, problem="", attempts=0))
        if moved:
            show(conversation, row.message)
            wake_on_commit(tasks.fetch_file, row.pk)
    return moved


def entries(messages: QuerySet[Message]) -> dict[int, dict[str, Any]]:
    """The `adjunto` of each of `messages` that has a file, by its seq; they are all of one conversation."""
    found = {}
    for row in Attachment.objects.filter(message__in=messages).values_list(*COLUMNS):
        ticket, seq, kind, state, mime, name, size, thumbnail, width, height, problem, ref, file, arrived = row
        path = f"/ticket/{ticket}/mensaje/{seq}"
        ready = state == State.READY
        found[seq] = {
            "estado": state,
            "tipo": mime,
            "nombre": shown_name(name, kind, mime, seq),
            "bytes": size,
            "url": f"{path}/archivo" if ready else None,
            "miniatura": f"{path}/miniatura" if ready and thumbnail else None,
            "en_linea": ready and mime in INLINE,
            "ancho": width,
            "alto": height,
            "problema": problem,
            "reintentable": state == State.FAILED and bool(ref or file or arrived),
        }
    return found
