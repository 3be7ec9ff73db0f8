"""The one HTTP caller for gateways: it knows whether a request left us, and never outlasts its deadline.

`requests` raises the same ConnectionError and SSLError before and after the request is written, and its timeouts are
per read. What may be sent again depends on the first, and the sending lease on the second, so both are settled here.
"""

from __future__ import annotations

import json as jsonlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import requests
from urllib3.filepost import encode_multipart_formdata

from whatsapp.attempt import Adapter, Attempt, StoppedError

MAX_BODY = 1024 * 1024  # of an answer, unless the caller asks for a file
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Unreachable:
    """No byte of the request left us: DNS, connection refused, connect timeout, failed TLS handshake."""

    detail: str


@dataclass(frozen=True)
class Ambiguous:
    """Nobody can say yet whether it left: timeout, reset, 5xx, a success without its id, a cut body."""

    detail: str


@dataclass(frozen=True)
class Response:
    """A whole HTTP answer. `headers` is case-insensitive; `body` is at most as long as the caller allowed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The decoded body, or None when it is not JSON."""
        try:
            return jsonlib.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def retry_after(self) -> float | None:
        """The seconds of Retry-After, or None when it is missing, a date or nonsense."""
        try:
            seconds = float(self.headers.get("Retry-After", ""))
        except ValueError:
            return None
        return seconds if math.isfinite(seconds) and seconds >= 0 else None


class TooLong(Ambiguous):
    """The answer had more than `max_body` bytes."""


def multipart(fields: Mapping[str, str | tuple[str, bytes, str]]) -> tuple[bytes, str]:
    """The body of a form with files, and its Content-Type; a file is (its name, its bytes, its type)."""
    return encode_multipart_formdata(fields)


def call(
    method: str,
    url: str,
    *,
    json: Any = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    deadline_s: float,
    before_first_byte: Callable[[], None] | None = None,
    max_body: int = MAX_BODY,
    public: bool = False,
) -> Response | Unreachable | Ambiguous:
    """Make one HTTP request over its own connection: no retry, no redirect, no proxy, no netrc.

    The body is `json`, or the bytes of `content`, whose Content-Type is among the `headers`.

    `deadline_s` seconds is for the whole call, name look-up to last byte. `before_first_byte` is called once the
    connection (and its TLS) stands, immediately before the first byte of the request is written; what it raises is
    raised from here and nothing is written. All else that goes wrong is Unreachable before that byte and Ambiguous
    after it, whatever the exception: also a cut body, and one longer than `max_body` (TooLong).

    `public` is for an address that somebody else named: whatever its name leads to, this machine and its network are
    not called.
    """
    body = content if json is None else jsonlib.dumps(json).encode()
    sent_headers = {"Accept-Encoding": "identity", "Connection": "close", **(headers or {})}
    if json is not None:
        sent_headers["Content-Type"] = "application/json"
    with Attempt(deadline_s, before_first_byte, public=public) as attempt, requests.Session() as session:
        session.trust_env = False
        session.mount("http://", Adapter(attempt))
        session.mount("https://", Adapter(attempt))
        try:
            answer = session.request(
                method, url, data=body, headers=sent_headers, timeout=deadline_s, allow_redirects=False, stream=True
            )
            received = _read(answer, max_body)
        except StoppedError as stopped:
            raise stopped.reason from None
        except Exception as error:
            detail = attempt.explain(error)
            return Ambiguous(detail) if attempt.written else Unreachable(detail)
        if not attempt.finish():  # a body without a length looks whole when the watchdog shut the socket down
            return Ambiguous(attempt.too_late)
    if received is None:
        return TooLong(f"respuesta de más de {max_body} bytes")
    return Response(answer.status_code, answer.headers, received)


def _read(answer: requests.Response, max_body: int) -> bytes | None:
    """The body as sent, or None when it is longer than `max_body`. Raises when it is cut."""
    content = BytesIO()  # gives its bytes away without a second copy
    for chunk in answer.raw.stream(_CHUNK, decode_content=False):
        content.write(chunk)
        if content.tell() > max_body:
            return None
    return content.getvalue()
