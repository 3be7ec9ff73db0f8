"""What the assistant notes where a model helps it: per ticket what it still has to answer, per day what it spent."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tickets.models import Ticket


class Intake(models.Model):
    """One ticket's interview with a model's help. Without a model no ticket has a row.

    `since` is when the oldest words came that nobody has answered: those from `first` to `last`. Who answers them
    holds `token` until `claimed_until`; only its holder writes an answer, in the transaction that clears all these.
    """

    class Steps(models.TextChoices):
        NONE = "", "Ninguno"
        GIVEN = "dados", "Espera si se resolvió"
        DONE = "contestados", "Contestados"

    ticket = models.OneToOneField(Ticket, models.CASCADE, primary_key=True, related_name="intake")
    since = models.DateTimeField(null=True, blank=True)
    first = models.ForeignKey("chat.Message", models.SET_NULL, null=True, blank=True, related_name="+")
    last = models.ForeignKey("chat.Message", models.SET_NULL, null=True, blank=True, related_name="+")
    # Whether `first` was written with the assistant's question in front of the person.
    answered = models.BooleanField(default=False)
    token = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    handed_over = models.BooleanField(default=False)
    steps = models.CharField(max_length=12, choices=Steps, default=Steps.NONE, blank=True)

    class Meta:
        indexes = [models.Index("since", condition=Q(since__isnull=False), name="intake_waiting")]

    def __str__(self) -> str:
        return f"Entrevista del ticket #{self.ticket_id}"

    def release(self) -> None:
        """Let whoever comes next answer; in memory."""
        self.token = self.claimed_until = None

    def settle(self) -> None:
        """Nothing waits for an answer any more; in memory."""
        self.release()
        self.since = self.first = self.last = None
        self.answered = False


class ModelSpending(models.Model):
    """What the model cost on one day of the desk's calendar, in tokens, over all processes."""

    day = models.DateField("día", primary_key=True)
    tokens = models.PositiveBigIntegerField("tokens", default=0)
    calls = models.PositiveIntegerField("llamadas", default=0)
    # When a call was refused first because it did not fit any more.
    exhausted = models.DateTimeField("agotado desde", null=True, blank=True)

    class Meta:
        verbose_name = "gasto del asistente"
        verbose_name_plural = "gasto del asistente"

    def __str__(self) -> str:
        return str(self.day)
