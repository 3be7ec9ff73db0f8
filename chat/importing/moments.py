"""When something was said or made there: in any of the shapes in which a person or a program may have written it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

# The origin itself writes isoformat() and "%Y-%m-%d %H:%M"; the others are people's.
SHAPES = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
FIRST = datetime(2009, 1, 1, tzinfo=UTC)  # WhatsApp's own beginning
AHEAD = timedelta(days=1)  # a clock may be wrong by that
MILLISECONDS = 10**11  # epochs as large as this are not seconds


def moment(said: str, zone: ZoneInfo) -> datetime | None:
    """`said` as an aware moment; without an offset it is local to `zone`. None when it cannot be."""
    found = epoch(said) or iso(said) or shaped(said)
    if found is None:
        return None
    try:
        aware = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return aware if FIRST <= aware <= timezone.now() + AHEAD else None


def iso(said: str) -> datetime | None:
    try:
        return datetime.fromisoformat(said.strip())
    except ValueError:
        return None


def epoch(said: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{9,13}(\.[0-9]{1,9})?", said.strip(), re.ASCII):
        return None
    number = float(said)
    return datetime.fromtimestamp(number / 1000 if number > MILLISECONDS else number, UTC)


def shaped(said: str) -> datetime | None:
    for shape in SHAPES:
        try:
            return datetime.strptime(said.strip(), shape)
        except ValueError:
            continue
    return None
