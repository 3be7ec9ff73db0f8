"""What a message's row becomes on the wire, or why it can no longer be sent."""

from __future__ import annotations

from chat.models import Message
from whatsapp.gateways.base import Outgoing
from whatsapp.gateways.results import Refused


def outgoing(message: Message) -> Outgoing | Refused:
    """The claimed `message` for the gateway. Its attempt is the reference: a doubtful one is never sent again."""
    return Outgoing(text=message.text, reference=str(message.attempt))
