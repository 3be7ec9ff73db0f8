"""The state of the WhatsApp session, and the breaker that keeps us from sending into a dead one.

Rules: docs/delivery.md, "The breaker". One row, known to every process.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from whatsapp import gateways
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Misconfigured
from whatsapp.models import Connection, ConnectionChange

logger = logging.getLogger(__name__)

MAX_NOT_SENT = 5
MAX_DOUBTFUL = 3
LOOK_AGAIN_S = 1.0
# Sends of the session at once; one at a time as long as the last one ended in doubt.
MAX_UNANSWERED = 8
# Shorter ones lose nothing: gateways tell again for half a minute what the desk did not take.
OUTAGE = timedelta(seconds=60)
FIRST_MINUTE = timedelta(minutes=1)
# A little under 5 and 15 s, so that the sweep's own 5 s rhythm never just misses a probe.
PROBE_EARLY = timedelta(seconds=4.5)
PROBE_LATE = timedelta(seconds=14.5)
PROBE_LATEST = timedelta(seconds=60)


def current() -> Connection:
    """The active gateway's row, made connected on first use: only evidence closes the line."""
    return Connection.objects.get_or_create(gateway=settings.WHATSAPP_GATEWAY)[0]


def with_count(query: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """The row, and beside it as `count` the number that `query` answers, in one question. No row before first use."""
    return Connection.objects.filter(pk=settings.WHATSAPP_GATEWAY).annotate(count=Subquery(query))


def opened() -> bool:
    """Whether nothing may be sent now: the breaker is open, or somebody paused sending."""
    return not current().may_send


def may_send() -> QuerySet[Connection]:
    """The row, if messages may leave now; for the condition of a write."""
    return Connection.objects.filter(pk=settings.WHATSAPP_GATEWAY, connected=True, paused=None)


def pause(why: str) -> None:
    """Send nothing more until `resume`; `why` names who or what, for people. A pause is kept over restarts."""
    current()
    row = Connection.objects.filter(pk=settings.WHATSAPP_GATEWAY, paused=None)
    if row.update(paused=timezone.now(), paused_why=why[:200]):
        logger.warning("Envío en pausa: %s", why)


def resume(why: str) -> bool:
    """End the pause; returns whether there was one. The caller wakes what waited."""
    paused = Connection.objects.filter(pk=settings.WHATSAPP_GATEWAY, paused__isnull=False)
    resumed = bool(paused.update(paused=None, paused_why=""))
    if resumed:
        logger.warning("Envío reanudado: %s", why)
    return resumed


def update(change: ConnectionChanged) -> bool:
    """Record what the gateway says of its session; returns whether that is a change."""
    now = timezone.now()
    row = current()
    detail = change.detail[:300]
    news: dict[str, Any] = {"connected": change.connected, "since": now, "detail": detail}
    if change.connected:
        # A gateway that takes messages and never answers still says that its session works: it is on trial, and one
        # more doubt closes the line again.
        trial = row.doubtful if row.doubtful >= MAX_DOUBTFUL else 0
        news |= {"next_probe": None, **COUNTS, "doubtful": trial}
    else:
        news |= {"next_probe": now + first_probe(row.doubtful), "not_sent": 0}
    with transaction.atomic():
        changed = Connection.objects.filter(pk=row.pk, connected=not change.connected).update(**news)
        if changed:
            down_since = row.since if change.connected and now - row.since >= OUTAGE else None
            told = {"at": now, "connected": change.connected, "detail": detail, "down_since": down_since}
            ConnectionChange.objects.create(gateway=row.pk, **told)
    if changed:
        log = logger.info if change.connected else logger.warning
        log("WhatsApp %s: %s", "conectado" if change.connected else "desconectado", detail)
    return bool(changed)


def first_probe(doubts: int) -> timedelta:
    """After how long to ask about a line that just closed, by its doubts in a row.

    Each trial that failed doubles it: its message is one more that a person has to decide over.
    """
    failed = max(0, doubts - MAX_DOUBTFUL)
    return min(PROBE_EARLY * (1 << min(failed, 4)), PROBE_LATEST)


COUNTS = {"not_sent": 0, "doubtful": 0, "doubtful_address": ""}


def forgetting_failures() -> tuple[QuerySet[Connection], dict[str, Any]]:
    """What a message that went out changes: the row, if there is something to forget, and its columns."""
    failing = Q(not_sent__gt=0) | Q(doubtful__gt=0)
    return Connection.objects.filter(failing, pk=settings.WHATSAPP_GATEWAY), COUNTS


def not_sent(detail: str) -> None:
    """A send failed before it left, for no fault of its recipient; several in a row open the breaker."""
    current()
    Connection.objects.filter(pk=settings.WHATSAPP_GATEWAY).update(not_sent=F("not_sent") + 1)
    if current().not_sent >= MAX_NOT_SENT:
        update(ConnectionChanged(connected=False, detail=detail))


def doubtful(address: str, detail: str) -> None:
    """A send ended in doubt; several in a row, each from another conversation, open the breaker."""
    current()
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=settings.WHATSAPP_GATEWAY)
        known = list(filter(None, row.doubtful_address.split(",")))
        if address in known:
            return
        # What was on its way when the line closed is no trial that failed.
        if row.connected or row.doubtful < MAX_DOUBTFUL:
            row.doubtful += 1
        row.doubtful_address = ",".join([*known, address][-MAX_DOUBTFUL:])
        row.save(update_fields=["doubtful", "doubtful_address"])
    if row.doubtful >= MAX_DOUBTFUL:
        update(ConnectionChanged(connected=False, detail=detail))


def crowded(line: Connection, unanswered: int) -> bool:
    """Whether no more sends may begin while so many wait for their answer: each of them may end in doubt."""
    return unanswered >= (1 if line.doubtful else MAX_UNANSWERED)


def seconds_to_wait(line: Connection, clock: datetime) -> float:
    """Take the session's next sending slot; 0 when it is ours, else the seconds after which to look again.

    `ENVIO_POR_SEGUNDO` for the whole session, because a burst gets a number banned. Call inside a transaction; `line`
    is the row as just read, and `clock` the database's time.
    """
    rate = settings.ENVIO_POR_SEGUNDO
    if line.next_send and line.next_send > clock:
        return min((line.next_send - clock).total_seconds(), LOOK_AGAIN_S)
    if not rate:
        return 0
    free = Q(next_send=None) | Q(next_send__lte=Now())
    row = Connection.objects.filter(free, pk=line.pk)
    return 0 if row.update(next_send=Now() + timedelta(seconds=1 / rate)) else min(1 / rate, LOOK_AGAIN_S)


def hold(seconds: float) -> None:
    """Send nothing of this session for so long (at most an hour): the gateway asked for it (Retry-After)."""
    until = Now() + timedelta(seconds=min(seconds, 3600))
    Connection.objects.filter(pk=settings.WHATSAPP_GATEWAY).update(next_send=until)


def probe_if_due() -> ConnectionChanged | None:
    """Ask the gateway for its session when the breaker is open and it is time; None when there is nothing new.

    Only one process asks: whoever moves `next_probe` first.
    """
    now = timezone.now()
    row = current()
    if row.connected:
        return None
    interval = PROBE_EARLY if now - row.since < FIRST_MINUTE else PROBE_LATE
    due = Connection.objects.filter(pk=row.pk, connected=False).filter(Q(next_probe=None) | Q(next_probe__lte=now))
    if not due.update(next_probe=now + interval):
        return None
    answer = gateways.active().status()
    if isinstance(answer, Misconfigured):
        answer = ConnectionChanged(connected=False, detail=f"Revisa {answer.key}: {answer.detail}")
    if answer.connected:
        return answer
    with transaction.atomic():
        Connection.objects.filter(pk=row.pk, connected=False).update(detail=answer.detail[:300])
    return None
