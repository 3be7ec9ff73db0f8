from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from chat import live
from chat.alert_models import AlertSettings as AlertSettings
from chat.alert_models import PushDevice as PushDevice
from chat.audit_models import AuditEntry as AuditEntry
from chat.llm_models import Intake as Intake
from chat.llm_models import ModelSpending as ModelSpending
from chat.reply_models import PredefinedMessage as PredefinedMessage
from chat.reply_models import ReplyUse as ReplyUse
from chat.team_models import Participant as Participant
from tickets.models import Contact, Ticket
from tickets.prepared import Prepared

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class Clock(TypedDict):
        """The database's time, where the row was locked."""

        clock: datetime

    Timed = WithAnnotations["Conversation", Clock]


class Role(models.TextChoices):
    USER = "user", "Usuario"
    ASSISTANT = "assistant", "Asistente"
    TECHNICIAN = "tecnico", "Técnico"


class Delivery(models.TextChoices):
    """Where a message is on its way out; a person's own message is `recibido`, and what never leaves is `interna`.

    Nobody knows whether what was brought from another desk went out: it is `importado`, for ever.
    """

    RECEIVED = "recibido", "Recibido"
    QUEUED = "en_cola", "En cola"
    SENDING = "enviando", "Enviando"
    SENT = "enviado", "Enviado"
    DELIVERED = "entregado", "Entregado"
    READ = "leido", "Leído"
    DOUBTFUL = "sin_confirmar", "Sin confirmar"
    FAILED = "fallido", "No se pudo enviar"
    DISCARDED = "descartado", "Descartado"
    INTERNAL = "interna", "Solo la mesa la ve"
    IMPORTED = "importado", "Importado"


logger = logging.getLogger(__name__)

# The only moves there are; anything else is ignored and logged (docs/delivery.md).
MOVES: dict[str, frozenset[str]] = {
    Delivery.QUEUED: frozenset({Delivery.SENDING, Delivery.FAILED, Delivery.DISCARDED}),
    Delivery.SENDING: frozenset({Delivery.SENT, Delivery.QUEUED, Delivery.DOUBTFUL, Delivery.FAILED}),
    Delivery.DOUBTFUL: frozenset(
        {Delivery.SENT, Delivery.DELIVERED, Delivery.READ, Delivery.FAILED, Delivery.DISCARDED}
    ),
    Delivery.SENT: frozenset({Delivery.DELIVERED, Delivery.READ, Delivery.FAILED}),
    Delivery.DELIVERED: frozenset({Delivery.READ}),
    Delivery.FAILED: frozenset({Delivery.DELIVERED, Delivery.READ}),
}
ACCEPTED = (Delivery.SENT, Delivery.DELIVERED, Delivery.READ)
# The kind of a line that nobody wrote: it stands between the bubbles, and nobody waits for an answer to it.
SYSTEM = "system"
# The kind of what technicians tell each other in the thread: no answer to the person, and never sent.
NOTE = "nota"
FROM_PERSON = Q(role=Role.USER) & ~Q(kind=SYSTEM)
ANSWERS = Q(role=Role.TECHNICIAN) & ~Q(kind__in=[NOTE, SYSTEM])
# What the person has, or may get, of us; and what they wrote.
SAID = ~Q(state=Delivery.INTERNAL)
OPEN = (Delivery.QUEUED, Delivery.SENDING, Delivery.DOUBTFUL)
# The condition of the index message_open, word for word: SQLite answers from that index only what says it so.
IS_OPEN = models.Func(
    "state",
    template=f"%(expressions)s IN ({', '.join(repr(state.value) for state in OPEN)})",
    output_field=models.BooleanField(),
)


class Held(models.TextChoices):
    """Why a queued row waits for its `due`: the session failed, its recipient is limited, its file cannot be read, or
    we have a bug."""

    SESSION = "session", "Sesión"
    RECIPIENT = "recipient", "Destinatario"
    FILE = "file", "Archivo"
    CRASH = "crash", "Fallo nuestro"


class Conversation(models.Model):
    """The one WhatsApp thread we have with a contact, for ever. Owns order, change and the sending lease."""

    contact = models.OneToOneField(Contact, models.PROTECT, related_name="conversation", verbose_name="contacto")
    seq = models.PositiveBigIntegerField("último número", default=0, editable=False)
    version = models.PositiveBigIntegerField("versión", default=0, editable=False)
    # When the person wrote last: Meta takes free text for 24 hours after that.
    last_inbound = models.DateTimeField("último mensaje de la persona", null=True, blank=True, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Where its messages went when a supervisor merged its contact into another; it has none itself then.
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+", editable=False)

    class Meta:
        verbose_name = "conversación"
        verbose_name_plural = "conversaciones"
        indexes = [models.Index("lease_until", condition=Q(lease_until__isnull=False), name="conversation_leased")]

    def __str__(self) -> str:
        return str(self.contact)

    @classmethod
    def locked(cls, pk: int) -> Timed:
        """The row, locked until the transaction ends (SQLite: IMMEDIATE transactions lock everything already)."""
        return lock_by_pk.get(pk)

    @classmethod
    def locked_for(cls, contact: Contact) -> Conversation:
        """The contact's conversation, made if this is the first, and locked; whose they were merged into, if so."""
        if found := lock_unmerged.first(contact.pk):
            return found
        own = cls.objects.get_or_create(contact=contact)[0]
        # Only the last of the way is locked: a merge and its undoing lock theirs by number, and would wait for us.
        while True:
            found = cls.locked(own.end().pk)
            if found.pk == own.pk and not found.merged_into_id:
                return found
            own.refresh_from_db(fields=["merged_into"])  # merged, or parted again, while we waited
            if found.pk == own.end().pk:
                return found

    def end(self) -> Conversation:
        """Where its messages are, as far as was read: itself, or whose it was merged into. Locks nothing."""
        found = self
        while found.merged_into_id:
            found = Conversation.objects.get(pk=found.merged_into_id)
        return found

    @classmethod
    def locked_of(cls, row: Message) -> Conversation:
        """The conversation of `row`, locked, and `row` read again: its people may be merged while we wait."""
        conversation = cls.locked(row.conversation_id)
        row.refresh_from_db()
        return conversation if row.conversation_id == conversation.pk else cls.locked_of(row)

    def bump(self, ticket: int | None, *, row: bool = False) -> int:
        """Record that something in this conversation changed; returns the new version. Needs the row's lock.

        Open pages are told that `ticket` changed (None: any of them), and whether its row in the table did too. The
        lease is saved with it as it now is: taking it and giving it back are no writes of their own.
        """
        self.version += 1
        self.save(update_fields=["version", "lease_token", "lease_until"])
        live.announce_on_commit("ticket", {"ticket": ticket, "fila": row})
        return self.version

    def heard(self, now: datetime) -> None:
        """The person wrote at `now`. Needs the row's lock."""
        self.last_inbound = max(now, self.last_inbound or now)
        self.save(update_fields=["last_inbound"])

    def append(self, ticket: Ticket, role: str, text: str, **fields: Any) -> Message:
        """Insert the next message of the thread. Needs the row's lock."""
        if ticket.contact_id != self.contact_id:
            raise RuntimeError(f"El ticket {ticket.pk} ya no es de esta conversación")  # a merge was undone meanwhile
        self.seq += 1
        self.version += 1
        self.save(update_fields=["seq", "version"])
        live.announce_on_commit("ticket", {"ticket": ticket.pk, "fila": True})
        message = Message.objects.create(
            conversation=self, ticket=ticket, role=role, text=text, seq=self.seq, version=self.version, **fields
        )
        if message.kind not in (SYSTEM, NOTE):
            ticket.note_said(message.created, message.author_id, first=role == Role.ASSISTANT)
        return message


lock_by_pk: Prepared[Timed] = Prepared(
    lambda pk: Conversation.objects.select_for_update().annotate(clock=Now()).filter(pk=pk)
)
lock_unmerged: Prepared[Conversation] = Prepared(
    lambda contact: Conversation.objects.select_for_update().filter(contact=contact, merged_into=None)
)


class Message(models.Model):
    """One bubble. An outbound row is also the queue: its `state`, `due` and `attempt` are all that sending knows."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="messages", verbose_name="conversación")
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="messages", verbose_name="ticket")
    seq = models.PositiveBigIntegerField("número")
    version = models.PositiveBigIntegerField("versión")
    role = models.CharField("rol", max_length=10, choices=Role)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        verbose_name="autor",
    )
    text = models.TextField("texto")
    kind = models.CharField("tipo", max_length=20, default="text")
    created = models.DateTimeField("fecha", default=timezone.now)
    key = models.UUIDField("clave", null=True, blank=True)
    notice = models.ForeignKey(
        "PredefinedMessage", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="predefinido"
    )
    resends = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="resent_as", verbose_name="reenvío de"
    )

    # Of a location or of contacts (whatsapp.gateways.events.Inbound), and of a template that is sent.
    details = models.JSONField("datos", default=dict, blank=True)
    quotes = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="cita a")
    edited = models.DateTimeField("editado", null=True, blank=True, editable=False)
    deleted = models.DateTimeField("eliminado", null=True, blank=True, editable=False)
    original = models.TextField("texto original", blank=True, editable=False)  # before the first edit
    reaction = models.CharField("reacción de la persona", max_length=40, blank=True, editable=False)
    own_reaction = models.CharField("reacción nuestra", max_length=40, blank=True, editable=False)
    # Read back from the gateway at this moment, after an outage in which its webhook was lost.
    recovered = models.DateTimeField("recuperado", null=True, blank=True, editable=False)

    state = models.CharField("entrega", max_length=14, choices=Delivery, default=Delivery.QUEUED)
    reason = models.CharField("motivo", max_length=300, blank=True)
    code = models.CharField("código", max_length=40, blank=True)  # the gateway's own, for ops
    gateway = models.CharField("gateway", max_length=20, blank=True)
    # The person's address that it came from, or that its last attempt went to.
    address = models.CharField("dirección", max_length=160, blank=True, editable=False)
    gateway_id = models.CharField("id en WhatsApp", max_length=200, null=True, blank=True)
    attempt = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField("intentos", default=0, editable=False)
    checks = models.PositiveIntegerField(default=0, editable=False)
    crashes = models.PositiveIntegerField(default=0, editable=False)
    tried = models.DateTimeField("último intento", null=True, blank=True, editable=False)
    # en_cola: not before this; sin_confirmar: holds its conversation until then. `held` is whose fault that is.
    due = models.DateTimeField("próximo intento", null=True, blank=True, editable=False)
    held = models.CharField(max_length=10, choices=Held, blank=True, editable=False)
    sent = models.DateTimeField("enviado", null=True, blank=True, editable=False)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="resuelto por"
    )
    settled = models.DateTimeField("resuelto", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "mensaje"
        constraints = [
            models.UniqueConstraint("conversation", "seq", name="one_seq_per_conversation"),
            models.UniqueConstraint("ticket", "key", condition=Q(key__isnull=False), name="one_key_per_ticket"),
            models.UniqueConstraint(
                "gateway", "gateway_id", condition=Q(gateway_id__isnull=False), name="one_gateway_id"
            ),
            # Whatever writes the row: sending knows only the other states, and the gateway only rows with its id.
            models.CheckConstraint(
                condition=Q(kind=NOTE, role=Role.TECHNICIAN, state=Delivery.INTERNAL, gateway_id=None, tried=None)
                | Q(kind=SYSTEM, state__in=[Delivery.RECEIVED, Delivery.INTERNAL], gateway_id=None, tried=None)
                | (~Q(kind__in=[NOTE, SYSTEM]) & ~Q(state=Delivery.INTERNAL)),
                name="notes_never_leave",
            ),
        ]
        indexes = [
            models.Index("ticket", "seq", name="message_of_ticket"),
            models.Index("ticket", "version", name="message_changed"),
            models.Index(
                "conversation",
                "seq",
                condition=Q(state__in=["en_cola", "enviando", "sin_confirmar"]),
                name="message_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} #{self.seq}"

    @property
    def said(self) -> str:
        """The text as it was first written, whatever was made of it on the phone."""
        return self.original if self.edited else self.text

    def move(self, conversation: Conversation, to: str, **changes: Any) -> bool:
        """Change `state` to `to` if the table of moves and the row as last read allow it; needs the lock.

        A compare-and-set on (state, attempt), so that a stale reader changes nothing; returns whether it moved.
        """
        if to in MOVES.get(self.state, ()):
            fields = {"state": to, "version": conversation.bump(self.ticket_id), **changes}
            rows = Message.objects.filter(pk=self.pk, state=self.state, attempt=self.attempt)
            if rows.update(**fields):
                for name, value in fields.items():
                    setattr(self, name, value)
                return True
        logger.warning("Cambio de entrega no permitido en el mensaje %s: %s -> %s", self.pk, self.state, to)
        return False


class Attachment(models.Model):
    """The one file of a message, either way. `mime` and `name` are its sender's claims until it is `listo`."""

    class State(models.TextChoices):
        WAITING = "pendiente", "Pendiente"
        READY = "listo", "Listo"
        FAILED = "fallido", "No se pudo descargar"

    message = models.OneToOneField(Message, models.CASCADE, related_name="attachment", verbose_name="mensaje")
    state = models.CharField("estado", max_length=10, choices=State, default=State.WAITING)
    ref = models.CharField("referencia del gateway", max_length=1000, blank=True, editable=False)
    digest = models.CharField("huella", max_length=80, blank=True, editable=False)  # of what was sent from here
    mime = models.CharField("tipo", max_length=100, blank=True)
    name = models.CharField("nombre", max_length=200, blank=True)
    size = models.PositiveBigIntegerField("bytes", null=True, blank=True)
    file = models.FileField("archivo", upload_to="adjuntos/%Y/%m/", max_length=200, blank=True)
    thumbnail = models.FileField("miniatura", upload_to="miniaturas/%Y/%m/", max_length=200, blank=True)
    width = models.PositiveIntegerField("ancho", null=True, blank=True)
    height = models.PositiveIntegerField("alto", null=True, blank=True)
    problem = models.CharField("problema", max_length=200, blank=True)
    attempts = models.PositiveIntegerField("intentos", default=0, editable=False)
    due = models.DateTimeField("próximo intento", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "adjunto"
        indexes = [models.Index("due", condition=Q(state="pendiente"), name="attachment_waiting")]

    def __str__(self) -> str:
        return self.name or self.mime or "adjunto"


class ArrivedFile(models.Model):
    """The bytes of a file that came inside a webhook, until a task has stored them: no transaction waits for a disk
    or a bucket, and none of the two keeps what a transaction took back."""

    attachment = models.OneToOneField(Attachment, models.CASCADE, primary_key=True, related_name="arrived")
    content = models.BinaryField()

    def __str__(self) -> str:
        return str(self.attachment)


class Worker(models.Model):
    """The last sign of life of a process: one that sends (every sweep writes it), or one with open streams."""

    PROBE = "salud"  # the row that GET /salud writes, to see whether it can

    name = models.CharField(max_length=120, primary_key=True)
    seen = models.DateTimeField()
    # The pages it keeps up to date; null for a process that sends.
    streams = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def senders(cls) -> models.QuerySet[Worker]:
        """The processes that sweep and send."""
        return cls.objects.filter(streams=None).exclude(name=cls.PROBE)


class Tally(models.Model):
    """One number that only grows, over all processes and restarts: so many sends of this `label` took up to `part`."""

    name = models.CharField(max_length=40)
    label = models.CharField(max_length=40)
    part = models.CharField(max_length=10)
    value = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("name", "label", "part", name="one_tally")]

    def __str__(self) -> str:
        return f"{self.name} {self.label} {self.part}"


find_message: Prepared[Message] = Prepared(lambda pk: Message.objects.filter(pk=pk))
