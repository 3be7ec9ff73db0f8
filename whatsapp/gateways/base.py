"""What every WhatsApp gateway speaks. Nothing here or in the adapters touches the ORM (see docs/gateways.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from whatsapp.gateways.events import ConnectionChanged, Event, Inbound, Media, OwnMessage
from whatsapp.gateways.results import Failure, Misconfigured, Result

# What a gateway may be able to do besides sending a text and telling what arrives:
# reference   tells back, in a status, the `reference` we gave with a send
# echo        tells of our own messages as it sends them
# read_back   lists a chat as it remembers it, and the chats with news
# typing      shows the person that we are writing
# watch       tells when a person writes only after it was asked to, chat by chat
# read_marks  tells the person that we have read
# media       sends and fetches files
# templates   sends approved templates, and takes free text only for 24 hours after the person's last message
# session     shows a QR code, restarts and logs out its session
Ability = Literal["reference", "echo", "read_back", "typing", "watch", "read_marks", "media", "templates", "session"]


# A bad line of 2 Mbit/s, less what base64 adds.
SLOWEST_BYTES_S = 180_000


def seconds_for(size: int) -> float:
    """How much longer than a text a file of `size` bytes may take."""
    return size / SLOWEST_BYTES_S


@dataclass(frozen=True)
class File:
    """A file to send. `kind` is image, video, audio, document or sticker; `read` gives its bytes."""

    kind: str
    mime: str
    name: str
    size: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class TemplateUse:
    """An approved template with the values of its variables, in order; `header` are those of its header."""

    name: str
    language: str
    body: tuple[str, ...] = ()
    header: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outgoing:
    """One message to send: its text (the caption, with a `file`; what the `template` says, with one).

    `reference` is told back by a gateway with that ability.
    """

    text: str
    reference: str = ""
    file: File | None = None
    template: TemplateUse | None = None

    @property
    def extra_s(self) -> float:
        """How much longer than a text it may take."""
        return seconds_for(self.file.size) if self.file else 0


@dataclass(frozen=True)
class Fetched:
    """A file as the gateway gave it; `mime` and `name` are claims, maybe empty."""

    content: bytes
    mime: str = ""
    name: str = ""


@dataclass(frozen=True)
class TemplateInfo:
    """A template as the gateway lists it. `header` and `body` hold {{1}}, {{2}}… where the variables go.

    `status` is the gateway's word (APPROVED can be sent); `usable` is False for one that we cannot fill (a media
    header, a button with a variable): `problem` says why, in Spanish.
    """

    name: str
    language: str
    status: str
    category: str = ""
    header: str = ""
    body: str = ""
    footer: str = ""
    usable: bool = True
    problem: str = ""


@dataclass(frozen=True)
class MediaLimit:
    """The largest file of one kind that a gateway takes, and the types it takes (an empty tuple: any)."""

    max_bytes: int
    mimes: tuple[str, ...] = ()


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


class Gateway(ABC):
    """One WhatsApp gateway. Instances are cheap, hold only settings, and are safe to share between threads.

    Nothing here raises for anything the wire does. What an ability promises is called only where `can` has it.
    """

    name: ClassVar[str]
    title: ClassVar[str]  # for people
    can: ClassVar[frozenset[Ability]] = frozenset()
    reaches: ClassVar[frozenset[str]] = frozenset({"phone", "lid"})  # kinds of address, as tickets.contacts.Alias has
    limits: ClassVar[Mapping[str, MediaLimit]] = {}
    url_setting: ClassVar[str] = ""  # which says where its server is
    secret_setting: ClassVar[str] = ""  # with which its webhooks are believed
    webhook_max_bytes: ClassVar[int] = 2 * 1024 * 1024
    typing_marks_read: ClassVar[bool] = False  # who is shown that we write is told that we read, too

    def problems(self) -> list[Misconfigured]:
        """The settings with which it can never be called or believed; `manage.py check` refuses them."""
        return []

    @abstractmethod
    def send(self, address: str, message: Outgoing, before_first_byte: Callable[[], None]) -> Result:
        """Send `message` to the chat `address` (neutral form, see `whatsapp.gateways.events`).

        `before_first_byte` is called immediately before the first byte of the request that sends is written (after
        any upload that it needs); what it raises aborts the call and is raised from here.
        """

    @abstractmethod
    def status(self) -> ConnectionChanged | Misconfigured:
        """Ask the gateway whether its session can send. An unreachable gateway is `connected=False`."""

    @abstractmethod
    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Check that a webhook is our gateway's, over its raw `body`.

        `headers` is case-insensitive. Raises InvalidSignature or NotConfigured.
        """

    @abstractmethod
    def external_id(self, body: bytes, payload: Any) -> str:
        """The id under which a repeat of this webhook is recognised, at most 200 characters."""

    @abstractmethod
    def parse(self, payload: Any) -> list[Event]:
        """Normalise one webhook's decoded JSON. Unknown shapes are events too; raises Malformed only for no shape."""

    def parts(self, payload: Any) -> list[Any]:
        """What `payload` holds that is kept, handled and awaited by itself: whole payloads of one thing each."""
        return [payload]

    def clean(self, payload: Any) -> Any:
        """`payload` without what must never be stored: secrets that the gateway puts into its bodies."""
        return payload

    def handshake(self, query: Mapping[str, str]) -> str | None:
        """What to answer to the GET with which the gateway checks our webhook's address; None: 403."""
        return None

    def exists(self, address: str) -> str | bool | None:
        """Whether the number `address` is on WhatsApp: its address there if told, else True; None: cannot say now."""
        return None

    def read_back(self, address: str, since: datetime) -> list[OwnMessage | Inbound] | None:
        """read_back: the messages in the chat `address` since `since`, as the gateway remembers them; None when it
        cannot say now. What is missing from the answer proves nothing."""
        raise NotImplementedError

    def chats_since(self, since: datetime) -> list[str] | None:
        """read_back: the addresses of the chats with messages since `since`; None when it cannot say now."""
        raise NotImplementedError

    def typing(self, address: str, *, on: bool, message_id: str | None) -> None:
        """typing: show the person that we write, or no more; `message_id` is their last one, which Meta needs."""
        raise NotImplementedError

    def watch(self, address: str) -> None:
        """watch: tell from now on when the person writes (`events.Typing`), until the session starts anew."""
        raise NotImplementedError

    def mark_read(self, address: str, message_ids: list[str]) -> None:
        """read_marks: tell the person that their messages were read; the newest id comes last."""
        raise NotImplementedError

    def fetch(self, media: Media, max_bytes: int) -> Fetched | Failure:
        """media: get the file of an `Inbound`, at most `max_bytes`, only ever from the configured server."""
        raise NotImplementedError

    def templates(self) -> list[TemplateInfo] | Failure | Misconfigured:
        """templates: all of the account's."""
        raise NotImplementedError

    def qr(self) -> bytes | Failure:
        """session: the QR code to scan now, as a PNG. At most 7 seconds: a page asks again and again."""
        raise NotImplementedError

    def restart(self) -> Failure | None:
        """session: start the session again; None when the gateway took the order."""
        raise NotImplementedError

    def log_out(self) -> Failure | None:
        """session: forget the linked phone, so that a new one can be linked; None when the gateway took the order."""
        raise NotImplementedError
