"""`manage.py restaurar ARCHIVO`: the way back from `respaldar`, with every process stopped."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.backup import BackupError, restore


class Command(BaseCommand):
    help = "Pone un respaldo en el lugar de la base de datos, con sus archivos, y deja el envío en pausa."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archivo", type=Path, help="la base-… que escribió «respaldar»")

    def handle(self, *args: Any, archivo: Path, **options: Any) -> None:
        if not archivo.is_file():
            raise CommandError(f"No existe {archivo}.")
        try:
            made, doubtful = restore(archivo)
        except (BackupError, OSError) as error:
            raise CommandError(f"No se pudo restaurar. {error}") from error
        files = f" y {made.files[0]} archivos" if made.files else ""
        self.stdout.write(
            f"Restaurado: {made.database.name}{files}. El envío está en pausa y {doubtful} mensajes quedaron sin "
            "confirmar: arranca la mesa, decide en cada chat y reanuda en Administración."
        )
