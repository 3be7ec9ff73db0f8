"""manage.py claves_push: a new pair of keys for web push, as two lines for .env."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat import push_keys


class Command(BaseCommand):
    help = "Escribe un par de claves nuevo para los avisos push, para copiar en .env."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            public, private = push_keys.make_keys()
        except ImportError:
            raise CommandError("Falta instalar requirements-push.txt.") from None
        self.stdout.write(f"PUSH_CLAVE_PUBLICA={public}\nPUSH_CLAVE_PRIVADA={private}")
