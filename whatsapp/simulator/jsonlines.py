"""One JSON object per line in a file that survives being killed in the middle of a write."""

import json
import os
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def to_bytes(value: object) -> bytes:
    """In: anything JSON can hold. Out: UTF-8, readable; a text that UTF-8 cannot hold is escaped instead."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


class JsonLines:
    """An append-only file. Not locked: its owner calls it from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lines = self._read_and_mend()
        self._file = path.open("ab")

    def append(self, line: Line, durable: bool = False) -> None:
        """In: one object. With `durable` it is on the disk, not in a cache, when this returns."""
        self._file.write(to_bytes(line) + b"\n")
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _read_and_mend(self) -> list[Line]:
        """Out: every whole line. A half-written tail was never answered for; it goes, or the next would join it."""
        raw = self.path.read_bytes() if self.path.exists() else b""
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) != len(raw):
            os.truncate(self.path, len(whole))
        # Not splitlines(): a text may hold U+2028, which is a line's end only to Python.
        return [json.loads(line) for line in whole.split(b"\n") if line.strip()]
