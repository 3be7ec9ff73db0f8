"""Figures that only grow, kept in the database: true over all processes and machines, and over their restarts.

What happens is noted in memory, and added to the totals by the sweep: no send waits for it, and a process that is
killed takes at most the last seconds' notes with it.
"""

from __future__ import annotations

import threading
from itertools import accumulate

from django.db import transaction
from django.db.models import F

from chat.models import Tally
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
    Unreachable,
)

SENDS = "gateway_send_seconds"
MODEL = "model_calls"  # label: how it ended; part: what for
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)
PARTS = (*map(str, BOUNDS), "+Inf")
SUM = "sum"
RESULTS = {
    "accepted": Accepted,
    "unreachable": Unreachable,
    "disconnected": Disconnected,
    "rate_limited": RateLimited,
    "refused": Refused,
    "misconfigured": Misconfigured,
    "ambiguous": Ambiguous,
}

Key = tuple[str, str, str]


class Notes:
    """What this process has not written yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: dict[Key, float] = {}

    def add(self, counts: dict[Key, float]) -> None:
        with self.lock:
            for key, value in counts.items():
                self.counts[key] = self.counts.get(key, 0) + value

    def take(self) -> dict[Key, float]:
        with self.lock:
            taken, self.counts = self.counts, {}
        return taken


notes = Notes()


def note_send(result: Result, seconds: float) -> None:
    """The gateway was asked to send, and gave `result` after `seconds`. In memory only."""
    label = next(label for label, kind in RESULTS.items() if isinstance(result, kind))
    part = next((str(bound) for bound in BOUNDS if seconds <= bound), PARTS[-1])
    notes.add({(SENDS, label, part): 1, (SENDS, label, SUM): seconds})


def write() -> None:
    """Add what was noted here to the totals. Without news it asks nothing; what cannot be written is kept."""
    counts = notes.take()
    if not counts:
        return
    try:
        with transaction.atomic():
            for (name, label, part), value in sorted(counts.items()):  # in one order, so that nobody waits for another
                row = Tally.objects.filter(name=name, label=label, part=part)
                if not row.update(value=F("value") + value):
                    Tally.objects.bulk_create([Tally(name=name, label=label, part=part)], ignore_conflicts=True)
                    row.update(value=F("value") + value)
    except BaseException:
        notes.add(counts)
        raise


def sends() -> dict[str, tuple[list[tuple[str, float]], float]]:
    """By result: how many sends took up to each bound (cumulative), and their seconds in all. One query."""
    found = {
        (label, part): value
        for label, part, value in Tally.objects.filter(name=SENDS).values_list("label", "part", "value")
    }
    result = {}
    for label in RESULTS:
        upto = accumulate(found.get((label, part), 0.0) for part in PARTS)
        result[label] = (list(zip(PARTS, upto, strict=True)), found.get((label, SUM), 0.0))
    return result


def model_calls() -> list[tuple[str, str, float]]:
    """How often the model was asked: for what, how that ended, and how many times. One query."""
    rows = Tally.objects.filter(name=MODEL).order_by("part", "label")
    return list(rows.values_list("part", "label", "value"))
