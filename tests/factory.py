"""Rows for tests, with sensible defaults. Plain functions, so that a test says only what matters to it."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.contrib.auth.models import Group, User

from tickets.models import Contact, Ticket

_numbers = count(1)


def make_user(username: str, *groups: str, **fields: Any) -> User:
    """A user in the named groups, without a usable password unless `password` is given."""
    user = User.objects.create_user(username, **fields)
    user.groups.set(Group.objects.get_or_create(name=name)[0] for name in groups)
    return user


def make_contact(digits: str = "", **fields: Any) -> Contact:
    """A contact by the digits of a phone as WhatsApp shows it, a new Mexican mobile ("521477…") by default."""
    digits = digits or f"521477{next(_numbers) % 10_000_000:07}"
    canonical = "52" + digits[3:] if digits.startswith("521") and len(digits) == 13 else digits
    return Contact.objects.create(**{"phone": f"+{canonical}", "address": digits, "name": "Juan Pérez", **fields})


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
