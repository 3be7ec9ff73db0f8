"""Repeats of messages whose gateway tells no ids (the bridge): known by what they say and by what came between.

The bridge sends a message again when we did not answer in time, after 2 s, 4 s, and then every 2 minutes; nothing in it
says so. A person may also say the same thing twice. What settles it: who says it twice has had an answer, or has said
something else in between. In doubt it is a new message, because a lost one is worse than one that is shown twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from chat.models import FROM_PERSON, Conversation, Message, Role
from whatsapp.gateways.events import Inbound

WINDOW = timedelta(minutes=10)
# Nobody reads our message and answers it in less; the five requests of a moment arrive within it.
FASTEST_ANSWER = timedelta(seconds=1)


def same_message(conversation: Conversation, event: Inbound) -> Message | None:
    """The person's message that `event` repeats, or None. Needs the conversation's lock.

    It may have come before `event` or after it: an event that was stored just before we died is handled late.
    """
    fingerprint, came = event.details.get("huella"), event.sent_at
    if not fingerprint or came is None:
        return None
    equal = conversation.messages.filter(
        role=Role.USER, details__huella=fingerprint, created__gte=came - WINDOW, created__lte=came + WINDOW
    )
    for message in equal.order_by("-seq")[:20]:
        first, second = sorted((message.created, came))
        if not something_between(message, first, second):
            return message
    return None


def something_between(message: Message, first: datetime, second: datetime) -> bool:
    """Whether the person said something else, or could have read something of ours, between two equal messages."""
    others = Message.objects.filter(conversation=message.conversation_id).exclude(pk=message.pk)
    theirs = FROM_PERSON & Q(created__gt=first, created__lt=second)
    readable = second - FASTEST_ANSWER
    ours = ~Q(role=Role.USER) & (Q(sent__gt=first, sent__lt=readable) | Q(tried__gt=first, tried__lt=readable))
    return others.filter(theirs | ours).exists()
