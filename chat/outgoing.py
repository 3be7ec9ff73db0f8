"""What a message's row becomes on the wire, or why it can no longer be sent."""

from __future__ import annotations

from typing import Any

from chat import window
from chat.models import Conversation, Message
from whatsapp.gateways.base import Outgoing, TemplateUse
from whatsapp.gateways.results import Refused


class Unsendable(Refused):
    """Refused by ourselves: the gateway never heard of it, so that it says nothing of the session."""


def outgoing(message: Message) -> Outgoing | Unsendable:
    """The claimed `message` for the gateway. Its attempt is the reference: a doubtful one is never sent again."""
    reference = str(message.attempt)
    if not window.exists():
        return Outgoing(text=message.text, reference=reference)
    if template := message.details.get("plantilla"):
        return Outgoing(text=message.text, reference=reference, template=template_use(template))
    if window.closed(Conversation.objects.get(pk=message.conversation_id)):
        return Unsendable(window.CLOSED_BEFORE_SENDING, window.CODE)
    return Outgoing(text=message.text, reference=reference)


def template_use(template: dict[str, Any]) -> TemplateUse:
    """The template that a row's `details` name."""
    return TemplateUse(
        name=template["nombre"],
        language=template["idioma"],
        body=tuple(template["variables"]),
        header=tuple(template["encabezado"]),
    )
