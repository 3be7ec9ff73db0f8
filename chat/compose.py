"""A technician writes: validated, ordered and committed before anybody is told. See docs/delivery.md, rule 2."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat import attachments, presence, signing, tasks, window
from chat.media_uploads import MAX_CAPTION, Upload
from chat.models import FROM_PERSON, NOTE, Conversation, Delivery, Message, PredefinedMessage, ReplyUse, Role
from chat.thread import caption_of, technician_spoke
from chat.wake import hint
from tickets.access import find_ticket
from tickets.models import Ticket

MAX_TEXT = 4096


class InvalidText(ValueError):
    """The text cannot be sent; the message says why, in Spanish."""


class KeyReused(Exception):
    """The idempotency key already names another text."""


class NewMessages(Exception):
    """The person wrote after what the technician had on screen."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__()
        self.messages = messages


class SomebodyWrites(Exception):
    """Colleagues are about to answer, too."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names


class OtherTicketOpen(Exception):
    """The contact has another open ticket, so that this closed one cannot be reopened."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self.ticket = ticket


class AlreadyNotified(Exception):
    """The same notice already went out for this ticket."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message


@dataclass(frozen=True)
class Draft:
    """What a technician wants sent. `key` makes repeats harmless; `seen` is the last seq they had on screen.

    `template` is what `text` is made of when it is one (chat/templates_use.py); `used` is the predefined message that
    it was made of, which is only counted.
    """

    text: str
    key: uuid.UUID | None = None
    seen: int | None = None
    force: bool = False
    used: int | None = None
    notice: PredefinedMessage | None = None
    template: dict[str, Any] | None = None
    file: Upload | None = None


def check_text(text: Any) -> str:
    """`text` as it may be sent; raises InvalidText."""
    if not isinstance(text, str):
        raise InvalidText("«mensaje» debe ser un texto.")
    if not text.strip():
        raise InvalidText("El mensaje está vacío.")
    if len(text) > MAX_TEXT:
        raise InvalidText(f"El mensaje tiene {len(text)} caracteres; WhatsApp acepta hasta {MAX_TEXT}.")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidText("El mensaje contiene caracteres que WhatsApp no acepta.")
    return text


def write(ticket_id: int, author: User, draft: Draft) -> tuple[Message, bool]:
    """Put a technician's message at the end of the queue; returns its row and whether it is new.

    Raises one of EXPECTED, and then nothing is written.
    """
    contact = find_ticket.get(ticket_id).contact
    # Before the lock: the cache may take its time. A program, which shows nobody a screen, is asked only for notices.
    asked = (draft.seen is not None or draft.notice is not None) and not draft.force
    writing = presence.writers(ticket_id, author.pk) if asked else []
    with transaction.atomic():
        conversation = Conversation.locked_for(contact)
        ticket = find_ticket.get(ticket_id)
        if draft.key and (known := ticket.messages.filter(key=draft.key).first()):
            same = known.said == draft.text and attachments.same_file(known, draft.file)
            if known.kind == NOTE or not (same or same_notice(known, draft)):
                raise KeyReused
            return known, False
        if not draft.force:
            check_seen(ticket, draft)
            check_notice(ticket, draft)
        if writing:
            raise SomebodyWrites(writing)
        if draft.template is None:
            window.check(conversation)
        kind = draft.file.kind if draft.file else "text"
        details = {"plantilla": draft.template} if draft.template else signed(author, kind, draft.text)
        reopen(ticket)
        message = conversation.append(
            ticket,
            Role.TECHNICIAN,
            draft.text,
            kind=kind,
            author=author,
            key=draft.key,
            notice=draft.notice,
            details=details,
        )
        if draft.file:
            attachments.attach_upload(message, draft.file)
        technician_spoke(conversation, ticket, draft.text, timezone.now())
        if draft.seen is not None:
            left = unread_after(ticket, draft.seen)
            tell_read(ticket, draft.seen, ticket.unread - left)
            ticket.unread = left
        ticket.save()
        if draft.used is not None:
            count_use(author, draft.used)
    return message, True


def signed(author: User, kind: str, text: str) -> dict[str, Any]:
    """The name that a message goes out with, as its row keeps it; raises InvalidText when both are too long."""
    details = signing.details_for(author, kind, text)
    most = MAX_TEXT if kind == "text" else MAX_CAPTION
    over = len(signing.prefix(details)) + len(caption_of(kind, text)) - most
    if details and over > 0:
        raise InvalidText(f"Con tu nombre delante sobran {over} caracteres: WhatsApp acepta hasta {most}.")
    return details


def same_notice(known: Message, draft: Draft) -> bool:
    """Whether both are one notice: its words differ as time goes by, or as the 24-hour window closes."""
    return draft.notice is not None and known.notice_id == draft.notice.pk


def check_seen(ticket: Ticket, draft: Draft) -> None:
    if draft.seen is not None:
        unseen = list(ticket.messages.filter(FROM_PERSON, seq__gt=draft.seen).order_by("seq")[:50])
        if unseen:
            raise NewMessages(unseen)


def check_notice(ticket: Ticket, draft: Draft) -> None:
    if draft.notice and (sent := last_notice(ticket, draft.notice)):
        raise AlreadyNotified(sent)


def last_notice(ticket: Ticket, notice: PredefinedMessage) -> Message | None:
    """The latest message of this notice that was, or may yet be, sent for `ticket`."""
    gone = (Delivery.FAILED, Delivery.DISCARDED)
    return ticket.messages.filter(notice=notice).exclude(state__in=gone).order_by("-seq").first()


def reopen(ticket: Ticket) -> None:
    """Writing in a closed ticket reopens it, in memory; raises OtherTicketOpen."""
    if ticket.is_open:
        return
    if other := Ticket.objects.open().filter(contact=ticket.contact).first():
        raise OtherTicketOpen(other)
    ticket.reopen()


def unread_after(ticket: Ticket, seq: int) -> int:
    return ticket.messages.filter(FROM_PERSON, seq__gt=seq).count()


def mark_read(ticket_id: int, seq: int) -> None:
    """The person's messages up to `seq` were on a technician's screen."""
    ticket = Ticket.objects.select_related("contact").get(pk=ticket_id)
    if not ticket.unread:
        return
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        left = unread_after(ticket, seq)
        if Ticket.objects.filter(pk=ticket_id).exclude(unread=left).update(unread=left):
            conversation.bump(ticket_id, row=True)
            tell_read(ticket, seq, ticket.unread - left)


def count_use(author: User, reply: int) -> None:
    """Once all is saved, and whatever comes of it: a reply that is gone meanwhile stops no message."""

    def count() -> None:
        ReplyUse.note(author, reply)

    transaction.on_commit(count, robust=True)


def tell_read(ticket: Ticket, seq: int, count: int) -> None:
    """The person's last `count` messages up to `seq` were on the screen: tell them, where that is wanted."""

    def tell() -> None:
        hint(tasks.mark_read, ticket.pk, seq, count)

    if settings.LEIDO_EN_WHATSAPP and count > 0:
        transaction.on_commit(tell, robust=True)


# What `write` raises on purpose: the caller explains it; anything else is a bug.
EXPECTED = (
    InvalidText,
    KeyReused,
    NewMessages,
    SomebodyWrites,
    OtherTicketOpen,
    AlreadyNotified,
    window.WindowClosed,
)
