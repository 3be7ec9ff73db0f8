"""`manage.py recalcular_tiempos [--desde] [--simular]`: the log of times is what messages and closings make it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from chat import times
from chat.management.commands.cuadre import moment
from tickets import calendar
from tickets.models import Ticket

SHOWN = 20
PROGRESS = 5000


class Command(BaseCommand):
    help = "Vuelve a calcular los tiempos de los tickets a partir de sus mensajes y dice en qué diferían."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--desde", help="sólo los tickets con actividad desde ese día, o fecha y hora locales")
        parser.add_argument("--simular", action="store_true", help="sólo dice qué cambiaría")

    def handle(self, *args: Any, desde: str | None, simular: bool, **options: Any) -> None:
        calendar.forget()
        tickets = Ticket.objects.order_by("pk")
        if desde:
            tickets = tickets.filter(last_activity__gte=moment(desde, end=False))
        ids = list(tickets.values_list("pk", flat=True))
        found: list[times.Difference] = []
        for start in range(0, len(ids), PROGRESS):
            found += times.recompute(ids[start : start + PROGRESS], write=not simular)
            if len(ids) > PROGRESS:
                self.stdout.write(f"{min(start + PROGRESS, len(ids))} de {len(ids)} tickets…")
        for one in found[:SHOWN]:
            self.stdout.write(f"  - {one}")
        if len(found) > SHOWN:
            self.stdout.write(f"  - y {len(found) - SHOWN} más")
        done = "Se corregirían" if simular else "Se corrigieron"
        end = f"{done} {len(found)}." if found else "Todo coincide."
        self.stdout.write(f"Tickets revisados: {len(ids)}. {end}")
