"""What a gateway's answer means to us: the results say what to do next, not what broke."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from whatsapp.wire import Ambiguous, Unreachable

__all__ = [
    "Accepted",
    "Ambiguous",
    "Disconnected",
    "Failure",
    "Misconfigured",
    "RateLimited",
    "Refused",
    "Result",
    "Unreachable",
]


@dataclass(frozen=True)
class Accepted:
    """The gateway took the message. `id` is its bare message id (None where this gateway tells none: then there are
    neither ticks nor evidence), `address` the chat it resolved to, if told."""

    id: str | None
    address: str | None = None


@dataclass(frozen=True)
class Disconnected:
    """The gateway says that its WhatsApp session is down; nothing was sent."""

    detail: str


@dataclass(frozen=True)
class RateLimited:
    """Not sent. `scope` is whom it concerns; `after` the seconds the gateway asked us to wait, if it did."""

    scope: Literal["session", "recipient"]
    after: float | None = None


@dataclass(frozen=True)
class Refused:
    """The gateway says never. `reason` is in Spanish, for the technician; `code` for ops."""

    reason: str
    code: str = ""


@dataclass(frozen=True)
class Misconfigured:
    """Not sent, and never will be until somebody fixes the setting named `key`; `todo` may say how, in Spanish."""

    key: str
    detail: str
    todo: str = field(default="", compare=False)


Result = Accepted | Unreachable | Disconnected | RateLimited | Refused | Misconfigured | Ambiguous


@dataclass(frozen=True)
class Failure:
    """What was asked of the gateway (a file, its templates, a restart) did not happen; `detail` says why, in Spanish.

    `again` says whether asking again later may help.
    """

    detail: str
    again: bool = True
