"""What happens to a message after it was shown: edited, deleted, reacted to; and a person who changed their number."""

from __future__ import annotations

from typing import Any

from django.db.models import Max
from django.utils import timezone

from chat import people, signing
from chat.models import SAID, SYSTEM, Conversation, Delivery, Message, Role
from chat.thread import about, excerpt, known, shown_text
from tickets.identity import identify, show
from tickets.models import Ticket
from tickets.text import clean
from whatsapp.events import Outcome
from whatsapp.gateways.events import Deleted, Edited, NumberChanged, Reaction
from whatsapp.models import WebhookEvent

State = WebhookEvent.State
DELETED = "🚫 Mensaje eliminado"


def handle(event: Edited | Deleted | Reaction | NumberChanged) -> Outcome:
    """Give the change its effect, in the event's transaction; one of an unknown message waits for it."""
    if isinstance(event, NumberChanged):
        return number_changed(event)
    row = known(event.message_id).first()
    if row is None:
        return Outcome(State.WAITING, "Aún no conocemos ese mensaje", f"message:{event.message_id}")
    if not event.address:
        conversation = Conversation.locked_of(row)
    elif (found := conversation_of(event, row)) is None:
        return Outcome(State.IGNORED, "Cambio de un mensaje de otro chat")
    else:
        conversation = found
    if not isinstance(event, Reaction) and (row.role == Role.USER) == event.own:
        return Outcome(State.IGNORED, "Cambio de un mensaje que escribió otro", about=about(row))
    fields = news(event, row)
    if not fields:
        return Outcome(State.IGNORED, "Cambio repetido o atrasado", about=about(row))
    version = conversation.bump(row.ticket_id, row=True)
    Message.objects.filter(pk=row.pk).update(version=version, **fields)
    if not isinstance(event, Reaction):
        Message.objects.filter(quotes=row).update(version=version)  # they show its words
        retell(row, DELETED if isinstance(event, Deleted) else fields["text"])
    return Outcome(about=about(row))


def conversation_of(event: Edited | Deleted | Reaction, row: Message) -> Conversation | None:
    """The conversation of `row`, locked, when it is with whom `event` came from; None: it is somebody else's."""
    identity = identify(event.address)
    contact = identity and people.find_known(identity, event.aliases)
    if not contact:
        return None
    row.refresh_from_db()  # a merge may have moved it before we had the lock
    return contact.conversation if row.conversation_id == contact.conversation.pk else None


def news(event: Edited | Deleted | Reaction, row: Message) -> dict[str, Any]:
    """What `event` changes in `row`; nothing when it was told before, or comes after the message was deleted."""
    if isinstance(event, Reaction):
        name, emoji = "own_reaction" if event.own else "reaction", clean(event.emoji)[:40]
        return {} if getattr(row, name) == emoji else {name: emoji}
    if row.deleted:
        return {}
    if isinstance(event, Deleted):
        return {"deleted": timezone.now()}
    text = shown_text(row.kind, signing.without(clean(event.text), row))
    if text == row.text:
        return {}
    return {"text": text, "edited": timezone.now(), "original": row.original if row.edited else row.text}


def retell(row: Message, text: str) -> None:
    """What the ticket's row in the table says, when it speaks of `row`."""
    if Message.objects.filter(SAID, ticket=row.ticket_id).aggregate(last=Max("seq"))["last"] == row.seq:
        Ticket.objects.filter(pk=row.ticket_id).update(last_text=excerpt(text))


def number_changed(event: NumberChanged) -> Outcome:
    """The same person at another number: the contact learns it, and the thread says so once."""
    contact = people.learn_number(event.old, event.new)
    old, new = identify(event.old), identify(event.new)
    ticket = contact and contact.tickets.order_by("-last_activity").first()
    if not contact or not ticket or not old or not new:
        return Outcome(State.IGNORED, "Cambio de número de quien no conocemos")
    conversation = Conversation.locked_for(contact)
    text = f"Cambió de número: de {show(old.address)} a {show(new.address)}"
    last = conversation.messages.filter(kind=SYSTEM, role=Role.USER).order_by("-seq").first()
    if last and last.text == text:
        return Outcome(State.IGNORED, "Cambio de número repetido", about=about(last))
    return Outcome(about=about(conversation.append(ticket, Role.USER, text, kind=SYSTEM, state=Delivery.RECEIVED)))
