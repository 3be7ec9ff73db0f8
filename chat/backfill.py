"""After an outage: what the gateway remembers and never told us goes into the thread (docs/delivery.md, "Back-fill").

The line of the session's history that ended the outage is the order to do it, and its mark. Messages are recognised by
their ids, so that doing it again after a crash changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from chat import runtime
from chat.echoes import own_message
from chat.inbound import receive
from chat.models import Message, Worker
from chat.thread import Gap
from whatsapp import connection, gateways
from whatsapp.gateways.base import Gateway
from whatsapp.gateways.events import Inbound, OwnMessage
from whatsapp.models import ConnectionChange, WebhookEvent

logger = logging.getLogger(__name__)

# The gateway first tells by itself what WhatsApp kept for it; only the rest is asked for.
SETTLE = timedelta(seconds=10)
# We notice an outage some time after it began.
SLACK = timedelta(minutes=5)
LONGEST = timedelta(days=3)
CLAIM, RETRY, MAX_TRIES = timedelta(minutes=10), timedelta(minutes=1), 5


def note_absence() -> None:
    """The desk itself was away, so that nobody took what the gateway told: also an outage. Before the first beat."""
    now, newest = timezone.now(), Worker.senders().aggregate(newest=Max("seen"))["newest"]
    lines = ConnectionChange.objects.filter(gateway=settings.WHATSAPP_GATEWAY)
    if newest and now - newest >= connection.OUTAGE and not lines.filter(down_since=newest).exists():
        told = {"connected": connection.current().connected, "detail": "La mesa estuvo detenida", "down_since": newest}
        lines.create(gateway=settings.WHATSAPP_GATEWAY, at=now, **told)


def due() -> list[int]:
    """The outages whose messages should be read back now, while the session works."""
    rows = ConnectionChange.objects.filter(gateway=settings.WHATSAPP_GATEWAY, down_since__isnull=False, filled=None)
    ready = rows.filter(Q(due=None) | Q(due__lt=timezone.now()), at__lt=timezone.now() - SETTLE)
    found = list(ready.order_by("at").values_list("pk", flat=True)[:5])
    if not found or not connection.current().connected or "read_back" not in gateways.active().can:
        return []
    return found


def fill(pk: int) -> int:
    """Read back what an outage lost; returns how many messages that brought. Only one process does it at a time."""
    change = ConnectionChange.objects.filter(pk=pk, filled=None).first()
    if change is None or change.down_since is None or not claim(change):
        return 0
    gap, gateway = Gap(change.down_since, change.at), gateways.active()
    since = max(gap.start - SLACK, gap.end - LONGEST)
    addresses = gateway.chats_since(since)
    found, complete = 0, addresses is not None
    for address in addresses or []:
        if runtime.stopping.is_set():
            return found
        count, whole = fill_chat(gateway, address, since, gap)
        found += count
        complete = complete and whole
        ConnectionChange.objects.filter(pk=pk).update(due=timezone.now() + CLAIM)
    total = (change.found or 0) + found
    if complete or change.tries + 1 >= MAX_TRIES:
        ConnectionChange.objects.filter(pk=pk).update(filled=timezone.now(), found=total)
        logger.info("Recuperados %s mensajes del corte de %s a %s", total, gap.start, gap.end)
    else:
        ConnectionChange.objects.filter(pk=pk).update(due=timezone.now() + RETRY, found=total)
    return found


def claim(change: ConnectionChange) -> bool:
    free = ConnectionChange.objects.filter(pk=change.pk, due=change.due, filled=None)
    return bool(free.update(due=timezone.now() + CLAIM, tries=change.tries + 1))


def fill_chat(gateway: Gateway, address: str, since: datetime, gap: Gap) -> tuple[int, bool]:
    """Bring one chat up to date, in one transaction; returns how many messages came, and whether that is all."""
    told = gateway.read_back(address, since)
    if told is None:
        return 0, False
    ids = [event.external_id for event in told]
    stored = Message.objects.filter(gateway=settings.WHATSAPP_GATEWAY, gateway_id__in=ids)
    known = set(stored.values_list("gateway_id", flat=True))
    now = timezone.now()
    news = {
        event.external_id: event
        for event in sorted(told, key=lambda event: event.sent_at or now)
        if event.external_id and event.external_id not in known and event.sent_at and since <= event.sent_at <= now
    }
    if not news:
        return 0, True
    try:
        with transaction.atomic():
            states = [recover(event, gap) for event in news.values()]
    except Exception:
        logger.exception("No se pudo recuperar un chat después de un corte")
        return 0, False
    came = Message.objects.filter(gateway=settings.WHATSAPP_GATEWAY, gateway_id__in=news, recovered__isnull=False)
    return came.count(), WebhookEvent.State.WAITING not in states


def recover(event: Inbound | OwnMessage, gap: Gap) -> str:
    """What a webhook of `event` would have done. One that has to wait for a send's outcome is read back again later."""
    outcome = receive(event, gap) if isinstance(event, Inbound) else own_message(event, gap)
    return outcome.state
