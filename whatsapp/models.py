from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone


class Connection(models.Model):
    """The gateway's WhatsApp session as every process knows it: one row per gateway, and its breaker."""

    gateway = models.CharField("gateway", max_length=20, primary_key=True)
    connected = models.BooleanField("conectado", default=True)
    since = models.DateTimeField("desde", default=timezone.now)
    detail = models.CharField("detalle", max_length=300, blank=True)
    # Consecutive failures that concern the session, not one recipient (the breaker's counts).
    not_sent = models.PositiveIntegerField("no enviados seguidos", default=0)
    doubtful = models.PositiveIntegerField("dudosos seguidos", default=0)
    doubtful_address = models.CharField(max_length=160, blank=True)
    next_probe = models.DateTimeField("próxima comprobación", null=True, blank=True)
    next_send = models.DateTimeField("próximo envío permitido", null=True, blank=True)
    # Set by a supervisor, or after a restore from backup: nothing is sent until somebody resumes.
    paused = models.DateTimeField("en pausa desde", null=True, blank=True)
    paused_why = models.CharField("motivo de la pausa", max_length=200, blank=True)

    class Meta:
        verbose_name = "conexión"
        verbose_name_plural = "conexiones"

    def __str__(self) -> str:
        pause = " (envío en pausa)" if self.paused else ""
        return f"WhatsApp {'conectado' if self.connected else 'desconectado'}{pause}"

    @property
    def may_send(self) -> bool:
        """Whether messages may leave now: the session works and nobody paused sending."""
        return self.connected and self.paused is None


class ConnectionChange(models.Model):
    """One line of a session's history: when it went down or came back, by what word."""

    gateway = models.CharField("gateway", max_length=20)
    at = models.DateTimeField("cuándo", default=timezone.now)
    connected = models.BooleanField("conectado")
    detail = models.CharField("detalle", max_length=300, blank=True)
    # Of a line that ended an outage: since when, and the back-fill of what was missed meanwhile (chat/backfill.py).
    down_since = models.DateTimeField("sin conexión desde", null=True, blank=True)
    due = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    filled = models.DateTimeField("recuperado", null=True, blank=True)
    found = models.PositiveIntegerField("mensajes recuperados", null=True, blank=True)

    class Meta:
        verbose_name = "cambio de conexión"
        verbose_name_plural = "historia de la conexión"
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index("gateway", models.F("at").desc(), name="change_of_gateway"),
            models.Index("at", condition=models.Q(down_since__isnull=False, filled=None), name="change_to_fill"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {'conectado' if self.connected else 'desconectado'}"

    @classmethod
    def purge(cls, days: float) -> int:
        """Forget what is older than `days`; returns how many lines."""
        return cls.objects.filter(at__lt=timezone.now() - timedelta(days=days)).delete()[0]


class Template(models.Model):
    """A message template as its gateway listed it last (Meta approves them); see gateways.base.TemplateInfo."""

    gateway = models.CharField("gateway", max_length=20)
    name = models.CharField("nombre", max_length=512)
    language = models.CharField("idioma", max_length=20)
    status = models.CharField("estado", max_length=40)
    category = models.CharField("categoría", max_length=40, blank=True)
    header = models.TextField("encabezado", blank=True)
    body = models.TextField("cuerpo", blank=True)
    footer = models.TextField("pie", blank=True)
    usable = models.BooleanField("se puede usar", default=True)
    problem = models.CharField("problema", max_length=200, blank=True)
    listed = models.DateTimeField("leída", default=timezone.now)

    class Meta:
        verbose_name = "plantilla"
        ordering = ["name", "language"]
        constraints = [models.UniqueConstraint("gateway", "name", "language", name="one_template")]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"


class WebhookEvent(models.Model):
    """One thing a gateway told us, as it came; the ledger that nothing inbound gets past."""

    class State(models.TextChoices):
        RECEIVED = "recibido", "Recibido"
        PROCESSED = "procesado", "Procesado"
        WAITING = "en_espera", "En espera"
        IGNORED = "ignorado", "Ignorado"
        ERROR = "error", "Error"

    # The handler's reason for an event that came before: a person may say that it did not, so that it is kept.
    REPEATED = "Mensaje repetido"

    gateway = models.CharField("gateway", max_length=20)
    external_id = models.CharField("id del gateway", max_length=200)
    body = models.TextField("cuerpo")
    state = models.CharField("estado", max_length=12, choices=State, default=State.RECEIVED)
    reason = models.CharField("motivo", max_length=300, blank=True)
    # What the event became or changed, named by the handler: "mensaje:<pk>" or "conexion".
    about = models.CharField("asunto", max_length=60, blank=True)
    # What an event in `en_espera` waits for: "message:<gateway id>" or "conversation:<id>".
    waits_on = models.CharField("espera a", max_length=240, blank=True)
    received = models.DateTimeField("recibido", default=timezone.now)
    handled = models.DateTimeField("atendido", null=True, blank=True)
    # How often the database refused what the event does; after events.MAX_TRIES it is an error.
    tries = models.PositiveIntegerField("intentos", default=0, editable=False)

    class Meta:
        verbose_name = "evento recibido"
        verbose_name_plural = "eventos recibidos"
        constraints = [models.UniqueConstraint("gateway", "external_id", name="one_event_per_gateway_id")]
        indexes = [
            models.Index("state", "received", name="event_by_state"),
            models.Index("waits_on", condition=models.Q(state="en_espera"), name="event_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.external_id}"

    @classmethod
    def purge(cls, days: float) -> int:
        """Delete events that need no more attention and are older than `days`; returns how many.

        One day is enough for what was of no interest: somebody who writes is told of every few seconds.
        """
        now = timezone.now()
        done = [cls.State.PROCESSED, cls.State.WAITING, cls.State.IGNORED]
        old = cls.objects.filter(state__in=done, received__lt=now - timedelta(days=days))
        idle = cls.objects.filter(state=cls.State.IGNORED, received__lt=now - timedelta(days=1)).exclude(
            reason=cls.REPEATED
        )
        # Two deletions, because "or" would read the whole ledger.
        return old.delete()[0] + idle.delete()[0]
