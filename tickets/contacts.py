"""The people on WhatsApp, and every address under which they were seen."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tickets import identity
from tickets.identity import Identity


class ContactQuerySet(models.QuerySet["Contact"]):
    def known_by(self, who: Identity) -> ContactQuerySet:
        """The contact who has the address `who`: one, or none."""
        return self.filter(aliases__kind=who.kind, aliases__key=who.key)


class Contact(models.Model):
    """The person on WhatsApp. Their aliases are what we match on; `address` is what we send to."""

    address = models.CharField("dirección de envío", max_length=160, help_text="Como la vimos por última vez.")
    name = models.CharField("nombre", max_length=120, blank=True)
    push_name = models.CharField("nombre en WhatsApp", max_length=120, blank=True)
    department = models.CharField("departamento", max_length=120, blank=True)
    created = models.DateTimeField("creado", default=timezone.now, editable=False)
    # Kept true to the aliases by `refresh_aliases`, so that a list of people asks for no other table.
    known_as = models.CharField(max_length=160, blank=True, editable=False)
    spellings = models.TextField(blank=True, editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = "contacto"

    def __str__(self) -> str:
        return self.name or self.push_name or self.shown_phone

    @property
    def shown_phone(self) -> str:
        """Their number grouped for reading, as "+52 1 477 275 8198"; else their username, else that it is not known.

        The number they were seen by last; one that is only known beside it where WhatsApp hides the number.
        """
        return identity.show(self.address if identity.is_phone(self.address) else self.known_as or self.address)

    @property
    def number(self) -> str:
        """The same in one piece, for files: "+5214772758198", "@ana" or "sin número (WhatsApp …1234)"."""
        known = self.address if identity.is_phone(self.address) else self.known_as
        return identity.e164(known) if known else self.shown_phone

    @property
    def telefono(self) -> str:
        """The address as the contract's `telefono` has it: "+5214772758198", as it was seen."""
        return identity.e164(self.address)

    def address_among(self, kinds: frozenset[str]) -> str:
        """What to send to through a gateway that reaches these kinds of address: the last one seen, if it is one.

        Somebody last seen by a LID is written to at their phone once the desk speaks with Meta, which knows no LIDs.
        """
        who = identity.identify(self.address)
        if who and who.kind not in kinds:
            known = self.aliases.filter(kind__in=kinds).order_by(F("last_seen").desc(nulls_last=True), "-pk").first()
            return known.address if known else self.address
        return self.address

    def add_aliases(self, found: list[Identity], **fields: Any) -> None:
        """Give this contact addresses that nobody has; IntegrityError where somebody was faster.

        In one order, so that two who learn the same addresses wait for each other instead of for ever.
        """
        ordered = sorted(found, key=lambda one: (one.kind, one.key))
        Alias.objects.bulk_create(
            Alias(contact=self, kind=one.kind, key=one.key, address=one.address, **fields) for one in ordered
        )
        self.note_lookalikes(*(one.key for one in found))

    def note_lookalikes(self, *keys: str) -> None:
        """Flag whoever has a number that may be one of these: 54 and 549 of the same digits."""
        alike = [alike for key in keys for alike in identity.possible_duplicates(key)]
        for other in Contact.objects.filter(aliases__kind=Alias.Kind.PHONE, aliases__key__in=alike) if alike else ():
            PossibleDuplicate.note(self, other, PossibleDuplicate.Reason.ARGENTINA)

    def refresh_aliases(self) -> None:
        """Write what is shown and searched of the aliases, here and in the tickets, after they changed."""
        aliases = list(self.aliases.order_by(F("last_seen").desc(nulls_last=True), "-pk"))
        newest: dict[str, str] = {}
        for alias in aliases:
            newest.setdefault(alias.kind, alias.address)
        self.known_as = newest.get(Alias.Kind.PHONE) or newest.get(Alias.Kind.USERNAME) or ""
        self.spellings = " ".join(dict.fromkeys(part for alias in aliases for part in (alias.key, alias.address)))
        self.save(update_fields=["known_as", "spellings"])
        for ticket in self.tickets.all():
            ticket.contact = self
            ticket.save(update_fields=["search_text"])


class Alias(models.Model):
    """One address of a contact. `key` is matched on; `address` is the form it was seen in last."""

    class Kind(models.TextChoices):
        PHONE = "phone", "Teléfono"
        LID = "lid", "LID de WhatsApp"
        BSUID = "bsuid", "Identificador de WhatsApp Business"
        USERNAME = "username", "Usuario de WhatsApp"

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="aliases", verbose_name="contacto")
    kind = models.CharField("tipo", max_length=10, choices=Kind)
    key = models.CharField("dirección", max_length=160)
    address = models.CharField("como se vio", max_length=160)
    first_seen = models.DateTimeField("conocida desde", default=timezone.now)
    # Null for a phone that a supervisor added and WhatsApp has not shown yet.
    last_seen = models.DateTimeField("vista por última vez", null=True, blank=True)

    class Meta:
        verbose_name = "dirección"
        verbose_name_plural = "direcciones"
        constraints = [models.UniqueConstraint("kind", "key", name="one_contact_per_alias")]

    def __str__(self) -> str:
        return identity.show(self.address)


SENDABLE = (Alias.Kind.PHONE, Alias.Kind.LID, Alias.Kind.BSUID)


class PossibleDuplicate(models.Model):
    """Two contacts who may be one person: for a supervisor to judge. `first` is the older one."""

    class Reason(models.TextChoices):
        SEEN_TOGETHER = "mismo_mensaje", "Un mismo mensaje mostró ambos"
        ARGENTINA = "54_549", "Mismo número con 54 y con 549"
        NUMBER_CHANGED = "cambio_de_numero", "Cambió al número del otro"
        USERNAME = "mismo_usuario", "Tomó el usuario que tenía el otro"

    first = models.ForeignKey(Contact, models.CASCADE, related_name="possible_as_first")
    second = models.ForeignKey(Contact, models.CASCADE, related_name="possible_as_second")
    reason = models.CharField("motivo", max_length=20, choices=Reason)
    noticed = models.DateTimeField("notado", default=timezone.now)
    dismissed = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = "posible duplicado"
        verbose_name_plural = "posibles duplicados"
        constraints = [models.UniqueConstraint("first", "second", name="one_note_per_pair")]

    def __str__(self) -> str:
        return f"{self.first} y {self.second}: {self.get_reason_display()}"

    @classmethod
    def note(cls, one: Contact, other: Contact, reason: str) -> None:
        """Remember that they may be the same person; a pair that somebody judged is not asked about again."""
        if one.pk != other.pk:
            first, second = sorted((one, other), key=lambda contact: contact.pk)
            cls.objects.get_or_create(first=first, second=second, defaults={"reason": reason})

    @classmethod
    def of(cls, *contacts: int) -> models.QuerySet[PossibleDuplicate]:
        """What nobody has judged yet about any of these contacts."""
        return cls.objects.filter(Q(first__in=contacts) | Q(second__in=contacts), dismissed=None)


class Merge(models.Model):
    """A supervisor joined two contacts: everything of `absorbed` went to `kept`. `details` is what undoing needs."""

    kept = models.ForeignKey(Contact, models.PROTECT, related_name="merges", verbose_name="se quedó")
    absorbed = models.ForeignKey(Contact, models.PROTECT, related_name="absorbed_in", verbose_name="se integró")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="quién")
    created = models.DateTimeField("fecha", default=timezone.now)
    details = models.JSONField("qué pasó", default=dict)
    undone = models.DateTimeField("deshecha", null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="quién deshizo"
    )

    class Meta:
        verbose_name = "combinación"
        verbose_name_plural = "combinaciones"

    def __str__(self) -> str:
        return f"{self.absorbed} en {self.kept}"
