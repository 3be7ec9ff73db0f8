"""The books: everything accepted is somewhere, every gateway id is on one message, every event is explained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, Min, Q

from chat.models import ACCEPTED, MOVES, SAID, Conversation, Delivery, Message, Role
from whatsapp.models import WebhookEvent

# The columns of the books: what a state means for whoever counts.
COLUMNS: dict[str, tuple[str, ...]] = {
    "enviados": ACCEPTED,
    "fallidos": (Delivery.FAILED,),
    "sin confirmar": (Delivery.DOUBTFUL,),
    "en espera": (Delivery.QUEUED, Delivery.SENDING),
    "descartados": (Delivery.DISCARDED,),
}


@dataclass(frozen=True)
class Books:
    """What was accepted to be sent, by where it is now, and what does not add up (nothing, when all is well)."""

    accepted: int
    columns: dict[str, int]
    received: int
    imported: int  # ours from another desk: nothing that was accepted here
    events: dict[str, int]
    problems: list[str]

    @property
    def balanced(self) -> bool:
        return not self.problems


def books(since: datetime | None = None, until: datetime | None = None) -> Books:
    """Count what was written between `since` and `until` (either may be open), and check that it adds up."""
    period = between("created", since, until)
    ours = Message.objects.filter(period, SAID).exclude(role=Role.USER)
    outbound = ours.exclude(state=Delivery.IMPORTED)
    states = dict(ours.order_by().values_list("state").annotate(Count("pk")))
    columns = {name: sum(states.get(state, 0) for state in group) for name, group in COLUMNS.items()}
    events = WebhookEvent.objects.filter(between("received", since, until))
    return Books(
        accepted=outbound.count(),
        columns=columns,
        received=Message.objects.filter(period, role=Role.USER).count(),
        imported=states.get(Delivery.IMPORTED, 0),
        events=dict(events.order_by().values_list("state").annotate(Count("pk"))),
        problems=[
            *sum_problems(outbound.count(), columns),
            *message_problems(period),
            *thread_problems(period),
            *event_problems(since, until),
        ],
    )


def between(column: str, since: datetime | None, until: datetime | None) -> Q:
    period = Q()
    if since:
        period &= Q(**{f"{column}__gte": since})
    if until:
        period &= Q(**{f"{column}__lt": until})
    return period


def sum_problems(accepted: int, columns: dict[str, int]) -> list[str]:
    found = sum(columns.values())
    return [] if found == accepted else [f"Se aceptaron {accepted} mensajes y en los libros hay {found}."]


def message_problems(period: Q) -> list[str]:
    """Rows that say what cannot be: an unknown state, or sent with neither the gateway's word nor a person's."""
    problems = []
    known = {*MOVES, Delivery.READ, Delivery.DISCARDED, Delivery.RECEIVED, Delivery.INTERNAL, Delivery.IMPORTED}
    for message in Message.objects.filter(period).exclude(state__in=known)[:20]:
        problems.append(f"Mensaje {message.pk}: estado desconocido «{message.state}».")
    unproved = Message.objects.filter(period, state__in=ACCEPTED, gateway_id=None, settled_by=None, attempts__gt=0)
    for message in unproved[:20]:
        problems.append(f"Mensaje {message.pk}: enviado sin id del gateway ni decisión de una persona.")
    twice = Message.objects.filter(gateway_id__isnull=False).order_by().values("gateway", "gateway_id")
    for row in twice.annotate(times=Count("pk")).filter(times__gt=1)[:20]:
        problems.append(f"El id {row['gateway_id']} está en {row['times']} mensajes.")
    return problems


def thread_problems(period: Q) -> list[str]:
    """Threads with a number missing: a message was there and is gone."""
    touched = Conversation.objects.filter(pk__in=Message.objects.filter(period).order_by().values("conversation"))
    counted = touched.annotate(rows=Count("messages"), first=Min("messages__seq"), last=Max("messages__seq"))
    broken = counted.exclude(rows=F("last"), first=1, last=F("seq"))
    return [
        f"Conversación {thread.pk}: {thread.rows} mensajes, numerados del {thread.first} al {thread.last} "
        f"de {thread.seq} escritos."
        for thread in broken[:20]
    ]


def event_problems(since: datetime | None, until: datetime | None) -> list[str]:
    """Handled events that name neither a message nor a reason, or name a message that is not there."""
    handled = WebhookEvent.objects.filter(between("received", since, until)).exclude(state=WebhookEvent.State.RECEIVED)
    problems = [
        f"Evento {event.pk} ({event.state}) sin mensaje ni motivo."
        for event in handled.filter(about="", reason="")[:20]
    ]
    named = handled.filter(about__startswith="mensaje:").values_list("pk", "about").order_by("pk")
    batch: dict[int, int] = {}
    for event, about in named.iterator(chunk_size=1000):
        batch[event] = int(about.removeprefix("mensaje:"))
        if len(batch) == 1000:
            problems += missing(batch)
            batch.clear()
    return problems + missing(batch)


def missing(batch: dict[int, int]) -> list[str]:
    """The events of `batch` (event -> message) whose message does not exist."""
    there = set(Message.objects.filter(pk__in=set(batch.values())).values_list("pk", flat=True))
    return [
        f"Evento {event}: el mensaje {message} no existe." for event, message in batch.items() if message not in there
    ]
