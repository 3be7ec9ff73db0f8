"""The endpoints of working together in one ticket: each parses, calls, answers."""

from __future__ import annotations

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from chat import notes
from chat.errors import explained
from chat.views import body_of, draft_of, person
from tickets.access import get_ticket


@api_view(["POST"])
@explained
def write_note(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/nota {"texto", "clave"?}: said to the desk only."""
    ticket = get_ticket(request.user, ticket_id)
    body = body_of(request)
    text = notes.check_text(body.get("texto"))
    note, _ = notes.write(ticket.pk, person(request), text, draft_of({"clave": body.get("clave")}, text).key)
    return Response({"status": note.state, "ticket_id": ticket.pk, "seq": note.seq})
