"""What a run found, and the page that says so. Figures reach docs/chaos.md only from here."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import requests

from tests.chaos.evidence import DOUBTFUL, lines, query
from tests.chaos.fleet import Fleet
from tests.programs import ROOT, until

RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "chaos.md"
# Its table of runs stands between these two lines.
RULES = ROOT / "docs" / "delivery.md"
BEGIN, END = "<!-- make chaos writes from here -->\n", "<!-- to here -->\n"
# One after another: the last costs the desk under load a processor as long as thousands wait.
OPEN = (
    "SELECT count(*) FROM chat_message WHERE state IN ('en_cola', 'enviando')",
    "SELECT count(*) FROM whatsapp_webhookevent WHERE state = 'recibido'",
    "SELECT count(*) FROM whatsapp_webhookevent e"
    " JOIN chat_message m ON e.waits_on = 'message:' || m.gateway_id WHERE e.state = 'en_espera'",
)


@dataclass
class Report:
    """One run: what it should reach, what it reached, and what broke."""

    name: str
    goal: str
    seed: int
    figures: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0
    date: str = ""
    machine: str = ""
    scale: float = 1
    settings: str = ""
    latest: ClassVar[Report | None] = None

    def __post_init__(self) -> None:
        Report.latest = self
        print(f"{self.name}: semilla {self.seed}", flush=True)

    @property
    def passed(self) -> bool:
        return not self.broken

    def require(self, true: bool, what: str) -> None:
        """Blame the run itself for what the checker cannot see."""
        if not true:
            self.broken.setdefault("meta", []).append(what)

    def judge(self, fleet: Fleet, seconds: float = 120, sent_within: float = 0) -> None:
        """Faults off, wait until all has left (if asked) and nothing moves, and let the checker judge."""
        fleet.set_faults(falla="ninguna", tasas={}, tasas_avisos={}, conexion="conectado")
        self.settings, began, late = fleet.settings, time.monotonic(), ""
        try:
            if sent_within:
                until(lambda: left(fleet), sent_within)
                self.figures["seconds until all had left"] = round(time.monotonic() - began, 1)
            until(lambda: quiet(fleet), seconds)
        except AssertionError:
            self.figures["not quiet after"] = seconds
            late = f"no se aquietó en {seconds:.0f} s"
        self.figures["seconds until quiet"] = round(time.monotonic() - began, 1)
        command = [sys.executable, "-m", "tests.chaos.checker", fleet.database, str(fleet.told)]
        ended = subprocess.run([*command, str(fleet.folder / "simulador")], cwd=ROOT, capture_output=True, text=True)
        assert ended.stdout, ended.stderr
        verdict = json.loads(ended.stdout)
        self.figures |= verdict["counts"]
        self.broken |= verdict["broken"]
        if late:
            self.broken.setdefault("I6", []).append(late)


def left(fleet: Fleet) -> bool:
    """Whether no message waits to be sent any more."""
    time.sleep(0.3)
    try:
        return not query(fleet.database, OPEN[0])[0][0]
    except Exception:
        return False


def quiet(fleet: Fleet) -> bool:
    """Whether nothing is on its way and no doubt is left that the gateway could still settle."""
    time.sleep(0.3)
    try:
        if pending(fleet):  # first: what it delivers after that is among the open rows
            return False
        if any(query(fleet.database, open_rows)[0][0] for open_rows in OPEN):
            return False
        doubtful = query(fleet.database, f"SELECT text FROM chat_message WHERE state = '{DOUBTFUL}'")
    except Exception:
        return False  # the database itself, or the simulator, is on its way back
    texts = {line["texto"] for line in lines(fleet.folder / "simulador" / "aceptados.jsonl")}
    return not any(text in texts for (text,) in doubtful)


def pending(fleet: Fleet) -> int:
    """How many webhooks the gateway has still to deliver."""
    return int(requests.get(f"{fleet.simulator_url}/simulador/telefonos", timeout=10).json()["avisos"]["pendientes"])


def machine() -> str:
    cpu = platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{os.cpu_count()} CPU {cpu}, {memory:.0f} GiB, {versions}"


def measured(run: Callable[[], Report], name: str, seed: int, scale: float) -> Report:
    """Run it and print what it found. One that breaks off is a report too, or the page would show the last good one."""
    began, Report.latest = time.monotonic(), None
    try:
        report = run()
    except Exception as error:
        traceback.print_exc()
        report = Report.latest or Report(name, "", seed)
        report.require(False, f"se interrumpió: {type(error).__name__}: {error}")
    report.seconds, report.scale = round(time.monotonic() - began, 1), scale
    report.date, report.machine = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), machine()
    print(json.dumps(asdict(report), ensure_ascii=False, indent=1), flush=True)
    return report


def keep(report: Report, runs: Iterable[str]) -> None:
    """Put the report in the results, in place of the last one of the same run, and write the page again."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[report.name] = asdict(report)
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    write(results, runs)


def write(results: dict[str, dict[str, Any]], runs: Iterable[str]) -> None:
    """The page, and the table of docs/delivery.md."""
    PAGE.write_text(page(results, runs))
    before, _, rest = RULES.read_text().partition(BEGIN)
    RULES.write_text(f"{before}{BEGIN}\n{table(results)}\n\n{END}{rest.partition(END)[2]}")


def table(results: dict[str, dict[str, Any]]) -> str:
    """One line a run: what it should reach, and what was counted."""
    rows = ["| run | goal | lost, duplicated, reordered | scale | took | when |", "|---|---|---|---|---|---|"]
    for name, result in sorted(results.items()):
        counted = ", ".join(str(result["figures"].get(word, 0)) for word in ("lost", "duplicated", "reordered"))
        failed = " **FAILED**" if result["broken"] else ""
        rows.append(
            f"| {name}{failed} | {result['goal']} | {counted} | {result['scale']} | {result['seconds']:.0f} s "
            f"| {result['date']} |"
        )
    machines = sorted({result["machine"] for result in results.values()})
    return "\n".join(rows) + f"\n\nOn {'; '.join(machines)}. All figures: [chaos.md](chaos.md)."


def page(results: dict[str, dict[str, Any]], runs: Iterable[str]) -> str:
    """docs/chaos.md; `runs` are all there are, so that it says which have no result."""
    parts = [
        "# Chaos: what was broken on purpose, and what was counted",
        "Written by `make chaos`; never by hand. [delivery.md](delivery.md) has the invariants I1 to I8; `lost`, "
        "`duplicated` and `reordered` are judged by `tests/chaos/checker.py`, which imports nothing of the desk. "
        "`doubtful` are the messages left to a person. A scale below 1 is a shorter run than `make chaos` alone.",
    ]
    if missing := [name for name in runs if name not in results]:
        parts.append(f"Without a result yet: {', '.join(missing)}.")
    for name, result in sorted(results.items()):
        verdict = "passed" if not result["broken"] else "**FAILED**"
        parts.append(f"## {name}: {verdict}")
        parts.append(f"{result['goal']}\n\nScale {result['scale']}, seed {result['seed']}, {result['seconds']} s, "
                     f"{result['date']}, {result['machine']}.")  # fmt: skip
        if settings := result.get("settings"):
            parts.append(f"Settings: {settings}.")
        table = ["| figure | value |", "|---|---|"]
        table += [f"| {key} | {value} |" for key, value in result["figures"].items()]
        parts.append("\n".join(table))
        parts += [f"- {invariant}: {len(found)}, such as: {found[0]}" for invariant, found in result["broken"].items()]
    return "\n\n".join(parts) + "\n"
