"""Runs in which the gateway is the one that fails."""

from __future__ import annotations

import time
from bisect import bisect_left
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.chaos.evidence import lines, query, read
from tests.chaos.fleet import Fleet, fleet
from tests.chaos.load import Load
from tests.chaos.outcomes import outcomes
from tests.chaos.report import Report
from tests.programs import until
from whatsapp.simulator.faults import FAULTS

# Of 1,000 messages, how many may meet a gateway that is away or hangs: 8 at once, and one at each later trial.
HANDFUL = 15
CONNECTED = "SELECT count(*) FROM whatsapp_connection WHERE connected"


def faulty(folder: Path, name: str, seed: int, *, messages: int = 5_000, chats: int = 100, rate: float = 0.01,
           postgres: bool = False) -> Report:  # fmt: skip
    """Every fault of the gateway at `rate`; each lands in its row of the table of outcomes."""
    report = Report(
        name,
        f"{messages} messages, every fault at {rate:.0%}: each in its row, "
        "90 % settled of the doubts that the gateway had accepted",
        seed,
    )
    # Clients wait longer than the gateway may take, or no POST would ever tell of a call that hung.
    with fleet(folder, postgres=postgres, WHATSAPP_TIMEOUT_S="2", ENVIO_ESPERA_S="4") as desk:
        tickets = desk.open_tickets(chats)
        desk.set_faults(tasas={fault: rate for fault in FAULTS if fault != "ninguna"}, semilla=seed)
        Load(desk, tickets, messages, seed).start().join(3_600)
        report.judge(desk, 420)
        evidence = read(desk.database, desk.told, desk.folder / "simulador")
    outcomes(evidence, report, expected=rate * messages)
    seen, accepted = report.figures["ever in doubt"], report.figures["in doubt and accepted"]
    settled = accepted - report.figures["doubtful though accepted"]
    report.figures["doubts with evidence that were settled"] = f"{settled} of {accepted}"
    report.require(settled >= 0.9 * accepted, f"{settled} de {accepted} dudas resueltas, de {seen}")
    return report


def away(folder: Path, name: str, seed: int, *, messages: int = 1_000, chats: int = 100, seconds: float = 120,
         per_second: float = 5, hang: bool = False) -> Report:  # fmt: skip
    """`messages` wait while the gateway is disconnected, or hangs; then all go out in order and not too fast."""
    what = "hangs" if hang else "is disconnected"
    little = f"at most {HANDFUL} sends and doubts" if hang else "no send, probes by the rule, no doubt"
    goal = f"the gateway {what} for {seconds:.0f} s with {messages} queued in {chats} chats: {little}, then "
    report = Report(name, f"{goal}all in order, at most {per_second:g} a second", seed)
    with fleet(folder, ENVIO_POR_SEGUNDO=f"{per_second:g}") as desk:
        tickets = desk.open_tickets(chats)
        until(lambda: not waiting(desk), 120, "los saludos")
        began = time.time()
        desk.set_faults(**({"falla": "colgar"} if hang else {"conexion": "desconectado"}))
        if not hang:
            until(lambda: not query(desk.database, CONNECTED)[0][0], 30, "que la mesa sepa que no hay conexión")
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
        report.require(report.figures["sends tried"] <= (HANDFUL if hang else 0), "envíos con el gateway caído")
        if not hang:
            rhythm(report, [line["cuando"] - began for line in calls if line["que"] == "estado"])
        back = time.time()
        desk.set_faults(falla="ninguna", conexion="conectado")
        report.judge(desk, 120 + 2 * messages / per_second)
        report.require(report.figures["ever in doubt"] <= (HANDFUL if hang else 0), "demasiadas dudas")
        report.require(report.figures.get("breaker opened", 0) > 0, "la conexión nunca se dio por caída")
        speed(desk, report, back, per_second)
    return report


def rhythm(report: Report, times: list[float]) -> None:
    """The gateway is asked every 5 s in the first minute and every 15 s after; the sweep comes up to 5 s late."""
    for name, shortest, longest, gaps in (
        ("first minute", 4.5, 10.5, [late - early for early, late in pairwise(times) if late <= 60]),
        ("after it", 14.5, 20.5, [late - early for early, late in pairwise(times) if early >= 60]),
    ):
        if gaps:
            report.figures[f"seconds between probes, {name}"] = f"{min(gaps):.1f} to {max(gaps):.1f}"
            report.require(shortest <= min(gaps) and max(gaps) <= longest, f"sondeos cada {gaps} ({name})")
    report.require(len(times) > 1, f"{len(times)} sondeos")


def waiting(desk: Fleet) -> int:
    found: Any = query(desk.database, "SELECT count(*) FROM chat_message WHERE state IN ('en_cola', 'enviando')")
    return int(found[0][0])


def speed(desk: Fleet, report: Report, since: float, per_second: float) -> None:
    """How fast what had waited went out: never faster than the rate, but for two calls that came late and soon."""
    calls = lines(desk.folder / "simulador" / "llamadas.jsonl")
    times = sorted(line["cuando"] for line in calls if line["que"] == "envio" and line["cuando"] >= since)
    if len(times) < 2:
        return
    worst = max(bisect_left(times, moment + 5) - number for number, moment in enumerate(times))
    report.figures["sent a second on average"] = average = round((len(times) - 1) / (times[-1] - times[0]), 2)
    report.figures["most in 5 seconds"] = worst
    report.require(0.8 * per_second <= average <= 1.02 * per_second, f"{average} por segundo")
    report.require(worst <= 5 * per_second + 2, f"{worst} en 5 s con {per_second:g} por segundo")
