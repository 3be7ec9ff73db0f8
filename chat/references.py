"""Our reference, told back in a status (Cloud API): it says that the attempt left, and under which id.

Rules: docs/delivery.md, 7 and 14. It names the row, to find it, and its attempt: an older one says nothing.
"""

from __future__ import annotations

import re
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
_REFERENCE = re.compile(r"([0-9]{1,18}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def of(message: Message) -> str:
    """The reference of the attempt that `message` is claimed for."""
    return f"{message.pk}:{message.attempt}"


def row_of(reference: str) -> Message | None:
    """The row whose last attempt was given `reference`."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return None
    pk, attempt = int(found[1]), uuid.UUID(found[2])
    return Message.objects.filter(pk=pk, gateway=settings.WHATSAPP_GATEWAY, attempt=attempt).first()


def bind(conversation: Conversation, row: Message, event: StatusUpdate) -> Outcome | None:
    """Give `row`, known by its reference alone, the id of `event`; or say what the event has to wait for.

    Needs the lock. A doubtful row is settled: `settled` without `settled_by` says that evidence did it. Where a person
    decided before, their word stays and only the id is bound.
    """
    if row.state == Delivery.SENDING:
        return Outcome(State.WAITING, "Hay un envío en curso", f"conversation:{conversation.pk}")
    if row.state == Delivery.QUEUED or row.gateway_id or of(row) != event.reference:
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
