"""The judge of single faults: each must have happened, and each must be where the table of outcomes says."""

from __future__ import annotations

from typing import Any

from tests.chaos.evidence import Evidence
from tests.chaos.outcomes import SURELY, TABLE, outcomes
from tests.chaos.report import Report
from tests.chaos.test_checker import row

NUMBERS = {fault: number for number, fault in enumerate(TABLE, start=1)}


def judged(moved: dict[str, str] | None = None, answered: dict[str, int] | None = None, missing: str = "",
           expected: float = SURELY, said: str = "", before: tuple[Any, ...] = (),
           **ended: str) -> list[str]:  # fmt: skip
    """What is blamed on a run with one message of each fault, all in their rows but for what is given."""
    there: dict[str, Any] = {fault: number for fault, number in NUMBERS.items() if fault != missing}
    moves = {fault: TABLE[fault][0] for fault in there} | (moved or {})
    answers = {fault: TABLE[fault][1] for fault in there} | (answered or {})
    ends = {fault: min(TABLE[fault][2]) for fault in there} | ended
    report = Report("prueba", "", 1)
    evidence = Evidence(
        told=[
            {"text": f"texto {number}", "status": answers[fault], "body": {"status": said or TABLE[fault][0]}}
            for fault, number in there.items()
        ],
        calls=[{"que": "envio", "texto": f"texto {number}", "falla": fault, "cuando": 1.0}
               for fault, number in there.items()],
        rows=[row(number, state=ends[fault]) for fault, number in there.items()],
        moves=[*before, *((n, "message", str(n), "enviando", moves[fault], 2.0) for fault, n in there.items())],
        accepted=[], written=[], notices=[], events={}, postgres=False,
    )  # fmt: skip
    outcomes(evidence, report, expected)
    return report.broken.get("meta", [])


def test_a_run_in_which_every_fault_is_in_its_row_is_not_blamed() -> None:
    assert judged() == []


def test_an_attempt_that_never_called_the_gateway_is_in_no_row() -> None:
    stopped = (0, "message", str(NUMBERS["ninguna"]), "enviando", "en_cola", 0.5)
    assert judged(before=(stopped,), answered={"ninguna": 503}, expected=SURELY - 1) == []
    assert judged(before=((*stopped[:5], 1.5),), answered={"ninguna": 503}, expected=SURELY - 1)


def test_what_never_happened_is_blamed_when_it_should_have() -> None:
    assert judged(missing="reinicio_despues") == ["reinicio_despues: no ocurrió"]
    assert judged(missing="reinicio_despues", expected=SURELY - 1) == []


def test_a_class_of_which_no_post_told_its_outcome_is_blamed() -> None:
    early = "colgar: ningún POST dijo lo suyo"
    assert judged(answered={"colgar": 503}) == [early]
    assert early in judged(said="enviando")
    assert judged(answered={"colgar": 503}, expected=SURELY - 1) == []


def test_each_part_of_a_row_counts() -> None:
    assert judged(moved={"error_antes": "en_cola"})
    assert judged(answered={"rechazar": 200})
    assert judged(error_antes="enviado")
    assert judged(rechazar="enviado")
