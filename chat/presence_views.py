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
    """{"escribiendo", "borrador"?, "fuera"?, "pestana"?} -> {"quien": [{"id", "nombre", "escribiendo"}]}, or null."""
    ticket = get_ticket(request.user, ticket_id)
    typing, draft, leaves, tab = said(body_of(request))
    who = person(request).pk
    try:
        people = presence.note(ticket.pk, who, tab, typing=typing, draft=draft, leaves=leaves)
    except presence.Unknown:
        return Response({"quien": None})
    if not leaves and typing_shown.watch_due(ticket.contact_id):
        hint(tasks.watch_person, ticket.pk)
    if typing and not leaves and typing_shown.due(ticket.contact_id):
        hint(tasks.show_typing, ticket.pk, who)
    return Response({"quien": people})


def said(body: dict[str, Any]) -> tuple[bool, bool, bool, str]:
    """Whether they type, have something written, leave, and the tab; raises InvalidText."""
    typing, draft, leaves = body.get("escribiendo"), body.get("borrador", False), body.get("fuera", False)
    if not (isinstance(typing, bool) and isinstance(draft, bool) and isinstance(leaves, bool)):
        raise InvalidText("«escribiendo», «borrador» y «fuera» deben ser true o false.")
    tab = body.get("pestana")
    try:
        return typing, draft, leaves, "" if tab is None else str(uuid.UUID(tab))
    except (ValueError, TypeError, AttributeError):
        raise InvalidText("«pestana» debe ser un UUID.") from None
