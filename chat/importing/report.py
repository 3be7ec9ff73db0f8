"""What an import did, or would do, for the person who ran it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from chat.importing.plan import Person
from chat.importing.reading import Draft

SHOWN = 50


@dataclass
class Report:
    """Counts, and by reason the tickets that were left out or had to be adapted."""

    read: int = 0
    imported: int = 0
    same: int = 0
    more: int = 0
    lines: int = 0
    people: int = 0
    closed: int = 0
    photos: int = 0
    photos_left: int = 0
    skipped: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    problems: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def skip(self, reason: str, label: str) -> None:
        self.skipped[reason].append(label)

    def problem(self, reason: str, number: int) -> None:
        self.problems[reason].append(f"#{number}")

    @property
    def complete(self) -> bool:
        """Whether everything that the origin has is here."""
        return not self.skipped

    @property
    def changed(self) -> bool:
        """Whether there was anything to write."""
        return bool(self.imported or self.more or self.photos)

    def add(self, person: Person, drafts: dict[int, Draft]) -> None:
        """What was done for one person."""
        changed = [(number, lines) for number, (_, lines) in person.more.items() if lines]
        self.imported += len(person.new)
        self.same += len(person.same)
        self.more += len(changed)
        self.lines += sum(len(lines) for _, lines in changed) + sum(len(draft.lines) for draft in person.new)
        self.people += person.is_new
        self.closed += len(person.closes)
        for number, reason in person.left.items():
            self.skip(reason, f"#{number}")
        for number in [*(draft.number for draft in person.new), *(number for number, _ in changed)]:
            for reason in drafts[number].problems:
                self.problem(reason, number)

    def text(self, *, everything: bool = False) -> list[str]:
        """The report as lines; of each reason the first tickets, or all of them."""
        return [
            f"Filas leídas: {self.read}",
            f"Tickets importados: {self.imported} (personas nuevas: {self.people})",
            f"Ya estaban: {self.same}; con líneas nuevas: {self.more}",
            f"Líneas de conversación: {self.lines}",
            f"Abiertos que se cerraron porque su persona tiene otro abierto: {self.closed}",
            f"Fotos: {self.photos}"
            + (f"; sin copiar, por falta de --fotos: {self.photos_left}" if self.photos_left else ""),
            *reasons("No se importó", self.skipped, everything=everything),
            *reasons("Se adaptó", self.problems, everything=everything),
        ]


def reasons(title: str, found: dict[str, list[str]], *, everything: bool) -> list[str]:
    lines = [f"{title}:"] if found else []
    for reason, labels in sorted(found.items()):
        shown = labels if everything else labels[:SHOWN]
        rest = len(labels) - len(shown)
        more = f" y {rest} más (con --verbosity 2, todos)" if rest else ""
        lines.append(f"  - {reason} ({len(labels)}): {', '.join(shown)}{more}")
    return lines
