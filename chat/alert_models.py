"""How each technician wants to hear that a person wrote, and the devices that are told with the desk closed."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils import timezone


class AlertSettings(models.Model):
    """One technician's wishes; who never changed them has no row."""

    class Scope(models.TextChoices):
        BOTH = "mios_y_sin_asignar", "Mis tickets y los que nadie ha tomado"
        MINE = "mios", "Sólo mis tickets"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="alert_settings"
    )
    scope = models.CharField("cuáles", max_length=20, choices=Scope, default=Scope.BOTH)
    sound = models.BooleanField("sonido", default=False)
    browser = models.BooleanField("avisos del navegador", default=False)
    text = models.BooleanField("con el texto del mensaje", default=False)
    # Both or none, in the desk's time; from 22:00 to 7:00 goes over midnight.
    quiet_from = models.TimeField("silencio desde", null=True, blank=True)
    quiet_to = models.TimeField("silencio hasta", null=True, blank=True)

    class Meta:
        verbose_name = "preferencias de avisos"
        verbose_name_plural = "preferencias de avisos"
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_to__isnull=True)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="quiet_hours_have_two_ends",
            )
        ]

    def __str__(self) -> str:
        return str(self.user)

    @classmethod
    def of(cls, user: User) -> AlertSettings:
        """The settings of `user`, or the defaults of who has none; no query where `alert_settings` was read along."""
        try:
            return user.alert_settings
        except cls.DoesNotExist:
            return cls(user=user)

    def quiet(self, now: datetime | None = None) -> bool:
        """Whether `now` lies in the quiet hours."""
        if self.quiet_from is None or self.quiet_to is None:
            return False
        clock = timezone.localtime(now).time()
        if self.quiet_from < self.quiet_to:
            return self.quiet_from <= clock < self.quiet_to
        return clock >= self.quiet_from or clock < self.quiet_to


class PushDevice(models.Model):
    """A browser that its owner allowed to be told with the desk closed: a push subscription and whose it is."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="push_devices")
    # Whoever knows it can send there, so it is neither logged nor shown.
    endpoint = models.CharField(max_length=1000, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    name = models.CharField("nombre", max_length=80)
    created = models.DateTimeField("desde", default=timezone.now)
    used = models.DateTimeField("último aviso", null=True, blank=True)
    problem = models.CharField("problema", max_length=200, blank=True)

    class Meta:
        verbose_name = "dispositivo"
        ordering = ["created", "pk"]

    def __str__(self) -> str:
        return self.name
