"""The head of a conversation's queue: the one message that may be sent next. All here needs the conversation's lock."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from chat.models import ANSWERS, IS_OPEN, OPEN, Conversation, Delivery, Message, Role
from chat.outcomes import ProcessLostError, next_step
from chat.phones import logged
from tickets.prepared import Prepared

logger = logging.getLogger(__name__)

# What one claim reads: more than the assistant ever has unsent in front of a technician's first words.
LOOK_AT = 20


def concerning(conversation: int) -> QuerySet[Message]:
    """What may concern the next send, in order, locked: doubtful messages only while they hold the others."""
    concern = Q(state__in=(Delivery.QUEUED, Delivery.SENDING)) | Q(state=Delivery.DOUBTFUL, due__gt=Now())
    rows = Message.objects.select_for_update().filter(IS_OPEN, concern, conversation=conversation)
    return rows.order_by("seq")[:LOOK_AT]


open_messages = Prepared(concerning)


def give_up_abandoned(conversation: Conversation, rows: list[Message], clock: datetime) -> None:
    """A row still `enviando` after its lease ended lost its process.

    Nobody can say whether it left, unless that process never came to write: then it is one of our own crashes.
    """
    for message in [row for row in rows if row.state == Delivery.SENDING]:
        if message.tried is None:
            step = next_step(ProcessLostError(), message, clock)
            if message.move(conversation, step.to, **step.changes):
                logger.log(step.level, step.line, logged(conversation.contact.telefono))
        else:
            due = clock + timedelta(seconds=settings.ENVIO_DUDA_S)
            message.move(conversation, Delivery.DOUBTFUL, due=due, reason="El envío se interrumpió a la mitad.")


def next_message(conversation: Conversation, rows: list[Message], clock: datetime) -> Message | None:
    """The head of the queue, if it may be sent now. A doubtful head holds the rest for ENVIO_DUDA_S."""
    for message in rows:
        if message.state not in OPEN:
            continue
        if message.state == Delivery.DOUBTFUL:
            return None
        if message.role == Role.ASSISTANT and silenced(message.ticket_id):
            message.move(conversation, Delivery.DISCARDED, reason="Ya responde un técnico.")
        elif message.due and message.due > clock:
            return None
        else:
            return message
    return None


answers_of = Prepared(lambda ticket: Message.objects.filter(ANSWERS, ticket=ticket).values_list("pk")[:1])


def silenced(ticket_id: int) -> bool:
    """Whether the assistant may no longer speak in this ticket: a technician has written."""
    return bool(answers_of(ticket_id))
