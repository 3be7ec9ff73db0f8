"""The endpoints of working together in one ticket: each parses, calls, answers."""

from __future__ import annotations

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from chat import history, notes, team
from chat.compose import InvalidText
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
    note = team.write_note(ticket.pk, person(request), text, draft_of({"clave": body.get("clave")}, text).key)
    return Response({"status": note.state, "ticket_id": ticket.pk, "seq": note.seq})


@api_view(["POST"])
@explained
def join(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/unirme: I hear of it too."""
    ticket = get_ticket(request.user, ticket_id)
    team.join(ticket, person(request))
    return Response({"ticket": history.ticket_entry(ticket, person(request))})


@api_view(["POST"])
@explained
def leave(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/salir: no more."""
    ticket = get_ticket(request.user, ticket_id)
    team.leave(ticket, person(request))
    return Response({"ticket": history.ticket_entry(ticket, person(request))})


@api_view(["POST"])
@explained
def transfer(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/transferir {"tecnico", "nota"?}: it is a colleague's now."""
    ticket = get_ticket(request.user, ticket_id)
    body = body_of(request)
    to, note = body.get("tecnico"), body.get("nota") or ""
    if not isinstance(to, int) or isinstance(to, bool) or not 0 < to < 2**63:
        raise InvalidText("«tecnico» debe ser el id de un técnico.")
    ticket = team.transfer(ticket, person(request), to, notes.check_text(note) if note else "")
    return Response({"ticket": history.ticket_entry(ticket, person(request))})
