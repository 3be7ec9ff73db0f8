"""The judge itself: it imports nothing of the desk, and each thing that can break is seen."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.checker import judge
from tests.chaos.evidence import Evidence, Row

HERE = Path(__file__).parent
KEY = "00000000-0000-4000-8000-00000000000{}"


def imported(path: Path) -> set[str]:
    """The modules that a file imports, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_the_judge_imports_nothing_of_the_desk() -> None:
    for name in ("checker.py", "arrivals.py", "endings.py", "evidence.py"):
        others = {module for module in imported(HERE / name) if module.split(".")[0] not in sys.stdlib_module_names}
        assert others <= {"psycopg", "tests.chaos.arrivals", "tests.chaos.endings", "tests.chaos.evidence"}, name


def row(number: int, **more: object) -> Row:
    fields = {"id": number, "conversation": 1, "ticket": 1, "seq": number, "role": "tecnico", "text": f"texto {number}",
              "key": KEY.format(number), "state": "enviado", "gateway_id": f"3EB{number}", "attempts": 1,
              "settled_by": None, "address": "5215500000000"}  # fmt: skip
    return Row(**{**fields, **more})  # type: ignore[arg-type]


def accepted(number: int) -> dict[str, str]:
    return {"id": f"true_5215500000000@c.us_3EB{number}", "chatId": "5215500000000@c.us", "texto": f"texto {number}"}


def told(number: int) -> dict[str, object]:
    return {"key": KEY.format(number), "ticket": 1, "text": f"texto {number}", "status": 200, "body": {"seq": number}}


def refused(good: Evidence, status: int, state: str = "fallido", **more: object) -> Evidence:
    """The second message was never accepted, and its client was told `status`."""
    second = {**told(2), "status": status}
    return replace(good, told=[told(1), second], accepted=[accepted(1)], rows=[row(1), row(2, state=state, **more)])


def noticed(good: Evidence, kind: str = "escrito", events: int = 1, status: int = 200, **more: object) -> Evidence:
    """A storm's webhook with a person's words, which are in the row 3 unless `more` says otherwise."""
    line = {"id": "false_5215500000000@c.us_3EB3", "chatId": "5215500000000@c.us", "texto": "texto 3",
            "que": kind, "aviso": "message.any:evt_3", "estado": status}  # fmt: skip
    kept = row(3, role="user", key="", state="recibido", attempts=0)
    return replace(good, **{"notices": [line], "rows": [*good.rows, kept], "ledger": {"message.any:evt_3": events},
                            **more})  # type: ignore[arg-type]  # fmt: skip


def moves(*given: tuple[str, str, str, str]) -> list[tuple[int, str, str, str, str, float]]:
    return [(number, *one, float(number)) for number, one in enumerate(given)]


@pytest.fixture
def good() -> Evidence:
    sent = [("message", str(number), *pair) for number in (1, 2)
            for pair in (("en_cola", "enviando"), ("enviando", "enviado"))]  # fmt: skip
    return Evidence(
        told=[told(1), told(2)], accepted=[accepted(1), accepted(2)], calls=[], written=[], notices=[],
        rows=[row(1), row(2)], moves=moves(*sent), events={"procesado": 2}, postgres=False,
    )  # fmt: skip


def test_a_run_in_which_all_went_well_is_not_blamed(good: Evidence) -> None:
    verdict = judge(good)
    assert verdict.broken == {}
    assert (verdict.counts["sent"], verdict.counts["accepted"], verdict.counts["acknowledged"]) == (2, 2, 2)


CRIMES: dict[str, tuple[str, Callable[[Evidence], Evidence]]] = {
    "a row that was told is gone": ("I1", lambda good: replace(good, rows=[row(1)])),
    "a key is two rows": ("I1", lambda good: replace(good, rows=[*good.rows, row(3, key=KEY.format(1))])),
    "another text is kept": ("I1", lambda good: replace(good, rows=[row(1), row(2, text="otro")])),
    "sent twice": ("I2", lambda good: replace(good, accepted=[*good.accepted, {**accepted(1), "id": "a_b_c"}])),
    "sent and still queued": ("I2", lambda good: replace(good, rows=[row(1), row(2, state="en_cola")])),
    "overtaken": ("I3", lambda good: replace(good, accepted=[accepted(2), accepted(1)])),
    "told as sent and never accepted": ("I4", lambda good: replace(good, accepted=[accepted(1)])),
    "failed though accepted": ("I4", lambda good: replace(good, rows=[row(1), row(2, state="fallido")])),
    "a move that is not in the table": (
        "I5", lambda good: replace(good, moves=moves(("message", "1", "sin_confirmar", "en_cola")))),
    "still queued at the end": (
        "I6", lambda good: replace(good, accepted=[accepted(1)], rows=[row(1), row(2, state="en_cola")])),
    "an event nobody handled": ("I6", lambda good: replace(good, events={"recibido": 1})),
    "moved twice by equal webhooks": (
        "I7", lambda good: replace(good, moves=moves(*[("message", "1", "enviado", "entregado")] * 2))),
    "an echo shown as another message": (
        "I7", lambda good: replace(good, rows=[*good.rows, row(3, key="", attempts=0, gateway_id="3EB1")])),
    "sent while the breaker was open": (
        "I8", lambda good: replace(
            good, moves=moves(("session", "waha", "1", "0"), ("message", "1", "en_cola", "enviando")))),
    "called without an attempt": (
        "I9", lambda good: replace(good, calls=[{"que": "envio", "texto": "texto 1", "falla": "ninguna"}] * 2)),
    "called without a body, and without an attempt": (
        "I9", lambda good: replace(good, calls=[{"que": "envio", "texto": None, "falla": "ninguna"}] * 3)),
    "told as sent and failed": ("I4", lambda good: replace(good, rows=[row(1), row(2, state="fallido", crashes=5)],
                                                          accepted=[accepted(1)])),
    "told as refused and sent": ("I4", lambda good: replace(good, told=[told(1), {**told(2), "status": 422}])),
    "failed and nobody refused it": ("I6", lambda good: refused(good, 503)),
    "discarded by nobody": ("I6", lambda good: refused(good, 503, "descartado")),
    "discarded though accepted": (
        "I4", lambda good: replace(good, told=[], rows=[row(1), row(2, state="descartado", settled_by=1)])),
    "overtaken before its doubt": (
        "I3", lambda good: replace(good, accepted=[accepted(2), accepted(1)], moves=moves(
            ("message", "1", "en_cola", "enviando"), ("message", "2", "en_cola", "enviando"),
            ("message", "2", "enviando", "enviado"), ("message", "1", "enviando", "sin_confirmar")))),
    "an event that waits for what is there": ("I6", lambda good: replace(good, stuck=1)),
    "a webhook's event lost": ("I1", lambda good: noticed(good, events=0)),
    "a webhook's row lost": ("I1", lambda good: noticed(good, rows=good.rows)),
    "a webhook's words in two rows": ("I1", lambda good: noticed(good, rows=[*good.rows, *(
        row(number, role="user", key="", state="recibido", attempts=0, text="texto 3") for number in (3, 4))])),
    "a tick that is not the last": ("I7", lambda good: noticed(good, "palomita")),
    "a forged webhook taken": ("I1", lambda good: noticed(good, "falso", status=200, rows=good.rows, ledger={})),
    "a forged webhook's words shown": ("I1", lambda good: noticed(good, "falso", status=401, ledger={})),
    "a truncated webhook's event kept": ("I1", lambda good: noticed(good, "truncado", status=401)),
    "a person's words lost": (
        "I1", lambda good: replace(good, written=[{"chatId": "5215500000000@c.us", "texto": "hola", "id": "f_c_x"}])),
}  # fmt: skip


def test_a_call_whose_body_never_came_is_somebody_s_attempt(good: Evidence) -> None:
    assert not judge(replace(good, calls=[{"que": "envio", "texto": None, "falla": "ninguna"}])).broken


@pytest.mark.parametrize("crime", CRIMES)
def test_every_crime_is_seen(good: Evidence, crime: str) -> None:
    invariant, commit = CRIMES[crime]
    assert invariant in judge(commit(good)).broken


def test_what_was_in_doubt_when_a_later_one_was_sent_may_be_overtaken(good: Evidence) -> None:
    doubted = replace(
        good,
        accepted=[accepted(2), accepted(1)],
        moves=moves(("message", "1", "enviando", "sin_confirmar"), ("message", "2", "en_cola", "enviando")),
    )
    verdict = judge(doubted)
    assert verdict.broken == {}
    assert verdict.counts["reordered after doubt"] == 1


@pytest.mark.parametrize("line", [{"texto": "texto 2", "falla": "rechazar"}, {"texto": None, "falla": "ninguna"}])
def test_what_the_gateway_refused_may_fail(good: Evidence, line: dict[str, object]) -> None:
    assert not judge(replace(refused(good, 422), calls=[{"que": "envio", **line}])).broken


def test_what_our_own_errors_failed_is_counted(good: Evidence) -> None:
    verdict = judge(refused(good, 422, crashes=5))
    assert not verdict.broken
    assert verdict.counts["failed by our own errors"] == 1


def test_what_a_person_discarded_and_what_the_assistant_withdrew_is_not_blamed(good: Evidence) -> None:
    assert not judge(refused(good, 504, "descartado", settled_by=1)).broken
    assert not judge(refused(good, 503, "descartado", role="assistant")).broken


def test_a_storm_in_which_all_was_taken_once_is_not_blamed(good: Evidence) -> None:
    assert not judge(noticed(good)).broken
    assert not judge(noticed(good, "truncado", status=401, ledger={})).broken
