"""The day's budget in tokens: taken before a call at its worst, and given back afterwards as far as it was not used.

One row per day, changed by single statements, so that all processes share it and a killed one only costs what it took.
"""

from __future__ import annotations

import logging
from datetime import date

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from chat.models import ModelSpending

logger = logging.getLogger(__name__)


def tokens_of(text: str) -> int:
    """At least as many tokens as a model counts in `text`, of any language that people write to us in."""
    return len(text.encode()) // 2 + 1


def today() -> date:
    return timezone.localdate(timezone=timezone.get_default_timezone())


def reserve(tokens: int) -> date | None:
    """Take `tokens` of today's; returns the day to settle, or None when they do not fit any more."""
    day = today()
    for _ in range(2):
        row = ModelSpending.objects.filter(day=day)
        if settings.ASISTENTE_PRESUPUESTO_DIA:
            row = row.filter(tokens__lte=settings.ASISTENTE_PRESUPUESTO_DIA - tokens)
        if row.update(tokens=F("tokens") + tokens, calls=F("calls") + 1):
            return day
        ModelSpending.objects.bulk_create([ModelSpending(day=day)], ignore_conflicts=True)
    if ModelSpending.objects.filter(day=day, exhausted=None).update(exhausted=timezone.now()):
        logger.warning("Se agotó ASISTENTE_PRESUPUESTO_DIA: el asistente sigue por reglas hasta la medianoche")
    return None


def settle(day: date, reserved: int, used: int) -> None:
    """The call that took `reserved` on `day` cost `used`."""
    if used != reserved:
        ModelSpending.objects.filter(day=day).update(tokens=F("tokens") + (used - reserved))


def words() -> dict[str, object]:
    """What /estado says of today: tokens of the budget (null without one), and whether a call was refused for it."""
    row = ModelSpending.objects.filter(day=today()).first() or ModelSpending(day=today())
    return {
        "tokens_hoy": row.tokens,
        "presupuesto": settings.ASISTENTE_PRESUPUESTO_DIA or None,
        "agotado": row.exhausted is not None,
    }
