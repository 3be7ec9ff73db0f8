"""What happens to a message after it was shown: edited, deleted, reacted to; and a person who changed their number."""

from __future__ import annotations

from whatsapp.events import Outcome
from whatsapp.gateways.events import Deleted, Edited, NumberChanged, Reaction
from whatsapp.models import WebhookEvent

State = WebhookEvent.State


def handle(event: Edited | Deleted | Reaction | NumberChanged) -> Outcome:
    """Give the change its effect, in the event's transaction."""
    return Outcome(State.IGNORED, "Cambio de un mensaje que esta versión no muestra")
