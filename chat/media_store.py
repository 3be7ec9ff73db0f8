"""Stored files: put there whole or not at all, and deleted when no row names them any more."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from chat.media_types import random_name
from chat.models import Attachment, PredefinedMessage

logger = logging.getLogger(__name__)
# Nobody writes a row so long after its file.
OLD = timedelta(days=1)
BATCH = 500
AWAY = "El almacén de archivos no responde."
FOLDERS = {"adjuntos": "file", "miniaturas": "thumbnail"}


class StorageAway(OSError):
    """Files cannot be read or written now; later they may. A missing file is a FileNotFoundError instead."""


def put(field: FieldFile, content: bytes, name: str = "") -> None:
    """Store `content` as the file of a row that is not saved yet. What a full disk cut off is deleted."""
    path = field.field.generate_filename(field.instance, name or random_name())
    try:
        field.save(Path(path).name, ContentFile(content), save=False)
    except BaseException:
        with suppress(OSError):
            default_storage.delete(path)
        raise


def drop_orphans() -> int:
    """Delete the files of messages and replies that are old and that no row names; returns how many.

    A table without files is taken for another database's, and nothing is deleted.
    """
    if not Attachment.objects.exclude(file="").exists():
        return 0
    dropped = 0
    for folder, column in FOLDERS.items():
        found = old_files(folder)
        while paths := list(islice(found, BATCH)):
            rows = [model.objects.filter(**{f"{column}__in": paths}) for model in (Attachment, PredefinedMessage)]
            for path in set(paths).difference(*(one.values_list(column, flat=True) for one in rows)):
                default_storage.delete(path)
                dropped += 1
    if dropped:
        logger.info("Se borraron %s archivos que ningún mensaje tiene", dropped)
    return dropped


def old_files(folder: str) -> Iterator[str]:
    """The stored paths of the old files under `folder`, one at a time."""
    before = timezone.now() - OLD
    listing = getattr(default_storage, "listing", on_disk)
    for path, written in listing(folder):
        if written < before:
            yield path


def on_disk(folder: str) -> Iterator[tuple[str, datetime]]:
    """Every file under `folder` of a storage that is a folder itself, with when it was written."""
    for where, _, names in os.walk(default_storage.path(folder)):
        for name in names:
            path = Path(where, name)
            with suppress(FileNotFoundError):  # another process does the same
                written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield path.relative_to(default_storage.path("")).as_posix(), written
