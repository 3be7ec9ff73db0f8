"""`manage.py cuadre --desde --hasta`: do the books balance? Exit status 1 when they do not."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from chat.ledger import Books, books


def moment(text: str, *, end: bool) -> datetime:
    """A day ("2026-02-05": from its first moment, or through its last) or a local date and time."""
    try:
        if (day := parse_date(text)) is not None:
            found: datetime | None = datetime.combine(day + timedelta(days=end), time.min)
        else:
            found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"«{text}» no es una fecha: escribe 2026-02-05 o 2026-02-05T10:30.")
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def lines(found: Books) -> list[str]:
    """The books as text."""
    parts = " + ".join(f"{count} {name}" for name, count in found.columns.items())
    events = ", ".join(f"{count} {state}" for state, count in sorted(found.events.items())) or "ninguno"
    verdict = "Todo cuadra." if found.balanced else f"No cuadra ({len(found.problems)}):"
    head = [f"Aceptados: {found.accepted} = {parts}", f"Recibidos: {found.received}"]
    if found.imported:
        head.append(f"Nuestros, importados de otra mesa: {found.imported}")
    return [*head, f"Eventos: {events}", verdict, *(f"  - {problem}" for problem in found.problems)]


class Command(BaseCommand):
    help = "Cuadra los mensajes: aceptados = enviados + fallidos + sin confirmar + en espera + descartados."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--desde", help="día o fecha y hora locales, incluidos")
        parser.add_argument("--hasta", help="día (incluido) o fecha y hora locales")

    def handle(self, *args: Any, desde: str | None, hasta: str | None, **options: Any) -> None:
        since = moment(desde, end=False) if desde else None
        until = moment(hasta, end=True) if hasta else None
        found = books(since, until)
        self.stdout.write("\n".join(lines(found)))
        if not found.balanced:
            sys.exit(1)
