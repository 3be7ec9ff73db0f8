"""Two contacts become one, because a supervisor says that they are the same person. `unmerging` takes it back.

The absorbed contact keeps its row and its empty conversation, which points to where everything went. Its messages come
after the kept one's, in their order and in one step: that is the one time a message gets another number, and each of
its tickets remembers the version at which it happened, so that whoever shows it begins anew.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chat import live
from chat.models import SAID, Conversation, Delivery, Message
from tickets.models import Alias, Contact, Merge, PossibleDuplicate, State, Ticket

OPEN = (Delivery.QUEUED, Delivery.SENDING, Delivery.DOUBTFUL)
NAMES = ("name", "push_name", "department")


class MergeRefused(Exception):
    """It cannot be done now; says why, in Spanish."""


def merge(kept: Contact, absorbed: Contact, person: User, stays_open: int | None = None) -> Merge:
    """Give everything of `absorbed` to `kept`. `stays_open` is the ticket that does where both have an open one.

    Raises MergeRefused, and then nothing is changed.
    """
    with transaction.atomic():
        into, source = locked_pair(kept, absorbed)
        kept, absorbed = (Contact.objects.get(pk=row.contact_id) for row in (into, source))
        now = timezone.now()
        details: dict[str, Any] = {
            "seq": into.seq,
            "movidos": source.seq,
            "antes": columns_of(kept),
            "escribio": into.last_inbound.isoformat() if into.last_inbound else None,
            "suyos": list(kept.tickets.values_list("pk", flat=True)),
            "tickets": list(absorbed.tickets.values_list("pk", flat=True)),
            "direcciones": list(absorbed.aliases.values_list("pk", flat=True)),
            "cerrado": close_one(kept, absorbed, stays_open),
        }
        if source.last_inbound and (not into.last_inbound or source.last_inbound > into.last_inbound):
            kept.address = absorbed.address  # where the person was seen last
        for name in NAMES:
            setattr(kept, name, getattr(kept, name) or getattr(absorbed, name))
        details["despues"] = columns_of(kept)
        kept.save(update_fields=["address", *NAMES])
        move_thread(source, into)
        Ticket.objects.filter(pk__in=details["tickets"]).update(contact=kept, renumbered=into.version)
        Alias.objects.filter(pk__in=details["direcciones"]).update(contact=kept)
        kept.refresh_aliases()
        for note in PossibleDuplicate.of(absorbed.pk).select_related("first", "second"):
            PossibleDuplicate.note(kept, note.second if note.first_id == absorbed.pk else note.first, note.reason)
        return Merge.objects.create(kept=kept, absorbed=absorbed, by=person, created=now, details=details)


def locked_pair(one: Contact, other: Contact) -> tuple[Conversation, Conversation]:
    """Both conversations, locked in one order; raises MergeRefused where either is not itself or not at rest."""
    if one.pk == other.pk:
        raise MergeRefused("Elige dos contactos distintos.")
    pks = {contact.pk: Conversation.objects.get_or_create(contact=contact)[0].pk for contact in (one, other)}
    rows = {row.contact_id: row for row in map(Conversation.locked, sorted(pks.values()))}
    for row in rows.values():
        if row.merged_into_id:
            raise MergeRefused(f"{row} ya se combinó con otro contacto.")
        check_rest(row)
    return rows[one.pk], rows[other.pk]


def check_rest(conversation: Conversation) -> None:
    """Nothing may be on its way: a message that moves while it is sent could leave twice, or for another address."""
    waiting = conversation.messages.filter(state__in=OPEN).order_by("seq").first()
    if waiting:
        words = {Delivery.QUEUED: "en cola", Delivery.SENDING: "enviándose", Delivery.DOUBTFUL: "sin confirmar"}
        raise MergeRefused(
            f"{conversation} tiene un mensaje {words[Delivery(waiting.state)]} en el ticket #{waiting.ticket_id}. "
            "Espera a que salga, o decide sobre él en el chat, y vuelve a intentarlo."
        )
    if conversation.lease_until and conversation.lease_until > timezone.now():
        raise MergeRefused(f"Se está enviando un mensaje a {conversation}. Vuelve a intentarlo en un momento.")


def close_one(kept: Contact, absorbed: Contact, stays_open: int | None) -> dict[str, Any] | None:
    """A person has one open ticket: close the one that does not stay; returns how it was, or None without two."""
    both = list(Ticket.objects.open().filter(contact__in=[kept, absorbed]).select_related("contact"))
    if len(both) < 2:
        return None
    if stays_open not in [ticket.pk for ticket in both]:
        raise MergeRefused("Los dos tienen un ticket abierto: elige cuál sigue abierto.")
    ticket = next(ticket for ticket in both if ticket.pk != stays_open)
    before = {
        "ticket": ticket.pk,
        "estado": ticket.state,
        "espera": ticket.waiting_since.isoformat() if ticket.waiting_since else None,
        "pregunta": ticket.asked,
    }
    ticket.change_state(State.CLOSED)
    ticket.save()
    return {**before, "cerrado": ticket.resolved.isoformat() if ticket.resolved else None}


def move_thread(source: Conversation, into: Conversation) -> None:
    """The messages of `source` after those of `into`. The version passes both, so that every open page asks again."""
    version = max(into.version, source.version) + 1
    source.messages.update(conversation=into, seq=F("seq") + into.seq, version=version)
    into.seq += source.seq
    into.version = source.version = version
    into.last_inbound = max(filter(None, [into.last_inbound, source.last_inbound]), default=None)
    into.save(update_fields=["seq", "version", "last_inbound"])
    live.announce_on_commit("ticket", {"ticket": None, "fila": True})
    source.seq, source.merged_into = 0, into
    source.save(update_fields=["seq", "version", "merged_into"])


def columns_of(contact: Contact) -> dict[str, str]:
    return {name: getattr(contact, name) for name in ("address", *NAMES)}


def last_words(contact: Contact, limit: int = 4) -> list[Message]:
    """The end of their thread, oldest first, for who has to judge whether it is the same person."""
    rows = Message.objects.filter(SAID, conversation__contact=contact).select_related("author").order_by("-seq")
    return list(rows[:limit])[::-1]
