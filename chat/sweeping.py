"""The sweep: finds again whatever a lost wake-up, a dead process or a restored session left behind."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now, Substr

from chat import backfill, delivery, echoes, media, restore, runtime, tallies
from chat.llm import endpoint, turns
from chat.models import IS_OPEN, Conversation, Delivery, Message
from whatsapp import connection, events
from whatsapp.models import WebhookEvent

logger = logging.getLogger(__name__)

BATCH = 200
# Until a sweep has looked: what an earlier start left to a model is answered, though there is none any more.
first_round = True


def sweep() -> None:
    """One round; harmless when run twice, or by several processes at once."""
    global first_round
    backfill.note_absence()
    try:
        restore.beat(runtime.process_name())
    except OSError as error:  # a full or read-only DATA_DIR stops no message
        logger.error("No se puede usar DATA_DIR para la señal del barrido: %s", error)
    if change := connection.probe_if_due():
        events.dispatch(change)
    for conversation_id in due_conversations():
        runtime.pool.submit(delivery.drain, conversation_id)
    for event_id in events.unhandled():
        runtime.pool.submit(events.handle, event_id)
    for message_id in echoes.rows_to_check():
        runtime.pool.submit(echoes.read_back, message_id)
    for change_id in backfill.due():
        runtime.pool.submit(backfill.fill, change_id)
    for attachment_id in media.due():
        runtime.pool.submit(media.fetch, attachment_id)
    for waits_on in answered_waits():
        runtime.pool.submit(events.wake_waiting, waits_on)
    if endpoint.configured() or first_round:
        for ticket_id in turns.lost().values_list("pk", flat=True)[:BATCH]:
            runtime.pool.submit(turns.think_aside, ticket_id)
        first_round = False
    tallies.write()


def answered_waits() -> set[str]:
    """What waiting events wait for, where that has come true without anybody telling them."""
    message_id = Substr(OuterRef("waits_on"), len("message:") + 1)
    bound = Message.objects.filter(gateway=settings.WHATSAPP_GATEWAY, gateway_id=message_id)
    waiting = WebhookEvent.objects.filter(Q(waits_on__startswith="conversation:") | Exists(bound))
    waits = waiting.filter(state=WebhookEvent.State.WAITING).order_by().values_list("waits_on", flat=True)
    return set(waits.distinct()[:BATCH])


def due_conversations(limit: int = BATCH) -> list[int]:
    """Conversations whose sending may go on now, the one waiting longest first.

    Before them those with nothing queued, whose lease has ended: databases differ in where they sort them.

    While the breaker is open only an expired lease needs anybody: its row's outcome is unknown.
    """
    queued = Message.objects.filter(IS_OPEN, state=Delivery.QUEUED)
    own = queued.filter(conversation=OuterRef("pk"))
    threads = Conversation.objects.all()
    wanted = threads.filter(lease_until__lte=Now()).values("pk")
    if not connection.opened():
        free = threads.filter(lease_until=None, pk__in=queued.values("conversation"))
        wanted = wanted.union(free.exclude(Exists(own.filter(due__gt=Now()))).values("pk"))  # "or" would read them all
    found = threads.filter(pk__in=wanted).annotate(oldest=Subquery(own.order_by("created").values("created")[:1]))
    return list(found.order_by(F("oldest").asc(nulls_first=True)).values_list("pk", flat=True)[:limit])
