"""What of a person's tickets is new to the desk, and which one stays open. Nothing is written here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from chat.importing.history import Line
from chat.importing.reading import Draft, Whose, note_key
from chat.importing.source import in_chunks
from chat.models import SYSTEM, Message, Role
from tickets.identity import Identity
from tickets.models import OPEN_STATES, Alias, Contact, Ticket

GATEWAY = "importado"  # what brought these messages here; no gateway in use is called so
TAKEN = "El número ya es de otro ticket de aquí: no se importó."
HANDLED = "Ya se atiende aquí: sus líneas nuevas del origen no se trajeron."


@dataclass
class Person:
    """Everything to do for one person. `contact` is None for who is not known here yet."""

    contact: Contact | None
    who: Identity  # as they were seen last
    is_new: bool
    new: list[Draft] = field(default_factory=list)
    # Tickets that are here already and change, with what the origin added since (maybe nothing).
    more: dict[int, tuple[Ticket, list[Line]]] = field(default_factory=dict)
    # What closes because another ticket of theirs is open, by number: new ones, and one that is here.
    closes: dict[int, Line] = field(default_factory=dict)
    same: list[Draft] = field(default_factory=list)  # here already, with nothing to add
    left: dict[int, str] = field(default_factory=dict)  # number -> why it was left out

    @property
    def busy(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.new or self.more)


@dataclass(frozen=True)
class Here:
    """The tickets of the desk that a batch may be about, and what is known of them."""

    tickets: dict[int, Ticket]
    keys: dict[int, set[UUID | None]]
    marks: dict[int, Any]
    handled: set[int]  # the desk wrote in them, or a technician has them

    def ours(self, draft: Draft) -> bool:
        """Whether the desk's ticket of that number came from this row."""
        return self.marks.get(draft.number) == draft.mark

    def untouched(self, ticket: Ticket) -> bool:
        """Whether nobody has done anything here with this ticket since it was imported."""
        return ticket.pk in self.marks and ticket.pk not in self.handled

    def open_of(self, contact: Contact) -> Ticket | None:
        return next((row for row in self.tickets.values() if row.is_open and row.contact_id == contact.pk), None)


def contacts_of(drafts: Iterable[Draft]) -> dict[Whose, Contact]:
    """Who of these people is known here."""
    keys = list({draft.who.key for draft in drafts})
    found: dict[Whose, Contact] = {}
    for start in range(0, len(keys), 500):
        for alias in Alias.objects.filter(key__in=keys[start : start + 500]).select_related("contact"):
            found[alias.kind, alias.key] = alias.contact
    return {draft.whose: found[draft.whose] for draft in drafts if draft.whose in found}


def what_is_here(drafts: list[Draft], contacts: Iterable[Contact]) -> Here:
    """The tickets of these numbers, and the open ones of these contacts."""
    tickets: dict[int, Ticket] = {}
    for chunk in in_chunks(draft.number for draft in drafts):
        tickets |= {row.pk: row for row in Ticket.objects.filter(pk__in=chunk).select_related("contact")}
    for chunk in in_chunks({contact.pk for contact in contacts}):
        open_here = Ticket.objects.open().filter(contact__in=chunk).select_related("contact")
        tickets |= {row.pk: row for row in open_here}
    keys: defaultdict[int, set[UUID | None]] = defaultdict(set)
    handled = {pk for pk, row in tickets.items() if row.technician_id}
    for chunk in in_chunks(tickets):
        rows = Message.objects.filter(ticket__in=chunk).order_by().values_list("ticket", "key", "gateway")
        for ticket, key, gateway in rows:
            keys[ticket].add(key)
            if gateway != GATEWAY:
                handled.add(ticket)
    return Here(tickets, keys, marks_of(tickets), handled)


def marks_of(numbers: Iterable[int]) -> dict[int, Any]:
    """Of these tickets those that were imported, and from which row each."""
    found: dict[int, Any] = {}
    for chunk in in_chunks(numbers):
        notes = Message.objects.filter(ticket__in=chunk, gateway=GATEWAY, key__in=map(note_key, chunk)).order_by()
        found |= {number: details.get("origen") for number, details in notes.values_list("ticket", "details")}
    return found


def people(drafts: list[Draft], contacts: dict[Whose, Contact]) -> list[Person]:
    """What to do for each person of these tickets."""
    here = what_is_here(drafts, contacts.values())
    theirs: dict[object, list[Draft]] = defaultdict(list)
    for draft in drafts:
        contact = contacts.get(draft.whose)
        theirs[contact.pk if contact else draft.whose].append(draft)
    return [sort_out(own, contacts.get(own[0].whose), here) for own in theirs.values()]


def sort_out(drafts: list[Draft], contact: Contact | None, here: Here) -> Person:
    last = max(drafts, key=lambda draft: (draft.created, draft.number))
    person = Person(contact, last.who, contact is None)
    for draft in drafts:
        ticket = here.tickets.get(draft.number)
        if ticket is None:
            person.new.append(draft)
        elif not here.ours(draft):
            person.left[draft.number] = TAKEN
        elif not (lines := [line for line in draft.lines if line.key not in here.keys[draft.number]]):
            person.same.append(draft)
        elif here.untouched(ticket) and contact and ticket.contact_id == contact.pk:
            person.more[ticket.pk] = ticket, lines
        else:
            person.left[draft.number] = HANDLED
    keep_one_open(person, here)
    return person


def keep_one_open(person: Person, here: Here) -> None:
    """The newest open ticket stays open, or the one that the desk works on; the others say which one does."""
    candidates = [draft for draft in person.new if draft.state in OPEN_STATES]
    if not candidates:
        return
    newest = max(candidates, key=lambda draft: (draft.created, draft.number))
    stays = newest.number
    if person.contact and (present := here.open_of(person.contact)):
        if not here.untouched(present) or (present.created, present.pk) > (newest.created, newest.number):
            stays = present.pk
        else:
            _, lines = person.more.setdefault(present.pk, (present, []))
            person.closes[present.pk] = closing_line(stays, lines[-1].at if lines else present.last_activity)
    for draft in candidates:
        if draft.number != stays:
            last = draft.lines[-1].at if draft.lines else draft.created
            person.closes[draft.number] = closing_line(stays, last)


def closing_line(stays: int, at: datetime) -> Line:
    return Line(
        None, Role.TECHNICIAN, f"Se cerró al importar: esta persona tiene abierto el ticket #{stays}.", at, SYSTEM
    )
