"""A desk full of tickets, written by the database itself: millions of rows in the time of a coffee.

In the environment of the desk: `python -m tests.benchmarks.data <tickets> <messages of each>` prints who may look, and
`python -m tests.benchmarks.data queue <messages> <chats>` writes that many to be sent.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.test import Client  # noqa: E402

from chat.models import Conversation, Message  # noqa: E402
from config.auth import make_token  # noqa: E402
from tickets.access import GROUP_TECHNICIANS  # noqa: E402
from tickets.models import Contact, Ticket  # noqa: E402
from whatsapp.models import WebhookEvent  # noqa: E402

TECHNICIANS = 10
OPEN = 20
BEGAN = "2026-11-01 08:00:00"
SERIES = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n) n"
EMPTY = {"JSONField": "'{}'", "BooleanField": "FALSE"}


def after(seconds: str) -> str:
    """The SQL of a moment so many seconds after BEGAN."""
    if connection.vendor == "postgresql":
        return f"timestamptz '{BEGAN}+00' + ({seconds}) * interval '1 second'"
    return f"datetime('{BEGAN}', ({seconds}) || ' seconds')"


def pick(number: str, *words: str) -> str:
    """The SQL that chooses one of `words` by a number."""
    cases = " ".join(f"WHEN {place} THEN '{word}'" for place, word in enumerate(words))
    return f"CASE ({number}) % {len(words)} {cases} END"


def nothing(field: models.Field[Any, Any]) -> str:
    """The SQL of an empty column, as the model would leave it."""
    if field.null:
        return "NULL"
    if isinstance(field, models.DateTimeField):
        return after("0")
    if isinstance(field, models.IntegerField):
        return "0"
    return EMPTY.get(field.get_internal_type(), "''")


def insert(model: type[models.Model], source: str, **columns: str) -> None:
    """One row of `model` for each row of `source`; columns that are not named are empty."""
    stored = [field for field in model._meta.concrete_fields if not field.primary_key]
    assert not columns.keys() - {field.column for field in stored}
    values = ", ".join(columns.get(field.column) or nothing(field) for field in stored)
    names = ", ".join(f'"{field.column}"' for field in stored)
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {values} FROM {source}')


def make_technicians() -> list[User]:
    group = Group.objects.get_or_create(name=GROUP_TECHNICIANS)[0]
    people = [
        User.objects.create_user(f"tecnico{n}", first_name=f"Técnica {n}", last_name="Ruiz") for n in range(TECHNICIANS)
    ]
    group.user_set.add(*people)
    return people


def fill(tickets: int, messages: int) -> dict[str, Any]:
    """The tickets, each of its own contact, and their messages. One in OPEN is open.

    Their times count as made: to make them is a desk's first minute after an import, not what is measured here.
    """
    with transaction.atomic():
        people = make_technicians()
        first = people[0].pk
        insert(
            Contact, SERIES.format(tickets), address="'52155' || (10000000 + n.i)", name="'Persona número ' || n.i",
            known_as="'52155' || (10000000 + n.i)",
        )  # fmt: skip
        insert(Conversation, "tickets_contact c", contact_id="c.id", seq=str(messages), version=str(messages))
        state = f"CASE WHEN c.id % {OPEN} = 0 THEN {{}} ELSE {{}} END"
        insert(
            Ticket, "tickets_contact c", contact_id="c.id", name="c.name", department=pick("c.id", "RH", "Ventas"),
            equipment=pick("c.id", "Laptop", "Impresora", "Teléfono"), asset="'ACT-' || c.id",
            fault="'No enciende desde ayer, y la luz de la batería parpadea'", priority=pick("c.id", "Normal", "Alta"),
            category=pick("c.id", "Hardware", "Red", "Correo"), last_text="'Sigue sin encender'", last_role="'user'",
            state=state.format(pick(f"c.id / {OPEN}", "Pendiente", "En proceso", "En espera"), "'Resuelto'"),
            technician_id=f"CASE WHEN c.id % 3 = 0 THEN NULL ELSE {first} + c.id / {OPEN} % {TECHNICIANS} END",
            waiting_since=f"CASE WHEN c.id % {2 * OPEN} = 0 THEN {after('c.id')} END", created=after("c.id"),
            last_activity=after("c.id * 60"), search_text="lower(c.name) || ' ' || c.address",
            phase=state.format("'nosotros'", "'cerrado'"), phase_since=after("c.id"),
            unread=f"CASE WHEN c.id % {20 * OPEN} = 0 THEN 1 ELSE 0 END",
        )  # fmt: skip
        tell(messages, first)
        insert(
            WebhookEvent, SERIES.format(2 * tickets), gateway="'waha'", external_id="'message:' || n.i", body="'{}'",
            state=pick("n.i", "procesado", "ignorado", "procesado"), about="'mensaje:' || n.i", received=after("n.i"),
            handled=after("n.i"),
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "PRAGMA wal_checkpoint")
    ids = Ticket.objects.aggregate(first=models.Min("pk"), last=models.Max("pk"))
    opened = list(Ticket.objects.open().order_by("pk").values_list("pk", flat=True)[:1000])
    users = [person.pk for person in people]
    return {"sessions": list(map(session_of, people)), "users": users, "token": make_token(people[0]),
            "messages": messages, "open": opened, **ids}  # fmt: skip


def session_of(user: User) -> str:
    """The cookie of a browser in which `user` is logged in."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client.cookies["sessionid"].value


def tell(messages: int, technician: int) -> None:
    """So many messages in each conversation, the person's, the assistant's and a technician's in turn."""
    insert(
        Message, f"tickets_ticket t JOIN chat_conversation c ON c.contact_id = t.contact_id, {SERIES.format(messages)}",
        conversation_id="c.id", ticket_id="t.id", seq="n.i", version="n.i", kind="'text'",
        role=pick("n.i", "tecnico", "user", "assistant"), state=pick("n.i", "leido", "recibido", "leido"),
        author_id=f"CASE WHEN n.i % 3 = 0 THEN {technician} + t.id % {TECHNICIANS} END",
        created=after("t.id + n.i * 30"),
        text="'Mensaje ' || n.i || ' del ticket ' || t.id || ': ya probé con otro cargador y sigue igual, gracias'",
        gateway="'waha'", gateway_id="'3EB0' || t.id || 'X' || n.i",
    )  # fmt: skip


def queue(messages: int, chats: int) -> None:
    """Messages of a technician that wait to be sent, as many in each of the first open tickets."""
    each = messages // chats
    tickets = list(Ticket.objects.open().order_by("pk").values_list("pk", flat=True)[:chats])
    with transaction.atomic():
        threads = Conversation.objects.filter(contact__tickets__in=tickets)
        insert(
            Message, f"tickets_ticket t JOIN chat_conversation c ON c.contact_id = t.contact_id, {SERIES.format(each)} "
            f"WHERE t.id IN ({', '.join(map(str, tickets))})", conversation_id="c.id", ticket_id="t.id",
            seq="c.seq + n.i", version="c.version + n.i", kind="'text'", role="'tecnico'", state="'en_cola'",
            author_id=str(User.objects.values_list("pk", flat=True)[0]), created=after("n.i"),
            text="t.id || ' ' || (c.seq + n.i)",
        )  # fmt: skip
        changed = Conversation.objects.filter(pk__in=threads.values("pk"))
        changed.update(seq=F("seq") + each, version=F("version") + each)


if __name__ == "__main__":
    if sys.argv[1] == "queue":
        queue(int(sys.argv[2]), int(sys.argv[3]))
    else:
        print(json.dumps(fill(int(sys.argv[1]), int(sys.argv[2]))))
