"""Demo logins and tickets, so that a newcomer sees a desk at work. Loaded once, and only with DEBUG on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from chat.models import Conversation, Delivery, Role
from chat.thread import note_activity
from chat.times import recompute
from tickets.access import GROUP_SUPERVISORS, GROUP_TECHNICIANS
from tickets.identity import identify
from tickets.models import Contact, Priority, State, Ticket

USER, BOT, TECH = Role.USER, Role.ASSISTANT, Role.TECHNICIAN
PEOPLE = [
    ("tecnico", "tecnico-demo", "Ana", "Ruiz", GROUP_TECHNICIANS),
    ("supervisor", "supervisor-demo", "Sofía", "Soto", GROUP_SUPERVISORS),
]
# Phone, ticket, minutes since the last message, who has it, and the thread.
TICKETS: list[tuple[str, dict[str, Any], int, str | None, list[tuple[str, str]]]] = [
    (
        "524779021145",
        {
            "name": "Sofía Ramírez",
            "department": "RH",
            "equipment": "Laptop",
            "asset": "ACT-0107",
            "fault": "Wifi lento en la sala de juntas",
            "category": "Red",
            "state": State.RESOLVED,
        },
        4300,
        "tecnico",
        [
            (USER, "Hola, el wifi va muy lento en la sala de juntas"),
            (TECH, "Hola Sofía, cambié el punto de acceso. ¿Puedes probar?"),
            (USER, "¡Gracias! Ya quedó 🙌"),
        ],
    ),
    (
        "5214773409921",
        {
            "name": "Luis Hernández",
            "department": "Ventas",
            "equipment": "Computadora de escritorio",
            "asset": "PC-1187",
            "fault": "Pantalla con líneas",
            "category": "Hardware",
            "state": State.ON_HOLD,
            "priority": Priority.HIGH,
        },
        1500,
        "supervisor",
        [
            (USER, "Mi pantalla tiene líneas de colores"),
            (BOT, "Gracias, tu ticket quedó registrado. Un técnico te responderá por aquí."),
            (TECH, "Estamos esperando un repuesto que llega mañana. Te avisamos cuando esté listo."),
        ],
    ),
    (
        "524771182033",
        {
            "name": "María López",
            "department": "Almacén",
            "equipment": "Impresora",
            "asset": "IMP-0310",
            "fault": "Atasco de papel",
            "category": "Impresión",
            "state": State.IN_PROGRESS,
        },
        20,
        "tecnico",
        [
            (USER, "Se atoró el papel otra vez 😩"),
            (BOT, "¿Cuál es el número de activo del equipo?"),
            (USER, "IMP-0310"),
            (TECH, "Ya salió el técnico, llega en 20 minutos"),
        ],
    ),
    (
        "524775550147",
        {
            "name": "Carlos Medina",
            "department": "Contabilidad",
            "equipment": "Laptop",
            "asset": "ACT-0042",
            "fault": "Mi laptop no enciende",
            "category": "Hardware",
            "state": State.PENDING,
        },
        4,
        None,
        [
            (USER, "Mi laptop no enciende"),
            (BOT, "Gracias, tu ticket quedó registrado. Un técnico te responderá por aquí."),
            (USER, "¿Ya está? Necesito entregar el cierre hoy"),
        ],
    ),
]


class Command(BaseCommand):
    help = "Carga una sola vez los usuarios y tickets de demostración (sólo con DEBUG)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Los datos de demostración sólo se cargan con DEBUG=true.")
        with transaction.atomic():
            if User.objects.exists() or Ticket.objects.exists():
                return
            users = {username: make_user(username, *rest) for username, *rest in PEOPLE}
            for digits, fields, minutes, technician, thread in TICKETS:
                make_ticket(digits, fields, minutes, users.get(technician or ""), thread)


def make_user(username: str, password: str, first: str, last: str, group: str) -> User:
    staff = group == GROUP_SUPERVISORS
    user = User.objects.create_user(username, password=password, first_name=first, last_name=last, is_staff=staff)
    user.groups.add(Group.objects.get(name=group))
    return user


def make_ticket(
    digits: str, fields: dict[str, Any], minutes: int, technician: User | None, thread: list[tuple[str, str]]
) -> None:
    """One contact with one ticket whose last message is `minutes` old, the others 6 minutes apart before it."""
    identity = identify(digits)
    if identity is None:
        raise ValueError(digits)
    contact = Contact.objects.create(address=identity.address, name=fields["name"], department=fields["department"])
    last = timezone.now() - timedelta(minutes=minutes)
    contact.add_aliases([identity], last_seen=last)
    contact.refresh_aliases()
    times = [last - timedelta(minutes=6 * left) for left in reversed(range(len(thread)))]
    ticket = Ticket.objects.create(contact=contact, technician=technician, created=times[0], **fields)
    conversation = Conversation.objects.create(contact=contact)
    for moment, (role, text) in zip(times, thread, strict=True):
        conversation.append(
            ticket,
            role,
            text,
            created=moment,
            author=technician if role == TECH else None,
            state=Delivery.RECEIVED if role == USER else Delivery.READ,
            sent=None if role == USER else moment,
        )
        note_activity(ticket, role, text, moment)
        if role == TECH:
            ticket.first_response = ticket.first_response or moment
    if thread[-1][0] == USER and ticket.is_open:
        ticket.unread, ticket.waiting_since = 1, last
    if not ticket.is_open:
        ticket.resolved = last
    ticket.save()
    recompute([ticket.pk])
