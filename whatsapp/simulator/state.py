"""What the simulator remembers: phones, messages, ticks; and the files it is read back from after a restart.

`aceptados.jsonl` is evidence: one line per message of the desk that was taken, on the disk before the desk is told.
`telefonos.jsonl` holds the rest: phones, what people wrote, and ticks.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from .jsonlines import JsonLines, Line
from .phones import READ, SERVER, Message, Phone, person_key, phone_number

FIRST_PHONES = (("5214772758198@c.us", "Juan Pérez"), ("524771182033@c.us", "María López"))


class State:
    """Not locked: the simulator holds its own lock around every call."""

    def __init__(self, folder: Path) -> None:
        self.phones: dict[str, Phone] = {}
        self.accepted: list[Line] = []
        self.version = 0
        self._messages: list[Message] = []
        self._accepted_file = JsonLines(folder / "aceptados.jsonl")
        self._log = JsonLines(folder / "telefonos.jsonl")
        self._read_back()
        if not self.phones:
            for chat_id, name in FIRST_PHONES:
                self.phone(chat_id, name)

    def phone(self, chat_id: str, name: str = "") -> Phone:
        """In: a chat id, and a name when it is known. Out: that person's phone, made when there is none."""
        phone = self.phones.get(person_key(chat_id))
        if phone is None:
            phone = self._place(chat_id, name or phone_number(chat_id))
        elif name and name != phone.name:
            phone.name = name
        else:
            return phone
        self._log.append({"tipo": "telefono", "chatId": chat_id, "nombre": phone.name})
        self.touch(phone)
        return phone

    def add_accepted(self, message: Message) -> None:
        """In: a message of the desk. When this returns it is on the disk and on the phone."""
        line = message.accepted()
        self._accepted_file.append(line, durable=True)
        self.accepted.append(line)
        self._show(message)

    def add_written(self, message: Message) -> None:
        """In: what a person wrote."""
        self._log.append({"tipo": "mensaje", **message.accepted()}, durable=True)
        self._show(message)

    def set_ack(self, message: Message, ack: int) -> bool:
        """Out: whether this is news; ticks never go back."""
        if ack <= message.ack:
            return False
        message.ack = ack
        self._log.append({"tipo": "palomitas", "id": message.id, "ack": ack})
        self.touch(self.phone(message.chat_id))
        return True

    def keep_change(self, message: Message) -> None:
        """In: a message that was just edited, deleted or reacted to."""
        self._log.append({"tipo": "cambio", "id": message.id, "texto": message.text, "cambios": message.changes})
        self.touch(self.phone(message.chat_id))

    def message(self, message_id: object) -> Message | None:
        """In: a serialized or a bare id."""
        return next((item for item in reversed(self._messages) if message_id in (item.id, item.bare_id)), None)

    def conversation(self, chat_id: str) -> Phone | None:
        """Out: that person's phone, if there is one."""
        return self.phones.get(person_key(chat_id))

    def unfinished(self) -> Iterator[Message]:
        """Out: messages whose ticks are not complete: the desk's, not read; people's, not taken by the desk."""
        for message in self._messages:
            if message.ack < (READ if message.from_me else SERVER + 1):
                yield message

    def touch(self, phone: Phone | None = None) -> None:
        """The page has something new to show."""
        self.version += 1
        if phone:
            phone.last_change = self.version

    def close(self) -> None:
        """Let go of the files."""
        self._accepted_file.close()
        self._log.close()

    def _show(self, message: Message) -> None:
        phone = self.phone(message.chat_id)
        phone.messages.append(message)
        self._messages.append(message)
        self.touch(phone)

    def _place(self, chat_id: str, name: str) -> Phone:
        return self.phones.setdefault(person_key(chat_id), Phone(chat_id, name))

    def _read_back(self) -> None:
        acks: dict[str, int] = {}
        changed: dict[str, Line] = {}
        found: list[Message] = []
        for line in self._log.lines:
            if line["tipo"] == "telefono":
                self._place(line["chatId"], line["nombre"]).name = line["nombre"]
            elif line["tipo"] == "mensaje":
                found.append(_from_line(line))
            elif line["tipo"] == "palomitas":
                acks[line["id"]] = max(line["ack"], acks.get(line["id"], 0))
            elif line["tipo"] == "cambio":
                changed[line["id"]] = line
        self.accepted = self._accepted_file.lines
        found += [_from_line(line) for line in self.accepted]
        for message in sorted(found, key=lambda message: message.at):
            message.ack = acks.get(message.id, 0)
            if change := changed.get(message.id):
                message.text, message.changes = change["texto"], change["cambios"]
            self._messages.append(message)
            phone = self._place(message.chat_id, phone_number(message.chat_id))
            phone.messages.append(message)
            self.touch(phone)


def _from_line(line: dict[str, Any]) -> Message:
    return Message(
        bare_id=line["id"].split("_")[2],
        chat_id=line["chatId"],
        text=line["texto"],
        from_me=line["id"].startswith("true"),
        at=datetime.fromisoformat(line["cuando"]).timestamp(),
        extra=line.get("adjunto"),
    )
