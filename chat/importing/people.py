"""Whose each row of the origin is: one person over all the spellings of their address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings

from chat.importing.moments import moment
from chat.importing.numbers import number_of
from chat.importing.reading import Whose, mark_of, whose
from chat.importing.report import Report
from chat.importing.source import Source
from tickets.identity import Identity, identify

NO_NUMBER = "Sin un número de ticket que se pueda usar: no se importó."
TWICE = "El mismo número otra vez: sólo se importó la primera fila."
NO_PHONE = "«cliente» no es un teléfono ni otra dirección de WhatsApp: no se importó."


@dataclass(frozen=True)
class Pick:
    """A row to bring. `known` is when it was made, or at least the one before it."""

    rowid: int
    number: int
    who: Identity
    mark: list[str]
    known: datetime


@lru_cache(50_000)
def identity_of(cliente: str) -> Identity | None:
    """The address in `cliente`: a jid, digits, or what the origin makes of both by writing + before the digits.

    It does that to LIDs too ("257354507501662@lid" is "+257354507501662" there), and its bridge calls them
    "…@s.whatsapp.net".
    """
    if found := identify(cliente, settings.TELEFONO_REGION):
        return found
    bare = identify(cliente.strip().removeprefix("+"))
    return bare if bare and bare.kind == "lid" else None


def picked(source: Source, zone: ZoneInfo, report: Report) -> list[Pick]:
    """The rows that can be brought; the others are in the report."""
    found: dict[int, Pick] = {}
    known = datetime.fromtimestamp(source.written, zone)
    glimpses = source.glimpses()
    report.read = len(glimpses)
    known = next((at for one in glimpses if (at := moment(one.fecha, zone))), known)
    for one in glimpses:
        known = moment(one.fecha, zone) or known
        number, who = number_of(one.number), identity_of(one.cliente)
        if number is None:
            report.skip(NO_NUMBER, f"fila {one.rowid}")
        elif number in found:
            report.skip(TWICE, f"#{number}")
        elif who is None or not who.sendable:
            report.skip(NO_PHONE, f"#{number}")
        else:
            found[number] = Pick(one.rowid, number, who, mark_of(who, one.fecha), known)
    return list(found.values())


def batches(picks: list[Pick], size: int) -> Iterator[list[Pick]]:
    """All of it, some people at a time: about `size` tickets, and never half a person's."""
    theirs: dict[Whose, list[Pick]] = {}
    for pick in picks:
        theirs.setdefault(whose(pick.who), []).append(pick)
    batch: list[Pick] = []
    for own in theirs.values():
        batch += own
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
