"""What people decide: over a doubtful message, and over a ticket's state and technician."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat import attachments, window
from chat.compose import reopen
from chat.models import Conversation, Delivery, Message, Role
from chat.thread import technician_spoke
from tickets.models import OPEN_STATES, Ticket

ARRIVED, RESEND, DISCARD = "ya_llego", "reenviar", "descartar"
# Which decisions make sense in which state of a message.
ALLOWED = {
    Delivery.DOUBTFUL: {ARRIVED, RESEND, DISCARD},
    Delivery.QUEUED: {DISCARD},
    Delivery.FAILED: {RESEND},
}


class TooLate(Exception):
    """The message moved on meanwhile, so that the decision no longer applies."""


def decide(ticket: Ticket, seq: int, decision: str, person: User) -> Message:
    """Apply a person's decision to message `seq`; returns the message that matters now (the new one of a resend).

    Raises Message.DoesNotExist, TooLate and WindowClosed. Who and when are stored.
    """
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        message = Message.objects.get(ticket=ticket, seq=seq, role__in=[Role.TECHNICIAN, Role.ASSISTANT])
        if decision not in ALLOWED.get(Delivery(message.state), set()):
            raise TooLate
        by = {"settled_by": person, "settled": timezone.now(), "due": None}
        if decision == ARRIVED:
            message.move(conversation, Delivery.SENT, sent=message.tried, reason="", **by)
            return message
        if decision == RESEND:
            return resend(conversation, ticket, message, person)
        message.move(conversation, Delivery.DISCARDED, reason="", **by)
        return message


def resend(conversation: Conversation, ticket: Ticket, message: Message, person: User) -> Message:
    """A new row at the end that names the old one; the old one is discarded, since it is replaced."""
    ticket = Ticket.objects.select_related("contact").get(pk=ticket.pk)
    if not message.details.get("plantilla"):
        window.check(conversation)
    reopen(ticket)
    if message.state == Delivery.DOUBTFUL:
        message.move(
            conversation, Delivery.DISCARDED, reason="Reenviado.", due=None, settled_by=person, settled=timezone.now()
        )
    elif message.resent_as.exists():
        raise TooLate
    new = conversation.append(
        ticket,
        Role.TECHNICIAN,
        message.text,
        author=person,
        resends=message,
        notice=message.notice,
        details=message.details,
        kind=message.kind,
    )
    attachments.copy_file(message, new)
    technician_spoke(conversation, ticket, message.text, timezone.now())
    ticket.save()
    return new


def take(ticket: Ticket, person: User) -> Ticket:
    """`person` takes the ticket: theirs, and in progress if it was pending."""
    return change(ticket, technician=person)


def change(ticket: Ticket, *, state: str | None = None, technician: User | None = None) -> Ticket:
    """Change a ticket's state or technician, so that every open page sees it. Raises OtherTicketOpen."""
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        ticket = Ticket.objects.select_related("contact", "technician").get(pk=ticket.pk)
        if state in OPEN_STATES:
            reopen(ticket)
        if technician:
            ticket.take(technician)
            ticket.technician = technician
        if state:
            ticket.change_state(state)
        ticket.save()
        conversation.bump(ticket.pk, row=True)
    return ticket
