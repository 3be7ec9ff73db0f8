"""GET /tickets: the table for programs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.cache import cache_control
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from tickets.access import can_work
from tickets.filters import TicketFilter
from tickets.models import Ticket
from tickets.paging import BadCursorError, read_page


@cache_control(private=True, no_cache=True)
@api_view(["GET"])
def tickets(request: Request) -> Response:
    """A page of tickets, newest activity first; `siguiente` is the address of the next page."""
    if not can_work(request.user):
        raise Http404("Esta cuenta no tiene acceso a los tickets.")
    asked = TicketFilter(request.query_params, queryset=Ticket.objects.all())
    if not asked.is_valid():
        return refuse(asked.problems())
    try:
        page = read_page(asked.qs, request.query_params.get("cursor", ""))
    except BadCursorError:
        return refuse("cursor: No es válido. Usa la dirección de «siguiente» tal como llegó.")
    return Response(
        {"tickets": [entry(ticket) for ticket in page.rows], "siguiente": following(request, page.next_cursor)}
    )


def refuse(detail: str) -> Response:
    return Response({"detail": detail, "status": "datos_no_validos"}, status=400)


def following(request: Request, cursor: str) -> str | None:
    if not cursor:
        return None
    kept = {name: value for name, value in request.query_params.items() if name in TicketFilter.base_filters}
    return request.build_absolute_uri(f"{reverse('api-tickets')}?{urlencode({**kept, 'cursor': cursor})}")


def entry(ticket: Ticket) -> dict[str, Any]:
    """A ticket as programs read it. `ultima_actividad` is local time, as all times of this API are."""
    contact = ticket.contact
    return {
        "id": ticket.pk,
        "telefono": contact.telefono,
        "nombre": ticket.name or contact.name or contact.push_name,
        "departamento": ticket.department,
        "tipo_equipo": ticket.equipment,
        "numero_activo": ticket.asset,
        "falla": ticket.fault,
        "categoria": ticket.category,
        "estado": ticket.state,
        "prioridad": ticket.priority,
        "tecnico": (ticket.technician.get_full_name() or ticket.technician.username) if ticket.technician else None,
        "ultima_actividad": localtime(ticket.last_activity).strftime("%Y-%m-%dT%H:%M:%S"),
        "sin_leer": ticket.unread,
    }
