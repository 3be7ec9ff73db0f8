"""Files on the disk: none is left behind without a row, and none with a row is lost."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from chat import attachments, media, media_store, tasks
from chat.models import ArrivedFile, Attachment
from tests.chat.test_attachments import URL, media_folder, picture, sent
from tests.fake_gateway import FakeGateway, receive
from whatsapp import events
from whatsapp.gateways.base import Fetched
from whatsapp.gateways.events import Media
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db
__all__ = ["media_folder"]


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def orphan(folder: Path, name: str, days: float = 2) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"nadie")
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def aged(folder: Path) -> None:
    for path in files(folder):
        os.utime(path, (0, 0))


def test_a_webhook_that_fails_over_and_over_leaves_no_file_and_its_success_one(
    gateway: FakeGateway, media_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = [True]

    def attach(message: Any, _: Media) -> None:
        attachments.attach(message, Media(content=picture()))
        if trouble[0]:
            raise ValueError("después del archivo")

    monkeypatch.setattr("chat.inbound.attach", attach)
    receive("", hasMedia=True, media={"url": URL})
    event = WebhookEvent.objects.get()
    events.handle(event.pk)
    assert not files(media_folder) and not Attachment.objects.exists()
    trouble[0] = False
    events.handle(event.pk)
    assert not files(media_folder)  # no transaction waits for a disk
    row = Attachment.objects.get()
    media.fetch_one(row.pk)
    row.refresh_from_db()
    assert Path(row.file.path).read_bytes() == picture() and not ArrivedFile.objects.exists()


def test_a_file_that_the_disk_cut_off_is_not_left_there(
    gateway: FakeGateway, media_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FileSystemStorage._save

    def half(storage: FileSystemStorage, name: str, content: Any) -> str:
        if name.startswith("miniaturas"):
            real(storage, name, ContentFile(b"RIFF"))
            raise OSError("No space left on device")
        return str(real(storage, name, content))

    monkeypatch.setattr(FileSystemStorage, "_save", half)
    row = sent()
    gateway.files.append(Fetched(picture()))
    media.fetch_one(row.pk)
    row.refresh_from_db()
    assert (row.state, row.file.name, files(media_folder)) == ("pendiente", "", [])


def test_what_a_killed_process_left_is_deleted_once_it_is_a_day_old(
    gateway: FakeGateway, media_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_store, "BATCH", 2)
    row = sent()
    gateway.files.append(Fetched(picture()))
    media.fetch_one(row.pk)
    kept = files(media_folder)
    aged(media_folder)
    for number in range(5):
        orphan(media_folder, f"adjuntos/2026/01/{number}")
        orphan(media_folder, f"miniaturas/2026/01/{number}")
    young = orphan(media_folder, "adjuntos/2026/01/nuevo", days=0.9)
    others = orphan(media_folder, "evidencia/2026/01/foto")
    tasks.purge_files.run()
    assert len(kept) == 2 and files(media_folder) == sorted([*kept, young, others])


def test_a_table_without_files_has_nothing_deleted(media_folder: Path) -> None:
    orphan(media_folder, "adjuntos/2026/01/a")
    sent()
    assert media_store.drop_orphans() == 0 and len(files(media_folder)) == 1


def test_the_files_are_looked_through_every_day(settings: LazySettings) -> None:
    assert {"task": "chat.purge_files", "schedule": 86400.0} in settings.CELERY_BEAT_SCHEDULE.values()
