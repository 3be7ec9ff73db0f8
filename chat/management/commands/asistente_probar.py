"""Ask the assistant's model one thing, and say what came of it."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.checks import check_model
from chat.llm import endpoint, prompts
from chat.llm.answers import FIELDS, InvalidAnswer, thought_of
from chat.llm.turns import ANSWER_TOKENS

TEXT = "Hola, soy Juan Pérez de Contabilidad. Mi laptop ACT-0042 no enciende desde ayer."


class Command(BaseCommand):
    help = (
        "Le hace una pregunta de ejemplo al modelo del asistente (ASISTENTE_*) y dice qué contestó. Gasta presupuesto."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for problem in check_model():
            self.stdout.write(f"✗ {problem.msg} {problem.hint}")
        if not endpoint.configured():
            raise CommandError("No hay modelo: el asistente trabaja por reglas.")
        self.stdout.write(f"{settings.ASISTENTE_MODELO} en {endpoint.address()}: «{TEXT}»")
        began = time.monotonic()
        said = endpoint.ask("intake", prompts.sample(TEXT), ANSWER_TOKENS, settings.ASISTENTE_ESPERA_S)
        if isinstance(said, endpoint.Failed):
            raise CommandError(f"Sin respuesta: {said}.")
        try:
            thought = thought_of(said)
        except InvalidAnswer as error:
            raise CommandError(f"La respuesta del modelo no cumple lo pedido ({error}).") from None
        for word, column in FIELDS.items():
            self.stdout.write(f"  {word}: {thought.fields[column] or '–'}")
        self.stdout.write(f"  categoria: {thought.category or '–'}")
        for number, step in enumerate(thought.steps, 1):
            self.stdout.write(f"  paso {number}: {step}")
        self.stdout.write(f"✓ Contestó en {time.monotonic() - began:.1f} s de {settings.ASISTENTE_ESPERA_S:g}.")
