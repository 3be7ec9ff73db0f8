"""What a route is given and what it answers; the socket itself is server.py's."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .jsonlines import to_bytes
from .simulator import Simulator
from .waha import Body
from .waha import error as waha_error


@dataclass(frozen=True)
class Answer:
    """`hang` and `cut` are for the faults that no web framework would let through."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Request:
    """One request that passed the host, origin and size checks."""

    simulator: Simulator
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Route:
    """`pattern` must match the whole path; its groups, already decoded, are the function's further arguments."""

    method: str
    pattern: re.Pattern[str]
    function: Callable[..., Answer]


class RefusedError(Exception):
    """Stop here and answer this."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def as_json(status: int, body: object, **more: Any) -> Answer:
    """In: anything JSON can hold."""
    return Answer(status, to_bytes(body), **more)


def detail(status: int, text: str) -> Answer:
    """Out: an error of the control interface, for a person to read."""
    return as_json(status, {"detail": text})


def nest_error(status: int, message: str | list[str], name: str, **more: Any) -> Answer:
    """Out: an error of the WAHA side."""
    body: Body = waha_error(status, message, name)
    return as_json(status, body, **more)
