"""One row of the origin as a ticket of this desk: its columns, its thread, and what had to be adapted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from chat.importing.history import LOST, Line, line_key, lines_of
from chat.importing.moments import moment
from chat.importing.source import Row
from chat.models import Role
from tickets.identity import Identity
from tickets.models import State, Ticket
from tickets.text import fold

# Ticket's columns and theirs; what is longer than ours is cut here, and whole in the note.
SHORT = {
    "name": "nombre_usuario",
    "department": "departamento",
    "equipment": "tipo_equipo",
    "asset": "numero_activo",
    "category": "categoria",
}
LIMITS = {field.name: field.max_length for field in Ticket._meta.fields if field.name in SHORT and field.max_length}
STATES = {fold(state): state for state in State.values}
NOTE_BEGINS = "Ticket importado de la mesa de ayuda anterior."
LONGEST_NOTE = 20_000


# A person, however their address is spelt.
Whose = tuple[str, str]


@dataclass
class Draft:
    """A ticket to bring. `mark` tells it from one of the same number in another origin."""

    number: int
    who: Identity
    mark: list[str]
    created: datetime
    state: str
    columns: dict[str, str]
    lines: list[Line]
    photo: str
    note: str = NOTE_BEGINS
    problems: list[str] = field(default_factory=list)

    @property
    def whose(self) -> Whose:
        return whose(self.who)

    @property
    def key(self) -> uuid.UUID:
        """The key of the note that every imported ticket begins with."""
        return note_key(self.number)

    @property
    def details(self) -> dict[str, list[str]]:
        """What that note keeps of where it came from."""
        return {"origen": self.mark}

    def tell(self, label: str, value: str) -> None:
        """Keep in the note what has no column here."""
        if value.strip():
            self.note = f"{self.note}\n{label}: {value.strip()}"[:LONGEST_NOTE]


def whose(who: Identity) -> Whose:
    return who.kind, who.key


def note_key(number: int) -> uuid.UUID:
    return line_key(number, "ticket")


def mark_of(who: Identity, fecha: str) -> list[str]:
    return [who.key, fecha[:40]]


def draft_of(row: Row, number: int, who: Identity, known: datetime, zone: ZoneInfo) -> Draft:
    """`row` as a ticket. `known` is about when it was made, for where it does not say."""
    said = row.values
    history = lines_of(said["historial_conversacion"], number, moment(said["fecha"], zone) or known, zone)
    created = moment(said["fecha"], zone)
    draft = Draft(
        number=number,
        who=who,
        mark=mark_of(who, said["fecha"]),
        created=created or (history.lines[0].at if history.lines else known),
        state=STATES.get(fold(said["estado"]), State.PENDING),
        columns={},
        lines=history.lines,
        photo=said["foto_path"].strip(),
        problems=list(history.problems),
    )
    if created is None:
        draft.problems.append(
            "Su fecha falta o no se entiende: lleva la de su primer mensaje o la del ticket anterior."
        )
    if fold(said["estado"]) not in STATES:
        draft.problems.append(f"Estado desconocido «{said['estado'][:40]}»: queda {draft.state}.")
        draft.tell("Estado anterior", said["estado"])
    fill_columns(draft, said)
    add_lost_words(draft)
    write_note(draft, said)
    if history.unreadable:
        draft.tell("Historial que no se pudo leer", history.unreadable)
    return draft


def fill_columns(draft: Draft, said: dict[str, str]) -> None:
    for name, theirs in SHORT.items():
        value, limit = " ".join(said[theirs].split()), LIMITS[name]
        draft.columns[name] = value[:limit]
        if len(value) > limit:
            draft.problems.append(f"«{theirs}» pasa de {limit} caracteres: se recortó, y entero está en su nota.")
            draft.tell(theirs, value)
    draft.columns["fault"] = said["falla_detallada"].strip() or said["descripcion"].strip()


def add_lost_words(draft: Draft) -> None:
    """What the person wrote last before their ticket was made: the origin kept it outside of the history.

    Its first version kept nothing else; the later one saved the history before adding the answer that made the ticket.
    """
    words = draft.columns["fault"]
    if not words or any(line.role == Role.USER and line.text.strip() == words for line in draft.lines):
        return
    at = next((at for at, line in enumerate(draft.lines) if line.role == Role.TECHNICIAN), len(draft.lines))
    when = max([draft.created, *(line.at for line in draft.lines[:at])])
    draft.lines.insert(at, Line(line_key(draft.number, LOST), Role.USER, words, when))


def write_note(draft: Draft, said: dict[str, str]) -> None:
    summary = said["descripcion"].strip()
    if not draft.columns["fault"].startswith(summary):
        draft.tell("Descripción", summary)
    draft.tell("Diagnóstico del asistente", said["diagnostico_ia"])
    draft.tell("Requiere técnico", {"1": "sí", "0": "no"}.get(said["requiere_tecnico"], said["requiere_tecnico"]))
    if fold(said["estado_conversacion"]) != "completo":
        draft.tell("Conversación", said["estado_conversacion"])
    draft.tell("Registro", said["log_file_path"])
    draft.tell("Foto", draft.photo)
