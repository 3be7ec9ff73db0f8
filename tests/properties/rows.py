"""What the database says, past the ORM: quick, and nothing under test stands between."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from django.db import connection

Row = namedtuple(
    "Row", "id conversation ticket seq role state text gateway_id settled_by attempts author resends version token"
)
COLUMNS = (
    "id, conversation_id, ticket_id, seq, role, state, text, gateway_id, settled_by_id, attempts, author_id, "
    "resends_id, version, attempt"
)
SNAPSHOTS = (
    "SELECT id, state, gateway_id, version, settled_by_id FROM chat_message ORDER BY id",
    "SELECT id, version, seq FROM chat_conversation ORDER BY id",
    "SELECT id, state, unread FROM tickets_ticket ORDER BY id",
    "SELECT connected, not_sent, doubtful FROM whatsapp_connection",
)


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The answer to a query in raw SQL."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def messages(where: str = "1=1", *values: Any) -> list[Row]:
    return [Row(*row) for row in rows(f"SELECT {COLUMNS} FROM chat_message WHERE {where} ORDER BY id", *values)]


def snapshot() -> list[Any]:
    """Everything that an equal webhook must leave as it is."""
    return [rows(sql) for sql in SNAPSHOTS]
