"""What a row found, and the page that says so. Figures reach docs/benchmarks.md only from here."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.programs import ROOT

RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "benchmarks.md"
PACKAGES = ("Django", "djangorestframework", "granian", "gunicorn", "uvicorn", "celery", "psycopg", "redis")


@dataclass
class Row:
    """One row of the goals: what it should reach, what it reached, by how much it is missed, and why if it is."""

    name: str
    what: str
    goal: str
    figures: dict[str, Any] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    why: str = ""
    scale: float = 1
    date: str = ""
    machine: str = ""

    def require(self, true: bool, what: str) -> None:
        """Say `what` is missed unless it is `true`."""
        if not true:
            self.missed.append(what)

    def at_least(self, name: str, value: float, least: float) -> None:
        """A figure, and that it has to be so large."""
        self.figures[name] = round(value, 2)
        self.require(value >= least, f"{name}: {value:.2f}, and the goal is at least {least:g}")

    def at_most(self, name: str, value: float, most: float) -> None:
        """A figure, and that it may be no larger."""
        self.figures[name] = round(value, 2)
        self.require(value <= most, f"{name}: {value:.2f}, and the goal is at most {most:g}")


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} CPU {platform.machine()}, {memory:.0f} GiB, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {found}; load {os.getloadavg()[0]:.1f} before it began"
    )


def keep(row: Row, scale: float, where: str) -> None:
    """Put the row in the results in place of its last one, and write the page again."""
    row.scale, row.machine, row.date = scale, where, datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    print(json.dumps(asdict(row), ensure_ascii=False, indent=1), flush=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[row.name] = asdict(row)
    RESULTS.write_text(json.dumps(dict(sorted(results.items())), ensure_ascii=False, indent=1) + "\n")
    PAGE.write_text(page(results))


INTRODUCTION = """\
# Benchmarks: the goals, and what was measured

Written by `make bench`; never by hand. Every row is measured beside its control in the same run, in turns, and the
figure is the median: believe the ratios, never an absolute figure, which is this machine's at that hour. `control` is
bare Django (`tests/benchmarks/control.py`: a session from the database, its user, 20 messages by `.values_list`) under
gunicorn with 2 processes of 4 threads; ours runs as in production (granian, `config/web.py`) with as many. 32
connections, a random ticket for each request. `CPU` is the server's processor time for each request, from /proc. A
scale below 1 is a smaller or shorter run than `make bench` alone."""


def page(results: dict[str, dict[str, Any]]) -> str:
    """docs/benchmarks.md."""
    parts = [INTRODUCTION]
    summary = ["| row | goal | verdict |", "|---|---|---|"]
    for name, row in sorted(results.items()):
        summary.append(f"| [{name}](#{name}) | {row['goal']} | {'**missed**' if row['missed'] else 'met'} |")
    parts.append("\n".join(summary))
    for name, row in sorted(results.items()):
        parts.append(f"## {name}\n\n{row['what']} Goal: {row['goal']}.")
        figures = (f"| {figure} | {value} |" for figure, value in row["figures"].items())
        parts.append("\n".join(["| figure | value |", "|---|---|", *figures]))
        parts += [f"**Missed.** {missed}." for missed in row["missed"]]
        if row["missed"] and row.get("why"):
            parts.append(f"Why: {row['why']}")
        parts.append(f"{row['date']}, scale {row['scale']:g}, {row['machine']}.")
    return "\n\n".join(parts) + "\n"
