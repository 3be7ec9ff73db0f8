"""Notificar: predefined messages with the ticket's real values in them, and their templates when only those may go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max

from chat import templates_use, window
from chat.assistant import UNKNOWN
from chat.history import local
from chat.models import Delivery, PredefinedMessage
from tickets.models import Ticket
from whatsapp import templates

VARIABLE = re.compile(r"\{(\w+)\}")
VARIABLES = ("nombre", "numero", "estado", "tecnico")
NO_TEMPLATE = "La ventana de 24 horas está cerrada y este aviso no tiene plantilla: un supervisor puede ponerle una."


@dataclass(frozen=True)
class Wording:
    """What of a notice would be sent now: its text, or its `template`'s; `problem` says why neither may go."""

    text: str
    template: dict[str, Any] | None = None
    problem: str = ""


def unknown_variables(text: str) -> list[str]:
    """The names in braces that no notice can fill."""
    return sorted({name for name in VARIABLE.findall(text) if name not in VARIABLES})


def values(ticket: Ticket, technician: User) -> dict[str, str]:
    """What the variables stand for; the technician is the ticket's, else who sends."""
    signer = ticket.technician or technician
    return {
        "nombre": str(ticket.contact) if ticket.name == UNKNOWN else ticket.shown_name,
        "numero": str(ticket.pk),
        "estado": ticket.state,
        "tecnico": signer.get_full_name() or signer.get_username(),
    }


def render(text: str, ticket: Ticket, technician: User) -> str:
    """`text` with its variables filled."""
    known = values(ticket, technician)
    return VARIABLE.sub(lambda found: known.get(found[1], found[0]), text)


def template_values(notice: PredefinedMessage, ticket: Ticket, technician: User) -> list[str]:
    """The values of the notice's template: one line each, and in each no more spaces than Meta takes."""
    lines = (line for line in notice.template_values.splitlines() if line.strip())
    return [" ".join(render(line, ticket, technician).split()) for line in lines]


def wording(notice: PredefinedMessage, ticket: Ticket, technician: User, now: window.Window | None) -> Wording:
    """What the notice says while the 24-hour window is as `now` says."""
    text = render(notice.text, ticket, technician)
    if now is None or now.is_open:
        return Wording(text)
    template = notice.template
    if template is None:
        return Wording(text, problem=NO_TEMPLATE)
    if not templates.sendable().filter(pk=template.pk).exists():
        why = template.problem or templates.shown_state(template.status).lower()
        return Wording(text, problem=f"Su plantilla «{template.name}» no se puede enviar ahora ({why}).")
    found = template_values(notice, ticket, technician)
    size = templates.count(template.header)
    try:
        filled = templates.render(template, found[:size], found[size:])
    except templates.Unfillable as error:
        return Wording(text, problem=f"Su plantilla «{template.name}» no se puede llenar. {error}")
    return Wording(filled, templates_use.details_of(template, found[:size], found[size:]))


def previews(ticket: Ticket, technician: User) -> list[dict[str, Any]]:
    """The active notices as they would be sent, each with when it last went out for this ticket."""
    messages = ticket.messages.filter(notice__isnull=False)
    kept = messages.exclude(state__in=[Delivery.FAILED, Delivery.DISCARDED])
    last = dict(kept.order_by().values_list("notice").annotate(Max("created")))
    now = window.of_contact(ticket.contact_id)
    found = []
    for notice in PredefinedMessage.objects.filter(active=True).select_related("template"):
        words = wording(notice, ticket, technician, now)
        found.append(
            {
                "id": notice.pk,
                "titulo": notice.title,
                "texto": words.text,
                "ya_enviado": local(last[notice.pk]) if notice.pk in last else None,
                "plantilla": words.template["nombre"] if words.template else None,
                "problema": words.problem,
            }
        )
    return found
