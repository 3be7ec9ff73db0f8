"""What every writer of the thread shares: what a bubble says, and what the ticket's row shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from chat.models import IS_OPEN, Conversation, Delivery, Message, Role
from tickets.models import Ticket
from tickets.prepared import Prepared

KINDS = {
    "image": "📷 Imagen",
    "audio": "🎤 Audio",
    "video": "🎬 Video",
    "document": "📄 Documento",
    "sticker": "🏷️ Sticker",
    "location": "📍 Ubicación",
    "contact": "👤 Contacto",
}
UNKNOWN_KIND = "❔ Mensaje que esta versión no puede mostrar; pídele que lo escriba"


@dataclass(frozen=True)
class Gap:
    """An outage, from when to when: what the gateway remembers of it is read back after it."""

    start: datetime
    end: datetime

    def marks(self, details: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of a recovered message that tell of it."""
        corte = [self.start.isoformat(), self.end.isoformat()]
        return {"recovered": timezone.now(), "details": {**details, "corte": corte}}


def about(message: Message) -> str:
    """How the ledger names the message that an event became or changed."""
    return f"mensaje:{message.pk}"


def shown_text(kind: str, text: str) -> str:
    """What the bubble says: the text itself, or a visible placeholder with the caption. Never silence."""
    if kind == "text":
        return text or "(mensaje vacío)"
    return f"{KINDS.get(kind, UNKNOWN_KIND)}{f': {text}' if text else ''}"


def caption_of(kind: str, text: str) -> str:
    """What `shown_text` was made of."""
    return text if kind == "text" else text.removeprefix(KINDS.get(kind, UNKNOWN_KIND)).removeprefix(": ")


def note_activity(ticket: Ticket, role: str, text: str, now: datetime) -> None:
    ticket.last_activity, ticket.last_role = now, role
    ticket.last_text = excerpt(text)


def excerpt(text: str) -> str:
    """What the ticket's row in the table shows of a message."""
    return " ".join(text.split())[:160]


unsaid_by_assistant: Prepared[Message] = Prepared(
    lambda thread, ticket: Message.objects.filter(
        IS_OPEN, conversation=thread, ticket=ticket, role=Role.ASSISTANT, state=Delivery.QUEUED
    ).order_by("seq")
)


def silence_assistant(conversation: Conversation, ticket: Ticket) -> None:
    """Discard what the assistant had not yet said: a technician speaks now. Needs the lock; the caller saves."""
    ticket.asked = ""
    for queued in unsaid_by_assistant(conversation.pk, ticket.pk):
        queued.move(conversation, Delivery.DISCARDED, reason="Ya responde un técnico.")


def known(gateway_id: str) -> QuerySet[Message]:
    return Message.objects.filter(gateway=settings.WHATSAPP_GATEWAY, gateway_id=gateway_id)


def technician_spoke(conversation: Conversation, ticket: Ticket, text: str, now: datetime) -> None:
    """What a technician's words do to the ticket, wherever they were written. Needs the lock; the caller saves."""
    silence_assistant(conversation, ticket)
    ticket.first_response = ticket.first_response or now
    ticket.waiting_since = None
    note_activity(ticket, Role.TECHNICIAN, text, now)
