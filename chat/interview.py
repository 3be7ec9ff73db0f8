"""What the assistant says in a thread: its next words once per state of the ticket. Needs the conversation's lock."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from chat import assistant, tasks, window
from chat.models import ACCEPTED, Conversation, Delivery, Message, Role
from chat.thread import note_activity
from chat.wake import wake_on_commit
from tickets.models import Contact, Ticket


def last_words(ticket: Ticket) -> Message | None:
    """What the assistant said last in this ticket."""
    return ticket.messages.filter(role=Role.ASSISTANT).order_by("-seq").first()


def question_arrived(ticket: Ticket) -> bool:
    """Whether the assistant's last question may have been read when the person wrote; else they do not answer it."""
    last = last_words(ticket)
    return last is not None and last.state in (*ACCEPTED, Delivery.DOUBTFUL)


def assist(
    conversation: Conversation, ticket: Ticket, contact: Contact, text: str, *, answered: bool, once: bool = False
) -> None:
    """By the rules: learn from the person's words and say the next ones. The caller saves the ticket."""
    before = ticket.asked
    assistant.learn(ticket, contact, text, answered=answered)
    contact.save(update_fields=["name", "department"])
    speak(conversation, ticket, contact, before, answered=answered, once=once)


def speak(
    conversation: Conversation, ticket: Ticket, contact: Contact, before: str, *, answered: bool, once: bool = False
) -> None:
    """Ask for what the ticket lacks, or say that it lacks nothing; `before` is what was asked last.

    `once`: what it has not said yet is said in other words, instead of saying more.
    """
    last = last_words(ticket)
    first = last is None
    field = assistant.next_question(ticket, contact)
    if window.closed(conversation):  # it wrote long ago and we hear of it only now
        ticket.asked = ""
        return
    ticket.asked = field
    lost = bool(field) and last is not None and last.state == Delivery.FAILED
    if field == before and not (answered or first or lost):
        return  # the question is on its way, or the ticket was complete: nothing new to say
    if once and last is not None and last.state == Delivery.QUEUED:
        first = not ticket.messages.filter(role=Role.ASSISTANT).exclude(pk=last.pk).exists()
        words = assistant.words_for(field, ticket, first=first)
        said = {"text": words, "details": {"pregunta": field}, "version": conversation.bump(ticket.pk, row=True)}
        Message.objects.filter(pk=last.pk).update(**said)
        told(conversation, ticket, words)
    else:
        say(conversation, ticket, assistant.words_for(field, ticket, first=first), pregunta=field)


def say(conversation: Conversation, ticket: Ticket, words: str, **details: Any) -> None:
    """Put `words` of the assistant's in the queue; `pregunta` is what they ask for, or ""."""
    conversation.append(ticket, Role.ASSISTANT, words, state=Delivery.QUEUED, details=details)
    told(conversation, ticket, words)


def told(conversation: Conversation, ticket: Ticket, words: str) -> None:
    note_activity(ticket, Role.ASSISTANT, words, timezone.now())
    wake_on_commit(tasks.drain, conversation.pk)
