"""What the gateway's events do to conversations: `WHATSAPP_HANDLER`. Runs inside the event's own transaction."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from chat import alerts, changes, delivery, interview, presence, push_keys, references, tasks
from chat.attachments import attach
from chat.echoes import own_message
from chat.head import silenced
from chat.llm import endpoint, turns
from chat.models import Conversation, Delivery, Message, Role
from chat.people import find_contact
from chat.repeats import same_message
from chat.thread import Gap, about, known, note_activity, shown_text
from chat.wake import wake_on_commit
from tickets.identity import identify
from tickets.models import Contact, Ticket
from tickets.text import clean
from whatsapp.events import REPEATED, Outcome
from whatsapp.gateways.events import (
    ConnectionChanged,
    Deleted,
    Edited,
    Event,
    Inbound,
    NumberChanged,
    OwnMessage,
    Reaction,
    StatusUpdate,
    Typing,
)
from whatsapp.models import WebhookEvent

State = WebhookEvent.State


def handle(event: Event) -> Outcome:
    """Give one normalised event its effect, in the caller's transaction; returns what becomes of its ledger row."""
    if isinstance(event, Inbound):
        return receive(event)
    if isinstance(event, OwnMessage):
        return own_message(event)
    if isinstance(event, StatusUpdate):
        return status(event)
    if isinstance(event, Edited | Deleted | Reaction | NumberChanged):
        return changes.handle(event)
    if isinstance(event, Typing):
        return presence.person_types(event)
    if isinstance(event, ConnectionChanged) and event.connected:
        for conversation_id in delivery.release():
            wake_on_commit(tasks.drain, conversation_id)
    return Outcome(about="conexion")


def receive(event: Inbound, gap: Gap | None = None) -> Outcome:
    """A person's message: into their open ticket, else the one just closed, else a new one.

    With a `gap` it was read back after that outage, maybe one of many: the assistant answers them once.
    """
    identity = identify(event.address)
    if identity is None or not identity.sendable:
        return Outcome(State.ERROR, f"Dirección que no se entiende: {clean(event.address)[:80]}")
    contact = find_contact(identity, event.aliases, clean(event.push_name))
    conversation = contact.conversation
    if row := repeated(conversation, event):
        return Outcome(State.IGNORED, REPEATED, about=about(row))
    now = timezone.now()
    ticket = current_ticket(contact, now)
    answered = bool(ticket.asked) and interview.question_arrived(ticket)
    text = shown_text(event.kind, clean(event.text))
    marks = gap.marks(event.details) if gap else {"details": dict(event.details)}
    message = conversation.append(
        ticket,
        Role.USER,
        text,
        kind=event.kind,
        state=Delivery.RECEIVED,
        created=event.sent_at if event.sent_at and event.sent_at < now else now,
        address=identity.address,
        gateway=settings.WHATSAPP_GATEWAY,
        gateway_id=event.external_id,
        quotes=known(event.quotes).filter(conversation=conversation).first() if event.quotes else None,
        **marks,
    )
    if event.media:
        attach(message, event.media)
    conversation.heard(message.created)
    ticket.unread += 1
    ticket.waiting_since = ticket.waiting_since or (message.created if gap else now)
    note_activity(ticket, Role.USER, text, now)
    if not silenced(ticket.pk):
        # Where somebody is, and whom they know, is no answer to "¿Cuál es tu nombre?".
        said = "" if event.kind in ("location", "contact") else clean(event.text)
        if gap is None and endpoint.configured():
            turns.hear(conversation, ticket, contact, message, said, answered=answered)
        else:
            interview.assist(conversation, ticket, contact, said, answered=answered, once=gap is not None)
    ticket.save()
    if gap is None:
        alerts.announce_on_commit(ticket)
        if push_keys.configured():
            wake_on_commit(tasks.push_alert, message.pk)
    return Outcome(about=about(message))


def repeated(conversation: Conversation, event: Inbound) -> Message | None:
    """The row that `event` became when it came before."""
    return known(event.external_id).first() if event.external_id else same_message(conversation, event)


def current_ticket(contact: Contact, now: datetime) -> Ticket:
    """The ticket a message of `contact` belongs to; needs the conversation's lock, so that it is one ticket."""
    tickets = contact.tickets.select_related("contact")
    if ticket := tickets.open().first():
        return ticket
    last = tickets.order_by(models.F("resolved").desc(nulls_last=True), "-pk").first()
    if last and last.may_reopen(now):
        last.reopen()
        return last
    return Ticket.objects.create(contact=contact, name=contact.name, department=contact.department, created=now)


def status(event: StatusUpdate) -> Outcome:
    """A tick. For an id we do not know yet it waits until the id is bound, which our own reference may do."""
    row = known(event.message_id).first() or references.row_of(event.reference)
    if row is None:
        return references.unknown(event)
    conversation = Conversation.locked_of(row)
    if row.gateway_id != event.message_id and (waiting := references.bind(conversation, row, event)):
        return waiting
    if row.state == event.status:
        return Outcome(State.IGNORED, "Estado repetido", about=about(row))
    why = {}
    if event.status == "fallido":
        why = {"reason": event.reason[:300] or "WhatsApp no lo pudo entregar.", "code": event.code[:40]}
    if not row.move(conversation, event.status, **why):
        return Outcome(State.IGNORED, f"Estado atrasado: {row.state} -> {event.status}", about=about(row))
    return Outcome(about=about(row))
