"""`manage.py importar_mesa_de_ayuda tickets.db --fotos DIR`: move in from the origin (docs/importing.md).

Exit status 0 when everything is here, 1 when something was left out, 2 when nothing was written, 130 when interrupted.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.importing.numbers import NumbersTaken
from chat.importing.report import Report
from chat.importing.run import note_audit, run
from chat.importing.source import NotTheOrigin, Source

LEFT_OUT, REFUSED, INTERRUPTED = 1, 2, 130
BAR = 30


class Command(BaseCommand):
    help = "Importa los tickets de la mesa de ayuda anterior (tickets.db). Repetirlo trae sólo lo nuevo; no envía nada."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("base", type=Path, help="su base de datos, tickets.db (o una copia)")
        parser.add_argument("--fotos", type=Path, metavar="DIR", help="su carpeta fotos_evidencia")
        parser.add_argument("--zona", default=settings.TIME_ZONE, help="en qué hora escribía (TIME_ZONE si no se dice)")
        parser.add_argument("--simular", action="store_true", help="sólo dice qué haría")

    def handle(self, *args: Any, base: Path, fotos: Path | None, zona: str, simular: bool, **options: Any) -> None:
        try:
            zone = ZoneInfo(zona)
        except (ValueError, OSError, KeyError):
            raise CommandError(f"No existe la zona horaria «{zona}».", returncode=REFUSED) from None
        if fotos and not fotos.is_dir():
            raise CommandError(f"{fotos} no es una carpeta.", returncode=REFUSED)
        report, interrupted = Report(), False
        try:
            source = Source(base)
            run(source, fotos, zone, report, write=not simular, progress=self.progress)
        except KeyboardInterrupt:
            interrupted = True
        except (NotTheOrigin, NumbersTaken) as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        if not simular and report.changed:
            note_audit(report, base.name)
        self.tell(report, simular, interrupted, everything=options["verbosity"] > 1)
        if interrupted or not report.complete:
            sys.exit(INTERRUPTED if interrupted else LEFT_OUT)

    def tell(self, report: Report, simular: bool, interrupted: bool, *, everything: bool) -> None:
        if simular:
            self.stdout.write("Simulación: no se escribió nada. Así quedaría:")
        if interrupted:
            self.stdout.write("Interrumpido: lo que ya se importó queda. Repite el comando para seguir.")
        self.stdout.write("\n".join(report.text(everything=everything)))

    def progress(self, done: int, total: int) -> None:
        """A bar on a terminal; elsewhere a line for each tenth."""
        if self.stderr.isatty():
            full = BAR * done // total
            bar = f"\r[{'#' * full}{'.' * (BAR - full)}] {done} de {total} tickets"
            self.stderr.write(bar, style_func=str, ending="\n" if done == total else "")
            self.stderr.flush()
        elif done == total or 10 * done // total > self.told:
            self.told = 10 * done // total
            self.stderr.write(f"{done} de {total} tickets", style_func=str)

    told = 0
