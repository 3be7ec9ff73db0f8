"""The origin's photos as evidence: only pictures, only from the folder that was named."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from chat.importing.report import Report
from chat.importing.run import run
from chat.importing.source import Source
from tests.origin import Origin
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
MISSING = "Foto: Su foto no está en la carpeta."


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fotos").mkdir()
    return tmp_path / "fotos"


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "tickets.db")


def picture(size: tuple[int, int] = (40, 30)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG")
    return out.getvalue()


def bring(origin: Origin, folder: Path | None, *, write: bool = True) -> Report:
    report, source = Report(), Source(origin.path)
    run(source, folder, ZoneInfo("America/Mexico_City"), report, write=write, progress=lambda *_: None)
    source.close()
    return report


def stored(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def test_a_photo_is_the_evidence_of_its_ticket(origin: Origin, folder: Path, media: Path, desk: Client) -> None:
    (folder / "img_20260205_090200.jpg").write_bytes(picture() + b"<script>")
    origin.add(1, foto_path="img_20260205_090200.jpg")
    assert bring(origin, folder).photos == 1
    answer = desk.get("/ticket/1/evidencia")
    assert answer["Content-Type"] == "image/jpeg"
    (file,) = stored(media)
    assert "img_2026" not in file.name
    assert b"<script>" not in file.read_bytes()


@pytest.mark.parametrize(
    "path",
    [r"C:\mesa\fotos_evidencia\a.jpg", "/home/otra/fotos_evidencia/a.jpg", "fotos_evidencia/a.jpg", "../../a.jpg"],
)
def test_a_path_of_another_machine_is_looked_for_by_its_name(origin: Origin, folder: Path, path: str) -> None:
    (folder / "a.jpg").write_bytes(picture())
    origin.add(1, foto_path=path)
    assert bring(origin, folder).photos == 1


@pytest.mark.parametrize(
    "path", ["../secreto.jpg", "/etc/passwd", "..", ".", "otra/", "x" * 5000 + ".jpg", "enlace.jpg"]
)
def test_nothing_outside_of_the_folder_is_read(origin: Origin, folder: Path, media: Path, path: str) -> None:
    (folder.parent / "secreto.jpg").write_bytes(picture())
    (folder / "otra").mkdir()
    (folder / "enlace.jpg").symlink_to(folder.parent / "secreto.jpg")
    origin.add(1, foto_path=path)
    report = bring(origin, folder)
    assert (report.imported, report.photos, dict(report.problems)) == (1, 0, {MISSING: ["#1"]})
    assert stored(media) == []


def test_what_is_no_picture_or_too_large_is_reported(origin: Origin, folder: Path, media: Path) -> None:
    (folder / "texto.jpg").write_text("<svg onload=alert(1)>")
    (folder / "enorme.jpg").write_bytes(picture((6000, 5000)))
    with (folder / "pesada.jpg").open("wb") as file:
        file.truncate(16 * 2**20)
    for number, name in enumerate(("texto.jpg", "enorme.jpg", "pesada.jpg", "falta.jpg"), 1):
        origin.add(number, foto_path=name)
    report = bring(origin, folder)
    assert {reason: labels for reason, labels in report.problems.items() if "Foto" in reason} == {
        "Foto: No es una imagen JPEG, PNG, WebP o GIF que se pueda leer.": ["#1"],
        "Foto: La foto tiene demasiados puntos: el máximo son 24 megapíxeles.": ["#2"],
        "Foto: La foto pesa más de 15 MB.": ["#3"],
        MISSING: ["#4"],
    }
    assert stored(media) == []


def test_photos_may_follow_in_a_later_run_and_come_once(origin: Origin, folder: Path, media: Path) -> None:
    (folder / "a.jpg").write_bytes(picture())
    origin.add(1, foto_path="a.jpg")
    assert bring(origin, None).photos_left == 1
    assert [bring(origin, folder).photos for _ in range(2)] == [1, 0]
    assert len(stored(media)) == 1
    assert Ticket.objects.get().evidence


def test_a_simulation_looks_at_the_photos_and_stores_none(origin: Origin, folder: Path, media: Path) -> None:
    (folder / "a.jpg").write_bytes(picture())
    origin.add(1, foto_path="a.jpg")
    origin.add(2, foto_path="b.jpg")
    report = bring(origin, folder, write=False)
    assert (report.photos, report.problems[MISSING], stored(media)) == (1, ["#2"], [])
