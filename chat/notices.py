"""Notificar: predefined messages with the ticket's real values in them."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max

from chat.assistant import UNKNOWN
from chat.history import local
from chat.models import Delivery, PredefinedMessage
from tickets.models import Ticket

VARIABLE = re.compile(r"\{(\w+)\}")
VARIABLES = ("nombre", "numero", "estado", "tecnico")


def unknown_variables(text: str) -> list[str]:
    """The names in braces that no notice can fill."""
    return sorted({name for name in VARIABLE.findall(text) if name not in VARIABLES})


def render(text: str, ticket: Ticket, technician: User) -> str:
    """`text` with its variables filled; the technician is the ticket's, else who sends it."""
    signer = ticket.technician or technician
    values = {
        "nombre": str(ticket.contact) if ticket.name == UNKNOWN else ticket.shown_name,
        "numero": str(ticket.pk),
        "estado": ticket.state,
        "tecnico": signer.get_full_name() or signer.get_username(),
    }
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def previews(ticket: Ticket, technician: User) -> list[dict[str, Any]]:
    """The active notices as they would be sent, each with when it last went out for this ticket."""
    messages = ticket.messages.filter(notice__isnull=False)
    kept = messages.exclude(state__in=[Delivery.FAILED, Delivery.DISCARDED])
    last = dict(kept.order_by().values_list("notice").annotate(Max("created")))
    return [
        {
            "id": notice.pk,
            "titulo": notice.title,
            "texto": render(notice.text, ticket, technician),
            "ya_enviado": local(last[notice.pk]) if notice.pk in last else None,
        }
        for notice in PredefinedMessage.objects.filter(active=True)
    ]
