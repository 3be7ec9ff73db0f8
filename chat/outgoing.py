"""What a message's row becomes on the wire, or why it can no longer be sent."""

from __future__ import annotations

from chat import templates_use, window
from chat.models import Conversation, Message
from whatsapp.gateways.base import Outgoing
from whatsapp.gateways.results import Refused


class Unsendable(Refused):
    """Refused by ourselves: the gateway never heard of it, so that it says nothing of the session."""


def outgoing(message: Message) -> Outgoing | Unsendable:
    """The claimed `message` for the gateway. Its attempt is the reference: a doubtful one is never sent again."""
    reference = str(message.attempt)
    if not window.exists():
        return Outgoing(text=message.text, reference=reference)
    if template := message.details.get("plantilla"):
        return Outgoing(text=message.text, reference=reference, template=templates_use.use_of(template))
    if window.closed(Conversation.objects.get(pk=message.conversation_id)):
        return Unsendable(window.CLOSED_BEFORE_SENDING, window.CODE)
    return Outgoing(text=message.text, reference=reference)
