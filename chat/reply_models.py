"""Texts that are written once and sent often: what technicians pick in the composer, and what Notificar offers."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from whatsapp.models import Template


class PredefinedMessageQuerySet(models.QuerySet["PredefinedMessage"]):
    def shared(self) -> PredefinedMessageQuerySet:
        return self.filter(owner=None)

    def notices(self) -> PredefinedMessageQuerySet:
        """What Notificar offers."""
        return self.shared().filter(active=True, notify=True)

    def seen_by(self, person: User) -> PredefinedMessageQuerySet:
        """The shared ones and their own, never a colleague's."""
        return self.filter(Q(owner=None) | Q(owner=person))

    def most_used_first(self, person: User) -> list[tuple[PredefinedMessage, int]]:
        """Each with how often `person` sent it. Two queries."""
        uses = dict(ReplyUse.objects.filter(user=person).values_list("reply", "count"))
        found = [(reply, uses.get(reply.pk, 0)) for reply in self]
        return sorted(found, key=lambda one: -one[1])


class PredefinedMessage(models.Model):
    """A text with variables ({nombre}, {numero}…: chat/notices.py), maybe with a file, of its `owner` or of all.

    `template` goes instead of the text outside of the 24-hour window, with a value per line of `template_values`:
    first those of its header.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name="de quién"
    )
    title = models.CharField("título", max_length=80)
    shortcut = models.CharField("atajo", max_length=30, blank=True, default="", db_default="")
    text = models.TextField("texto", max_length=4096)
    position = models.PositiveIntegerField("orden", default=0)
    active = models.BooleanField("activo", default=True)
    notify = models.BooleanField("en Notificar", default=True, db_default=True)
    template = models.ForeignKey(
        Template, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="plantilla"
    )
    template_values = models.TextField("valores de la plantilla", blank=True)

    # As of an Attachment; each message that is made of it gets a copy of its own.
    file = models.FileField(
        "archivo", upload_to="adjuntos/%Y/%m/", max_length=200, blank=True, default="", db_default=""
    )
    thumbnail = models.FileField(
        "miniatura", upload_to="miniaturas/%Y/%m/", max_length=200, blank=True, default="", db_default=""
    )
    mime = models.CharField("tipo", max_length=100, blank=True, default="", db_default="")
    name = models.CharField("nombre", max_length=200, blank=True, default="", db_default="")
    size = models.PositiveBigIntegerField("bytes", null=True, blank=True)

    objects = PredefinedMessageQuerySet.as_manager()

    class Meta:
        verbose_name = "mensaje predefinido"
        verbose_name_plural = "mensajes predefinidos"
        ordering = ["position", "title"]
        constraints = [
            models.UniqueConstraint(
                "title",
                condition=Q(owner=None),
                name="one_shared_title",
                violation_error_message="Ya hay uno compartido con ese título.",
            ),
            models.UniqueConstraint(
                "owner", "title", name="one_own_title", violation_error_message="Ya tienes una con ese título."
            ),
            models.UniqueConstraint(
                "shortcut",
                condition=Q(owner=None) & ~Q(shortcut=""),
                name="one_shared_shortcut",
                violation_error_message="Ya hay uno compartido con ese atajo.",
            ),
            models.UniqueConstraint(
                "owner",
                "shortcut",
                condition=~Q(shortcut=""),
                name="one_own_shortcut",
                violation_error_message="Ya tienes una con ese atajo.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def file_name(self) -> str:
        return self.name or "archivo"


class ReplyUse(models.Model):
    """How often somebody sent a reply: what they use most is offered first."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    reply = models.ForeignKey(PredefinedMessage, models.CASCADE, related_name="+")
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("user", "reply", name="one_reply_use")]

    def __str__(self) -> str:
        return f"{self.user_id} · {self.reply_id}: {self.count}"

    @classmethod
    def note(cls, person: User, reply: int) -> None:
        """`person` sent a message made of `reply`; nothing, when they see no such reply (any more)."""
        if not PredefinedMessage.objects.seen_by(person).filter(pk=reply).exists():
            return
        use, _ = cls.objects.get_or_create(user=person, reply_id=reply)
        cls.objects.filter(pk=use.pk).update(count=F("count") + 1)
