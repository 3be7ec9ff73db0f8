"""Rows for tests, with sensible defaults. Plain functions, so that a test says only what matters to it."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from tickets.identity import identify
from tickets.models import Contact, Ticket

_numbers = count(1)


def make_user(username: str, *groups: str, **fields: Any) -> User:
    """A user in the named groups, without a usable password unless `password` is given."""
    user = User.objects.create_user(username, **fields)
    user.groups.set(Group.objects.get_or_create(name=name)[0] for name in groups)
    return user


def make_contact(address: str = "", **fields: Any) -> Contact:
    """A contact by an address as WhatsApp shows it (a new Mexican mobile "521477…" by default), and `aliases`."""
    address = address or f"521477{next(_numbers) % 10_000_000:07}"
    aliases = [identify(one) for one in (address, *fields.pop("aliases", ()))]
    contact = Contact.objects.create(**{"address": address, "name": "Juan Pérez", **fields})
    contact.add_aliases([one for one in aliases if one], last_seen=timezone.now())
    contact.refresh_aliases()
    return contact


def make_ticket(contact: Contact | None = None, **fields: Any) -> Ticket:
    """An open ticket with all its fields filled; of a new contact unless one is given."""
    contact = contact or make_contact()
    defaults = {
        "name": contact.name,
        "department": "Contabilidad",
        "equipment": "Laptop",
        "asset": "ACT-0042",
        "fault": "No enciende",
        "last_text": "Mi laptop no enciende",
        "last_role": "user",
    }
    return Ticket.objects.create(contact=contact, **{**defaults, **fields})


def make_many_tickets(count: int, **fields: Any) -> list[Ticket]:
    """Open tickets, each of its own contact, by two queries: for what must not grow with them."""
    contacts = [Contact(address=f"521477{next(_numbers) % 10_000_000:07}", name="Juan Pérez") for _ in range(count)]
    Contact.objects.bulk_create(contacts)
    return Ticket.objects.bulk_create([Ticket(contact=contact, name=contact.name, **fields) for contact in contacts])
