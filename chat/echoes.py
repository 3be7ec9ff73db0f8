"""Evidence: our own messages as the gateway tells them again, by its echo or when the chat is read back.

Rules: docs/delivery.md, 7 and 14. Evidence settles what is `sin_confirmar`; its absence proves nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from chat import signing, tasks
from chat.attachments import attach
from chat.models import IS_OPEN, Conversation, Delivery, Message, Role
from chat.outgoing import extra_s
from chat.people import find_known
from chat.thread import Gap, about, known, shown_text, technician_spoke
from chat.wake import wake_on_commit
from tickets.identity import identify
from tickets.text import clean
from whatsapp import connection, gateways
from whatsapp.events import Outcome
from whatsapp.gateways.events import OwnMessage
from whatsapp.models import WebhookEvent

State = WebhookEvent.State
# How far the gateway's clock may be from ours when its word settles a doubtful row.
CLOCK_SKEW = timedelta(seconds=60)
# A chat is read back 5, 10, 20, … 320 s after the attempt ended in doubt; then a person decides.
FIRST_CHECK, MAX_CHECKS = timedelta(seconds=5), 7


def own_message(event: OwnMessage, gap: Gap | None = None) -> Outcome:
    """The echo of our own number: evidence for a doubtful row, or what somebody typed on the phone itself.

    With a `gap` it was read back after that outage.
    """
    # Before the contact too: what we sent is known wherever its echo says that it went.
    if row := known(event.external_id).first():
        return Outcome(reason="Eco de un mensaje ya enviado", about=about(row))
    identity = identify(event.address)
    contact = identity and find_known(identity, event.aliases)
    if not contact:
        return Outcome(State.IGNORED, "Mensaje nuestro a quien no ha escrito")
    conversation = contact.conversation
    if row := known(event.external_id).first():  # bound while we waited for the lock
        return Outcome(reason="Eco de un mensaje ya enviado", about=about(row))
    text = shown_text(event.kind, clean(event.text))
    if event.by_api:
        if conversation.messages.filter(state=Delivery.SENDING).exists():
            return Outcome(State.WAITING, "Hay un envío en curso", f"conversation:{conversation.pk}")
        if row := settle_by_echo(conversation, event):
            return Outcome(reason="Confirmó un mensaje sin confirmar", about=about(row))
        if conversation.messages.filter(state=Delivery.DOUBTFUL).exists():
            return Outcome(State.WAITING, "Hay un envío sin confirmar", f"conversation:{conversation.pk}")
    ticket = contact.tickets.select_related("contact").order_by("-last_activity").first()
    if ticket is None:
        return Outcome(State.IGNORED, "Mensaje nuestro sin ticket")
    now = timezone.now()
    created = event.sent_at if event.sent_at and event.sent_at < now else now
    message = conversation.append(
        ticket,
        Role.TECHNICIAN,
        text,
        kind=event.kind,
        state=Delivery.SENT,
        sent=created,
        created=created,
        address=event.address,
        gateway=settings.WHATSAPP_GATEWAY,
        gateway_id=event.external_id,
        **(gap.marks(event.details) if gap else {"details": dict(event.details)}),
    )
    if event.media:
        attach(message, event.media)
    technician_spoke(conversation, ticket, text, now)
    ticket.save()
    return Outcome(reason="Escrito en el teléfono", about=about(message))


def settle_by_echo(conversation: Conversation, event: OwnMessage) -> Message | None:
    """Bind the echo to the oldest row without an id that it can be the echo of, and return that row.

    A doubtful row is then `enviado`. Where a person decided before, their word stays and only the id is bound, so
    that the same message is not shown twice.
    """
    said = signing.sent_as(event.kind, clean(event.text))
    unbound = conversation.messages.filter(said, gateway=settings.WHATSAPP_GATEWAY, gateway_id=None)
    if event.sent_at:
        unbound = unbound.filter(tried__lte=event.sent_at + CLOCK_SKEW)
    doubtful = Q(state=Delivery.DOUBTFUL)
    by_person = Q(state__in=[Delivery.SENT, Delivery.DISCARDED], settled_by__isnull=False)
    rows = unbound.filter(doubtful | by_person).order_by(models.Case(models.When(doubtful, then=0), default=1), "seq")
    row = rows.first()
    if row is None:
        return None
    if row.state == Delivery.DOUBTFUL:
        return row if bind(conversation, row, event) else None
    Message.objects.filter(pk=row.pk).update(gateway_id=event.external_id)
    return row


def bind(conversation: Conversation, row: Message, event: OwnMessage) -> bool:
    """The doubtful `row` was sent: the gateway has it as `event`. Needs the conversation's lock.

    `settled` without `settled_by` says that evidence did it.
    """
    sent = event.sent_at or timezone.now()
    moved = row.move(
        conversation,
        Delivery.SENT,
        gateway_id=event.external_id,
        sent=sent,
        settled=timezone.now(),
        due=None,
        reason="",
    )
    if moved:
        wake_on_commit(tasks.drain, conversation.pk)
        wake_on_commit(tasks.wake_waiting, f"message:{event.external_id}")
    return moved


def rows_to_check(limit: int = 20) -> list[int]:
    """Doubtful rows whose chat should be read back now, while the session works and its gateway can."""
    if "read_back" not in gateways.active().can or not connection.current().connected:
        return []
    now = timezone.now()
    due = Q()
    for checks in range(MAX_CHECKS):
        waited = FIRST_CHECK * 2**checks + timedelta(seconds=settings.WHATSAPP_TIMEOUT_S)
        due |= Q(checks=checks, tried__lt=now - waited)
    doubtful = Message.objects.filter(IS_OPEN, state=Delivery.DOUBTFUL)
    rows = doubtful.filter(due, gateway=settings.WHATSAPP_GATEWAY)
    return list(rows.order_by("tried").values_list("pk", flat=True)[:limit])


def read_back(message_id: int) -> bool:
    """Look for a doubtful row in the chat as the gateway remembers it; returns whether that settled it.

    Only one process asks: whoever counts the check. Settled only by exactly one candidate for exactly one row: same
    chat, same text, sent by us through the gateway within the attempt's time, its id not known for another message.
    """
    row = Message.objects.select_related("conversation__contact").filter(pk=message_id).first()
    if row is None or row.tried is None or row.state != Delivery.DOUBTFUL:
        return False
    counted = Message.objects.filter(pk=row.pk, checks=row.checks, state=Delivery.DOUBTFUL)
    if not counted.update(checks=F("checks") + 1):
        return False
    found = gateways.active().read_back(row.address or row.conversation.contact.address, row.tried - CLOCK_SKEW)
    if not found:
        return False
    with transaction.atomic():
        conversation = Conversation.locked_of(row)
        candidates = [one for one in found if isinstance(one, OwnMessage) and could_be(one, row, row.tried)]
        twins = conversation.messages.filter(state=Delivery.DOUBTFUL, text=row.text).exclude(pk=row.pk)
        if row.state != Delivery.DOUBTFUL or len(candidates) != 1 or twins.exists():
            return False
        return bind(conversation, row, candidates[0])


def could_be(event: OwnMessage, row: Message, tried: datetime | None) -> bool:
    """Whether `event` may be what the attempt of `row`, begun at `tried`, sent."""
    said = shown_text(event.kind, clean(event.text))
    if tried is None or not event.by_api or event.sent_at is None or said != signing.sent_text(row):
        return False
    latest = tried + timedelta(seconds=settings.WHATSAPP_TIMEOUT_S + extra_s(row)) + CLOCK_SKEW
    return tried - CLOCK_SKEW <= event.sent_at <= latest and not known(event.external_id).exists()
