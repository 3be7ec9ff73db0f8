"""Internal notes: what technicians tell each other in a ticket's thread. A note is a row that sending never sees."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from chat.compose import InvalidText, KeyReused
from chat.models import NOTE, Conversation, Delivery, Message, Role
from tickets.models import Ticket

MAX_TEXT = 4096


def check_text(text: Any) -> str:
    """`text` as a note may say it; raises InvalidText."""
    if not isinstance(text, str):
        raise InvalidText("«texto» debe ser un texto.")
    if not text.strip():
        raise InvalidText("La nota está vacía.")
    if len(text) > MAX_TEXT:
        raise InvalidText(f"La nota tiene {len(text)} caracteres; caben hasta {MAX_TEXT}.")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidText("La nota contiene caracteres que no se pueden guardar.")
    return text


def write(
    ticket_id: int, author: User, text: str, key: uuid.UUID | None = None, named: Sequence[Mapping[str, Any]] = ()
) -> tuple[Message, bool]:
    """Put a note at the end of the thread; returns its row and whether it is new. Raises KeyReused.

    `named` are the colleagues whom it mentions, as pages show them.
    It neither answers the person nor reopens the ticket: nothing that the table tells of the ticket changes.
    """
    contact = Ticket.objects.select_related("contact").get(pk=ticket_id).contact
    with transaction.atomic():
        conversation = Conversation.locked_for(contact)
        ticket = Ticket.objects.get(pk=ticket_id)
        if key and (known := ticket.messages.filter(key=key).first()):
            if (known.kind, known.text) != (NOTE, text):
                raise KeyReused
            return known, False
        return add(conversation, ticket, author, text, key=key, details={"menciones": named} if named else {}), True


def add(conversation: Conversation, ticket: Ticket, author: User, text: str, **fields: Any) -> Message:
    """The row of a note. Needs the conversation's lock."""
    return conversation.append(
        ticket, Role.TECHNICIAN, text, kind=NOTE, state=Delivery.INTERNAL, author=author, **fields
    )
