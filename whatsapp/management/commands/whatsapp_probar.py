"""Walk through a real set-up, and say at the first step that fails what is wrong and what to do."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from whatsapp.probing import steps

TEXT = "Prueba de la mesa de ayuda: este mensaje comprueba la conexión. No hace falta contestar."


class Command(BaseCommand):
    help = "Comprueba la conexión con WhatsApp paso a paso. Solo envía un mensaje con --enviar."
    requires_system_checks: list[str] = []  # what they say is the first step

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--telefono", required=True, help="un teléfono propio con WhatsApp, con su país: +52 477 …")
        parser.add_argument("--enviar", action="store_true", help="al final envía un mensaje de prueba a ese teléfono")
        parser.add_argument("--texto", default=TEXT, help="lo que dice el mensaje de prueba")

    def handle(self, *args: Any, **options: Any) -> None:
        address = re.sub(r"[\s().+-]", "", options["telefono"])
        if not re.fullmatch("[1-9][0-9]{7,14}", address):
            raise CommandError("--telefono debe ser un número con su país, por ejemplo +52 477 275 8198.")
        for number, step in enumerate(steps(address, options["texto"] if options["enviar"] else ""), 1):
            mark = {True: "✓", False: "✗", None: "–"}[step.ok]
            self.stdout.write(f"{number}. {mark} {step.title}{f': {step.found}' if step.found else ''}")
            if step.ok is False:
                if step.todo:
                    self.stdout.write(f"      → {step.todo}")
                raise SystemExit(1)
        if not options["enviar"]:
            self.stdout.write("Todo listo. Con --enviar se manda además un mensaje de prueba.")
