"""`manage.py tras_restaurar`: after a restore from backup, before anything is started."""

from typing import Any

from django.core.management.base import BaseCommand

from chat.restore import after_restore


class Command(BaseCommand):
    help = "Después de restaurar un respaldo: pausa el envío y deja como dudoso lo que pudo haber salido."

    def handle(self, *args: Any, **options: Any) -> None:
        doubtful = after_restore("Se restauró un respaldo")
        self.stdout.write(
            f"Envío en pausa. {doubtful} mensajes quedaron sin confirmar: decide en cada chat "
            "y reanuda en Administración."
        )
