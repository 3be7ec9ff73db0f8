"""The imported messages of a person: all their tickets in one thread, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter

from chat.importing.history import Line
from chat.importing.plan import GATEWAY, Person
from chat.models import NOTE, SYSTEM, Conversation, Delivery, Message, Role
from tickets.models import Ticket


def numbered(conversation: Conversation, tickets: dict[int, Ticket], person: Person) -> list[Message]:
    """The messages of a person's tickets, which go behind those of `conversation` in the order of their time."""
    rows = []
    for number, line, details in thread(person):
        conversation.seq += 1
        conversation.version += 1
        if line.kind != SYSTEM and line.role == Role.USER:
            conversation.last_inbound = max(line.at, conversation.last_inbound or line.at)
        rows.append(
            Message(
                conversation=conversation,
                ticket=tickets[number],
                seq=conversation.seq,
                version=conversation.version,
                role=line.role,
                kind=line.kind,
                text=line.text,
                created=line.at,
                key=line.key,
                state=state_of(line),
                gateway=GATEWAY,
                details=details,
            )
        )
    conversation.save(update_fields=["seq", "version", "last_inbound"])
    return rows


def thread(person: Person) -> Iterator[tuple[int, Line, dict[str, list[str]]]]:
    """All the person's lines by ticket number, in the order of time; those of one ticket stay in theirs."""
    found: list[tuple[datetime, int, Line, dict[str, list[str]]]] = []
    for draft in person.new:
        begins = min([draft.created, *(line.at for line in draft.lines[:1])])
        found.append((begins, draft.number, Line(draft.key, Role.TECHNICIAN, draft.note, begins, NOTE), draft.details))
    threads = {draft.number: draft.lines for draft in person.new}
    threads |= {number: lines for number, (_, lines) in person.more.items()}
    for number, lines in threads.items():
        clock: datetime | None = None
        for line in [*lines, *filter(None, [person.closes.get(number)])]:
            clock = max(line.at, clock or line.at)
            found.append((clock, number, line, {}))
    for _, number, line, details in sorted(found, key=itemgetter(0)):
        yield number, line, details


def state_of(line: Line) -> str:
    """Where a line is on its way: of ours the origin kept without saying whether they went out, nothing is claimed."""
    if line.kind in (NOTE, SYSTEM):
        return Delivery.INTERNAL
    return Delivery.RECEIVED if line.role == Role.USER else Delivery.IMPORTED
