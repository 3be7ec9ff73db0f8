"""The origin's photos: looked for by name in one folder, whatever path was stored, and written anew as pictures are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from chat.importing.reading import Draft
from chat.importing.report import Report
from chat.importing.source import in_chunks
from tickets.models import Ticket
from tickets.pictures import BadPicture, clean

MISSING = "Su foto no está en la carpeta."
UNREADABLE = "Su foto no se pudo leer."


def bring_photos(drafts: Iterable[Draft], folder: Path | None, report: Report, *, write: bool) -> None:
    """Give these tickets, which are here already, the photos that they have none of."""
    wanted = {draft.number: draft.photo for draft in drafts if draft.photo}
    for chunk in in_chunks(wanted):
        for number in Ticket.objects.filter(pk__in=chunk).exclude(evidence="").values_list("pk", flat=True):
            del wanted[number]
    for number, stored in wanted.items():
        if folder is None:
            report.photos_left += 1
            continue
        try:
            bring_photo(number, stored, folder, write=write)
        except BadPicture as error:
            report.problem(f"Foto: {error}", number)
        else:
            report.photos += 1


def bring_photo(number: int, stored: str, folder: Path, *, write: bool) -> None:
    """Store the picture as the ticket's evidence; raises BadPicture."""
    path = found(stored, folder)
    try:
        with path.open("rb") as file:
            content = clean(file, path.stat().st_size)
    except OSError:
        raise BadPicture(UNREADABLE) from None
    if not write:
        return
    evidence = Ticket(pk=number).evidence
    evidence.save(content.name or "", content, save=False)
    try:
        taken = Ticket.objects.filter(pk=number, evidence="").update(evidence=evidence.name)
    except BaseException:
        evidence.delete(save=False)
        raise
    if not taken:
        evidence.delete(save=False)


def found(stored: str, folder: Path) -> Path:
    """The file of that name in `folder` itself; raises BadPicture. Links may not lead out of it."""
    name = PureWindowsPath(stored).name  # both kinds of slash
    path = folder / name
    try:
        if name and path.is_file() and path.resolve().parent == folder.resolve():
            return path
    except OSError:  # a name that no system has
        pass
    raise BadPicture(MISSING)
