"""`manage.py respaldar CARPETA`: a copy of the database and its files, while the desk runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.backup import BackupError, back_up
from chat.media_types import shown_size


class Command(BaseCommand):
    help = "Copia la base de datos y los archivos a una carpeta, sin detener la mesa. Repetirlo copia solo lo nuevo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("carpeta", type=Path, help="dónde; mejor en otro disco")

    def handle(self, *args: Any, carpeta: Path, **options: Any) -> None:
        try:
            made = back_up(carpeta)
        except (BackupError, OSError) as error:
            raise CommandError(f"No se pudo respaldar. {error}") from error
        self.stdout.write(f"Base de datos: {made.database} ({shown_size(made.database.stat().st_size)})")
        if made.files is None:
            self.stdout.write("Los archivos no están en este disco: respáldalos donde están.")
        else:
            self.stdout.write(f"Archivos: {made.files[0]} nuevos, {made.files[1]} ya estaban.")
