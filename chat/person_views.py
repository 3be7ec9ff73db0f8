"""The endpoints of a person's history: each parses, calls, answers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from chat import person
from chat.quick import as_json, quick
from chat.views import number
from chat.views import person as reader_of
from tickets.access import get_ticket


@quick
def about(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """GET /ticket/{id}/persona: who they are, and all their tickets."""
    return as_json(person.about(get_ticket(request.user, ticket_id)), {})


@quick
def timeline(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """GET /ticket/{id}/persona/mensajes[?antes=seq|?despues=seq|?alrededor=seq|?de=ticket]."""
    ticket = get_ticket(request.user, ticket_id)
    before, after, around, of = (number(request, name) for name in ("antes", "despues", "alrededor", "de"))
    body = person.timeline(ticket, reader_of(request), before=before, after=after, around=around, of=of)
    return as_json(body, {})


@quick
def search(request: HttpRequest, ticket_id: int) -> HttpResponse:
    """GET /ticket/{id}/persona/buscar?q=words."""
    return as_json(person.search(get_ticket(request.user, ticket_id), request.GET.get("q", "")), {})
