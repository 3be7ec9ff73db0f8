"""Our reference, told back in a status (Cloud API): it says that the attempt left, and under which id.

Rules: docs/delivery.md, 7 and 14. The reference is the row's `attempt`, so that an older attempt's says nothing of it.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.utils import timezone

from chat import tasks
from chat.models import Conversation, Delivery, Message
from chat.wake import wake_on_commit
from whatsapp.events import Outcome
from whatsapp.gateways.events import StatusUpdate
from whatsapp.models import WebhookEvent

State = WebhookEvent.State


def row_of(reference: str) -> Message | None:
    """The row whose last attempt was given `reference`."""
    try:
        attempt = uuid.UUID(reference)
    except ValueError:
        return None
    return Message.objects.filter(gateway=settings.WHATSAPP_GATEWAY, attempt=attempt).first()


def bind(conversation: Conversation, row: Message, event: StatusUpdate) -> Outcome | None:
    """Give `row`, known by its reference alone, the id of `event`; or say what the event has to wait for.

    Needs the lock. A doubtful row is settled: `settled` without `settled_by` says that evidence did it. Where a person
    decided before, their word stays and only the id is bound.
    """
    if row.state == Delivery.SENDING:
        return Outcome(State.WAITING, "Hay un envío en curso", f"conversation:{conversation.pk}")
    if row.state == Delivery.QUEUED or row.gateway_id or str(row.attempt) != event.reference:
        return unknown(event)
    row.gateway_id = event.message_id
    if row.state == Delivery.DOUBTFUL:
        row.settled = timezone.now()
        row.sent = None if event.status == "fallido" else row.settled
        row.due, row.reason = None, ""
        wake_on_commit(tasks.drain, conversation.pk)
    row.save(update_fields=["gateway_id", "settled", "sent", "due", "reason"])
    wake_on_commit(tasks.wake_waiting, f"message:{event.message_id}")
    return None


def unknown(event: StatusUpdate) -> Outcome:
    return Outcome(State.WAITING, "Aún no conocemos ese mensaje", f"message:{event.message_id}")
