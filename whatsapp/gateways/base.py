"""What every WhatsApp gateway speaks: results that say what to do next, and normalised events.

Nothing here or in the adapters touches the ORM (see docs/gateways.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Accepted:
    """The gateway took the message. `id` is its bare message id, `address` the chat it resolved to, if told."""

    id: str
    address: str | None = None


@dataclass(frozen=True)
class Unreachable:
    """No byte of the request left us: DNS, connection refused, connect timeout, failed TLS handshake."""

    detail: str


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
    """Not sent, and never will be until somebody fixes the setting named `key`."""

    key: str
    detail: str


@dataclass(frozen=True)
class Ambiguous:
    """Nobody can say yet whether it left: timeout, reset, 5xx, a success without its id, a cut body."""

    detail: str


Result = Accepted | Unreachable | Disconnected | RateLimited | Refused | Misconfigured | Ambiguous


@dataclass(frozen=True)
class Inbound:
    """A person wrote. `address` is the chat as seen by the gateway, neutral form: digits, `…@lid` or a BSUID.

    `kind` is "text" or what else arrived (image, audio, …, "unknown"); `text` the text or caption, maybe empty.
    `phone` is the person's number (digits) where the payload tells it beside an address that is not a phone.
    """

    external_id: str
    address: str
    text: str
    kind: str = "text"
    push_name: str = ""
    phone: str | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True)
class OwnMessage:
    """The gateway's echo of a message from our own number. `by_api` is False when it was typed on the phone."""

    external_id: str
    address: str
    text: str
    by_api: bool
    kind: str = "text"
    sent_at: datetime | None = None


@dataclass(frozen=True)
class StatusUpdate:
    """A tick for one of our messages, by its bare id."""

    message_id: str
    status: Literal["enviado", "entregado", "leido", "fallido"]
    reason: str = ""


@dataclass(frozen=True)
class ConnectionChanged:
    """The session's state. `connected` is True only when messages can leave now."""

    connected: bool
    detail: str


@dataclass(frozen=True)
class Ignored:
    """Understood and of no interest here (a group, a newsletter, our own presence); `reason` in Spanish."""

    reason: str


Event = Inbound | OwnMessage | StatusUpdate | ConnectionChanged | Ignored


class InvalidSignature(Exception):
    """The webhook is not signed by our gateway. `setting` names the key to check."""

    def __init__(self, setting: str, detail: str) -> None:
        super().__init__(detail)
        self.setting = setting


class NotConfigured(Exception):
    """The gateway's secret is empty, so that nothing it says can be believed. `setting` names the key to fill."""

    def __init__(self, setting: str) -> None:
        super().__init__(setting)
        self.setting = setting


class Malformed(Exception):
    """A signed webhook body that cannot be read; the message says why, in Spanish."""


class Gateway(Protocol):
    """One WhatsApp gateway. Instances are cheap, hold only settings, and are safe to share between threads."""

    name: str

    def send(self, address: str, text: str, before_first_byte: Callable[[], None]) -> Result:
        """Send `text` to the chat `address` (neutral form, see `Inbound`).

        `before_first_byte` is called immediately before the first byte of the request is written; what it raises
        aborts the call and is raised from here. Never raises for anything the wire does: that is a `Result`.
        """

    def status(self) -> ConnectionChanged | Misconfigured:
        """Ask the gateway whether its session can send. An unreachable gateway is `connected=False`."""

    def read_back(self, address: str, since: datetime) -> list[OwnMessage] | None:
        """Our own messages in the chat `address` since `since`, as the gateway remembers them; None when it cannot say.

        What is missing from the answer proves nothing.
        """

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Check the webhook's signature over the raw `body`.

        `headers` is case-insensitive. Raises InvalidSignature or NotConfigured.
        """

    def external_id(self, body: bytes, payload: Any) -> str:
        """The id under which a repeat of this webhook is recognised, at most 200 characters."""

    def parse(self, payload: Any) -> list[Event]:
        """Normalise one webhook's decoded JSON. Unknown shapes are events too; raises Malformed only for no shape."""
