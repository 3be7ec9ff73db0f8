"""The 24-hour window: a gateway with templates takes free text only for a day after the person's last words.

A gateway without templates has no window: nothing here says anything of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from chat.models import Conversation, Role
from whatsapp import gateways

# A minute less than Meta's day, for a send that is slow and for clocks that differ.
LENGTH = timedelta(hours=24) - timedelta(minutes=1)
# What arrived late is numbered late: the newest words are among the last so many that came.
LAST = 20
CODE = "131047"  # Meta's own for free text outside of the window
CLOSED = (
    "La ventana de 24 horas está cerrada: WhatsApp solo admite una plantilla aprobada hasta que la persona escriba. "
    "No se guardó ni se envió nada."
)
CLOSED_BEFORE_SENDING = (
    "La ventana de 24 horas se cerró antes de que saliera; usa una plantilla aprobada o espera a que escriba."
)


@dataclass(frozen=True)
class Window:
    """`closes` is None where the person never wrote."""

    closes: datetime | None

    @property
    def seconds(self) -> int:
        """How long it stays open, in whole seconds; 0 when it is closed."""
        return max(0, int((self.closes - timezone.now()).total_seconds())) if self.closes else 0

    @property
    def is_open(self) -> bool:
        return self.seconds > 0


class WindowClosed(Exception):
    """Free text cannot leave now, so that it is not queued."""

    def __init__(self, window: Window) -> None:
        super().__init__()
        self.window = window


class WindowChanged(Exception):
    """The window opened or closed since the technician looked, so that something else would be sent."""


def exists() -> bool:
    """Whether the gateway in use has a window at all."""
    return "templates" in gateways.active().can


def of(conversation: Conversation | None) -> Window | None:
    """The window of a conversation as it was read; None where the gateway has none."""
    if not exists():
        return None
    found = Window(conversation.last_inbound + LENGTH if conversation and conversation.last_inbound else None)
    if conversation is None or found.closes is None or not found.is_open:
        return found
    heard = heard_here(conversation)
    return Window(min(found.closes, heard + LENGTH) if heard else None)


def heard_here(conversation: Conversation) -> datetime | None:
    """When the person wrote last through the gateway in use: what they wrote through another opens nothing here."""
    said = conversation.messages.filter(role=Role.USER, gateway=settings.WHATSAPP_GATEWAY).order_by("-seq")
    return max(said.values_list("created", flat=True)[:LAST], default=None)


def of_contact(contact_id: int) -> Window | None:
    """The window of a contact's conversation as it is stored now."""
    if not exists():
        return None
    return of(Conversation.objects.filter(contact=contact_id).only("last_inbound").first())


def closed(conversation: Conversation) -> bool:
    """Whether free text to this conversation, as it was read, would be refused."""
    window = of(conversation)
    return window is not None and not window.is_open


def check(conversation: Conversation) -> None:
    """Raises WindowClosed. Needs the conversation's lock, so that nothing is queued that cannot leave."""
    window = of(conversation)
    if window is not None and not window.is_open:
        raise WindowClosed(window)
