"""The templates that a technician may choose from, each with values that are probably meant."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Max

from chat import notices
from chat.history import local
from chat.models import PredefinedMessage
from tickets.models import Ticket
from tickets.text import fold
from whatsapp import templates
from whatsapp.models import Template

# The words right before a variable tell what it stands for, in folded text.
CLUES = {
    "nombre": r"(?:^|hola|estimad[oa]|buen(?:os|as) (?:dias|tardes|noches)|buen dia|hello|hi|dear)[ ,!*_:]*",
    "numero": r"(?:#|(?:ticket|folio|caso|reporte|solicitud|orden|numero|no\.)(?: (?:numero|no\.?|es))?[ :*_]*#?)",
    "estado": r"(?:estado|estatus|status|esta|esta en)(?: es| actual(?: es)?)?[ :*_]*",
    "tecnico": r"(?:soy|tecnic[oa]|asesora?|atiende|atendera|saluda|technician)(?: es)?[ :*_]*",
}


def offer(ticket: Ticket, technician: User) -> dict[str, Any]:
    """What GET enviar-plantilla answers: what can be sent now, and how many others there are."""
    known_values = notices.values(ticket, technician)
    values = {name: known_values[name] for name in CLUES}
    if values["nombre"] == str(ticket.contact.telefono):  # nobody knows the name yet
        values["nombre"] = ""
    mine = Template.objects.filter(gateway=settings.WHATSAPP_GATEWAY)
    found = list(templates.sendable())
    read = mine.aggregate(last=Max("listed"))["last"]
    known = notices_by_template()
    return {
        "plantillas": [entry(template, known.get(template.pk), ticket, technician, values) for template in found],
        "otras": mine.exclude(status=templates.REMOVED).count() - len(found),
        "leidas": local(read) if read else None,
        "sugerencias": list(dict.fromkeys(value for value in values.values() if value)),
    }


def notices_by_template() -> dict[int, PredefinedMessage]:
    """The first active notice that uses each template: its values are what a supervisor meant."""
    found = PredefinedMessage.objects.notices().filter(template__isnull=False).order_by("-position", "-title")
    return {notice.template_id: notice for notice in found if notice.template_id}


def entry(
    template: Template, notice: PredefinedMessage | None, ticket: Ticket, technician: User, values: dict[str, str]
) -> dict[str, Any]:
    """One template with a value for each of its variables, "" where nobody can guess."""
    header, body = guessed(template.header, values), guessed(template.body, values)
    if notice:
        meant = notices.template_values(notice, ticket, technician)
        if len(meant) == len(header) + len(body):
            header, body = meant[: len(header)], meant[len(header) :]
    return {
        "id": template.pk,
        "nombre": template.name,
        "idioma": template.language,
        "categoria": template.category,
        "encabezado": template.header,
        "cuerpo": template.body,
        "pie": template.footer,
        "valores_encabezado": header,
        "valores": body,
    }


def guessed(text: str, values: dict[str, str]) -> list[str]:
    """A value for each variable of `text`, by the words before it."""
    found = [""] * templates.count(text)
    for place in templates.VARIABLE.finditer(text):
        before = fold(text[max(0, place.start() - 60) : place.start()])
        for name, clue in CLUES.items():
            number = int(place[1]) - 1
            if not found[number] and re.search(rf"(?<!\w){clue}$", before):
                found[number] = values[name]
    return found
