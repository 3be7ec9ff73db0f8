"""POST /ticket/{id}/presencia: what a technician's page says every few seconds."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from chat import presence, tasks, typing_shown
from chat.compose import InvalidText
from chat.errors import explained
from chat.views import body_of, person
from chat.wake import hint
from tickets.access import get_ticket


@api_view(["POST"])
@explained
def present(request: Request, ticket_id: int) -> Response:
    """{"escribiendo", "fuera"?, "pestana"?} -> {"quien": [{"id", "nombre", "escribiendo"}]}, null when unknown."""
    ticket = get_ticket(request.user, ticket_id)
    typing, leaves, tab = said(body_of(request))
    who = person(request).pk
    try:
        people = presence.note(ticket.pk, who, tab, typing=typing, leaves=leaves)
    except presence.Unknown:
        return Response({"quien": None})
    if not leaves and typing_shown.watch_due(ticket.contact_id):
        hint(tasks.watch_person, ticket.pk)
    if typing and not leaves and typing_shown.due(ticket.contact_id):
        hint(tasks.show_typing, ticket.pk, who)
    return Response({"quien": people})


def said(body: dict[str, Any]) -> tuple[bool, bool, str]:
    """Whether they type, whether they leave, and the tab; raises InvalidText."""
    typing, leaves, tab = body.get("escribiendo"), body.get("fuera", False), body.get("pestana")
    if not isinstance(typing, bool) or not isinstance(leaves, bool):
        raise InvalidText("«escribiendo» y «fuera» deben ser true o false.")
    try:
        return typing, leaves, "" if tab is None else str(uuid.UUID(tab))
    except (ValueError, TypeError, AttributeError):
        raise InvalidText("«pestana» debe ser un UUID.") from None
