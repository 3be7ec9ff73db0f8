"""What `respaldar` writes and `restaurar` refuses; tests/test_drill.py walks the whole way with a real desk."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from chat import backup
from chat.models import Worker
from tests.factory import make_ticket
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def media(tmp_path: Path, settings: Settings) -> Path:
    """The folder of the desk's files, with one in it."""
    settings.MEDIA_ROOT = tmp_path / "media"
    file = tmp_path / "media" / "adjuntos" / "2026" / "02" / "uno"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"uno")
    assert Path(default_storage.location) == settings.MEDIA_ROOT
    return tmp_path / "media"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "respaldos"


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_backup_is_the_database_and_the_files(media: Path, folder: Path) -> None:
    made = backup.back_up(folder)
    assert made.files == (1, 0)
    assert written(folder) == sorted([made.database.name, "media/adjuntos/2026/02/uno"])


def test_the_next_one_copies_only_what_is_new_and_heals_what_is_half(media: Path, folder: Path) -> None:
    backup.back_up(folder)
    (media / "dos").write_bytes(b"dos")
    (folder / "media" / "adjuntos" / "2026" / "02" / "uno").write_bytes(b"u")
    assert backup.back_up(folder).files == (2, 0)
    assert backup.back_up(folder).files == (0, 2)
    assert (folder / "media" / "adjuntos" / "2026" / "02" / "uno").read_bytes() == b"uno"


def test_a_full_disk_is_said_in_words_and_leaves_no_half_database(
    media: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CommandError, match="No se pudo respaldar"):
        call_command("respaldar", str(folder))
    assert not written(folder)


def test_files_that_are_not_on_this_disk_are_said_to_be_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backup, "default_storage", object())
    call_command("respaldar", str(folder))
    assert "respáldalos donde están" in capsys.readouterr().out


def test_a_desk_that_gives_signs_of_life_is_not_replaced(media: Path, folder: Path) -> None:
    made = backup.back_up(folder)
    Worker.objects.create(name="otro proceso", seen=timezone.now())
    with pytest.raises(CommandError, match="La mesa está en marcha"):
        call_command("restaurar", str(made.database))


def test_a_copy_of_another_kind_of_database_is_refused(folder: Path) -> None:
    folder.mkdir()
    other = folder / ("base-1.dump" if connection.vendor == "sqlite" else "base-1.sqlite3")
    other.write_bytes(b"")
    with pytest.raises(CommandError, match="el respaldo debe terminar en"):
        call_command("restaurar", str(other))


def test_a_damaged_copy_is_refused_and_the_database_stays_as_it_was(media: Path, folder: Path) -> None:
    ticket = make_ticket()
    made = backup.back_up(folder)
    content = made.database.read_bytes()
    made.database.write_bytes(b"\0" * 100 + content[100:])
    with pytest.raises(CommandError, match="No se pudo restaurar"):
        call_command("restaurar", str(made.database))
    assert Ticket.objects.filter(pk=ticket.pk).exists()


def test_a_copy_that_does_not_exist_is_said_so(folder: Path) -> None:
    with pytest.raises(CommandError, match="No existe"):
        call_command("restaurar", str(folder / "base-1.sqlite3"))


def test_a_program_that_is_missing_is_named_with_its_package() -> None:
    with pytest.raises(backup.BackupError, match="Falta pg_que_no_existe: apt install postgresql-client"):
        backup.run("pg_que_no_existe", connect=False)
