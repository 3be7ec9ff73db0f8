"""Files in a bucket instead of on a disk (docs/storage.md). They are still given out by our own views only."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from storages.backends.s3 import S3Storage

from chat.media_store import StorageAway

CONNECT_S, READ_S = 2, 20
BUFFER = 256 * 1024
ONE_THREAD = TransferConfig(use_threads=False)
MISSING = ("404", "NoSuchKey", "NotFound")


@contextmanager
def told(name: str) -> Iterator[None]:
    """Whatever goes wrong is an OSError: FileNotFoundError, or StorageAway for all that may pass."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise (FileNotFoundError(name) if code in MISSING else StorageAway(f"S3: {code}")) from error
    except (BotoCoreError, OSError) as error:
        if isinstance(error, FileNotFoundError | StorageAway):
            raise
        raise StorageAway(f"S3: {error}") from error


class S3Media(S3Storage):  # type: ignore[misc]
    """A bucket that nobody can read without its key."""

    def __init__(self, **options: Any) -> None:
        config = Config(
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"total_max_attempts": 2, "mode": "standard"},
            signature_version="s3v4",
            # Servers that are not Amazon's know neither bucket names in host names nor its newest checksums.
            s3={"addressing_style": "path" if options.get("endpoint_url") else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(**options, client_config=config, default_acl=None, transfer_config=ONE_THREAD)

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode != "rb":
            raise ValueError("Los archivos guardados no se escriben otra vez.")
        return File(io.BufferedReader(Stored(self, name, self.size(name)), BUFFER), name)

    def _save(self, name: str, content: Any) -> str:
        with told(name):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with told(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with told(name):
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        with told(name):
            return int(self.bucket.Object(name).content_length)

    def url(self, name: str, *_: Any, **__: Any) -> NoReturn:
        raise ValueError("Los archivos no tienen dirección propia: los da la mesa a quien puede ver su ticket.")

    def listing(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """Every file under `folder`, with when it was written, a thousand to a request."""
        with told(folder):
            for found in self.bucket.objects.filter(Prefix=f"{folder}/"):
                yield found.key, found.last_modified


class Stored(io.RawIOBase):
    """One stored file, fetched from where it is read and no further than that."""

    def __init__(self, storage: S3Media, name: str, size: int) -> None:
        self.storage, self.key, self.size = storage, name, size
        self.position = 0
        self.body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        wanted = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        if wanted != self.position:
            self.drop()
            self.position = wanted
        return wanted

    def readinto(self, buffer: Any) -> int:
        if self.position >= self.size:
            return 0
        with told(self.key):
            if self.body is None:
                rest = {"Range": f"bytes={self.position}-"}
                self.body = self.storage.bucket.Object(self.key).get(**rest)["Body"]
            piece = self.body.read(len(buffer))
            if not piece:
                raise StorageAway("S3: el archivo se cortó")
        buffer[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)

    def drop(self) -> None:
        if self.body is not None:
            self.body.close()
            self.body = None

    def close(self) -> None:
        self.drop()
        super().close()
