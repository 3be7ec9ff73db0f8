"""Who wrote: the contact behind the addresses that a gateway tells. Here two contacts are flagged, never merged."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from chat.models import Conversation
from tickets.identity import Identity, identify
from tickets.models import SENDABLE, Alias, Contact, PossibleDuplicate

Reason = PossibleDuplicate.Reason
# Somebody else may make the contact, learn an address of it or merge it while we look.
TRIES = 5


def find_contact(identity: Identity, aliases: Iterable[str], push_name: str) -> Contact:
    """The contact of `identity`, or of another address the payload told beside it, or a new one.

    Their conversation is locked, and is `contact.conversation`. They learn all the addresses that nobody else has, and
    what they were seen as last is what they are sent to. Needs a transaction.
    """
    told = addresses(identity, aliases)
    for _ in range(TRIES):
        contact = owner(told) or make(told, push_name)
        if contact and (known := learn(contact, told)):
            news = {"address": identity.address, **({"push_name": push_name[:120]} if push_name else {})}
            write(known, {name: value for name, value in news.items() if getattr(known, name) != value})
            return known
    raise IntegrityError(f"El contacto de {identity.kind} cambia mientras se busca")


def find_known(identity: Identity, aliases: Iterable[str]) -> Contact | None:
    """Like `find_contact` for what says nothing of where to answer: None for who has not written."""
    told = addresses(identity, aliases)
    for _ in range(TRIES):
        contact = owner(told)
        if contact is None or (known := learn(contact, told)):
            return contact and known
    raise IntegrityError(f"El contacto de {identity.kind} cambia mientras se busca")


def learn_number(old: str, new: str) -> Contact | None:
    """The person at `old` is now at `new`: they learn it and are answered there; None for who has not written.

    When `new` is somebody else's, nothing moves: a supervisor judges whether they are one person.
    """
    before, after = identify(old), identify(new)
    if not before or not after or not after.sendable or not (contact := find_known(before, ())):
        return None
    other = Contact.objects.known_by(after).first()
    if other and other.pk != contact.pk:
        PossibleDuplicate.note(contact, other, Reason.NUMBER_CHANGED)
    elif known := learn(contact, [before, after]):
        contact = known
        write(contact, {"address": after.address})
    return contact


def addresses(identity: Identity, aliases: Iterable[str]) -> list[Identity]:
    """All that a payload told of a person: the address it came from first, then phones, BSUIDs and LIDs."""
    order: list[str] = [Alias.Kind.PHONE, Alias.Kind.BSUID, Alias.Kind.LID, Alias.Kind.USERNAME]
    others = {one.key: one for alias in aliases if (one := identify(alias)) and one.key != identity.key}
    return [identity, *sorted(others.values(), key=lambda one: order.index(one.kind))]


def owners(told: list[Identity]) -> dict[str, Contact]:
    """Whose each of these addresses is, by key."""
    wanted = reduce(or_, (Q(kind=one.kind, key=one.key) for one in told))
    return {alias.key: alias.contact for alias in Alias.objects.filter(wanted).select_related("contact")}


def owner(told: list[Identity]) -> Contact | None:
    """The contact of the first address that somebody has. A username changes hands, so it says nothing."""
    theirs = owners(told)
    return next((theirs[one.key] for one in told if one.sendable and one.key in theirs), None)


def make(told: list[Identity], push_name: str) -> Contact | None:
    """A new contact with these addresses; None when another one got hold of them at the same moment."""
    try:
        with transaction.atomic():
            contact = Contact.objects.create(address=told[0].address, push_name=push_name[:120])
            contact.add_aliases([one for one in told if one.sendable], last_seen=timezone.now())
    except IntegrityError:
        return None
    return contact


def learn(contact: Contact, told: list[Identity]) -> Contact | None:
    """Lock the contact's conversation and give them the addresses nobody has; None when they are no longer theirs.

    Returns the contact as they are now, with that conversation.
    """
    conversation = Conversation.locked_for(contact)
    theirs = owners(told)
    known = next((theirs[one.key] for one in told if one.sendable and one.key in theirs), None)
    if known is None or known.pk != conversation.contact_id:
        return None
    conversation.contact = known
    taken = [one for one in told if one.key in theirs and theirs[one.key].pk != known.pk]
    new = [one for one in told if one.key not in theirs]
    try:
        with transaction.atomic():
            known.add_aliases(new, last_seen=timezone.now())
    except IntegrityError:
        return None
    for one in taken:
        if one.sendable:
            PossibleDuplicate.note(known, theirs[one.key], Reason.SEEN_TOGETHER)
        else:
            take_over(one, theirs[one.key], known)
    mine = Alias.objects.filter(contact=known, key__in=[one.key for one in told])
    mine.update(last_seen=timezone.now())
    respelt = mine.filter(key=told[0].key).exclude(address=told[0].address).update(address=told[0].address)
    if new or respelt or not known.spellings or any(not one.sendable for one in taken):
        known.refresh_aliases()
    return known


def take_over(username: Identity, before: Contact, now: Contact) -> None:
    """A username is somebody else's now; whoever had it may be the same person at another number."""
    Alias.objects.filter(kind=username.kind, key=username.key).update(contact=now, first_seen=timezone.now())
    before.refresh_aliases()
    PossibleDuplicate.note(before, now, Reason.USERNAME)


def write(contact: Contact, changed: dict[str, str]) -> None:
    """Change these columns of the contact."""
    if changed:
        for name, value in changed.items():
            setattr(contact, name, value)
        contact.save(update_fields=list(changed))


def edited(contact: Contact, added: Iterable[str]) -> None:
    """A supervisor gave `contact` the phones `added`, or took a wrong address away. Needs the conversation's lock."""
    contact.note_lookalikes(*added)
    aliases = contact.aliases.filter(kind__in=SENDABLE).order_by(F("last_seen").desc(nulls_last=True), "-pk")
    usable = [alias.address for alias in aliases]
    if contact.address not in usable and usable:
        write(contact, {"address": usable[0]})
    contact.refresh_aliases()
