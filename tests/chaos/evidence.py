"""The three logs that decide a chaos run: what clients were told, what the gateway accepted, the database.

Imports nothing of the application: a bug shared by the desk and its judge would never be found.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

Line = dict[str, Any]
DOUBTFUL = "sin_confirmar"
SENT = ("enviado", "entregado", "leido")

# Every change of a message's state and of the session's, in commit order on SQLite.
WATCH_SQLITE = """
CREATE TABLE IF NOT EXISTS chaos_moves
    (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, row TEXT, old TEXT, new TEXT, at REAL);
CREATE TRIGGER IF NOT EXISTS chaos_message AFTER UPDATE OF state ON chat_message WHEN old.state <> new.state BEGIN
    INSERT INTO chaos_moves (what, row, old, new, at)
    VALUES ('message', new.id, old.state, new.state, (julianday('now') - 2440587.5) * 86400.0); END;
CREATE TRIGGER IF NOT EXISTS chaos_session AFTER UPDATE OF connected ON whatsapp_connection
    WHEN old.connected <> new.connected BEGIN
    INSERT INTO chaos_moves (what, row, old, new, at)
    VALUES ('session', new.gateway, old.connected, new.connected, (julianday('now') - 2440587.5) * 86400.0); END;
"""
WATCH_POSTGRES = """
CREATE TABLE IF NOT EXISTS chaos_moves
    (id bigserial PRIMARY KEY, what text, row text, old text, new text, at double precision);
CREATE OR REPLACE FUNCTION chaos_message() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos_moves (what, row, old, new, at)
    VALUES ('message', new.id, old.state, new.state, extract(epoch FROM clock_timestamp())); RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION chaos_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos_moves (what, row, old, new, at) VALUES ('session', new.gateway, old.connected::int,
        new.connected::int, extract(epoch FROM clock_timestamp())); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER chaos_message AFTER UPDATE ON chat_message
    FOR EACH ROW WHEN (old.state <> new.state) EXECUTE FUNCTION chaos_message();
CREATE OR REPLACE TRIGGER chaos_session AFTER UPDATE ON whatsapp_connection
    FOR EACH ROW WHEN (old.connected <> new.connected) EXECUTE FUNCTION chaos_session();
"""
ROWS = """SELECT m.id, m.conversation_id, m.ticket_id, m.seq, m.role, m.text, m.key, m.state, m.gateway_id, m.attempts,
    m.settled_by_id, c.address, m.crashes FROM chat_message m JOIN chat_conversation v ON v.id = m.conversation_id
    JOIN tickets_contact c ON c.id = v.contact_id
    WHERE m.id > (SELECT min(CAST(row AS integer)) FROM chaos_moves WHERE what = 'start')
    ORDER BY m.conversation_id, m.seq"""
TICKETS = "SELECT c.address, t.id FROM tickets_ticket t JOIN tickets_contact c ON c.id = t.contact_id"
# What was there before the run is not judged.
START = "INSERT INTO chaos_moves (what, row) SELECT 'start', coalesce(max(id), 0) FROM chat_message"
NAMES = ("id", "conversation", "ticket", "seq", "role", "text", "key", "state", "gateway_id", "attempts",
         "settled_by", "address", "crashes")  # fmt: skip
MOVES = "SELECT id, what, row, old, new, at FROM chaos_moves WHERE what <> 'start' ORDER BY id"


LEDGER = "SELECT external_id, count(*) FROM whatsapp_webhookevent GROUP BY external_id"
# What waits for a message that is there, or for a send that has ended: in the end nothing does.
STUCK = """SELECT count(*) FROM whatsapp_webhookevent e
    WHERE e.state = 'en_espera' AND (e.waits_on LIKE 'conversation:%' OR EXISTS
    (SELECT 1 FROM chat_message m WHERE e.waits_on = 'message:' || m.gateway_id))"""


def is_postgres(database: str) -> bool:
    return database.startswith("postgres")


def query(database: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of one statement, over a connection of its own. `database` is a PostgreSQL URL or an SQLite file."""
    if is_postgres(database):
        with psycopg.connect(database, connect_timeout=5) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[arg-type]
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as reader:
        return reader.execute(sql).fetchall()


def watch(database: str) -> None:
    """Have the database itself note every change of state from now on."""
    if is_postgres(database):
        with psycopg.connect(database) as connection:
            connection.execute(WATCH_POSTGRES)
            connection.execute(START)
    else:
        with closing(sqlite3.connect(database, timeout=20)) as writer:
            writer.executescript(f"{WATCH_SQLITE}{START};")


def lines(path: Path) -> list[Line]:
    """The whole lines of a JSONL file; one half written by a killed program was never told to anybody."""
    raw = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in raw[: raw.rfind(b"\n") + 1].split(b"\n") if line.strip()]


@dataclass
class Row:
    """One message as the database has it."""

    id: int
    conversation: int
    ticket: int
    seq: int
    role: str
    text: str
    key: str
    state: str
    gateway_id: str | None
    attempts: int
    settled_by: int | None
    address: str
    crashes: int = 0


@dataclass
class Verdict:
    """What broke, by invariant, and how many of everything there were."""

    broken: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def blame(self, invariant: str, what: str) -> None:
        self.broken.setdefault(invariant, []).append(what)

    def count(self, name: str, number: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + number


@dataclass
class Evidence:
    """Everything that is known after a run."""

    told: list[Line]
    accepted: list[Line]
    calls: list[Line]
    written: list[Line]
    notices: list[Line]
    rows: list[Row]
    moves: list[tuple[int, str, str, str, str, float]]
    events: dict[str, int]
    postgres: bool
    ledger: dict[str, int] = field(default_factory=dict)
    stuck: int = 0
    doubted: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.doubted = {int(row) for _, what, row, _, new, _ in self.moves if what == "message" and new == DOUBTFUL}


def read(database: str, told: Path, simulator: Path) -> Evidence:
    """Read the three logs; `simulator` is the folder with the gateway's files."""
    rows = (dict(zip(NAMES, row, strict=True)) for row in query(database, ROWS))
    return Evidence(
        told=lines(told),
        accepted=lines(simulator / "aceptados.jsonl"),
        calls=lines(simulator / "llamadas.jsonl"),
        written=[line for line in lines(simulator / "telefonos.jsonl") if line["tipo"] == "mensaje"],
        notices=lines(simulator / "avisos.jsonl"),
        rows=[Row(**{**row, "key": str(UUID(str(row["key"]))) if row["key"] else ""}) for row in rows],
        moves=query(database, MOVES),  # type: ignore[arg-type]
        events=dict(query(database, "SELECT state, count(*) FROM whatsapp_webhookevent GROUP BY state")),  # type: ignore[arg-type]
        postgres=is_postgres(database),
        ledger=dict(query(database, LEDGER)),  # type: ignore[arg-type]
        stuck=query(database, STUCK)[0][0],
    )


def chat(line: Line) -> str:
    """The person of a line of the gateway, as the desk addresses them."""
    return str(line["chatId"]).removesuffix("@c.us")


def repeated(values: Iterable[Any]) -> dict[Any, int]:
    """How often each value comes."""
    counts: dict[Any, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts
