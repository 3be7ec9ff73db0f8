"""Runs in which the gateway is the one that fails."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.chaos.evidence import Evidence, lines, query, read
from tests.chaos.fleet import Fleet, fleet
from tests.chaos.load import Load
from tests.chaos.report import Report
from tests.programs import until
from whatsapp.simulator.faults import FAULTS

# docs/delivery.md, rule 6: what each fault must become at first.
OUTCOME = {
    "ninguna": {"enviado"},
    "lento": {"enviado"},
    "rechazar": {"fallido"},
    "limite": {"en_cola"},
    **{fault: {"sin_confirmar"} for fault in ("colgar", "reinicio_antes", "reinicio_despues", "error_antes",
       "error_despues", "goteo", "media_cabecera", "sin_id", "basura", "corta")},
}  # fmt: skip


def faulty(folder: Path, name: str, seed: int, *, messages: int = 5_000, chats: int = 100, rate: float = 0.01,
           postgres: bool = False) -> Report:  # fmt: skip
    """Every fault of the gateway at `rate`; each lands in its row of the table of outcomes."""
    report = Report(
        name, f"{messages} messages, every fault at {rate:.0%}: each in its row, 90 % of doubts settled", seed
    )
    print(f"{name}: semilla {seed}", flush=True)
    with fleet(folder, postgres=postgres, WHATSAPP_TIMEOUT_S="2") as desk:
        tickets = desk.open_tickets(chats)
        desk.set_faults(tasas={fault: rate for fault in FAULTS if fault != "ninguna"}, semilla=seed)
        Load(desk, tickets, messages, seed).start().join(3_600)
        report.judge(desk, 420)
        evidence = read(desk.database, desk.told, desk.folder / "simulador")
    outcomes(evidence, report)
    seen, accepted = report.figures["ever in doubt"], report.figures["in doubt and accepted"]
    settled = accepted - report.figures["doubtful though accepted"]
    report.figures["doubts with evidence that were settled"] = f"{settled} of {accepted}"
    report.require(settled >= 0.9 * accepted, f"{settled} de {accepted} dudas resueltas, de {seen}")
    return report


def outcomes(evidence: Evidence, report: Report) -> None:
    """Compare each first call's fault with the move that followed it."""
    rows = {row.text: row for row in evidence.rows if row.text.startswith("mensaje ")}
    first: dict[str, str] = {}
    for line in evidence.calls:
        if line["que"] == "envio":
            first.setdefault(line["texto"], line["falla"])
    after: dict[int, str] = {}
    for _, what, row, old, new, _ in evidence.moves:
        if what == "message" and old == "enviando":
            after.setdefault(int(row), new)
    table: dict[str, dict[str, int]] = {}
    for text, fault in first.items():
        if text in rows:
            became = after.get(rows[text].id, "?")
            table.setdefault(fault, {})[became] = table.get(fault, {}).get(became, 0) + 1
    for fault, counts in sorted(table.items()):
        report.figures[f"fault {fault}"] = ", ".join(f"{state} {count}" for state, count in sorted(counts.items()))
        # A machine that is too slow for the deadline makes any fault doubtful; that is what the row is for.
        wrong = {state: count for state, count in counts.items() if state not in OUTCOME[fault] | {"sin_confirmar"}}
        report.require(not wrong, f"{fault}: {wrong}")


def away(folder: Path, name: str, seed: int, *, messages: int = 1_000, chats: int = 100, seconds: float = 120,
         per_second: float = 20, hang: bool = False) -> Report:  # fmt: skip
    """`messages` wait while the gateway is disconnected, or hangs; then all go out in order and not too fast."""
    what = "hangs" if hang else "is disconnected"
    goal = f"the gateway {what} for {seconds:.0f} s with {messages} queued in {chats} chats: probes and no send, then "
    report = Report(name, f"{goal}all in order, at most {per_second:g} a second", seed)
    print(f"{name}: semilla {seed}", flush=True)
    with fleet(folder, ENVIO_POR_SEGUNDO=f"{per_second:g}") as desk:
        tickets = desk.open_tickets(chats)
        until(lambda: not waiting(desk), 120, "los saludos")
        began = time.time()
        desk.set_faults(**({"falla": "colgar"} if hang else {"conexion": "desconectado"}))
        Load(desk, tickets, messages, seed).start().join(1_800)
        left = max(0, began + seconds - time.time())
        if left:
            time.sleep(left)  # the length of the outage is what is rehearsed
        calls = [line for line in lines(desk.folder / "simulador" / "llamadas.jsonl") if line["cuando"] >= began]
        report.figures |= {
            "messages": messages, "chats": chats, "seconds away": round(time.time() - began),
            "probes": len([line for line in calls if line["que"] == "estado"]),
            "sends tried": len([line for line in calls if line["que"] == "envio"]),
        }  # fmt: skip
        report.require(report.figures["sends tried"] <= 40, "envíos con el gateway caído")
        report.require(report.figures["probes"] >= max(1, seconds // 20), "el gateway no fue sondeado")
        back = time.time()
        desk.set_faults(falla="ninguna", conexion="conectado")
        report.judge(desk, 60 + 3 * messages / per_second)
        speed(desk, report, back, per_second)
    return report


def waiting(desk: Fleet) -> int:
    found: Any = query(desk.database, "SELECT count(*) FROM chat_message WHERE state IN ('en_cola', 'enviando')")
    return int(found[0][0])


def speed(desk: Fleet, report: Report, since: float, per_second: float) -> None:
    """How fast what had waited went out; a window of one second must not hold more than the rate and one burst."""
    calls = lines(desk.folder / "simulador" / "llamadas.jsonl")
    times = sorted(line["cuando"] for line in calls if line["que"] == "envio" and line["cuando"] >= since)
    if len(times) < 2:
        return
    worst = max(sum(1 for other in times if moment <= other < moment + 5) for moment in times[::5])
    report.figures["sent a second on average"] = round(len(times) / (times[-1] - times[0]), 2)
    report.figures["most in 5 seconds"] = worst
    report.require(worst <= 5 * per_second * 1.1 + 3, f"{worst} en 5 s con {per_second:g} por segundo")
