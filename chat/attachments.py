"""Files of messages: what arrived, until it is fetched, and what is sent."""

from __future__ import annotations

from chat.models import Attachment, Message
from whatsapp.gateways.events import Media


def attach(message: Message, media: Media) -> Attachment:
    """Remember the file that arrived with `message`, to be fetched."""
    state = Attachment.State.WAITING if media.ref or media.content else Attachment.State.FAILED
    return Attachment.objects.create(
        message=message,
        ref=media.ref,
        mime=media.mime[:100],
        name=media.name[:200],
        size=media.size,
        state=state,
        problem=media.problem[:200],
    )
