"""A copy of the database and its files, made while the desk runs, and the way back (docs/operating.md).

The database first: a stored file never changes and its name is never used again, so that every row of the copy finds
its file, and a folder of copies needs each file only once.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.backends.postgresql.client import DatabaseClient
from django.utils import timezone

from chat.models import Worker
from chat.restore import after_restore
from chat.runtime import SWEEP_S

MEDIA = "media"
SUFFIX = {"sqlite": ".sqlite3", "postgresql": ".dump"}
STILL_RUNS = timedelta(seconds=3 * SWEEP_S)


class BackupError(Exception):
    """It could not be done; the message says why, in Spanish."""


@dataclass(frozen=True)
class Backup:
    """A copy of the database, and how many files were copied beside it and were there already (None: not on disk)."""

    database: Path
    files: tuple[int, int] | None


def back_up(folder: Path) -> Backup:
    """Put a copy of now into `folder`, beside those of before."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"base-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{SUFFIX[connection.vendor]}"
    half = folder / f".{name}"
    try:
        copy_sqlite(str(connection.settings_dict["NAME"]), half) if connection.vendor == "sqlite" else dump(half)
        half.replace(folder / name)
        files = copy_files(media_root(), folder / MEDIA)
    finally:
        half.unlink(missing_ok=True)
    return Backup(folder / name, files)


def restore(database: Path) -> tuple[Backup, int]:
    """Put `database`, as made by `back_up`, in the place of the desk's own, and the files that lie beside it.

    Returns what was done and how many messages are doubtful now. Sending starts paused.
    """
    if database.suffix != SUFFIX[connection.vendor]:
        raise BackupError(
            f"Esta mesa usa {connection.vendor}: el respaldo debe terminar en {SUFFIX[connection.vendor]}."
        )
    if somebody_works():
        raise BackupError("La mesa está en marcha: detén todos sus procesos, espera 15 segundos y repite.")
    replace_sqlite(database) if connection.vendor == "sqlite" else replace_postgres(database)
    call_command("migrate", verbosity=0)
    files = copy_files(database.parent / MEDIA, media_root())
    return Backup(database, files), after_restore("Se restauró un respaldo")


def somebody_works() -> bool:
    """Whether a process that sends has given a sign of life lately; a database that is gone knows of nobody."""
    try:
        return Worker.senders().filter(seen__gt=timezone.now() - STILL_RUNS).exists()
    except DatabaseError:
        return False
    finally:
        connections.close_all()


def copy_sqlite(source: str, target: Path) -> None:
    """A whole copy of `source`, whoever writes meanwhile, checked and on the disk."""
    if not Path(source).is_file():
        raise BackupError(f"No hay una base de datos en {source}.")
    try:
        with closing(sqlite3.connect(source, timeout=20)) as base, closing(sqlite3.connect(target)) as copy:
            base.backup(copy)
            found = copy.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupError(f"{source} no se pudo copiar: {error}.") from error
    if found != "ok":
        raise BackupError(f"{source} está dañada: {found}.")
    with target.open("rb") as file:
        os.fsync(file.fileno())


def replace_sqlite(copy: Path) -> None:
    """What was there is kept under another name, with its journal: beside another database that would destroy it."""
    base = Path(connection.settings_dict["NAME"])
    fresh, old = base.with_name(f"{base.name}.nueva"), f"{base.name}.antes-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    fresh.unlink(missing_ok=True)
    copy_sqlite(str(copy), fresh)
    for ending in ("-journal", "-wal", "-shm", ""):
        if (part := base.with_name(base.name + ending)).exists():
            part.replace(base.with_name(old + ending))
    fresh.replace(base)


def dump(target: Path) -> None:
    run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def replace_postgres(copy: Path) -> None:
    run("pg_restore", "--list", str(copy), connect=False)
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    connections.close_all()
    run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(copy))


def run(program: str, *arguments: str, connect: bool = True) -> None:
    """Call one of PostgreSQL's programs; the password goes by the environment."""
    command, environment = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    database = [f"--dbname={command.pop()}", *command[1:]] if connect else []
    try:
        done = subprocess.run(  # noqa: S603
            [program, *database, *arguments],
            env={**os.environ, **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise BackupError(f"Falta {program}: apt install postgresql-client.") from None
    if done.returncode:
        raise BackupError(f"{program} no terminó: {done.stderr.strip()[-500:]}")


def media_root() -> Path | None:
    return Path(default_storage.location) if isinstance(default_storage, FileSystemStorage) else None


def copy_files(source: Path | None, target: Path | None) -> tuple[int, int] | None:
    """Copy what `target` has not; returns how many files were new, and how many were there."""
    if source is None or target is None:
        return None
    new = there = 0
    for path in files_under(source):
        copy = target / path.relative_to(source)
        try:
            if copy.exists() and copy.stat().st_size == path.stat().st_size:
                there += 1
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            half = copy.with_name(f".{copy.name}")
            shutil.copyfile(path, half)
        except FileNotFoundError:
            continue  # deleted meanwhile, with its row
        half.replace(copy)
        new += 1
    return new, there


def files_under(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where, name) for name in names if not name.startswith("."))
