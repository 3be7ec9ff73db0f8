"""A stored file as an HTTP answer: whole or a range of it, which players need to seek."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

PIECE = 256 * 1024
# Not the one thread that the whole process shares: every download would wait behind the slowest read.
threads = ThreadPoolExecutor(8, "descarga")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Stream(StreamingHttpResponse):
    """Pieces of a file, read as they are sent. Under ASGI Django would read a plain iterator whole into memory."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._one_by_one()

    async def _one_by_one(self) -> AsyncIterator[bytes]:
        pieces, loop = iter(self), asyncio.get_running_loop()
        while piece := await loop.run_in_executor(threads, next, pieces, b""):
            yield piece


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """The first and last byte that a Range header asks for; None for the whole file (also when it asks for several).

    Raises ValueError when there is no such byte.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or (not match[1] and not match[2]):
        return None
    if match[1]:
        first, last = int(match[1]), min(int(match[2]) if match[2] else size - 1, size - 1)
    else:
        first, last = max(0, size - int(match[2])), size - 1
    if match[1] and match[2] and int(match[2]) < first:
        return None  # not a range at all: RFC 9110, 14.1.1
    if first > last:
        raise ValueError(header)
    return first, last


def answer(request: HttpRequest, file: IO[bytes], size: int, etag: str, headers: dict[str, str]) -> HttpResponseBase:
    """`file` of `size` bytes: 304 when the browser has it, 206 or 416 for a range, else 200. Closes the file."""
    headers = {**headers, "ETag": etag, "Accept-Ranges": "bytes"}
    if (unchanged := get_conditional_response(request, etag=etag)) is not None:
        file.close()
        return unchanged
    status, first, last = 200, 0, size - 1
    if "Range" in request.headers and request.headers.get("If-Range", etag) == etag:
        try:
            found = asked_range(request.headers["Range"], size)
        except ValueError:
            file.close()
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        if found:
            status, (first, last) = 206, found
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    headers["Content-Length"] = str(last - first + 1)
    file.seek(first)
    return Stream(Pieces(file, last - first + 1), status=status, headers=headers)


class Pieces:
    """`length` bytes of `file` from where it stands. The response closes what it streams, and so the file."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self.file, self.left = file, length
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        while self.left > 0 and (piece := self.file.read(min(PIECE, self.left))):
            self.left -= len(piece)
            yield piece
