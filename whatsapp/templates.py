"""Message templates: as the gateway listed them last, and filled with values. Meta approves them; we only use them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from whatsapp import gateways
from whatsapp.gateways.base import TemplateInfo
from whatsapp.gateways.results import Failure, Misconfigured
from whatsapp.models import Template

logger = logging.getLogger(__name__)

VARIABLE = re.compile(r"\{\{\s*(\d{1,2})\s*\}\}")
MAX_BODY = 1024
# What Meta refuses inside of a parameter (error 132000 and its kin).
FORBIDDEN = re.compile(r"[\r\n\t\0\ud800-\udfff]| {4}")
APPROVED, REMOVED = "APPROVED", "REMOVED"
STATES = {
    APPROVED: "Aprobada",
    REMOVED: "Ya no está en Meta",
    "PENDING": "En revisión",
    "IN_APPEAL": "En apelación",
    "REJECTED": "Rechazada",
    "PAUSED": "En pausa por calidad",
    "DISABLED": "Desactivada",
    "PENDING_DELETION": "Se está eliminando",
    "DELETED": "Eliminada",
    "LIMIT_EXCEEDED": "Límite de plantillas excedido",
    "ARCHIVED": "Archivada",
}


class Unfillable(ValueError):
    """The template cannot be sent with these values; the message says why, in Spanish."""


@dataclass(frozen=True)
class Refreshed:
    """What a look at the gateway's list brought: how many it has, can be sent, and are gone since last time."""

    listed: int
    sendable: int
    removed: int

    def __str__(self) -> str:
        gone = f"; ya no están en Meta: {self.removed}" if self.removed else ""
        return f"Plantillas leídas: {self.listed}; se pueden enviar: {self.sendable}{gone}."


def sendable() -> QuerySet[Template]:
    """What can be sent now with the gateway in use."""
    return Template.objects.filter(**requirements())


def is_sendable(template: Template) -> bool:
    """Whether that one can, by its row as it was read."""
    return all(getattr(template, name) == value for name, value in requirements().items())


def requirements() -> dict[str, Any]:
    """What the columns of a template say that can be sent now."""
    return {"gateway": settings.WHATSAPP_GATEWAY, "status": APPROVED, "usable": True}


def shown_state(status: str) -> str:
    """The gateway's word for a template's state, for people."""
    return STATES.get(status, status or "Sin estado")


def count(text: str) -> int:
    """How many variables `text` has."""
    return max((int(number) for number in VARIABLE.findall(text)), default=0)


def numbering_problem(text: str) -> str:
    """Why the variables of `text` cannot be filled in order, in Spanish; "" when they can."""
    if "{{" in VARIABLE.sub("", text):
        return "Usa variables con nombre; aquí solo se llenan las numeradas, {{1}}, {{2}}…"
    numbers = {int(number) for number in VARIABLE.findall(text)}
    if numbers != set(range(1, len(numbers) + 1)):
        return "Sus variables no van numeradas de corrido desde {{1}}."
    return ""


def checked(values: Sequence[str], expected: int, where: str) -> list[str]:
    """`values` as Meta takes them, without spaces around; raises Unfillable."""
    if len(values) != expected:
        raise Unfillable(f"La plantilla lleva {expected} variables en el {where}, y llegaron {len(values)}.")
    found = [value.strip(" ") for value in values]
    for number, value in enumerate(found, start=1):
        name = f"La variable {number} del {where}"
        if not value.strip():
            raise Unfillable(f"{name} está vacía.")
        if FORBIDDEN.search(value):
            raise Unfillable(f"{name} no puede tener saltos de línea, tabuladores ni cuatro espacios seguidos.")
    return found


def filled(text: str, values: Sequence[str]) -> str:
    """`text` with its variables replaced; values are not looked into for more variables."""
    return VARIABLE.sub(lambda found: values[int(found[1]) - 1], text)


def render(template: Template, header: Sequence[str], body: Sequence[str]) -> str:
    """What the person will read, in WhatsApp's own marks; raises Unfillable for values that Meta would refuse."""
    top = filled(template.header, checked(header, count(template.header), "encabezado"))
    text = filled(template.body, checked(body, count(template.body), "cuerpo"))
    if len(text) > MAX_BODY:
        raise Unfillable(f"El texto queda de {len(text)} caracteres; una plantilla admite hasta {MAX_BODY}.")
    return "\n\n".join(part for part in (top and f"*{top}*", text, template.footer) if part)


def refresh() -> Refreshed | Failure | Misconfigured:
    """Ask the gateway for all its templates and remember them; those that it no longer has are marked, not deleted."""
    gateway = gateways.active()
    if "templates" not in gateway.can:
        return Failure(
            f"{gateway.title} no usa plantillas: con él se escribe libremente a cualquier hora.", again=False
        )
    found = gateway.templates()
    if isinstance(found, Failure | Misconfigured):
        return found
    with transaction.atomic():
        for info in sorted(found, key=lambda info: (info.name, info.language)):
            remember(info)
        names = {(info.name, info.language) for info in found}
        known = Template.objects.filter(gateway=settings.WHATSAPP_GATEWAY).exclude(status=REMOVED)
        gone = [template.pk for template in known if (template.name, template.language) not in names]
        Template.objects.filter(pk__in=gone).update(status=REMOVED)
    told = Refreshed(listed=len(names), sendable=sendable().count(), removed=len(gone))
    logger.info("%s", told)
    return told


def remember(info: TemplateInfo) -> None:
    problem = info.problem or numbering_problem(info.header) or numbering_problem(info.body)
    if not info.usable and not problem:
        problem = "Tiene partes que aquí no se pueden llenar."
    fields = {
        "status": info.status[:40],
        "category": info.category[:40],
        "header": info.header,
        "body": info.body,
        "footer": info.footer,
        "usable": not problem,
        "problem": problem[:200],
        "listed": timezone.now(),
    }
    Template.objects.update_or_create(
        gateway=settings.WHATSAPP_GATEWAY, name=info.name[:512], language=info.language[:20], defaults=fields
    )


def failure_words(answer: Failure | Misconfigured) -> str:
    """Why the list could not be read, for people."""
    if isinstance(answer, Misconfigured):
        return f"Revisa {answer.key}: {answer.detail}"
    return answer.detail
