"""The endpoint of templates: what may be sent when the 24-hour window is closed."""

from __future__ import annotations

from rest_framework.decorators import api_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from chat import templates_offer, templates_use, window
from chat.errors import explained
from chat.views import body_of, draft_of, person, send
from tickets.access import get_ticket


@api_view(["GET", "POST"])
@explained
def send_template(request: Request, ticket_id: int) -> Response:
    """GET: the templates with this ticket's values. POST {"plantilla", "variables", "encabezado"?, "clave"?, …}."""
    ticket = get_ticket(request.user, ticket_id)
    if not window.exists():
        raise NotFound("El gateway en uso no envía plantillas: escribe un mensaje.")
    if request.method == "GET":
        return Response(templates_offer.offer(ticket, person(request)))
    body = body_of(request)
    chosen = body.get("plantilla")
    text, template = templates_use.prepare(chosen, body.get("encabezado", []), body.get("variables", []))
    return send(ticket, person(request), draft_of(body, text, template=template))
