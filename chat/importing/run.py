"""The whole way from tickets.db to the desk. It may be stopped at any moment and run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import reset_queries

from chat import audit
from chat.audit_models import Act
from chat.importing.numbers import check_free, reserve
from chat.importing.people import Pick, batches, picked
from chat.importing.photos import bring_photos
from chat.importing.reading import Draft, draft_of
from chat.importing.report import Report
from chat.importing.source import Source
from chat.importing.write import bring

BATCH = 300  # tickets of one transaction
GONE = "Su fila ya no está en la base: no se importó."


def run(
    source: Source,
    folder: Path | None,
    zone: ZoneInfo,
    report: Report,
    *,
    write: bool,
    progress: Callable[[int, int], None],
) -> None:
    """Bring everything that is not here yet, or only say so. `progress` hears of how many rows of all are done.

    Raises NumbersTaken before anything is written.
    """
    picks = picked(source, zone, report)
    marks = {pick.number: pick.mark for pick in picks}
    check_free(marks)
    if write and picks:
        reserve(max(marks))
        check_free(marks)  # the desk may have been at work until then
    done = 0
    for batch in batches(picks, BATCH):
        bring_batch(source, batch, folder, zone, report, write=write)
        done += len(batch)
        progress(done, len(picks))
        reset_queries()  # with DEBUG Django keeps what was asked


def bring_batch(
    source: Source, picks: list[Pick], folder: Path | None, zone: ZoneInfo, report: Report, *, write: bool
) -> None:
    """These people, in a transaction; then their photos, which take longer than a lock should be held."""
    drafts = read(source, picks, zone, report)
    here = set(drafts)
    for person in bring(list(drafts.values()), write=write):
        report.add(person, drafts)
        here -= set(person.left)
    bring_photos([drafts[number] for number in sorted(here)], folder, report, write=write)


def read(source: Source, picks: list[Pick], zone: ZoneInfo, report: Report) -> dict[int, Draft]:
    """The tickets of these rows, by number; those that cannot be read are in the report."""
    by_row = {pick.rowid: pick for pick in picks}
    drafts: dict[int, Draft] = {}
    for row in source.rows(list(by_row)):
        pick = by_row.pop(row.rowid)
        if row.problem:
            report.skip(row.problem, f"#{pick.number}")
        else:
            drafts[pick.number] = draft_of(row, pick.number, pick.who, pick.known, zone)
    for pick in by_row.values():
        report.skip(GONE, f"#{pick.number}")
    return drafts


def note_audit(report: Report, name: str) -> None:
    """Who looks in the audit finds the import there."""
    detail = f"{name}: {report.imported} tickets importados, {report.lines} líneas de conversación"
    audit.record(Act.IMPORTED, None, detail=detail, name="consola")
