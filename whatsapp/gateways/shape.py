"""Reading JSON that somebody else wrote: wrong types are answers here, never exceptions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_PERSON = re.compile(r"([1-9][0-9]{0,19})(?::[0-9]{1,5})?@(c\.us|s\.whatsapp\.net|lid)")  # ":12" is a device
_ID = re.compile(r"[!-~]{1,128}")
_BEGINNING = datetime(2009, 1, 1, tzinfo=UTC)  # WhatsApp's own


def at(value: Any, *path: str) -> Any:
    """The value under `path` of nested objects, or None where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text_at(value: Any, *path: str) -> str:
    """The text under `path`, or "" where there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def one_line(value: Any, limit: int = 200) -> str:
    """Somebody's text for a log line or a reason: one line of printable characters, at most `limit`."""
    text = value if isinstance(value, str) else ""
    return "".join(c if c.isprintable() else " " for c in text[: limit * 2]).strip()[:limit]


def person(jid: Any) -> str | None:
    """The neutral address (digits, or `…@lid`) of one person's jid; None for groups, channels and nonsense."""
    match = _PERSON.fullmatch(jid) if isinstance(jid, str) else None
    if match is None:
        return None
    return f"{match[1]}@lid" if match[2] == "lid" else match[1]


def sane_id(value: Any) -> str | None:
    """`value` if it can be an id: at most 128 visible ASCII characters."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def degrees(value: Any, limit: int) -> float | None:
    """A latitude or a longitude, a number or a text of one (WAHA), or None when it is none.

    NaN and numbers beyond every float are compared first.
    """
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and abs(value) <= limit else None


def moment(value: Any) -> datetime | None:
    """An aware time from Unix seconds (number or digits), or None when they make no sense for a message."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        when = datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return when if _BEGINNING < when < datetime.now(UTC) + timedelta(days=1) else None
