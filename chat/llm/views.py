"""The endpoints of the two buttons in the chat: each parses, calls, answers."""

from __future__ import annotations

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from chat.errors import refusal
from chat.llm import drafts
from chat.views import person
from tickets.access import get_ticket


@api_view(["POST"])
def suggest(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/sugerir: an answer that the technician may edit and send, or not."""
    return told(drafts.SUGGESTION, request, ticket_id)


@api_view(["POST"])
def summarize(request: Request, ticket_id: int) -> Response:
    """POST /ticket/{id}/resumir: what the thread says so far."""
    return told(drafts.SUMMARY, request, ticket_id)


def told(draft: drafts.Draft, request: Request, ticket_id: int) -> Response:
    ticket = get_ticket(request.user, ticket_id)
    try:
        return Response({draft.key: drafts.write(draft, ticket, person(request).pk)})
    except drafts.NoDraft as error:
        return refusal(error.status, error.word, error.detail)
