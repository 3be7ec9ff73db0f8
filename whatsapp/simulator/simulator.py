"""How the pretended WhatsApp behaves: sending, receiving, ticks, and what of it the desk is told."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import changes, media, waha
from .clock import Clock
from .faults import Rates
from .options import Options
from .phones import DEVICE, READ, SERVER, Message, new_bare_id
from .session import Session
from .signs import Signs
from .state import State
from .switches import Switches
from .webhooks import WebhookSender

# The page shows this many phones and, on each, this many messages: a rehearsal with thousands must not freeze it.
PHONES_SHOWN = 24
MESSAGES_SHOWN = 100


class Simulator:
    """One pretended WhatsApp account; safe to call from any thread."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.switches = Switches(options)
        self.reads_alone = True
        self.stopping = threading.Event()
        self._hanging = 0
        self._boot = uuid.uuid4().hex[:8]
        self._lock = threading.RLock()
        self._clock = Clock()
        self._state = State(options.folder)
        self.files = media.Files(options.folder / "archivos")
        self._sender = WebhookSender(options, self.switches, self._touch)
        self.session = Session(options.session, self._lock, self._tell_status)
        self.signs = Signs(self._lock, self._state, self.session, self._tell)

    def start(self) -> None:
        """Begin to tell the desk, first what an earlier run left half told."""
        with self._lock:
            self.session.announce()
            for message in list(self._state.unfinished()):
                self._on_its_way(message)
        self._sender.start()
        self._clock.start()

    def stop(self) -> None:
        """Release whoever hangs, and close the files."""
        self.stopping.set()
        self.session.close()
        self._clock.stop()
        self._sender.stop()
        with self._lock:
            self._state.close()

    # What comes and goes

    def accept(
        self, chat_id: str, text: str, reply_to: str | None = None, extra: media.Extra | None = None
    ) -> dict[str, Any]:
        """In: what the desk sends. Out: its WAMessage; by then it is on the disk, and its echo is on its way."""
        message = Message(new_bare_id(), chat_id, text, from_me=True, reply_to=reply_to, extra=extra)
        with self._lock:
            self._state.add_accepted(message)
            self.signs.desk_types(chat_id, on=False)
            body = self._told(message, "")
            self._tell("message.any", body)
            self._on_its_way(message)
        return body

    def write(self, chat_id: str, text: str, name: str = "", extra: media.Extra | None = None) -> Message:
        """In: what a person writes. Out: the message; the desk hears of it once WhatsApp is connected."""
        message = Message(new_bare_id(), chat_id, text, from_me=False, extra=extra)
        self.take(message, name)
        return message

    def take(self, message: Message, name: str = "", *, told: bool = True) -> None:
        """In: a person's message; not `told`, the desk never hears of it, as when its webhook was lost."""
        with self._lock:
            self._state.phone(message.chat_id, name)
            self._state.add_written(message)
            if told:
                self._on_its_way(message)
            else:
                self._state.set_ack(message, DEVICE)

    def find(self, message_id: object) -> Message | None:
        """In: a serialized or a bare id."""
        with self._lock:
            return self._state.message(message_id)

    def change(self, message_id: object, action: str, text: str, *, own: bool) -> dict[str, Any] | None:
        """A phone edits, deletes or reacts to a message. Out: the message as the page shows it; None: there is none."""
        with self._lock:
            message = self._state.message(message_id)
            if message is None:
                return None
            changes.apply(message, action, text, own=own)
            self._state.keep_change(message)
            event, body = changes.EVENTS[action], changes.payload(message, action, text, own=own)
            self.session.when_connected(lambda: self._tell(event, body))
            return message.shown()

    def mark_read(self, chat_id: str) -> None:
        """The person opens the conversation: everything that arrived on the phone is read."""
        with self._lock:
            for message in self._state.phone(chat_id).messages:
                if message.from_me and message.ack == DEVICE:
                    self._advance(message, READ)

    def add_phone(self, chat_id: str, name: str) -> dict[str, Any]:
        """Out: the phone as the page shows it, with that name from now on."""
        with self._lock:
            return self._state.phone(chat_id, name).shown(MESSAGES_SHOWN)

    def configure(
        self,
        fault: str | None,
        notices: str | None,
        reads_alone: bool | None,
        rates: Rates | None,
        media_fault: str | None = None,
    ) -> None:
        """In: what to change, already known to be valid; None leaves it as it is."""
        with self._lock:
            self.switches.fault = fault or self.switches.fault
            self.switches.media_fault = media_fault or self.switches.media_fault
            self.switches.rates = rates or self.switches.rates
            self._sender.mode = notices or self._sender.mode
            if reads_alone is not None:
                self.reads_alone = reads_alone
            if reads_alone:
                for phone in list(self._state.phones.values()):
                    self.mark_read(phone.chat_id)
            self._touch()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """While inside, the page counts one more client that is kept waiting."""
        self._count_hanging(1)
        try:
            yield
        finally:
            self._count_hanging(-1)

    # What can be looked at

    def settings(self) -> dict[str, Any]:
        """Out: the switches as `GET /simulador/estado` answers them."""
        return {
            "conexion": "conectado" if self.session.status == waha.WORKING else "desconectado",
            "sesion": self.session.status,
            "avisos": self._sender.mode,
            "leer_solo": self.reads_alone,
            **self.switches.shown(),
        }

    def accepted(self) -> list[dict[str, Any]]:
        """Out: everything that was ever taken from the desk, in order."""
        with self._lock:
            return list(self._state.accepted)

    def chat(self, chat_id: str) -> list[dict[str, Any]]:
        """Out: the WAMessages of a conversation, oldest first."""
        with self._lock:
            phone = self._state.conversation(chat_id)
            return [self._told(item, phone.name) for item in phone.messages] if phone else []

    def type_of_file(self, name: str) -> str:
        """Out: the media type that the sender of a kept file claimed."""
        with self._lock:
            extras = (item.extra for phone in self._state.phones.values() for item in phone.messages if item.extra)
            return next((str(extra["mime"]) for extra in extras if extra.get("archivo") == name), "")

    def chats(self) -> list[dict[str, Any]]:
        """Out: the chats as WAHA's overview lists them, those with news first."""
        with self._lock:
            phones = sorted((p for p in self._state.phones.values() if p.messages), key=lambda p: -p.messages[-1].at)
            return [
                {
                    "id": phone.chat_id,
                    "name": phone.name,
                    "picture": None,
                    "lastMessage": self._told(phone.messages[-1], phone.name),
                    "_chat": {},
                }
                for phone in phones
            ]

    def tag(self) -> str:
        """Out: something that is different whenever `screen` is."""
        return f'"{self._boot}-{self._state.version}"'

    def screen(self) -> dict[str, Any]:
        """Out: everything on the page. With too many phones only the liveliest, each in its usual place."""
        with self._lock:
            phones = list(self._state.phones.values())
            lively = {id(phone) for phone in sorted(phones, key=lambda phone: -phone.last_change)[:PHONES_SHOWN]}
            sender = self._sender
            return {
                "estado": self.settings(),
                "aceptados": len(self._state.accepted),
                "avisos": {"pendientes": sender.pending(), "perdidos": sender.lost, "problema": sender.failing},
                "colgados": self._hanging,
                "escritorio": self.options.desk_url,
                "ocultos": max(0, len(phones) - PHONES_SHOWN),
                "telefonos": [phone.shown(MESSAGES_SHOWN) for phone in phones if id(phone) in lively],
            }

    # Ticks

    def _on_its_way(self, message: Message) -> None:
        """The next tick of a message, whichever it has: also how a restart goes on where it was."""
        if not message.from_me:
            self.session.when_connected(lambda: self._hand_over(message))
        elif message.ack < DEVICE:
            self._advance(message, SERVER)
            self._later(self.options.delivered_after, lambda: self._reach_phone(message))
        elif self.reads_alone:
            self._later(self.options.read_after, lambda: self._advance(message, READ))

    def _reach_phone(self, message: Message) -> None:
        self._advance(message, DEVICE)
        self._on_its_way(message)

    def _hand_over(self, message: Message) -> None:
        self._state.set_ack(message, SERVER)
        name = self._state.phone(message.chat_id).name
        self._tell("message.any", self._told(message, name), lambda: self._taken_by_desk(message))

    def _taken_by_desk(self, message: Message) -> None:
        with self._lock:
            if not self.stopping.is_set():
                self._state.set_ack(message, DEVICE)

    def _advance(self, message: Message, ack: int) -> None:
        with self._lock:
            if not self.stopping.is_set() and self._state.set_ack(message, ack):
                self._tell("message.ack", waha.ack(message, ack))

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._clock.later(seconds, lambda: self.session.when_connected(action))

    # Telling

    def _told(self, message: Message, name: str) -> dict[str, Any]:
        return waha.message(message, name, self.options.session, self.switches.media_fault)

    def _tell(self, name: str, payload: dict[str, Any], delivered: Callable[[], None] | None = None) -> None:
        self._sender.put(waha.event(name, self.options.session, payload), delivered)

    def _tell_status(self, payload: dict[str, Any]) -> None:
        self._tell("session.status", payload)
        self._touch()

    def _count_hanging(self, change: int) -> None:
        with self._lock:
            self._hanging += change
            self._touch()

    def _touch(self) -> None:
        with self._lock:
            self._state.touch()
