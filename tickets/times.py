"""Who a ticket waits for, and since when: its time in segments (docs/statistics.md).

The phase a ticket is in follows from its columns. Whenever a save finds another one than before, the same transaction
adds a row to the log: the segment that ended, how long it was, and what now begins.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Never

from django.conf import settings
from django.db import models
from django.utils import timezone

from tickets import calendar

logger = logging.getLogger(__name__)
ONLY_ADDED = "Los tiempos sólo se agregan; se vuelven a calcular con recalcular_tiempos."


class Phase(models.TextChoices):
    ASSISTANT = "asistente", "Con el asistente"
    US = "nosotros", "Espera respuesta nuestra"
    PERSON = "persona", "Espera a la persona"
    CLOSED = "cerrado", "Cerrado"


class Cause(models.TextChoices):
    MESSAGE = "mensaje", "Un mensaje"
    STATE = "estado", "Un cambio de estado"


class Measure(models.TextChoices):
    """What a row of the log says of how fast we are."""

    FIRST = "primera", "Primera respuesta"
    LATER = "siguientes", "Respuestas siguientes"
    RESOLUTION = "resolucion", "Resolución"


@dataclass(frozen=True)
class Said:
    """A message that may change whose turn it is. `by` is the technician who wrote it, where one did at the desk."""

    at: datetime
    by: int | None = None


class SegmentQuerySet(models.QuerySet["Segment"]):
    def update(self, **fields: Any) -> Never:
        raise RuntimeError(ONLY_ADDED)

    def delete(self) -> Never:
        raise RuntimeError(ONLY_ADDED)


class Segment(models.Model):
    """At `at` the ticket went over to `phase`: the segment `before`, which began at `since`, had ended.

    Rows are only ever added; chat/times.py alone replaces those of a ticket, by what its messages say.
    """

    ticket = models.ForeignKey("tickets.Ticket", models.CASCADE, related_name="segments", verbose_name="ticket")
    at = models.DateTimeField("cuándo")
    phase = models.CharField("pasó a", max_length=10, choices=Phase)
    before = models.CharField("antes", max_length=10, choices=Phase, blank=True)
    since = models.DateTimeField("desde", null=True, blank=True)
    cause = models.CharField("por", max_length=10, choices=Cause)
    # Who answered; of a closing, whose ticket it was.
    technician = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    seconds = models.PositiveBigIntegerField("segundos de atención", default=0)
    measure = models.CharField("medida", max_length=10, choices=Measure, blank=True)
    value = models.PositiveBigIntegerField("segundos medidos", default=0)
    # Weekday x 24 + hour, local, in which the wait began (of a resolution: the ticket).
    slot = models.PositiveSmallIntegerField(default=0)
    calendar = models.PositiveIntegerField(default=0, db_index=True)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = "segmento de tiempo"
        verbose_name_plural = "segmentos de tiempo"
        # All that the figures of a period are made of, so that they are read from here alone.
        indexes = [
            models.Index("measure", "at", "value", "technician", "slot", "ticket", name="segment_by_measure"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.get_phase_display()} ({self.at})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise RuntimeError(ONLY_ADDED)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise RuntimeError(ONLY_ADDED)


class Timed(models.Model):
    """The columns of a ticket that its log is written from, so that writing it asks nothing."""

    phase = models.CharField("turno", max_length=10, choices=Phase, blank=True, editable=False)
    phase_since = models.DateTimeField("turno desde", null=True, blank=True, editable=False)
    # Seconds of attention until `phase_since`: in which the person waited for us, and with waiting for them added.
    our_seconds = models.PositiveBigIntegerField(default=0, editable=False)
    open_seconds = models.PositiveBigIntegerField(default=0, editable=False)
    # `our_seconds` at the first answer of a technician; null until then.
    first_wait = models.PositiveBigIntegerField(null=True, blank=True, editable=False)

    COLUMNS = ("phase", "phase_since", "our_seconds", "open_seconds", "first_wait")
    # What was said since the row was last saved, in memory.
    said: Said | None = None

    class Meta:
        abstract = True

    def note_said(self, at: datetime, by: int | None = None, *, first: bool = False) -> None:
        """A message was written in this ticket. `first`: one that was said before it is the cause all the same."""
        if not (first and self.said):
            self.said = Said(at, by)

    def next_segment(self, phase: str) -> Segment | None:
        """The row of going over to `phase`, or None while it stays; in memory.

        A bug here must not cost a message: it is logged, and the ticket has no turn until its times are made anew,
        within the hour.
        """
        said, self.said = self.said, None
        if phase == self.phase or self.is_stale:
            return None
        try:
            if said:
                return self.go(phase, said.at, Cause.MESSAGE, said.by)
            return self.go(phase, timezone.now(), Cause.STATE)
        except Exception:
            logger.exception("No se pudo anotar el tiempo del ticket #%s", self.pk)
            self.phase, self.phase_since = "", self.phase_since or timezone.now()
            return None

    @property
    def is_stale(self) -> bool:
        """Whether its log has a hole: a row that went on from there would hide it. A new ticket has no time at all."""
        return not self.phase and self.phase_since is not None

    def go(self, phase: str, at: datetime, cause: Cause, by: int | None = None) -> Segment:
        """Go over to `phase` at `at`, in memory; returns the row to add. Nothing begins before what it ends began."""
        hours, before, since = calendar.current(), self.phase, self.phase_since
        at = max(at, since) if since else at
        seconds = hours.seconds(since, at) if since else 0
        row = Segment(ticket_id=self.pk, at=at, phase=phase, before=before, since=since, cause=cause, seconds=seconds)
        self.our_seconds += seconds if before == Phase.US else 0
        self.open_seconds += seconds if before in (Phase.US, Phase.PERSON) else 0
        row.calendar = hours.version
        row.slot = slot(since or at)
        if phase == Phase.CLOSED:
            row.measure, row.value = Measure.RESOLUTION, self.open_seconds
            row.technician_id, row.slot = self.technician_id, slot(self.created)  # type: ignore[attr-defined]
        elif phase == Phase.PERSON and cause == Cause.MESSAGE:
            row.technician_id = by
            if self.first_wait is None:
                row.measure, row.value = Measure.FIRST, self.our_seconds
                self.first_wait = self.our_seconds
            elif before == Phase.US:
                row.measure, row.value = Measure.LATER, seconds
        self.phase, self.phase_since = phase, at
        return row


def slot(moment: datetime) -> int:
    """The hour of the week of `moment` on the clock on the wall: 0 is Monday from midnight to 1."""
    local = timezone.localtime(moment, timezone.get_default_timezone())
    return local.weekday() * 24 + local.hour
