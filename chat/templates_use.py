"""Templates on their way out: from a request to a row's `details`, and from there to the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chat import compose
from whatsapp import templates
from whatsapp.gateways.base import TemplateUse
from whatsapp.models import Template


class NotSendable(Exception):
    """The chosen template is not approved, or is none that can be filled here; the message says so, in Spanish."""


def prepare(chosen: Any, header: Any, body: Any) -> tuple[str, dict[str, Any]]:
    """What a request asks for: the text that the person will read, and the row's `details` of it.

    Raises InvalidText for values that Meta would refuse, and NotSendable.
    """
    if not isinstance(chosen, int) or isinstance(chosen, bool) or not 0 <= chosen < 2**63:
        raise compose.InvalidText("«plantilla» debe ser el número de una plantilla.")
    for name, values in (("variables", body), ("encabezado", header)):
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise compose.InvalidText(f"«{name}» debe ser una lista de textos.")
    template = templates.sendable().filter(pk=chosen).first()
    if template is None:
        raise NotSendable("Esa plantilla ya no se puede enviar: Meta la cambió o la retiró. Elige otra.")
    try:
        text = compose.check_text(templates.render(template, header, body))
    except templates.Unfillable as error:
        raise compose.InvalidText(str(error)) from None
    return text, details_of(template, header, body)


def details_of(template: Template, header: Sequence[str], body: Sequence[str]) -> dict[str, Any]:
    """What a row keeps of the template it sends, so that it can be sent again whatever becomes of the list."""
    return {
        "id": template.pk,
        "nombre": template.name,
        "idioma": template.language,
        "encabezado": [value.strip(" ") for value in header],
        "variables": [value.strip(" ") for value in body],
    }


def use_of(details: dict[str, Any]) -> TemplateUse:
    """The template that `details_of` remembered, for the gateway."""
    return TemplateUse(
        name=details["nombre"],
        language=details["idioma"],
        body=tuple(details["variables"]),
        header=tuple(details["encabezado"]),
    )
