"""The origin's tickets.db, opened to be read only. Whatever it holds is somebody else's: nothing in it is believed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tickets.text import clean

# Its first version had those up to foto_path only.
COLUMNS = (
    "id", "cliente", "descripcion", "estado", "categoria", "fecha", "foto_path", "nombre_usuario", "departamento",
    "tipo_equipo", "numero_activo", "falla_detallada", "diagnostico_ia", "requiere_tecnico", "estado_conversacion",
    "historial_conversacion", "log_file_path",
)  # fmt: skip
NEEDED = ("id", "cliente")
HEADER = b"SQLite format 3\0"
LONGEST = 32 * 2**20  # bytes of one value, the history of a ticket among them
LONGEST_SHORT = 300  # characters of a value that is read of all tickets at once
AT_ONCE = 500


class NotTheOrigin(Exception):
    """The file cannot be read as the origin's database; says why, in Spanish."""


@dataclass(frozen=True)
class Glimpse:
    """What is read of every ticket before any is brought: enough to know whose it is."""

    rowid: int
    number: str
    cliente: str
    fecha: str


@dataclass(frozen=True)
class Row:
    """A ticket as it is stored there, every column as text ("" for NULL); `problem` says why there is nothing in it."""

    rowid: int
    values: dict[str, str]
    problem: str = ""


class Source:
    """An open tickets.db. It is read in short steps: a lock held all along would stop an origin that still runs."""

    def __init__(self, path: Path) -> None:
        self.db = opened(path)
        self.written = path.stat().st_mtime
        with explained():
            self.columns = columns_of(self.db)
        if missing := [name for name in NEEDED if name not in self.columns]:
            raise NotTheOrigin(f"A su tabla «tickets» le falta: {', '.join(missing)}.")

    def close(self) -> None:
        self.db.close()

    def glimpses(self) -> list[Glimpse]:
        """Every row, in the order of its number."""
        fecha = "fecha" if "fecha" in self.columns else "NULL"
        short = ", ".join(f"substr({name}, 1, {LONGEST_SHORT})" for name in ("id", "cliente", fecha))
        with explained():
            found = self.db.execute(f"SELECT rowid, {short} FROM tickets ORDER BY id, rowid").fetchall()  # noqa: S608
        return [Glimpse(rowid, *map(text, rest)) for rowid, *rest in found]

    def rows(self, rowids: list[int]) -> Iterator[Row]:
        """Those of these rows that are still there, whole. One that the file has lost says so."""
        for start in range(0, len(rowids), AT_ONCE):
            chunk = rowids[start : start + AT_ONCE]
            try:
                found = self._read(chunk)
            except (sqlite3.Error, MemoryError):
                found = [row for rowid in chunk for row in self._alone(rowid)]
            yield from found

    def _alone(self, rowid: int) -> list[Row]:
        try:
            return self._read([rowid])
        except (sqlite3.Error, MemoryError) as error:
            return [Row(rowid, {}, f"No se pudo leer de la base ({error}).")]

    def _read(self, rowids: list[int]) -> list[Row]:
        names = ", ".join(name if name in self.columns else "NULL" for name in COLUMNS)
        marks = ", ".join("?" * len(rowids))
        query = f"SELECT rowid, {names} FROM tickets WHERE rowid IN ({marks})"  # noqa: S608
        found = self.db.execute(query, rowids).fetchall()
        return [Row(rowid, dict(zip(COLUMNS, map(text, values), strict=True))) for rowid, *values in found]


def opened(path: Path) -> sqlite3.Connection:
    """A connection that can only read, and that runs nothing that the file may bring along."""
    try:
        with path.open("rb") as file:
            head = file.read(len(HEADER))
    except OSError as error:
        raise NotTheOrigin(f"No se puede abrir {path}: {error.strerror}.") from None
    if head != HEADER:
        raise NotTheOrigin(f"{path} no es una base de datos de SQLite.")
    with explained():
        db = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, timeout=20)
        db.text_factory = bytes  # decoded here: what is no UTF-8 must not stop the others
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
            db.execute(f"PRAGMA {pragma}")
    return db


def columns_of(db: sqlite3.Connection) -> set[str]:
    """The columns of the table `tickets`; raises NotTheOrigin where there is no such table."""
    kinds = db.execute("SELECT type FROM sqlite_master WHERE name = 'tickets' COLLATE NOCASE").fetchall()
    if kinds != [(b"table",)]:
        raise NotTheOrigin("La base no tiene una tabla «tickets»: ¿es la de la mesa de ayuda?")
    return {text(row[1]).lower() for row in db.execute("PRAGMA table_info(tickets)")}


@contextmanager
def explained() -> Iterator[None]:
    """SQLite's errors as a NotTheOrigin that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        hint = (
            "Detén la mesa de ayuda, copia el archivo junto con su -journal o -wal si los hay, y abre la copia una vez "
            "con «sqlite3 COPIA .tables», que deshace lo que quedó a medias."
        )
        raise NotTheOrigin(f"SQLite no la puede leer: {error}. {hint}") from None


def text(value: object) -> str:
    """A value of any type as text that can be stored."""
    if value is None:
        return ""
    return clean(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def in_chunks(values: Iterable[int]) -> Iterator[list[int]]:
    """`values` a few at a time, for queries that name them."""
    found = list(values)
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]
