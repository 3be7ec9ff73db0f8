"""What a send's result does to its row, its conversation's lease and the session's breaker."""

from __future__ import annotations

import logging
import random
import uuid
from datetime import datetime, timedelta
from functools import singledispatch
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as db

from chat import runtime
from chat.media_store import AWAY, StorageAway
from chat.models import Conversation, Delivery, Held, Message, find_message
from chat.outgoing import Unsendable
from chat.phones import logged
from tickets.prepared import Prepared, PreparedUpdate
from whatsapp import connection, events
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
    Unreachable,
)

logger = logging.getLogger(__name__)

BASE_S, CAP_S = 1.0, 60.0
MAX_CRASHES, CRASH_PAUSE_S = 5, 2.0
FILE_PAUSE_S = 20.0
# How long an outcome waits for a database that is away, between its tries; about half a minute.
PATIENCE_S = (0.1, 0.3, *[1] * 30)
waiting = Prepared(events.waiting)
forget_failures = PreparedUpdate(connection.forgetting_failures)
rows_with_id = Prepared(
    lambda gateway, told: Message.objects.filter(gateway=gateway, gateway_id=told).values_list("pk")
)


class LeaseEndedError(Exception):
    """This process slept past its lease: somebody else may be sending, so it must not."""


class ProcessLostError(Exception):
    """Whoever had claimed a message died, or sleeps, before its first byte; its whole lease has passed."""


class Step:
    """A move to make: the state, its columns, and the log line."""

    def __init__(self, to: str, level: int, line: str, **changes: Any) -> None:
        self.to, self.level, self.line, self.changes = to, level, line, changes


def settle(message: Message, token: uuid.UUID, telefono: str, result: Result | Exception) -> None:
    """Write the outcome of the attempt `token` and give its lease back.

    It is known only here: while the database is away or busy it is tried again, or the row would end in doubt.
    """
    pauses = iter(PATIENCE_S)
    while True:
        try:
            row, step = write_outcome(message, token, result)
            break
        except (OperationalError, InterfaceError) as error:
            pause = next(pauses, None)
            if pause is None or db.in_atomic_block:
                raise
            line = "La base de datos no responde: el resultado del mensaje %s espera"
            logger.warning(line, message.pk, exc_info=error)
            db.close()
            runtime.stopping.wait(pause)
    runtime.bells.ring(message.pk)
    if step:
        logger.log(step.level, step.line, logged(telefono))
    for event in waiting(f"conversation:{row.conversation_id}", f"message:{row.gateway_id or ''}"):
        events.handle(event)


def write_outcome(message: Message, token: uuid.UUID, result: Result | Exception) -> tuple[Message, Step | None]:
    """The transaction of `settle`; harmless when done again. Returns the row, and the step it took if it took one.

    An answer that comes after its lease ended changes no lease but settles its own attempt.
    """
    moved = None
    with transaction.atomic():
        conversation = Conversation.locked(message.conversation_id)
        leased = conversation.lease_token == token
        if leased:
            conversation.lease_token = conversation.lease_until = None  # saved with the version
        row = find_message.get(message.pk)
        if row.attempt == token and row.state in (Delivery.SENDING, Delivery.DOUBTFUL):
            step = next_step(result, row, conversation.clock)
            changes = {"tried": row.tried or conversation.clock, **step.changes}
            moved = step if row.move(conversation, step.to, **changes) else None
        else:
            logger.warning("Respuesta tardía sin efecto en el mensaje %s (%s)", row.pk, row.state)
        if leased and not moved:
            conversation.save(update_fields=["lease_token", "lease_until"])
        # Last in everybody's order of locks, and committed with the lease: the next one must not meet a dead session.
        note_session(message, result)
    return row, moved


def note_session(message: Message, result: Result | Exception) -> None:
    """Tell the breaker what this result says of the session."""
    if isinstance(result, Unsendable):
        return
    if isinstance(result, Accepted | Refused):
        forget_failures()
    elif isinstance(result, Disconnected):
        connection.update(ConnectionChanged(connected=False, detail=result.detail))
    elif isinstance(result, Misconfigured):
        connection.update(ConnectionChanged(connected=False, detail=f"Revisa {result.key}: {result.detail}"))
    elif isinstance(result, Unreachable) or (isinstance(result, RateLimited) and result.scope == "session"):
        connection.not_sent(getattr(result, "detail", "El gateway limita los envíos."))
        if isinstance(result, RateLimited) and result.after:
            connection.hold(result.after)
    elif isinstance(result, Ambiguous):
        connection.doubtful(str(message.conversation_id), result.detail)


@singledispatch
def next_step(result: Any, row: Message, clock: datetime) -> Step:
    """The step after an exception before the wire: our own bug."""
    crashes = row.crashes + 1
    if crashes < MAX_CRASHES:
        due = None if isinstance(result, ProcessLostError) else clock + timedelta(seconds=CRASH_PAUSE_S)
        line = "Error interno antes de enviar a %s: se reintenta"
        return Step(
            Delivery.QUEUED, logging.ERROR, line, due=due, held=Held.CRASH, crashes=crashes, attempts=row.attempts - 1
        )
    reason = "Error interno al preparar el envío; avisa a soporte."
    return Step(
        Delivery.FAILED, logging.ERROR, "Mensaje fallido para %s: error interno", crashes=crashes, reason=reason
    )


@next_step.register
def _(result: LeaseEndedError, row: Message, clock: datetime) -> Step:
    line = "Turno de envío vencido antes de enviar a %s: se reintenta"
    return Step(Delivery.QUEUED, logging.WARNING, line, due=None, attempts=row.attempts - 1)


@next_step.register
def _(result: StorageAway, row: Message, clock: datetime) -> Step:
    due = clock + timedelta(seconds=FILE_PAUSE_S)
    line = "El almacén de archivos no responde: mensaje en cola para %s"
    return Step(Delivery.QUEUED, logging.WARNING, line, due=due, held=Held.FILE, reason=AWAY, attempts=row.attempts - 1)


@next_step.register
def _(result: Accepted, row: Message, clock: datetime) -> Step:
    others = [pk for [pk] in rows_with_id(row.gateway, result.id) if pk != row.pk] if result.id else []
    gateway_id = None if others else result.id
    line = "Mensaje enviado exitosamente a %s"
    return Step(Delivery.SENT, logging.INFO, line, gateway_id=gateway_id, sent=clock, due=None, reason="")


@next_step.register(Unreachable)
@next_step.register(Disconnected)
@next_step.register(Misconfigured)
def _(result: Unreachable | Disconnected | Misconfigured, row: Message, clock: datetime) -> Step:
    due = clock + timedelta(seconds=backoff(row.attempts))
    line = f"WhatsApp desconectado: mensaje en cola para %s ({safe(result.detail)})"
    return Step(Delivery.QUEUED, logging.WARNING, line, due=due, held=Held.SESSION, reason="WhatsApp desconectado.")


@next_step.register
def _(result: RateLimited, row: Message, clock: datetime) -> Step:
    recipient = result.scope == "recipient"
    pause = 4.0 ** min(row.attempts, 4) if recipient else backoff(row.attempts)
    due = clock + timedelta(seconds=max(pause, result.after or 0))
    held = Held.RECIPIENT if recipient else Held.SESSION
    line = "Límite de envíos: mensaje en cola para %s"
    return Step(Delivery.QUEUED, logging.WARNING, line, due=due, held=held, reason="Límite de envíos de WhatsApp.")


@next_step.register
def _(result: Refused, row: Message, clock: datetime) -> Step:
    line = f"Mensaje rechazado para %s ({safe(result.code)})"
    return Step(Delivery.FAILED, logging.WARNING, line, due=None, reason=result.reason[:300], code=result.code[:40])


@next_step.register
def _(result: Ambiguous, row: Message, clock: datetime) -> Step:
    due = clock + timedelta(seconds=settings.ENVIO_DUDA_S)
    line = f"Mensaje sin confirmar para %s ({safe(result.detail)})"
    reason = "El servidor de WhatsApp no confirmó si el mensaje salió."
    return Step(Delivery.DOUBTFUL, logging.WARNING, line, due=due, reason=reason)


def backoff(attempts: int) -> float:
    """Seconds until the next try: full jitter, base 1 s, cap 60 s."""
    return random.uniform(0, min(CAP_S, BASE_S * 2 ** min(attempts, 10)))  # noqa: S311


def safe(text: str) -> str:
    """Text for inside a log format: one line, short, no format marks."""
    return " ".join(text.split())[:120].replace("%", "%%")
