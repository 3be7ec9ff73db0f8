"""Sending. `drain` is the only function that hands messages to the gateway; docs/delivery.md has the rules.

The row is the truth: claim the head under a lease, commit, call the gateway, settle. Nothing is held across
HTTP but the lease, and every write checks that the attempt is still its own.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min
from django.db.models.functions import Now

from chat import runtime
from chat.models import Conversation, Delivery, Held, Message, Role
from chat.outcomes import CRASH_PAUSE_S, LeaseEndedError, settle
from chat.outgoing import outgoing
from chat.phones import logged
from tickets.models import Ticket
from whatsapp import connection, gateways
from whatsapp.gateways.results import Ambiguous, Refused, Result

logger = logging.getLogger(__name__)

OPEN = (Delivery.QUEUED, Delivery.SENDING, Delivery.DOUBTFUL)
# Until somebody who waits for an answer may have it.
CROWDED_S = 0.3


@dataclass(frozen=True)
class Claim:
    """One attempt: the row as claimed, and until when (CLOCK_BOOTTIME, which goes on while we are paused)."""

    message: Message
    token: uuid.UUID
    address: str
    telefono: str
    lease_ends: float

    def still_ours(self) -> None:
        """Raises LeaseEndedError; called immediately before the first byte."""
        if boot_time() >= self.lease_ends:
            raise LeaseEndedError


def boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def release() -> list[int]:
    """The session is back: what its failure put off is due now. Returns the conversations to wake, oldest first."""
    Message.objects.filter(state=Delivery.QUEUED, held=Held.SESSION).update(due=None, held="")
    waiting = Message.objects.filter(state=Delivery.QUEUED).values("conversation").annotate(oldest=Min("created"))
    return list(waiting.order_by("oldest").values_list("conversation", flat=True))


def lease_s() -> float:
    return 2 * settings.WHATSAPP_TIMEOUT_S + 2


def drain(conversation_id: int) -> None:
    """Send what this conversation has due, in order, until nothing more may be sent now."""
    while not runtime.stopping.is_set():
        claimed = claim(conversation_id)
        if claimed is None:
            return
        if isinstance(claimed, float):
            runtime.let_go_of_database()
            runtime.stopping.wait(claimed)
        else:
            result = attempt(claimed)
            settle(claimed.message, claimed.token, claimed.telefono, result)
            if isinstance(result, Exception):
                runtime.stopping.wait(CRASH_PAUSE_S)


def claim(conversation_id: int) -> Claim | float | None:
    """Take the lease and move the head of the queue to `enviando`, committed.

    Returns None when there is nothing to send now, or the seconds to wait for the session's rate.
    """
    started = boot_time()
    with transaction.atomic():
        conversation = (
            Conversation.objects.select_for_update(of=("self",))
            .select_related("contact")
            .annotate(clock=Now())
            .filter(pk=conversation_id)
            .first()
        )
        if conversation is None:
            return None
        clock: datetime = conversation.clock
        if conversation.lease_until and conversation.lease_until > clock:
            return None
        give_up_abandoned(conversation, clock)
        head = next_message(conversation, clock)
        if head is None or connection.opened():
            free_lease(conversation)
            return None
        if connection.crowded(unanswered(conversation, clock)):
            free_lease(conversation)
            return CROWDED_S
        if wait := connection.seconds_to_wait():
            free_lease(conversation)
            return wait
        token = uuid.uuid4()
        conversation.lease_token, conversation.lease_until = token, clock + timedelta(seconds=lease_s())
        conversation.save(update_fields=["lease_token", "lease_until"])
        if not head.move(
            conversation,
            Delivery.SENDING,
            attempt=token,
            attempts=F("attempts") + 1,
            tried=clock,
            gateway=settings.WHATSAPP_GATEWAY,
            due=None,
            held="",
            reason="",
        ):
            raise RuntimeError(f"El mensaje {head.pk} cambió con la conversación bloqueada")
        contact = conversation.contact
    head.refresh_from_db(fields=["attempts"])
    return Claim(head, token, contact.address, contact.telefono, started + lease_s())


def unanswered(conversation: Conversation, clock: datetime) -> int:
    """How many other conversations have a send that may still be answered: a call lasts WHATSAPP_TIMEOUT_S at most."""
    oldest = clock + timedelta(seconds=lease_s() - settings.WHATSAPP_TIMEOUT_S)
    return Conversation.objects.filter(lease_until__gt=oldest).exclude(pk=conversation.pk).count()


def free_lease(conversation: Conversation) -> None:
    if conversation.lease_token:
        conversation.lease_token = conversation.lease_until = None
        conversation.save(update_fields=["lease_token", "lease_until"])


def give_up_abandoned(conversation: Conversation, clock: datetime) -> None:
    """A row still `enviando` after its lease ended lost its process: nobody can say whether it left."""
    for message in conversation.messages.filter(state=Delivery.SENDING):
        due = clock + timedelta(seconds=settings.ENVIO_DUDA_S)
        message.move(conversation, Delivery.DOUBTFUL, due=due, reason="El envío se interrumpió a la mitad.")


def next_message(conversation: Conversation, clock: datetime) -> Message | None:
    """The head of the queue, if it may be sent now. A doubtful head holds the rest for ENVIO_DUDA_S."""
    for message in conversation.messages.filter(state__in=OPEN).order_by("seq"):
        if message.state == Delivery.DOUBTFUL:
            if message.due and message.due > clock:
                return None
        elif message.role == Role.ASSISTANT and silenced(message.ticket_id):
            message.move(conversation, Delivery.DISCARDED, reason="Ya responde un técnico.")
        elif message.due and message.due > clock:
            return None
        else:
            return message
    return None


def silenced(ticket_id: int) -> bool:
    """Whether the assistant may no longer speak in this ticket: a technician has written."""
    return Ticket.objects.filter(pk=ticket_id, messages__role=Role.TECHNICIAN).exists()


def send(claimed: Claim, before_first_byte: Callable[[], None]) -> Result:
    """Hand the claimed message to the gateway, unless it can no longer be sent as it is."""
    prepared = outgoing(claimed.message)
    runtime.let_go_of_database()
    if isinstance(prepared, Refused):
        return prepared
    return gateways.active().send(claimed.address, prepared, before_first_byte)


def attempt(claimed: Claim) -> Result | Exception:
    """Call the gateway once. An exception is our own bug, before the wire."""
    message = claimed.message
    who = "técnico" if message.role == Role.TECHNICIAN else "asistente"
    logger.info("Enviando mensaje del %s al ticket #%s (%s)", who, message.ticket_id, logged(claimed.telefono))
    written = False

    def before_first_byte() -> None:
        nonlocal written
        claimed.still_ours()
        written = True

    try:
        return send(claimed, before_first_byte)
    except LeaseEndedError as error:
        return error
    except Exception as error:
        logger.exception("Error interno al enviar al ticket #%s", message.ticket_id)
        return Ambiguous(f"Error interno después de enviar: {error}") if written else error
