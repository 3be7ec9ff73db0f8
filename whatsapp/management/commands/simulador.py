"""`manage.py simulador`: the phones of the demo."""

import errno
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from whatsapp.simulator import run


class Command(BaseCommand):
    """Starts the simulator with the desk's own settings, so that both share key, session and port."""

    help = "Inicia el simulador de WhatsApp: una página con teléfonos, para probar sin WhatsApp."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """How long it takes to refuse while disconnected."""
        parser.add_argument(
            "--espera-al-negar", type=float, default=0.5, help="segundos hasta negarse; el WAHA real tarda 5"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until Ctrl-C or SIGTERM."""
        if not settings.DEBUG:
            raise CommandError(
                "El simulador es solo para pruebas: pon DEBUG=1. En producción, conecta un WhatsApp real."
            )
        port = int(settings.SIMULATOR_PORT)
        try:
            run(
                port,
                settings.DATA_DIR,
                f"http://127.0.0.1:{settings.PORT}/webhooks/waha",
                api_key=settings.WAHA_API_KEY,
                hmac_key=settings.WAHA_HMAC_KEY,
                session=settings.WAHA_SESSION,
                refusal_delay=options["espera_al_negar"],
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise CommandError(
                f"El puerto {port} está ocupado. ¿Ya hay un simulador abierto? Si no, cambia SIMULATOR_PORT."
            ) from error
