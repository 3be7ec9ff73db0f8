"""A person's words, answered with a model's help: noted with the message, thought about outside of any transaction,
and answered in one transaction by whoever still holds the claim. Whatever goes wrong, the rules answer.
"""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chat import assistant, interview, runtime, tasks
from chat.head import silenced
from chat.llm import endpoint, prompts, replies
from chat.llm.answers import InvalidAnswer, Thought, thought_of
from chat.models import Conversation, Intake, Message
from chat.wake import wake_on_commit
from tickets.models import Contact, Ticket

logger = logging.getLogger(__name__)

PURPOSE = "intake"
ANSWER_TOKENS = 500
# A claim outlasts its call by so much; with less than LEAST_S left nobody is asked any more.
GRACE_S, LEAST_S = 1.0, 0.3
LOST_AFTER = timedelta(seconds=5)


@dataclass(frozen=True)
class Turn:
    """What one claim is to answer: the words up to the message `last`, before `ends` (monotonic)."""

    ticket: int
    token: uuid.UUID
    last: int | None
    ends: float


def hear(
    conversation: Conversation, ticket: Ticket, contact: Contact, message: Message, text: str, *, answered: bool
) -> None:
    """The person wrote `message`, which says `text`: answered by the rules at once, or noted for the model."""
    intake = Intake.objects.get_or_create(ticket=ticket)[0]
    if intake.steps == Intake.Steps.GIVEN and interview.question_arrived(ticket):
        return replies.tried(conversation, ticket, intake, text)
    if intake.handed_over:
        return None
    if intake.since is None and not worth_thinking(ticket, contact, text):
        return interview.assist(conversation, ticket, contact, text, answered=answered)
    if intake.since is None:
        intake.since, intake.first, intake.answered = timezone.now(), message, answered
    intake.last = message
    intake.save(update_fields=["since", "first", "answered", "last"])  # somebody may be claiming it just now
    ticket.asked = ticket.asked or assistant.THINKING
    # Its times made anew (chat/times.py) know by it that the assistant had the turn from here on.
    message.details = {**message.details, "pensando": True}
    message.save(update_fields=["details"])
    return wake_on_commit(tasks.think, ticket.pk)


def worth_thinking(ticket: Ticket, contact: Contact, text: str) -> bool:
    """Whether a model may know better than the rules: the interview goes on, with more than "hola" or "no sé"."""
    if not text.strip() or assistant.is_greeting(text) or assistant.is_unknown(text):
        return False
    return bool(assistant.next_question(ticket, contact)) or interview.last_words(ticket) is None


def think_aside(ticket_id: int) -> None:
    """Answer on a thread of its own, so that a model that hangs keeps no message waiting; with none free, by rules."""
    if not runtime.thinkers.offer(answer, ticket_id):
        endpoint.count(PURPOSE, "busy")
        answer(ticket_id, ask=False)


def answer(ticket_id: int, *, ask: bool = True) -> None:
    """Answer what the person said and nobody has answered, unless somebody is at it."""
    while turn := claim(ticket_id):
        if finish(turn, think(turn) if ask else None):
            return


def claim(ticket_id: int) -> Turn | None:
    now = timezone.now()
    intake = Intake.objects.filter(pk=ticket_id, since__isnull=False).first()
    if intake is None or intake.since is None or (intake.claimed_until and intake.claimed_until > now):
        return None
    waited = max(0.0, (now - intake.since).total_seconds())
    left = settings.ASISTENTE_ESPERA_S - waited
    token = uuid.uuid4()
    mine = Intake.objects.filter(pk=ticket_id, token=intake.token, since__isnull=False)
    if not mine.update(token=token, claimed_until=now + timedelta(seconds=max(0.0, left) + GRACE_S)):
        return None
    return Turn(ticket_id, token, intake.last_id, time.monotonic() + left)


def think(turn: Turn) -> Thought | None:
    """What the model makes of it, or None: the rules, then."""
    if not endpoint.configured():
        return None
    left = turn.ends - time.monotonic()
    if left < LEAST_S:
        endpoint.count(PURPOSE, "late")
        return None
    try:
        messages = prompts.intake(Ticket.objects.get(pk=turn.ticket))
        said = endpoint.ask(PURPOSE, messages, ANSWER_TOKENS, turn.ends - time.monotonic())
        return None if isinstance(said, endpoint.Failed) else thought_of(said)
    except InvalidAnswer as error:
        endpoint.count(PURPOSE, "invalid")
        logger.warning("El asistente descartó la respuesta del modelo para el ticket #%s: %s", turn.ticket, error)
    except Exception:
        logger.exception("Error interno al preguntarle al modelo por el ticket #%s", turn.ticket)
    return None


def finish(turn: Turn, thought: Thought | None) -> bool:
    """Answer and note that it is answered, in one transaction; False when the person wrote more and there is time."""
    with transaction.atomic():
        contact = Ticket.objects.select_related("contact").get(pk=turn.ticket).contact
        conversation = Conversation.locked_for(contact)
        ticket = Ticket.objects.select_related("contact").get(pk=turn.ticket)
        intake = Intake.objects.select_for_update().filter(pk=turn.ticket, token=turn.token).first()
        if intake is None:
            return True  # somebody else's by now
        if thought and intake.last_id != turn.last and turn.ends - time.monotonic() > LEAST_S:
            intake.release()
            intake.save()
            return False
        if ticket.is_open and not silenced(ticket.pk):
            if thought and intake.last_id != turn.last:
                thought = None  # it knows only half of it
            replies.reply(conversation, ticket, intake, pending(ticket, intake), thought)
        elif not intake.answered and not ticket.fault:  # a technician was quicker; what fails is kept
            replies.note_fault(ticket, pending(ticket, intake))
        intake.settle()
        intake.save()
        ticket.save()
        conversation.bump(ticket.pk, row=True)
    return True


def pending(ticket: Ticket, intake: Intake) -> list[str]:
    """What the person wrote that nobody has answered, oldest first."""
    rows = ticket.messages.filter(role="user", pk__gte=intake.first_id or 0, pk__lte=intake.last_id or 0)
    return [prompts.said_in(kind, text) for kind, text in rows.order_by("pk").values_list("kind", "text")]


def lost(now: datetime | None = None) -> QuerySet[Intake]:
    """Whom nobody is about to answer: the wake-up was lost, or whoever held the claim is gone."""
    now = now or timezone.now()
    waiting = Intake.objects.filter(since__isnull=False)
    return waiting.filter(Q(claimed_until__lte=now) | Q(claimed_until=None, since__lte=now - LOST_AFTER))
