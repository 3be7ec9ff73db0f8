"""What people decide: over a doubtful message, and over a ticket's state and technician."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat import attachments, audit, window
from chat.audit_models import Act
from chat.compose import reopen
from chat.models import Conversation, Delivery, Message, Role
from chat.thread import technician_spoke
from tickets.models import OPEN_STATES, Ticket
from tickets.templatetags.desk import full_name

ARRIVED, RESEND, DISCARD = "ya_llego", "reenviar", "descartar"
LABELS = {ARRIVED: "Ya llegó", RESEND: "Reenviar", DISCARD: "Descartar"}
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
        audit.record(Act.DECIDED, person, ticket, f"Mensaje {seq} ({message.get_state_display()}): {LABELS[decision]}")
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
    return change(ticket, technician=person, by=person)


def change(
    ticket: Ticket, *, state: str | None = None, technician: User | None = None, by: User | None = None
) -> Ticket:
    """Change a ticket's state or technician, so that every open page sees it. Raises OtherTicketOpen.

    `by` is who is recorded for it; the administration records its own changes.
    """
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        ticket = Ticket.objects.select_related("contact", "technician").get(pk=ticket.pk)
        if by:
            note_change(ticket, state, technician, by)
        if state in OPEN_STATES and not ticket.is_open:
            reopen(ticket)
            ticket.wait_again()
        if technician:
            ticket.take(technician)
            ticket.technician = technician
        if state:
            ticket.change_state(state)
        ticket.save()
        conversation.bump(ticket.pk, row=True)
    return ticket


def note_change(ticket: Ticket, state: str | None, technician: User | None, by: User) -> None:
    """Record what is about to change; nothing, when it is so already."""
    if technician and ticket.technician_id != technician.pk:
        before = f"Antes: {full_name(ticket.technician)}" if ticket.technician else ""
        audit.record(Act.TOOK, by, ticket, before)
    if state and ticket.state != state:
        audit.record(Act.STATE, by, ticket, f"{ticket.state} → {state}")
