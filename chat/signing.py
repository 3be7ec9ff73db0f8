"""The technician's name before their words on the person's WhatsApp, where NOMBRE_EN_MENSAJES asks for it.

What is stored stays as it was written. The name is kept with the row, so that what is sent again, and what the
gateway tells of it, is the same text whatever the setting says by then.
"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from chat.models import Message
from chat.thread import caption_of, shown_text

NAME = "firma"
MARKS = re.compile(r"[*_~`\s]+")
SIGNED = re.compile(r"\*([^*\n]+):\*\n")


def details_for(author: User, kind: str, text: str) -> dict[str, Any]:
    """What a new message of `author` keeps of the name it is sent with; nothing where it has no words."""
    name = MARKS.sub(" ", author.first_name or author.get_username()).strip()
    return {NAME: name} if settings.NOMBRE_EN_MENSAJES and name and caption_of(kind, text) else {}


def prefix(details: dict[str, Any]) -> str:
    """What stands before the words of a message with these details: "*Ana:*" on a line of its own, or nothing."""
    return f"*{details[NAME]}:*\n" if details.get(NAME) else ""


def sent_text(row: Message) -> str:
    """`row` as a bubble would show it of the words that were sent."""
    name = prefix(row.details)
    return shown_text(row.kind, name + caption_of(row.kind, row.text)) if name else row.text


def without(text: str, row: Message) -> str:
    """The gateway's `text` of `row` as it is stored."""
    return text.removeprefix(prefix(row.details))


def sent_as(kind: str, text: str) -> Q:
    """The rows whose words were sent as `text` in a message of this kind."""
    plain = Q(text=shown_text(kind, text), **{f"details__{NAME}__isnull": True})
    if not (signed := SIGNED.match(text)):
        return plain
    words = shown_text(kind, text[signed.end() :])
    return plain | Q(text=words, **{f"details__{NAME}": signed[1]})
