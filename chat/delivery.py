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
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, Func, Min, QuerySet
from django.db.models.functions import Now

from chat import runtime, tallies
from chat.head import give_up_abandoned, next_message, open_messages
from chat.media_store import StorageAway
from chat.models import IS_OPEN, Conversation, Delivery, Held, Message, Role
from chat.outcomes import CRASH_PAUSE_S, LeaseEndedError, settle
from chat.outgoing import extra_s, outgoing
from chat.phones import logged
from chat.waiting import room
from tickets.prepared import Prepared, PreparedUpdate
from whatsapp import connection, gateways
from whatsapp.gateways.results import Ambiguous, Refused, Result

if TYPE_CHECKING:
    from chat.models import Timed

logger = logging.getLogger(__name__)

# Until somebody who waits for an answer may have it.
CROWDED_S = 0.3
open_in = Prepared(lambda thread: Message.objects.filter(IS_OPEN, conversation=thread).values_list("pk")[:1])
lock_with_contact: Prepared[Timed] = Prepared(
    lambda pk: (
        Conversation.objects.select_for_update(of=("self",))
        .select_related("contact")
        .annotate(clock=Now())
        .filter(pk=pk)
    )
)


def marking(pk: int, token: uuid.UUID) -> tuple[QuerySet[Message], dict[str, Any]]:
    """The row of this attempt, if it may still leave, and its mark."""
    mine = Message.objects.filter(pk=pk, state=Delivery.SENDING, attempt=token)
    return mine.filter(Exists(connection.may_send())), {"tried": Now()}


mark = PreparedUpdate(marking)


@dataclass(frozen=True)
class Claim:
    """One attempt: the row as claimed, and until when (CLOCK_BOOTTIME, which goes on while we are paused)."""

    message: Message
    token: uuid.UUID
    address: str
    telefono: str
    lease_ends: float

    def still_ours(self) -> None:
        """Raises LeaseEndedError once the lease is over."""
        if boot_time() >= self.lease_ends:
            raise LeaseEndedError

    def begin_writing(self) -> None:
        """Called immediately before the first byte: raises LeaseEndedError when it must not be written.

        The row has said so (`tried`) before the byte leaves: one that has not is proved not sent, whoever died or
        slept. Hence the mark is committed first and the clock looked at last. The line may have closed since the claim;
        and the time that the mark took is none of the gateway's, which must not look slow for it.
        """
        self.still_ours()
        began = boot_time()
        try:
            marked = mark(self.message.pk, self.token)
        except (OperationalError, InterfaceError) as error:
            line = "La base de datos no responde: el mensaje %s no sale todavía"
            logger.warning(line, self.message.pk, exc_info=error)
            raise LeaseEndedError from error
        runtime.let_go_of_database()
        if not marked or boot_time() - began > settings.WHATSAPP_TIMEOUT_S / 2:
            raise LeaseEndedError
        self.still_ours()


def boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def release() -> list[int]:
    """The session is back: what its failure put off is due now. Returns the conversations to wake, oldest first."""
    queued = Message.objects.filter(IS_OPEN, state=Delivery.QUEUED)
    held = queued.filter(held=Held.SESSION)
    with transaction.atomic():
        pks = list(held.select_for_update().order_by("conversation", "seq").values_list("pk", flat=True))
        held.filter(pk__in=pks).update(due=None, held="")
    waiting = queued.values("conversation").annotate(oldest=Min("created"))
    return list(waiting.order_by("oldest").values_list("conversation", flat=True))


def lease_s(extra: float = 0) -> float:
    """How long a lease lasts; `extra` seconds longer for a file."""
    return 2 * settings.WHATSAPP_TIMEOUT_S + 2 + extra


def drain(conversation_id: int) -> None:
    """Send what this conversation has due, in order, until nothing more may be sent now."""

    def ask() -> Claim | float | None:
        found = claim(conversation_id)
        if isinstance(found, float):
            runtime.let_go_of_database()
        return found

    sent = False
    while not runtime.stopping.is_set():
        claimed = ask()
        if isinstance(claimed, float):
            claimed = room.ask(ask, claimed)
        if claimed is None:
            break
        result = attempt(claimed)
        settle(claimed.message, claimed.token, claimed.telefono, result)
        sent = True
        if isinstance(result, Exception):
            runtime.stopping.wait(CRASH_PAUSE_S)
        if not open_in(conversation_id):
            break  # a claim takes SQLite's one turn, to learn the same
    if sent:
        room.free()


def claim(conversation_id: int) -> Claim | float | None:
    """Take the lease and move the head of the queue to `enviando`, committed.

    Returns None when there is nothing to send now, or the seconds to wait for the session's rate.
    """
    with transaction.atomic():
        started = boot_time()  # not before: waiting for SQLite's lock is no part of the lease
        conversation = lock_with_contact.first(conversation_id)
        if conversation is None:
            return None
        clock = conversation.clock
        if conversation.lease_until and conversation.lease_until > clock:
            return None
        rows = open_messages(conversation.pk)
        give_up_abandoned(conversation, rows, clock)
        head = next_message(conversation, rows, clock)
        wait = wait_for_line(conversation, clock) if head else None
        if head is None or wait != 0:
            free_lease(conversation)
            return wait
        address = conversation.contact.address_among(gateways.active().reaches)
        token, lease = uuid.uuid4(), lease_s(extra_s(head))
        conversation.lease_token, conversation.lease_until = token, clock + timedelta(seconds=lease)
        if not head.move(
            conversation,
            Delivery.SENDING,
            attempt=token,
            attempts=head.attempts + 1,
            tried=None,
            gateway=settings.WHATSAPP_GATEWAY,
            address=address,
            due=None,
            held="",
            reason="",
        ):
            raise RuntimeError(f"El mensaje {head.pk} cambió con la conversación bloqueada")
    return Claim(head, token, address, conversation.contact.telefono, started + lease)


def wait_for_line(conversation: Conversation, clock: datetime) -> float | None:
    """Take a slot of the session: 0 when it is ours, else the seconds after which to look again; None: it is shut."""
    line = line_beside.first(conversation.pk)
    if line is None:
        connection.current()
        line = line_beside.get(conversation.pk)
    if not line.may_send:
        return None
    if connection.crowded(line, line.count):
        return CROWDED_S
    return connection.seconds_to_wait(line, clock)


def sends_unanswered(conversation: int) -> QuerySet[Any, Any]:
    """How many other conversations have a send that may still be answered: a call lasts WHATSAPP_TIMEOUT_S at most."""
    oldest = Now() + timedelta(seconds=lease_s() - settings.WHATSAPP_TIMEOUT_S)
    others = Conversation.objects.filter(lease_until__gt=oldest).exclude(pk=conversation)
    return others.annotate(count=Func("pk", function="COUNT")).values("count")


line_beside: Prepared[Any] = Prepared(lambda thread: connection.with_count(sends_unanswered(thread)))


def free_lease(conversation: Conversation) -> None:
    if conversation.lease_token:
        conversation.lease_token = conversation.lease_until = None
        conversation.save(update_fields=["lease_token", "lease_until"])


def send(claimed: Claim, before_first_byte: Callable[[], None]) -> Result:
    """Hand the claimed message to the gateway, unless it can no longer be sent as it is."""
    prepared = outgoing(claimed.message)
    runtime.let_go_of_database()
    if isinstance(prepared, Refused):
        return prepared
    began = time.monotonic()
    result = gateways.active().send(claimed.address, prepared, before_first_byte)
    tallies.note_send(result, time.monotonic() - began)
    return result


def attempt(claimed: Claim) -> Result | Exception:
    """Call the gateway once. An exception is our own bug, before the wire."""
    message = claimed.message
    who = "técnico" if message.role == Role.TECHNICIAN else "asistente"
    logger.info("Enviando mensaje del %s al ticket #%s (%s)", who, message.ticket_id, logged(claimed.telefono))
    written = False

    def before_first_byte() -> None:
        nonlocal written
        claimed.begin_writing()
        written = True

    try:
        return send(claimed, before_first_byte)
    except LeaseEndedError as error:
        return error
    except Exception as error:
        if not isinstance(error, StorageAway):
            logger.exception("Error interno al enviar al ticket #%s", message.ticket_id)
        return Ambiguous(f"Error interno después de enviar: {error}") if written else error
