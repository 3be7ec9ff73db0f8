"""Times, changes and periods as people say them."""

from __future__ import annotations

from datetime import date

from django.utils.formats import date_format

from tickets.calendar_models import SHORT_DAYS
from tickets.statistics import Period

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


def duration(seconds: int, *, days: bool = True) -> str:
    """45 s, 12 min, 2 h 5 min, 3 d 4 h. Without `days`, 76 h: a day of attention has no 24 hours."""
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < 2 * DAY or not days:
        hours, rest = divmod(seconds, HOUR)
        return f"{hours} h {rest // MINUTE} min" if rest >= MINUTE and hours < 10 else f"{hours} h"
    whole, rest = divmod(seconds, DAY)
    return f"{whole} d {rest // HOUR} h" if rest >= HOUR else f"{whole} d"


def change(now: int, before: int, slower: str, faster: str) -> str:
    """How `now` compares with `before`: "▲ 12 % más lento", "▼ 8 % más rápido", "= igual"."""
    if now == before:
        return "= igual"
    arrow, word = ("▲", slower) if now > before else ("▼", faster)
    percent = round(abs(now - before) * 100 / before) if before else 0
    return f"{arrow} {percent} % {word}" if percent else f"{arrow} {word}"


def difference(now: int, before: int) -> str:
    """How many more or fewer: "▲ 5 más", "▼ 3 menos", "= igual"."""
    if now == before:
        return "= igual"
    return f"▲ {now - before} más" if now > before else f"▼ {before - now} menos"


def day(moment: date) -> str:
    return date_format(moment, r"j \d\e F \d\e Y").lower()


def period(of: Period) -> str:
    """del 24 de octubre al 22 de noviembre de 2026; el 22 de noviembre de 2026."""
    if of.first == of.last:
        return f"el {day(of.last)}"
    first = date_format(of.first, r"j \d\e F").lower() if of.first.year == of.last.year else day(of.first)
    return f"del {first} al {day(of.last)}"


def earlier(of: Period) -> str:
    """What a period is compared with."""
    return "el día anterior" if of.days == 1 else f"los {of.days} días anteriores"


def hour_of_week(slot: int) -> str:
    """lun 9 h."""
    return f"{SHORT_DAYS[slot // 24]} {slot % 24} h"
