"""A merge is taken back: everything that moved returns, and what came since goes to whose address it came from.

- A ticket that existed before returns to its contact; a newer one goes to the contact whose address began it.
- A message since then that came from (or went to) an address of the other contact leaves the ticket it was written in,
  for that contact's own open ticket, for the one just closed, or for a new one.
- Addresses learned since then stay with the contact who was kept: nothing says whose they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from chat import live, times
from chat.inbound import current_ticket
from chat.merging import NAMES, MergeRefused, check_rest
from chat.models import FROM_PERSON, SAID, SYSTEM, Conversation, Message, Role
from chat.thread import note_activity
from tickets.identity import identify
from tickets.models import SENDABLE, Alias, Merge, PossibleDuplicate, State, Ticket


def undo(merge_id: int, person: User) -> Merge:
    """Take the merge back. Raises MergeRefused, and then nothing is changed."""
    with transaction.atomic():
        merge = Merge.objects.select_related("kept", "absorbed").get(pk=merge_id)
        pair = Conversation.objects.filter(contact__in=[merge.kept_id, merge.absorbed_id]).order_by("pk")
        rows = {row.contact_id: row for row in pair.select_for_update()}
        merge.refresh_from_db()
        into, source = rows[merge.kept_id], rows[merge.absorbed_id]
        check(merge, into)
        Split(merge, into, source).run()
        merge.undone, merge.undone_by = timezone.now(), person
        merge.save(update_fields=["undone", "undone_by"])
        judged = {"dismissed": merge.undone, "dismissed_by": person}
        PossibleDuplicate.of(merge.kept_id).filter(
            first__in=[merge.kept_id, merge.absorbed_id], second__in=[merge.kept_id, merge.absorbed_id]
        ).update(**judged)
    return merge


def check(merge: Merge, into: Conversation) -> None:
    if merge.undone:
        raise MergeRefused("Esta combinación ya se deshizo.")
    later = Merge.objects.filter(kept=merge.kept, undone=None, pk__gt=merge.pk).first()
    later = later or Merge.objects.filter(absorbed=merge.kept, undone=None).first()
    if later:
        raise MergeRefused(f"Después hubo otra combinación ({later}): deshaz primero esa.")
    if not merge.kept.aliases.filter(pk__in=merge.details["direcciones"], kind__in=SENDABLE).exists():
        raise MergeRefused("Las direcciones que tenía ya no están: no habría a dónde escribirle.")
    if not merge.kept.aliases.exclude(pk__in=merge.details["direcciones"]).filter(kind__in=SENDABLE).exists():
        raise MergeRefused(f"{merge.kept} se quedaría sin ninguna dirección a donde escribirle.")
    check_rest(into)


class Split:
    """One contact becomes two again. `into` and `source` are locked; `sides` says whose each address is."""

    def __init__(self, merge: Merge, into: Conversation, source: Conversation) -> None:
        self.details: dict[str, Any] = merge.details
        self.since, self.into, self.source = merge.created, into, source
        self.kept, self.absorbed = merge.kept, merge.absorbed
        theirs = self.kept.aliases.filter(pk__in=self.details["direcciones"])
        self.theirs = set(theirs.values_list("key", flat=True))
        self.offset, self.moved = self.details["seq"], self.details["movidos"]

    def run(self) -> None:
        newer = self.into.messages.filter(seq__gt=self.offset + self.moved).order_by("seq")
        since = list(newer.select_related("ticket"))
        for pk in self.tickets_of_the_other(since):
            Ticket.objects.filter(pk=pk).update(contact=self.absorbed)
        self.open_again()
        self.return_aliases()
        touched = self.part_messages(since)
        self.renumber(since)
        for contact in (self.kept, self.absorbed):
            contact.refresh_aliases()
        for ticket in Ticket.objects.filter(pk__in=touched).select_related("contact"):
            retell(ticket)
        times.recompute(touched)

    def is_theirs(self, message: Message) -> bool | None:
        """Whether it came from the absorbed contact's address, or went there; None where nothing says."""
        who = identify(message.address) if message.address else None
        return who.key in self.theirs if who else None

    def tickets_of_the_other(self, since: list[Message]) -> set[int]:
        old = {*self.details["suyos"], *self.details["tickets"]}
        found = set(self.details["tickets"])
        for ticket in {message.ticket_id for message in since} - old:
            first = next(message for message in since if message.ticket_id == ticket)
            if self.is_theirs(first):
                found.add(ticket)
        return found

    def open_again(self) -> None:
        """The ticket that the merge closed, if nobody touched it and its contact has no other open one."""
        closed = self.details["cerrado"]
        if not closed:
            return
        ticket = Ticket.objects.select_related("contact").get(pk=closed["ticket"])
        at = parse_datetime(closed["cerrado"])
        if not at or ticket.state != State.CLOSED or ticket.resolved != at or ticket.contact.tickets.open().exists():
            return
        ticket.state, ticket.resolved, ticket.asked = closed["estado"], None, closed["pregunta"]
        ticket.waiting_since = parse_datetime(closed["espera"]) if closed["espera"] else None
        ticket.save()
        times.forget_closing(ticket.pk, at)

    def return_aliases(self) -> None:
        """Addresses and names as they were, except what changed since then."""
        Alias.objects.filter(pk__in=self.details["direcciones"], contact=self.kept).update(contact=self.absorbed)
        before, after = self.details["antes"], self.details["despues"]
        for name in NAMES:
            if getattr(self.kept, name) == after[name]:
                setattr(self.kept, name, before[name])
        self.kept.address = before["address"]
        for contact in (self.kept, self.absorbed):
            seen = contact.aliases.filter(kind__in=SENDABLE, last_seen__gt=self.since).order_by("-last_seen").first()
            contact.address = seen.address if seen else contact.address
        self.kept.save(update_fields=["address", *NAMES])
        self.absorbed.save(update_fields=["address"])

    def part_messages(self, since: list[Message]) -> set[int]:
        """Give each new message a ticket of its own contact; returns the tickets that lost or got one."""
        touched = set()
        homes: dict[int, Ticket] = {}
        owners = dict(Ticket.objects.filter(pk__in={row.ticket_id for row in since}).values_list("pk", "contact"))
        for message in since:
            theirs = self.is_theirs(message)
            owner = self.absorbed if theirs else self.kept
            if theirs is None or owners[message.ticket_id] == owner.pk:
                continue
            if owner.pk not in homes:
                homes[owner.pk] = current_ticket(owner, message.created)
                homes[owner.pk].save()
            touched |= {message.ticket_id, homes[owner.pk].pk}
            message.ticket = homes[owner.pk]
            Message.objects.filter(pk=message.pk).update(ticket=message.ticket)
        return touched

    def renumber(self, since: list[Message]) -> None:
        """Both threads without a number missing, and with a version that is new to every reader."""
        version = self.into.version + 1
        returning = self.into.messages.filter(seq__gt=self.offset, seq__lte=self.offset + self.moved)
        returning.update(conversation=self.source, seq=F("seq") - self.offset, version=version)
        self.into.seq, self.source.seq = self.offset, self.moved
        owners = dict(Ticket.objects.filter(pk__in={row.ticket_id for row in since}).values_list("pk", "contact"))
        for message in since:
            thread = self.source if owners[message.ticket_id] == self.absorbed.pk else self.into
            thread.seq += 1
            Message.objects.filter(pk=message.pk).update(conversation=thread, seq=thread.seq, version=version)
        Ticket.objects.filter(contact__in=[self.kept, self.absorbed]).update(renumbered=version)
        self.into.last_inbound = heard(self.into, parsed(self.details["escribio"]))
        self.source.last_inbound = heard(self.source, self.source.last_inbound)
        self.source.merged_into = None
        for thread in (self.into, self.source):
            thread.version = version
            thread.save(update_fields=["seq", "version", "last_inbound", "merged_into"])
        live.announce_on_commit("ticket", {"ticket": None, "fila": True})


def parsed(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None


def heard(conversation: Conversation, before: datetime | None) -> datetime | None:
    """When the person of this thread wrote last, from before the merge or since."""
    last = conversation.messages.filter(FROM_PERSON).order_by("-seq").first()
    return max(filter(None, [before, last.created if last else None]), default=None)


def retell(ticket: Ticket) -> None:
    """What the table shows of a ticket that lost or got messages: its last words, and who waits since when."""
    rows = list(ticket.messages.filter(SAID).order_by("seq"))
    if rows:
        note_activity(ticket, rows[-1].role, rows[-1].text, rows[-1].created)
    answered = next((row.seq for row in reversed(rows) if row.role == Role.TECHNICIAN), 0)
    waiting = [row for row in rows if row.role == Role.USER and row.kind != SYSTEM and row.seq > answered]
    ticket.waiting_since = waiting[0].created if waiting and ticket.is_open else None
    ticket.unread = min(ticket.unread or len(waiting), len(waiting))
    ticket.save()
