from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Q
from django.db.models.lookups import Exact
from django.utils import timezone

from tickets import identity
from tickets.calendar_models import Holiday, OpeningHours
from tickets.contacts import SENDABLE, Alias, Contact, Merge, PossibleDuplicate
from tickets.identity import Identity
from tickets.text import fold
from tickets.times import Phase, Segment, Timed

__all__ = [
    "CLOSED_STATES",
    "OPEN_STATES",
    "SENDABLE",
    "Alias",
    "Contact",
    "Holiday",
    "Merge",
    "OpeningHours",
    "PossibleDuplicate",
    "Priority",
    "Segment",
    "State",
    "Ticket",
    "TicketQuerySet",
]


class State(models.TextChoices):
    PENDING = "Pendiente", "Pendiente"
    IN_PROGRESS = "En proceso", "En proceso"
    ON_HOLD = "En espera", "En espera"
    RESOLVED = "Resuelto", "Resuelto"
    CLOSED = "Cerrado", "Cerrado"


OPEN_STATES = (State.PENDING, State.IN_PROGRESS, State.ON_HOLD)
CLOSED_STATES = (State.RESOLVED, State.CLOSED)


class Priority(models.TextChoices):
    LOW = "Baja", "Baja"
    NORMAL = "Normal", "Normal"
    HIGH = "Alta", "Alta"
    URGENT = "Urgente", "Urgente"


# The table's order, in every index that it is read from.
NEWEST = (models.F("last_activity").desc(), models.F("id").desc())


def openness(state: str = "state") -> models.Func:
    """1 for an open ticket, else 0: word for word the column of two indexes, which hold each kind in the table's order.

    From an index of states three lists would have to be read whole, to be sorted into one.
    """
    names = ", ".join(f"'{name.value}'" for name in OPEN_STATES)
    template = f"CASE WHEN %(expressions)s IN ({names}) THEN 1 ELSE 0 END"
    return models.Func(state, template=template, output_field=models.IntegerField())


class TicketQuerySet(models.QuerySet["Ticket"]):
    def open(self) -> TicketQuerySet:
        return self.filter(Exact(openness(), 1))

    def closed(self) -> TicketQuerySet:
        return self.filter(Exact(openness(), 0))

    def search(self, text: str) -> TicketQuerySet:
        """Tickets in whose folded text every word of `text` occurs (at most 8 words of 400 characters in all).

        A text that is somebody's address, in whatever way it is written, finds that person's tickets too.
        """
        text = text.replace("\0", "")
        found = Q()
        for word in fold(text)[:400].split()[:8]:
            digits = word.strip("+-()#")
            found &= Q(search_text__contains=digits if digits.isdigit() else word)
        if who := identity.typed(text, settings.TELEFONO_REGION):
            found |= self.with_address(who)
        return self.filter(found)

    @staticmethod
    def with_address(who: Identity) -> Q:
        """The tickets of the contact who has the address `who`."""
        return Q(contact__in=Alias.objects.filter(kind=who.kind, key=who.key).values("contact"))

    def latest_first(self) -> TicketQuerySet:
        return self.order_by(*NEWEST)


class Ticket(Timed):
    """One problem of a contact: a chapter of their WhatsApp thread."""

    contact = models.ForeignKey(Contact, models.PROTECT, related_name="tickets", verbose_name="contacto")
    name = models.CharField("nombre", max_length=120, blank=True)
    department = models.CharField("departamento", max_length=120, blank=True)
    equipment = models.CharField("tipo de equipo", max_length=120, blank=True)
    asset = models.CharField("número de activo", max_length=120, blank=True)
    fault = models.TextField("falla", blank=True)
    category = models.CharField("categoría", max_length=60, blank=True)
    evidence = models.ImageField("foto de evidencia", upload_to="evidencia/%Y/%m/", blank=True)
    state = models.CharField("estado", max_length=20, choices=State, default=State.PENDING)
    priority = models.CharField("prioridad", max_length=20, choices=Priority, default=Priority.NORMAL)
    technician = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="tickets",
        verbose_name="técnico",
    )
    created = models.DateTimeField("creado", default=timezone.now, editable=False)
    first_response = models.DateTimeField("primera respuesta", null=True, blank=True, editable=False)
    resolved = models.DateTimeField("resuelto", null=True, blank=True, editable=False)
    last_activity = models.DateTimeField("última actividad", default=timezone.now, editable=False)
    unread = models.PositiveIntegerField("sin leer", default=0, editable=False)
    # Since when the person waits for a technician's answer; null when the last word was ours.
    waiting_since = models.DateTimeField("espera desde", null=True, blank=True, editable=False)
    last_text = models.CharField("último mensaje", max_length=160, blank=True, editable=False)
    last_role = models.CharField(max_length=10, blank=True, editable=False)
    # What the assistant asked last (a name in chat.assistant.FIELDS); blank when no answer is expected.
    asked = models.CharField(max_length=20, blank=True, editable=False)
    search_text = models.TextField(blank=True, editable=False)
    # The conversation's version at which this ticket's messages got other numbers: who read before it begins anew.
    renumbered = models.PositiveBigIntegerField(default=0, editable=False)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = "ticket"
        constraints = [
            models.UniqueConstraint(
                "contact",
                condition=Q(state__in=["Pendiente", "En proceso", "En espera"]),
                name="one_open_ticket_per_contact",
                violation_error_message="Este contacto ya tiene un ticket abierto.",
            ),
        ]
        indexes = [
            # The last column of these three is what their condition reads: only so does a database count the tabs in
            # the index alone.
            models.Index(openness(), *NEWEST, "state", name="ticket_by_openness"),
            models.Index("technician", openness(), *NEWEST, "state", name="ticket_of"),
            models.Index(*NEWEST, "waiting_since", condition=Q(waiting_since__isnull=False), name="ticket_waiting"),
            models.Index("state", *NEWEST, name="ticket_by_state"),
            models.Index(*NEWEST, name="ticket_by_activity"),
            models.Index("phase", "phase_since", name="ticket_by_phase"),
            models.Index("created", name="ticket_by_creation"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} · {self.shown_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is None:
            # The number is searched for too, and only the database knows it.
            super().save(*args, **kwargs)
            kwargs = {"update_fields": ["search_text"]}
            args = ()
        self.search_text = self.folded()
        segment = None
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "search_text"}
        else:
            segment = self.next_segment(self.turn)
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)
            if segment:
                segment.save(force_insert=True)

    def folded(self) -> str:
        """What the table's search looks in: everything the table shows of the person and the problem."""
        digits = "".join(filter(str.isdigit, self.contact.address))
        parts = (self.shown_name, self.contact.push_name, self.department, self.equipment, self.asset, self.category)
        return fold(" ".join((str(self.pk or ""), digits, self.contact.spellings, *parts, self.fault)))

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def shown_name(self) -> str:
        return self.name or str(self.contact)

    @property
    def turn(self) -> Phase:
        """Whom the ticket waits for, by its columns; the one place that says so."""
        if not self.is_open:
            return Phase.CLOSED
        if self.asked:
            return Phase.ASSISTANT
        return Phase.US if self.waiting_since else Phase.PERSON

    def change_state(self, state: str, now: datetime | None = None) -> None:
        """Move to `state` in memory (the caller saves), keeping `resolved` true to it."""
        now = now or timezone.now()
        if state in CLOSED_STATES:
            self.resolved = self.resolved or now
            self.waiting_since = None
            self.asked = ""
        else:
            self.resolved = None
        self.state = state

    def take(self, technician: AbstractBaseUser) -> None:
        """Give the ticket to `technician`, in memory; a pending one is then in progress."""
        self.technician_id = technician.pk
        if self.state == State.PENDING:
            self.change_state(State.IN_PROGRESS)

    def reopen(self) -> None:
        self.change_state(State.IN_PROGRESS if self.technician_id else State.PENDING)

    def wait_again(self) -> None:
        """After a person of the desk reopened it, in memory: who had no answer waits for one, from now on."""
        if self.last_role in ("user", "assistant"):
            self.waiting_since = timezone.now()

    def may_reopen(self, now: datetime) -> bool:
        """Whether a message of the person that comes at `now` still belongs to this closed ticket."""
        return self.resolved is not None and now - self.resolved <= timedelta(hours=settings.REABRIR_HORAS)
