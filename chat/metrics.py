"""GET /metricas: how the desk is doing, for Prometheus (docs/metrics.md).

Everything is read from the database, so that whichever process answers tells of all of them, on all machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection as db
from django.db.models import Count, Min, Q, QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from rest_framework.decorators import api_view, content_negotiation_class
from rest_framework.request import Request

from chat import tallies
from chat.health import broker
from chat.llm import endpoint
from chat.models import IS_OPEN, OPEN, Attachment, Message, Worker
from tickets.access import NOT_FOUND, can_supervise
from tickets.downloads import AnyType
from tickets.models import OPEN_STATES, Ticket
from whatsapp import connection
from whatsapp.models import WebhookEvent

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
# A process without a sign of life for so long is gone, and no longer told of.
GONE = timedelta(hours=1)
LIVE_GONE_S = 60.0  # it says every 20 s how many pages it has
EVENTS = (WebhookEvent.State.RECEIVED, WebhookEvent.State.WAITING, WebhookEvent.State.ERROR)


@api_view(["GET", "HEAD"])
@content_negotiation_class(AnyType)
def metrics(request: Request) -> HttpResponse:
    """GET /metricas, for a supervisor's session or token. Seven queries (a model: eight); none reads a history."""
    if not can_supervise(request.user):
        raise Http404(NOT_FOUND)
    registry = CollectorRegistry()
    registry.register(Desk())
    return HttpResponse(generate_latest(registry), content_type=FORMAT)


class Desk(Collector):
    """The desk as it is at this moment."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield about()
        # Only rows of the index `message_open` are read, and of `event_by_state`.
        yield from open_ones(
            "chat_messages", "Messages on their way out", Message.objects.filter(IS_OPEN), OPEN, "created", now
        )
        yield sends()
        if endpoint.configured():
            yield model_calls()
        yield from session(now)
        told = WebhookEvent.objects.filter(state__in=EVENTS)
        yield from open_ones(
            "chat_webhook_events", "Events of the gateway that are not done with", told, EVENTS, "received", now
        )
        yield one("chat_attachments_waiting", "Files that were not fetched yet.", waiting_files())
        yield from tickets(now)
        yield from processes(now)
        if settings.REDIS_URL:
            yield one("chat_broker_up", "Whether Redis answers within half a second.", broker() == "ok")


def one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def about() -> GaugeMetricFamily:
    labels = {"release": settings.RELEASE, "gateway": settings.WHATSAPP_GATEWAY, "database": db.vendor}
    found = GaugeMetricFamily("chat_build_info", "What runs; always 1.", labels=list(labels))
    found.add_metric(list(labels.values()), 1)
    return found


def age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def by_state(rows: QuerySet[Any], states: Iterable[str], since: str) -> tuple[dict[str, int], dict[str, datetime]]:
    """How many of `rows` are in each of `states`, and when the oldest of each is from, by the column `since`."""
    found = list(rows.order_by().values_list("state").annotate(Count("pk"), Min(since)))
    counts = {str(state): 0 for state in states} | {state: count for state, count, _ in found}
    return counts, {state: oldest for state, _, oldest in found}


def open_ones(
    name: str, what: str, rows: QuerySet[Any], states: Iterable[str], since: str, now: datetime
) -> Iterator[Metric]:
    """How many `rows` there are of each state, and the age of the oldest of each."""
    counts, oldest = by_state(rows, states, since)
    open_now = GaugeMetricFamily(f"{name}_open", f"{what}, by state.", labels=["state"])
    ages = GaugeMetricFamily(
        f"{name}_oldest_seconds", "How old the oldest of them is; 0 without any.", labels=["state"]
    )
    for state, count in counts.items():
        open_now.add_metric([state], count)
        ages.add_metric([state], age(oldest.get(state), now))
    yield open_now
    yield ages


def sends() -> HistogramMetricFamily:
    text = "Seconds until the gateway's answer to a send, by what it was; their count is the number of attempts."
    found = HistogramMetricFamily("chat_gateway_send_seconds", text, labels=["result"])
    for result, (buckets, total) in tallies.sends().items():
        found.add_metric([result], buckets, total)
    return found


def model_calls() -> CounterMetricFamily:
    text = (
        "Questions to the assistant's model, by what for and what came of them; all but used and human went to rules."
    )
    found = CounterMetricFamily("chat_assistant_model_calls", text, labels=["purpose", "outcome"])
    for purpose, outcome, count in tallies.model_calls():
        found.add_metric([purpose, outcome], count)
    return found


def session(now: datetime) -> Iterator[Metric]:
    row = connection.current()
    yield one("chat_whatsapp_connected", "Whether WhatsApp is connected.", row.connected)
    yield one("chat_whatsapp_unchanged_seconds", "For how long it has been so.", age(row.since, now))
    yield one("chat_sending_paused", "Whether somebody paused sending.", row.paused is not None)
    yield one("chat_sending_paused_seconds", "For how long; 0 when nobody did.", age(row.paused, now))


def waiting_files() -> int:
    """Index `attachment_waiting`."""
    return Attachment.objects.filter(state=Attachment.State.WAITING).count()


def tickets(now: datetime) -> Iterator[Metric]:
    """The open ones. Index `ticket_by_state`."""
    rows = Ticket.objects.filter(state__in=OPEN_STATES).order_by().values_list("state")
    unassigned = Count("pk", filter=Q(technician=None))
    found = list(rows.annotate(Count("pk"), Count("waiting_since"), Min("waiting_since"), unassigned=unassigned))
    open_now = GaugeMetricFamily("chat_tickets_open", "Open tickets, by state.", labels=["state"])
    counts = {str(state): 0 for state in OPEN_STATES} | {state: count for state, count, *_ in found}
    for state, count in counts.items():
        open_now.add_metric([state], count)
    yield open_now
    since = min((oldest for *_, oldest, _ in found if oldest), default=None)
    yield one("chat_tickets_unassigned", "Open tickets that nobody has taken.", sum(row[4] for row in found))
    yield one("chat_tickets_waiting", "Tickets whose person waits for an answer.", sum(row[2] for row in found))
    yield one("chat_tickets_waiting_oldest_seconds", "How long the longest has waited; 0 without any.", age(since, now))


def processes(now: datetime) -> Iterator[Metric]:
    """Who gave a sign of life lately: those who send, and those with the streams of open pages."""
    senders = GaugeMetricFamily(
        "chat_sender_silent_seconds", "Since a process that sends last swept.", labels=["process"]
    )
    streams = GaugeMetricFamily("chat_streams_open", "Pages that are kept up to date live.", labels=["process"])
    for row in Worker.objects.filter(seen__gt=now - GONE).exclude(name=Worker.PROBE).order_by("name"):
        silent = age(row.seen, now)
        if row.streams is None:
            senders.add_metric([row.name], silent)
        elif silent < LIVE_GONE_S:
            streams.add_metric([row.name], row.streams)
    yield senders
    yield streams
