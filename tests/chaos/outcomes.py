"""Each fault of the gateway, judged by its row of the table of outcomes. Imports nothing of the desk."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.evidence import DOUBTFUL, SENT, Evidence
from tests.chaos.report import Report

ALWAYS_SENT, MAYBE_SENT = set(SENT), {*SENT, DOUBTFUL}
ANY = {*MAYBE_SENT, "fallido"}
# docs/delivery.md, rule 6: the first move, the HTTP answer, and where it may end. A limit is tried again.
TABLE: dict[str, tuple[str, int, set[str]]] = {
    "ninguna": ("enviado", 200, ALWAYS_SENT),
    "lento": ("enviado", 200, ALWAYS_SENT),
    "rechazar": ("fallido", 422, {"fallido"}),
    "limite": ("en_cola", 503, ANY),
    **dict.fromkeys(("colgar", "error_antes", "reinicio_antes"), (DOUBTFUL, 504, {DOUBTFUL})),
    **dict.fromkeys(("error_despues", "reinicio_despues", "goteo", "media_cabecera", "sin_id", "basura", "corta"),
                    (DOUBTFUL, 504, MAYBE_SENT)),
}  # fmt: skip
# What a POST says whose wait ended before its message's turn, or before the gateway's answer.
NOT_YET = {503, 504}
# A class that should be drawn less often than this may be missing.
SURELY = 10


@dataclass
class Landing:
    """Where the messages of one fault went, and those that were out of their row."""

    moves: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    exact: int = 0

    def __str__(self) -> str:
        parts = (self.moves.most_common(), self.answers.most_common(), self.ends.most_common())
        return "; ".join(", ".join(f"{name} {count}" for name, count in part) for part in parts)


def landings(evidence: Evidence) -> dict[str, Landing]:
    """By fault of the first send: the move that followed, the answer of its POST, and the state at the end.

    An attempt that never called the gateway, because the line closed before its first byte, was in no fault's hands.
    """
    faults: dict[str, str] = {}
    came: dict[str, float] = {}
    for line in evidence.calls:
        if line["que"] == "envio":
            faults.setdefault(line["texto"], line["falla"])
            came.setdefault(line["texto"], line["cuando"])
    texts = {row.id: row.text for row in evidence.rows}
    moves: dict[int, str] = {}
    for _, what, number, old, new, at in evidence.moves:
        if what == "message" and old == "enviando" and at >= came.get(texts.get(int(number), ""), math.inf):
            moves.setdefault(int(number), new)
    answers: dict[str, tuple[int, str]] = {}
    for told in evidence.told:
        answers.setdefault(told["text"], (told["status"], told["body"].get("status", "")))
    table: dict[str, Landing] = {}
    for row in evidence.rows:
        if row.text in answers and row.text in faults:
            landing = table.setdefault(faults[row.text], Landing())
            found = moves.get(row.id, "?"), answers[row.text], row.state
            landing.moves[found[0]] += 1
            landing.answers["{} {}".format(*found[1])] += 1
            landing.ends[found[2]] += 1
            first, status, ends = TABLE[faults[row.text]]
            landing.exact += found[1] == (status, first)
            if found[0] == DOUBTFUL:
                first, status, ends = DOUBTFUL, 504, {*ends, DOUBTFUL}
            if found[0] != first or found[1][0] not in {status, *NOT_YET} or found[2] not in ends:
                landing.wrong.append(f"{row.text}: {found}")
    return table


def outcomes(evidence: Evidence, report: Report, expected: float) -> None:
    """Each fault landed in its row, and each was drawn, when `expected` of it were."""
    table = landings(evidence)
    for fault, (first, _, _) in TABLE.items():
        landing = table.get(fault, Landing())
        total = sum(landing.moves.values())
        report.figures[f"fault {fault}"] = str(landing) if total else "not drawn"
        report.require(total > 0 or expected < SURELY, f"{fault}: no ocurrió")
        report.require(not landing.wrong, f"{fault}: {len(landing.wrong)} fuera de su renglón: {landing.wrong[:1]}")
        # Any POST may have ended before its turn came, but not all of them.
        report.require(landing.exact > 0 or not total or expected < SURELY, f"{fault}: ningún POST dijo lo suyo")
        # A machine that is too slow for the deadline makes any send doubtful, but not often.
        late = total - landing.moves[first]
        report.require(late <= max(1, total // 10), f"{fault}: {late} de {total} en duda")
