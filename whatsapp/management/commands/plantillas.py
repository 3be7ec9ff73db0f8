"""`manage.py plantillas`: read the account's message templates from Meta, remember them, and say which can be sent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from whatsapp import templates
from whatsapp.models import Template

HEAD = ("NOMBRE", "IDIOMA", "ESTADO", "CATEGORÍA", "VARIABLES", "PROBLEMA")


def row(template: Template) -> tuple[str, ...]:
    variables = templates.count(template.header) + templates.count(template.body)
    state = templates.shown_state(template.status)
    return template.name, template.language, state, template.category, str(variables), template.problem


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """`rows` as lines of columns that are as wide as what they hold."""
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEAD))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in rows]


class Command(BaseCommand):
    help = "Lee de Meta las plantillas de mensajes, las guarda y las lista."

    def handle(self, *args: Any, **options: Any) -> None:
        told = templates.refresh()
        if not isinstance(told, templates.Refreshed):
            raise CommandError(f"No se pudieron leer las plantillas. {templates.failure_words(told)}")
        known = Template.objects.filter(gateway=settings.WHATSAPP_GATEWAY)
        if known:
            self.stdout.write("\n".join(table([HEAD, *map(row, known)])))
        self.stdout.write(str(told))
