"""What a message's row becomes on the wire, or why it can no longer be sent."""

from __future__ import annotations

from chat import references, signing, templates_use, window
from chat.media_types import FILE_KINDS, UNKNOWN, shown_name
from chat.models import Attachment, Conversation, Message
from chat.thread import caption_of
from whatsapp import gateways
from whatsapp.gateways.base import File, Outgoing, seconds_for
from whatsapp.gateways.results import Refused


class Unsendable(Refused):
    """Refused by ourselves: the gateway never heard of it, so that it says nothing of the session."""


def extra_s(message: Message) -> float:
    """How much longer than a text the message may take."""
    if message.kind not in FILE_KINDS:
        return 0
    sizes = Attachment.objects.filter(message=message).values_list("size", flat=True)
    return seconds_for(sizes.first() or 0)


def outgoing(message: Message) -> Outgoing | Unsendable:
    """The claimed `message` for the gateway, or why it cannot be sent any more."""
    reference = references.of(message)
    if message.kind in FILE_KINDS:
        return with_file(message, reference)
    text = signing.prefix(message.details) + message.text
    if not window.exists():
        return Outgoing(text=text, reference=reference)
    if template := message.details.get("plantilla"):
        return Outgoing(text=message.text, reference=reference, template=templates_use.use_of(template))
    if window.closed(Conversation.objects.get(pk=message.conversation_id)):
        return Unsendable(window.CLOSED_BEFORE_SENDING, window.CODE)
    return Outgoing(text=text, reference=reference)


def with_file(message: Message, reference: str) -> Outgoing | Unsendable:
    """A message that is a file, its caption as text."""
    gateway = gateways.active()
    if "media" not in gateway.can:
        return Unsendable(f"{gateway.title} no envía archivos", "sin_archivos")
    if window.closed(Conversation.objects.get(pk=message.conversation_id)):
        return Unsendable(window.CLOSED_BEFORE_SENDING, window.CODE)
    row = Attachment.objects.filter(message=message).first()
    if row is None or not row.file or not row.file.storage.exists(str(row.file.name)):
        return Unsendable("El archivo ya no está en el servidor", "sin_archivo")
    stored, path = row.file.storage, str(row.file.name)

    def read() -> bytes:
        with stored.open(path, "rb") as file:
            content: bytes = file.read()
            return content

    name = shown_name(row.name, message.kind, row.mime, message.seq)
    file = File(message.kind, row.mime or UNKNOWN, name, row.size or 0, read)
    text = signing.prefix(message.details) + caption_of(message.kind, message.text)
    return Outgoing(text=text, reference=reference, file=file)
