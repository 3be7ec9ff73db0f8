"""The request's side of sending: wake somebody, wait a little for the row's outcome, and say it in HTTP."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from chat import delivery, runtime, tallies, tasks
from chat.models import ACCEPTED, Delivery, Message, find_message
from chat.wake import wake
from tickets.models import Ticket
from whatsapp import connection

# At most half of the process's request threads wait for outcomes, so that the other half can always answer.
seats = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
# Sends for requests whose wake-up reached nobody.
stand_in = runtime.Pool(8, "envío")

# Look at the row after so long, first and at most: where this process also sends, a bell rings with the outcome.
FIRST_LOOK_S, FEWER, LAST_LOOK_S = 0.04, 1.6 if settings.REDIS_URL else 2.5, 0.25 if settings.REDIS_URL else 1.0
# Who has waited for long looks after this part of it: where a gateway hangs, many wait.
PART = 1 / 8

SAVED = "Tu mensaje quedó guardado"
WORDS: dict[str, tuple[int, str]] = {
    Delivery.QUEUED: (503, f"WhatsApp está desconectado. {SAVED} y saldrá solo al reconectar."),
    Delivery.SENDING: (504, f"El servidor de WhatsApp aún no responde. {SAVED}; su estado aparecerá en el chat."),
    Delivery.DOUBTFUL: (
        504,
        f"El servidor de WhatsApp no confirmó el envío. {SAVED}; no se envía otra vez sin tu decisión.",
    ),
    Delivery.FAILED: (422, f"No se pudo enviar. {SAVED} en el historial."),
    Delivery.DISCARDED: (409, "El mensaje se descartó."),
}
PAUSED = f"El envío está en pausa. {SAVED} y saldrá cuando un supervisor lo reanude."
BEHIND = f"{SAVED} y saldrá en orden: hay otro mensaje antes, o el envío aún no comienza."


def set_request_threads(count: int) -> None:
    """Told by the server, before its first request, how many threads of this process answer requests."""
    global seats
    seats = threading.BoundedSemaphore(max(1, count // 2))


def send_now(message: Message) -> None:
    """See that somebody drains the message's conversation now: a worker, or a thread of this process."""
    if not wake(tasks.drain, message.conversation_id):
        stand_in.submit(drain_here, message.conversation_id)


def drain_here(conversation_id: int) -> None:
    """Send in this process, because no worker was told. With Redis it has no sweep, which would write its figures."""
    delivery.drain(conversation_id)
    if settings.REDIS_URL:
        tallies.write()


def send_and_wait(message: Message, began: float, *, new: bool) -> Message:
    """Have `message` sent if it is `new`; its row once the outcome is known, or as it is ENVIO_ESPERA_S after `began`.

    `began` is when the request came to write it (time.monotonic): who waited for the lock has waited already.
    """
    with runtime.bells.listening(message.pk) as bell:  # before it is sent: a quick gateway rings at once
        if new:
            send_now(message)
        return wait_for_outcome(message, bell, began)


def wait_for_outcome(message: Message, bell: threading.Event, began: float) -> Message:
    """The message's row when `bell` told its outcome, or it is too late to wait, or no seat is free."""
    row = message
    if not seats.acquire(blocking=False):
        return row
    try:
        ends, pause = began + settings.ENVIO_ESPERA_S, FIRST_LOOK_S
        while True:
            left = ends - time.monotonic()
            runtime.let_go_of_database()
            bell.wait(max(0.0, min(pause, left)))
            bell.clear()
            pause = min(pause * FEWER, max(LAST_LOOK_S, (time.monotonic() - began) * PART))
            row = find_message.get(message.pk)
            if left <= 0 or runtime.stopping.is_set() or not unsettled(row):
                return row
    finally:
        seats.release()


def unsettled(row: Message) -> bool:
    """Whether waiting may still bring news: it is on its way, or queued with nothing in front that holds it."""
    if row.state == Delivery.QUEUED:
        return not connection.opened() and not held(row)
    return row.state == Delivery.SENDING


def held(row: Message) -> bool:
    """Whether `row`, or one before it, waits for its time."""
    waits = Q(state__in=[Delivery.QUEUED, Delivery.DOUBTFUL], due__gt=timezone.now())
    return Message.objects.filter(waits, conversation=row.conversation_id, seq__lte=row.seq).exists()


def outcome(row: Message, ticket: Ticket) -> tuple[int, dict[str, Any]]:
    """The HTTP status and body that tell `row`'s outcome, as the contract fixes them."""
    body: dict[str, Any] = {"ticket_id": ticket.pk, "telefono": ticket.contact.telefono, "seq": row.seq}
    if row.state in ACCEPTED:
        return 200, {"status": "enviado", **body, "mensaje": "Mensaje enviado correctamente", "estado": row.state}
    status, detail = WORDS[row.state]
    if row.state == Delivery.QUEUED:
        session = connection.current()
        if session.paused:
            detail = PAUSED
        elif session.connected and not row.held:
            detail = BEHIND
        elif session.connected and row.reason:
            detail = f"{row.reason} {SAVED} y saldrá solo."
    elif row.state == Delivery.FAILED and row.reason:
        detail = f"No se pudo enviar: {row.reason.rstrip('.')}. {SAVED} en el historial."
    return status, {"status": row.state, **body, "detail": detail}
