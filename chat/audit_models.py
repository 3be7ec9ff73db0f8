"""Who did what, when and from where. Rows are only ever added (docs/audit.md)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Never

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone

ONLY_ADDED = "La auditoría sólo se agrega: no se cambia ni se borra."


class Act(models.TextChoices):
    LOGIN = "entrada", "Entró"
    LOGOUT = "salida", "Salió"
    REFUSED = "entrada_fallida", "No pudo entrar"
    LOCKED = "bloqueo", "Quedó bloqueado"
    PASSWORD = "contrasena", "Cambió su contraseña"
    ADDED = "alta", "Agregó"
    CHANGED = "cambio", "Cambió"
    DELETED = "baja", "Borró"
    TOOK = "toma", "Tomó el ticket"
    TRANSFERRED = "transferencia", "Transfirió el ticket"
    STATE = "estado", "Cambió el estado"
    DECIDED = "decision", "Decidió sobre un mensaje"
    EXPORTED = "exportacion", "Exportó"
    IMPORTED = "importacion", "Importó"


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **fields: Any) -> Never:
        raise RuntimeError(ONLY_ADDED)

    def delete(self) -> Never:
        raise RuntimeError(ONLY_ADDED)


class AuditEntry(models.Model):
    """One thing that somebody did. It outlives whom and what it names: their names are kept as they were."""

    at = models.DateTimeField("cuándo", default=timezone.now)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="+",
        verbose_name="quién",
    )
    name = models.CharField("cuenta", max_length=150, blank=True)
    act = models.CharField("qué hizo", max_length=20, choices=Act)
    # What it was done to: its model ("tickets.ticket"), its key, and how it was called then.
    kind = models.CharField("tipo", max_length=60, blank=True)
    object_id = models.CharField("número", max_length=40, blank=True)
    object = models.CharField("en qué", max_length=200, blank=True)
    detail = models.TextField("detalle", blank=True)
    address = models.CharField("desde", max_length=45, blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = "acto de auditoría"
        verbose_name_plural = "actos de auditoría"
        indexes = [
            models.Index(F("at").desc(), F("id").desc(), name="audit_by_time"),
            models.Index("kind", "object_id", name="audit_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'Nadie'}: {self.get_act_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise RuntimeError(ONLY_ADDED)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise RuntimeError(ONLY_ADDED)

    @classmethod
    def purge(cls, days: float) -> int:
        """Forget what is older than `days`, the one way in which rows go; 0 keeps all. Returns how many."""
        if not days:
            return 0
        old = cls.objects.filter(at__lt=timezone.now() - timedelta(days=days))
        return models.QuerySet.delete(old)[0]
