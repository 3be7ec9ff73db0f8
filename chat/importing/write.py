"""Writing what a plan says: people, tickets and threads, many at a time. Nothing is sent and nobody is told."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from chat import times
from chat.importing.history import Line
from chat.importing.plan import Person, contacts_of, people
from chat.importing.reading import Draft, Whose
from chat.importing.threads import numbered
from chat.models import SYSTEM, Conversation, Message, Role
from chat.thread import note_activity
from tickets.models import Alias, Contact, State, Ticket

# Somebody who writes for the first time just now may be made a contact by both.
TRIES = 5
CHANGED = ("state", "resolved", "waiting_since", "first_response", "last_activity", "last_text", "last_role")


def bring(drafts: list[Draft], *, write: bool) -> list[Person]:
    """Bring these tickets, all of their people, in one transaction; returns what was done, or would be."""
    found = people(drafts, contacts_of(drafts))
    if not write or not any(person.busy for person in found):
        return found
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                conversations = locked(contacts_of(drafts))
                known = {one: conversation.contact for one, conversation in conversations.items()}
                if known != contacts_of(drafts):
                    raise IntegrityError("Alguien cambió de contacto mientras se importaba")
                found = people(drafts, known)
                save(found, {row.contact_id: row for row in conversations.values()})
                return found
        except IntegrityError:
            if not left:
                raise
    return found


def locked(contacts: dict[Whose, Contact]) -> dict[Whose, Conversation]:
    """The conversations of those who are known here, made if there are none, and locked in the order of a merge."""
    theirs = {contact.pk: contact for contact in contacts.values()}
    order = dict(Conversation.objects.filter(contact__in=theirs).values_list("contact", "pk"))
    ordered = sorted(theirs, key=lambda pk: (pk not in order, order.get(pk, pk)))
    rows = {pk: Conversation.locked_for(theirs[pk]) for pk in ordered}
    return {one: rows[contact.pk] for one, contact in contacts.items()}


def save(found: list[Person], conversations: dict[int, Conversation]) -> None:
    """Write it all. Needs the locks of `conversations` (by contact)."""
    found = [person for person in found if person.busy]
    conversations |= add_people([person for person in found if person.contact is None])
    tickets: list[Ticket] = []
    messages: list[Message] = []
    for person in found:
        contact = complete(person)
        own = {draft.number: ticket_of(draft, contact, person.closes.get(draft.number)) for draft in person.new}
        tickets += own.values()
        for ticket, lines in person.more.values():
            own[ticket.pk] = ticket
            retell(ticket, lines, person.closes.get(ticket.pk))
            ticket.save(update_fields=CHANGED)
        messages += numbered(conversations[contact.pk], own, person)
    Ticket.objects.bulk_create(tickets)
    Message.objects.bulk_create(messages)
    # At once: whatever happens to a ticket goes on from the times that it has.
    times.recompute({message.ticket_id for message in messages} | {ticket.pk for ticket in tickets})


def add_people(new: list[Person]) -> dict[int, Conversation]:
    """Contacts of their own, with the one address that the origin knows; returns their conversations."""
    for person in new:
        who, phone = person.who, person.who.address if person.who.kind == "phone" else ""
        spellings = " ".join(dict.fromkeys((who.key, who.address)))
        created = min(draft.created for draft in person.new)
        person.contact = Contact(address=who.address, known_as=phone, spellings=spellings, created=created)
    Contact.objects.bulk_create(person.contact for person in new if person.contact)
    # In one order, as Contact.add_aliases has it: who learns the same addresses waits.
    aliases = [
        Alias(
            contact=person.contact,
            kind=person.who.kind,
            key=person.who.key,
            address=person.who.address,
            first_seen=min(draft.created for draft in person.new),
            last_seen=max(draft.created for draft in person.new),
        )
        for person in sorted(new, key=lambda person: (person.who.kind, person.who.key))
    ]
    Alias.objects.bulk_create(aliases)
    for person in new:
        if person.contact:
            person.contact.note_lookalikes(person.who.key)
    rows = [Conversation(contact=person.contact) for person in new]
    return {row.contact_id: row for row in Conversation.objects.bulk_create(rows)}


def complete(person: Person) -> Contact:
    """The person's contact, who learns what they said last of themselves where the desk knows nothing."""
    contact = person.contact
    if contact is None:
        raise RuntimeError("Una persona sin contacto")
    before = contact.name, contact.department
    for draft in sorted(person.new, key=lambda draft: (draft.created, draft.number), reverse=True):
        contact.name = contact.name or draft.columns["name"]
        contact.department = contact.department or draft.columns["department"]
    if before != (contact.name, contact.department):
        contact.save(update_fields=["name", "department"])
    return contact


def ticket_of(draft: Draft, contact: Contact, closing: Line | None) -> Ticket:
    """The row of a new ticket, under the origin's number. Its times come from its thread (chat/times.py)."""
    ticket = Ticket(
        pk=draft.number,
        contact=contact,
        state=draft.state,
        created=draft.created,
        last_activity=draft.created,
        **draft.columns,
    )
    retell(ticket, draft.lines, closing)
    ticket.search_text = ticket.folded()
    return ticket


def retell(ticket: Ticket, lines: Iterable[Line], closing: Line | None) -> None:
    """What the table says of a ticket after these lines, in memory. Nothing of it is unread."""
    for line in lines:
        if line.kind == SYSTEM:
            continue
        note_activity(ticket, line.role, line.text, line.at)
        if line.role == Role.USER:
            ticket.waiting_since = ticket.waiting_since or line.at
        elif line.role == Role.TECHNICIAN:
            ticket.first_response = ticket.first_response or line.at
            ticket.waiting_since = None
    if closing or not ticket.is_open:
        ticket.change_state(State.CLOSED if closing else ticket.state, ticket.last_activity)
