"""`make run`: everything that has to be ready, then the processes of the Procfile in the foreground."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from honcho.environ import parse_procfile
from honcho.manager import Manager


class Command(BaseCommand):
    help = "Prepara la base de datos y arranca los procesos del Procfile; Ctrl-C los detiene."

    def handle(self, *args: Any, **options: Any) -> None:
        names = processes()
        free_port("PORT", settings.PORT)
        if "simulator" in names:
            free_port("SIMULATOR_PORT", settings.SIMULATOR_PORT)
        call_command("migrate", verbosity=0)
        if settings.DEBUG:
            call_command("datos_demo")
        else:
            call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write(self.addresses(names), ending="\n\n")
        self.stdout.flush()
        sys.exit(run(names))

    def addresses(self, names: list[str]) -> str:
        lines = ["", f"  Mesa de ayuda   http://127.0.0.1:{settings.PORT}/"]
        if "simulator" in names:
            lines.append(f"  Simulador       http://127.0.0.1:{settings.SIMULATOR_PORT}/   (los teléfonos)")
        lines.append(f"  Administración  http://127.0.0.1:{settings.PORT}/admin/")
        if settings.DEBUG:
            lines.append("  Entra como      tecnico / tecnico-demo   o   supervisor / supervisor-demo")
        return "\n".join([*lines, "  Ctrl-C detiene todo."])


def processes() -> list[str]:
    """Which lines of the Procfile this machine runs: the rest is for Redis, or for development only."""
    names = ["web"]
    if settings.DEBUG and settings.WHATSAPP_GATEWAY == "waha" and str(settings.SIMULATOR_PORT) in settings.WAHA_URL:
        names.append("simulator")
    return names + (["worker", "beat"] if settings.REDIS_URL else [])


def free_port(key: str, port: int) -> None:
    """Raises CommandError when `port` on loopback is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"El puerto {port} no se puede usar ({error.strerror}): quizá ya está corriendo. "
                f"Detén el otro programa o elige otro puerto: {key}={port + 80} make run"
            ) from None


def run(names: list[str]) -> int:
    """Run the named processes until one ends or Ctrl-C; returns the exit status."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "DATA_DIR": str(settings.DATA_DIR),
    }
    commands = parse_procfile((settings.BASE_DIR / "Procfile").read_text()).processes
    manager = Manager()
    for name in names:
        manager.add_process(name, commands[name], env=environment, cwd=str(settings.BASE_DIR))
    manager.loop()
    return int(manager.returncode or 0)
