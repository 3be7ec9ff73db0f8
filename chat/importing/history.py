"""The thread of a ticket as the origin keeps it: one JSON list of role, content and timestamp."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chat.importing.moments import moment
from chat.models import SYSTEM, Role
from tickets.text import clean, fold

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "mesa-de-ayuda")
LOST = "falla"
EMPTY = "(mensaje vacío)"
NO_TIME = "Líneas sin hora, o con una que no se entiende: llevan la de la línea anterior."


@dataclass(frozen=True)
class Line:
    """Something said, or (`kind` SYSTEM) something that nobody here said. `key` finds it again in a later import."""

    key: uuid.UUID | None
    role: str
    text: str
    at: datetime
    kind: str = "text"


@dataclass
class History:
    lines: list[Line] = field(default_factory=list)
    problems: dict[str, None] = field(default_factory=dict)
    unreadable: str = ""


def line_key(number: int, *parts: object) -> uuid.UUID:
    """The same for the same words of the same ticket, in every import."""
    return uuid.uuid5(NAMESPACE, json.dumps([number, *parts]))


def lines_of(said: str, number: int, created: datetime, zone: ZoneInfo) -> History:
    """The lines of a history, in its order. What is no list is kept as text, and what is no line is left out."""
    history, seen = History(), Counter[str]()
    if not said.strip():
        return history
    try:
        entries = json.loads(said)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        history.problems["El historial no es una lista JSON: está como texto en su nota."] = None
        history.unreadable = said
        return history
    before = created
    for entry in entries:
        if not isinstance(entry, dict):
            history.problems["Líneas del historial que no son mensajes: no se trajeron."] = None
            continue
        line = line_of(entry, number, before, zone, history, seen)
        history.lines.append(line)
        before = line.at
    return history


def line_of(
    entry: dict[str, Any], number: int, before: datetime, zone: ZoneInfo, history: History, seen: Counter[str]
) -> Line:
    role, text, stamp = (said(entry.get(name)) for name in ("role", "content", "timestamp"))
    seen[told := json.dumps([role, text, stamp])] += 1
    key = line_key(number, role, text, stamp, seen[told])
    at = moment(stamp, zone)
    if at is None:
        history.problems[NO_TIME] = None
    if fold(role) in Role.values:
        return Line(key, fold(role), text if text.strip() else EMPTY, at or before)
    history.problems[f"Líneas de un rol desconocido «{role[:40]}»: están como líneas del sistema."] = None
    return Line(key, Role.TECHNICIAN, f"«{role}»: {text}", at or before, SYSTEM)


def said(value: Any) -> str:
    """A value of JSON as text."""
    if value is None:
        return ""
    try:
        return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return ""
