"""Mexico's statutory days of rest, by the rule of the Ley Federal del Trabajo, article 74."""

from __future__ import annotations

from datetime import date, timedelta

MONDAY = 0


def nth(year: int, month: int, weekday: int, n: int) -> date:
    """The `n`th `weekday` of the month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def official(year: int) -> list[tuple[date, str]]:
    """The days of rest of `year`, in order. Election days are not among them: they are set for each election."""
    found = [
        (date(year, 1, 1), "Año Nuevo"),
        (nth(year, 2, MONDAY, 1), "Día de la Constitución"),
        (nth(year, 3, MONDAY, 3), "Natalicio de Benito Juárez"),
        (date(year, 5, 1), "Día del Trabajo"),
        (date(year, 9, 16), "Día de la Independencia"),
        (nth(year, 11, MONDAY, 3), "Día de la Revolución"),
        (date(year, 12, 25), "Navidad"),
    ]
    if year >= 2024 and (year - 2024) % 6 == 0:
        found.append((date(year, 10, 1), "Transmisión del Poder Ejecutivo Federal"))
    return sorted(found)
