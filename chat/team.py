"""Several technicians in one ticket: who is in it, mentions in notes, and handing it over."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from chat import audit, live, notes, tasks
from chat.audit_models import Act
from chat.compose import InvalidText
from chat.models import SYSTEM, Conversation, Delivery, Message, Participant, Role
from chat.wake import wake_on_commit
from tickets.access import workers
from tickets.models import Ticket
from tickets.templatetags.desk import full_name
from tickets.text import fold

MENTION = re.compile(r"(?<![\w@.])@([\w.+@-]+)")


def join(ticket: Ticket, person: User) -> None:
    """`person` hears of the ticket from now on, as its technician does."""
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        Participant.objects.get_or_create(ticket=ticket, user=person)
        conversation.bump(ticket.pk, row=True)


def leave(ticket: Ticket, person: User) -> None:
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        Participant.objects.filter(ticket=ticket, user=person).delete()
        conversation.bump(ticket.pk, row=True)


def mentioned(text: str, author: User) -> list[User]:
    """Whom `text` names: "@" and a user name, or a first name that only one of the desk has. Never its author."""
    words = {fold(word) for found in MENTION.findall(text) for word in (found, found.rstrip(".+@-"))}
    if not words:
        return []
    people = list(workers())
    firsts = [fold(one.first_name) for one in people]
    return [
        one
        for one, first in zip(people, firsts, strict=True)
        if one.pk != author.pk and (fold(one.get_username()) in words or (first in words and firsts.count(first) == 1))
    ]


def named(people: Iterable[User]) -> list[dict[str, Any]]:
    """`people` as pages show those whom a note mentions."""
    return [{"id": one.pk, "usuario": one.get_username(), "nombre": full_name(one)} for one in people]


def notify(message: Message, people: Collection[User]) -> None:
    """Tell `people` of a note or a transfer: they are in the ticket now, and it stays unseen until they open it."""
    for person in people:
        Participant.objects.update_or_create(ticket_id=message.ticket_id, user=person, defaults={"mention": message})
    if people:
        live.announce_on_commit("aviso", {"ticket": message.ticket_id}, [person.pk for person in people])
        wake_on_commit(tasks.push_mention, message.pk)


def seen(ticket_id: int, person: User) -> None:
    """What named `person` in the ticket was on their screen. One query."""
    Participant.objects.filter(user=person, ticket=ticket_id, mention__isnull=False).update(mention=None)


def transfer(ticket: Ticket, by: User, to: int, note: str = "") -> Ticket:
    """Give the ticket to the technician `to`, with a line in the thread and a note for them. Raises InvalidText.

    Whom the note mentions is told as well.
    """
    person = workers().filter(pk=to).first()
    if person is None:
        raise InvalidText("«tecnico» debe ser el id de alguien que atiende tickets.")
    others = mentioned(note, by)
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        ticket = Ticket.objects.select_related("contact", "technician").get(pk=ticket.pk)
        if ticket.technician_id == person.pk:
            raise InvalidText(f"{full_name(person)} ya atiende este ticket.")
        before = f"Antes: {full_name(ticket.technician)}. " if ticket.technician else ""
        audit.record(Act.TRANSFERRED, by, ticket, f"{before}A: {full_name(person)}")
        ticket.take(person)
        ticket.technician = person
        ticket.save()
        words = f"{full_name(by)} transfirió el ticket a {full_name(person)}"
        line = conversation.append(ticket, Role.TECHNICIAN, words, kind=SYSTEM, state=Delivery.INTERNAL, author=by)
        if note:
            details = {"menciones": named(others)} if others else {}
            said = notes.add(conversation, ticket, by, note, details=details)
            notify(said, [one for one in others if one.pk != person.pk])
        if person.pk != by.pk:
            notify(line, [person])
    return ticket


def write_note(ticket_id: int, author: User, text: str, key: uuid.UUID | None = None) -> Message:
    """A note, and those whom it mentions told. Raises KeyReused."""
    people = mentioned(text, author)
    with transaction.atomic():
        note, new = notes.write(ticket_id, author, text, key, named(people))
        if new:
            notify(note, people)
    return note
