"""The OpenAPI document itself: made once for each process, of what the `about_` modules describe."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

from config.openapi import about_desk, about_files, about_tickets

SECTIONS = {
    "La mesa": about_desk.OPERATIONS,
    "Tickets": about_tickets.OPERATIONS,
    "Archivos": about_files.OPERATIONS,
}
# What only the desk's own pages call; it changes with them.
INTERNAL = (
    "/ticket/{ticket_id}/presencia",
    "/ticket/{ticket_id}/persona",
    "/ticket/{ticket_id}/sugerir",
    "/ticket/{ticket_id}/resumir",
    "/avisos/",
    "/respuestas",
    "/estadisticas",
    "/api/esquema",
    "/api/docs",
)
PATH = {"ticket_id": "El número del ticket.", "seq": "El del mensaje en su conversación."}


@functools.cache
def document() -> dict[str, Any]:
    """The document as plain values."""
    for tag, operations in SECTIONS.items():
        for operation in operations:
            operation.describe(tag)
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    made["info"]["version"] = settings.RELEASE
    tidy(made)
    return made


def tidy(part: Any) -> None:
    """Say what the numbers in addresses are, and leave out what only the generator's own hooks look for."""
    if isinstance(part, dict):
        part.pop("x-spec-enum-id", None)
        if part.get("in") == "path":
            part["description"] = PATH[part["name"]]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            tidy(one)


@functools.cache
def written(form: str) -> bytes:
    """The document as it is sent, as "json" or "yaml"."""
    renderer = OpenApiJsonRenderer() if form == "json" else OpenApiYamlRenderer()
    text: bytes = renderer.render(document(), renderer_context={})
    return text


def only_described(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Those addresses of the URLconf that are described (PREPROCESSING_HOOKS)."""
    known = {(one.view.cls, one.method) for operations in SECTIONS.values() for one in operations}  # type: ignore[attr-defined]
    return [endpoint for endpoint in endpoints if (endpoint[3].cls, endpoint[2]) in known]
