"""Who else works on a ticket, besides its technician."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tickets.models import Ticket


class Participant(models.Model):
    """A colleague in a ticket: joined, was mentioned in a note, or got it. They hear of it as its technician does."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="participants", verbose_name="ticket")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="participations", verbose_name="persona"
    )
    since = models.DateTimeField("desde", default=timezone.now)
    # The note that named them, or the line that gave them the ticket, until they have seen it.
    mention = models.ForeignKey(
        "Message", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="mención sin ver"
    )

    class Meta:
        verbose_name = "participante"
        constraints = [models.UniqueConstraint("user", "ticket", name="one_participation")]
        indexes = [models.Index("user", "ticket", condition=Q(mention__isnull=False), name="unseen_mention")]

    def __str__(self) -> str:
        return f"{self.user} · {self.ticket_id}"
