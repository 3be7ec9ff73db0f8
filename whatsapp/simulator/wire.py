"""What a route is given and what it answers; the socket itself is server.py's."""

import json
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
    """`fault` names what the socket does to it: those that no web framework would let through."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""


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


def parse_body(raw: bytes) -> dict[str, Any]:
    """Out: the JSON object of a request, empty when there is no body. Refuses anything else in WAHA's words."""
    if not raw:
        return {}
    try:
        value = json.loads(raw)
    except json.JSONDecodeError as wrong:
        text = f"Expected property name or '}}' in JSON at position {wrong.pos}"
        raise RefusedError(nest_error(400, text, "Bad Request")) from None
    except (UnicodeDecodeError, RecursionError):
        raise RefusedError(nest_error(400, "Unexpected token in JSON", "Bad Request")) from None
    if not isinstance(value, dict):
        raise RefusedError(nest_error(400, "Unexpected token in JSON at position 0", "Bad Request"))
    return value
