"""Ticket numbers are kept, so they must be free here, and the desk's next ones come after them."""

from __future__ import annotations

import re

from django.db import connection

from chat.importing.plan import marks_of
from chat.importing.source import in_chunks
from tickets.models import Ticket

LARGEST = 1_000_000_000  # a damaged number must not use up those of the desk
SHOWN = 20


class NumbersTaken(Exception):
    """Tickets of the desk have numbers of the origin; says which, in Spanish."""


def number_of(said: str) -> int | None:
    """A ticket number as the origin has it, or None for what cannot be one."""
    found = int(said) if re.fullmatch("[0-9]{1,10}", said.strip()) else 0
    return found if 0 < found <= LARGEST else None


def check_free(marks: dict[int, list[str]]) -> None:
    """Raises NumbersTaken where a number is here already and did not come from the same row (`marks`, by number)."""
    taken = []
    for chunk in in_chunks(marks):
        here = set(Ticket.objects.filter(pk__in=chunk).values_list("pk", flat=True))
        brought = marks_of(here)
        taken += [number for number in sorted(here) if brought.get(number) != marks[number]]
    if taken:
        shown = ", ".join(f"#{number}" for number in taken[:SHOWN])
        more = f" y {len(taken) - SHOWN} más" if len(taken) > SHOWN else ""
        raise NumbersTaken(
            f"Aquí ya hay otros tickets con {len(taken)} de esos números: {shown}{more}. No se escribió nada. "
            "Los números se conservan, así que importa en una mesa nueva, antes de que alguien escriba en ella."
        )


def reserve(upto: int) -> None:
    """New tickets of the desk get numbers above `upto`. Said before any is brought, because the desk may be at work."""
    table = Ticket._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            name = "pg_get_serial_sequence(%s, 'id')"
            query = f"SELECT setval({name}, greatest(%s, nextval({name})), false)"
            cursor.execute(query, [table, upto + 1, table])
            return
        cursor.execute("UPDATE sqlite_sequence SET seq = max(seq, %s) WHERE name = %s", [upto, table])
        if not cursor.rowcount:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, upto])
