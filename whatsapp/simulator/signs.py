"""Who is seen writing, and what was read: all that is shown besides messages."""

import threading
from collections.abc import Callable
from typing import Any

from .phones import READ, person_key
from .session import Session
from .state import State


class Signs:
    """Locked with the simulator's own lock, around its state."""

    def __init__(
        self, lock: threading.RLock, state: State, session: Session, tell: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self._lock, self._state, self._session, self._tell = lock, state, session, tell
        self._watched: set[str] = set()

    def desk_types(self, chat_id: str, *, on: bool) -> None:
        """On the phone: the desk writes, or no more. Like the real one it stays until somebody takes it away."""
        with self._lock:
            phone = self._state.conversation(chat_id)
            if phone and phone.desk_types != on:
                phone.desk_types = on
                self._state.touch(phone)

    def watch(self, chat_id: str) -> None:
        """From now on the desk is told when that person writes."""
        with self._lock:
            self._watched.add(person_key(chat_id))

    def person_types(self, chat_id: str, *, on: bool) -> None:
        """A person presses keys, or stops; told only of chats that the desk watches, and only while connected."""
        with self._lock:
            if person_key(chat_id) in self._watched and self._session.connected:
                known = {"participant": chat_id, "lastKnownPresence": "typing" if on else "paused", "lastSeen": None}
                self._tell("presence.update", {"id": chat_id, "presences": [known]})

    def desk_read(self, chat_id: str, ids: list[str] | None) -> None:
        """The desk marks these messages of the person as read; all of them without `ids`."""
        with self._lock:
            phone = self._state.conversation(chat_id)
            for message in phone.messages if phone else ():
                if not message.from_me and (ids is None or message.id in ids):
                    self._state.set_ack(message, READ)
