"""A person with 400 messages over three tickets, written into the desk's database: to say them would take a minute.

In the environment of the desk, `python -m tests.e2e.long_thread <phone>` prints the tickets' numbers, the oldest first.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from chat.models import Conversation, Message  # noqa: E402
from tickets.identity import identify  # noqa: E402
from tickets.models import Contact, State, Ticket  # noqa: E402

# Days ago, messages, and the ticket.
CHAPTERS = (
    (200, 60, {"equipment": "Impresora", "asset": "IMP-0310", "fault": "La impresión sale en blanco"}),
    (90, 90, {"equipment": "Laptop", "asset": "ACT-0042", "fault": "Wifi lento en la sala de juntas"}),
    (0, 250, {"equipment": "Laptop", "asset": "ACT-0042", "fault": "No enciende después de la actualización"}),
)
TURNS = (
    ("user", "recibido", "Sigue igual, ya probé otra vez"),
    ("tecnico", "leido", "Gracias. ¿Me mandas una foto de lo que dice la pantalla?"),
    ("user", "recibido", "Dice que falta tinta, pero el cartucho está lleno"),
    ("tecnico", "leido", "Paso a verla hoy por la tarde"),
)


def write(phone: str) -> list[int]:
    contact = Contact.objects.create(
        address=phone, name="Patricia Núñez", push_name="Paty", department="Contabilidad",
        created=timezone.now() - timedelta(days=200),
    )  # fmt: skip
    aliases = (phone, f"521478{phone[-7:]}", f"9988776655{phone[-4:]}@lid")
    contact.add_aliases([one for one in map(identify, aliases) if one], last_seen=timezone.now())
    contact.refresh_aliases()
    conversation = Conversation.objects.create(contact=contact)
    technician = User.objects.get(username="tecnico")
    tickets = []
    for days, count, fields in CHAPTERS:
        began = timezone.now() - timedelta(days=days, minutes=count)
        ended = began + timedelta(minutes=count)
        state = State.CLOSED if days else State.IN_PROGRESS
        ticket = Ticket.objects.create(
            contact=contact, name=contact.name, department="Almacén" if days > 100 else "Contabilidad", state=state,
            technician=technician, created=began, last_activity=ended, last_role="tecnico", last_text=TURNS[1][2],
            resolved=ended if days else None, **fields,
        )  # fmt: skip
        tickets.append(ticket)
        Message.objects.bulk_create(
            message(conversation, ticket, technician, began + timedelta(minutes=n), n) for n in range(count)
        )
    conversation.save()
    return [ticket.pk for ticket in tickets]


def message(conversation: Conversation, ticket: Ticket, technician: User, at: datetime, number: int) -> Message:
    """The next one; each tells its number, and the eighth of each ticket what the search looks for."""
    conversation.seq = conversation.version = conversation.seq + 1
    role, state, text = TURNS[number % len(TURNS)]
    if number == 8:
        text = "El número de serie está en la etiqueta"
    return Message(
        conversation=conversation, ticket=ticket, role=role, state=state, seq=conversation.seq, created=at,
        version=conversation.version, text=f"{text} ({conversation.seq})",
        author=technician if role == "tecnico" else None,
    )  # fmt: skip


if __name__ == "__main__":
    with transaction.atomic():
        print(json.dumps(write(sys.argv[1])))
