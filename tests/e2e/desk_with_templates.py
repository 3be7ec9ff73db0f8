"""The desk's web process with a gateway that has templates: the simulator takes what is sent, the list is ours.

python -m tests.e2e.desk_with_templates
"""

from __future__ import annotations

from typing import ClassVar

from config import serve
from whatsapp import gateways
from whatsapp.gateways.base import Ability, TemplateInfo
from whatsapp.gateways.waha import Waha

LISTED = [
    TemplateInfo(
        "equipo_listo",
        "es_MX",
        "APPROVED",
        "UTILITY",
        header="Ticket {{1}}",
        body="Hola {{1}}, tu equipo del ticket #{{2}} ya está listo. Pasa por él a las {{3}}. Te atiende {{4}}.",
        footer="Mesa de ayuda",
    ),
    TemplateInfo(
        "seguimos_trabajando",
        "es_MX",
        "APPROVED",
        "UTILITY",
        body="Hola {{1}}, seguimos trabajando en tu ticket #{{2}}. ¿Sigue la falla?",
    ),
    TemplateInfo("still_working", "en_US", "APPROVED", "UTILITY", body="Hello {{1}}, we are still working on it."),
    TemplateInfo("retomar_conversacion", "es_MX", "APPROVED", "UTILITY", body="Hola, ¿podemos retomar tu reporte?"),
    TemplateInfo("encuesta", "es_MX", "PENDING", "MARKETING", body="¿Cómo te atendimos?"),
]


class WithTemplates(Waha):
    can: ClassVar[frozenset[Ability]] = Waha.can | {"templates"}

    def templates(self) -> list[TemplateInfo]:
        return LISTED


if __name__ == "__main__":
    gateways.Waha = WithTemplates  # type: ignore[misc,attr-defined]
    serve.main()
