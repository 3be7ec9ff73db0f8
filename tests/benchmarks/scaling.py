"""What one technician costs, worked out of what `make bench` measured: writes its part of docs/scaling.md.

python -m tests.benchmarks.scaling
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.benchmarks.report import RESULTS
from tests.programs import ROOT

PAGE = ROOT / "docs" / "scaling.md"
PART = re.compile(r"(<!-- medido:[^\n]*-->\n).*?(<!-- fin -->)", re.DOTALL)
# What a browser with a chat open and the stream up asks: the row and the figure where it was measured, how it is
# called, and how often a minute. The header counts as a poll of the table.
ASKED = (
    ("poll", "ETag", "one poll of the open chat", 60 / 5),
    ("poll", "presence", "saying once that one is there", 60 / 20),
    ("table", "fragment, 304", "one poll of the table", 2),
    ("table", "pending", "asking once for notifications", 1),
)
HALF = 0.5


def cost(results: dict[str, Any], row: str, figure: str) -> tuple[float, float]:
    """Milliseconds of processor a request takes of the web and of PostgreSQL."""
    web, database = re.findall(r"[\d.]+", results[row]["figures"][f"PostgreSQL, {figure}: CPU ms a request"])
    return float(web), float(database)


def table(results: dict[str, Any]) -> str:
    """The rows of the page's table; KeyError when something was not measured."""
    costs = [(name, cost(results, row, figure), often) for row, figure, name, often in ASKED]
    minute = [sum(often * ms[where] for _, ms, often in costs) for where in (0, 1)]
    lines = [
        "| | web | PostgreSQL |",
        "|---|---|---|",
        *(f"| {name}, {often:g} a minute, ms | {web:.2f} | {database:.2f} |" for name, (web, database), often in costs),
        f"| one technician, ms each minute | {minute[0]:.0f} | {minute[1]:.0f} |",
        f"| technicians whose pages half of a core bears | {people(minute[0])} | {people(minute[1])} |",
    ]
    measured = {results[row]["date"] for row in ("poll", "table")}
    return "\n".join(
        [*lines, "", f"Of the measurements of {' and '.join(sorted(measured))}; the machine is named there."]
    )


def people(ms_a_minute: float) -> int:
    """Two figures of it: the rest would be a promise."""
    return int(float(f"{HALF * 60_000 / ms_a_minute:.2g}"))


def write() -> None:
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    try:
        found = table(results)
    except KeyError as missing:
        found = f"Not measured yet: {missing.args[0]} (`python -m tests.benchmarks poll table`)."
    PAGE.write_text(PART.sub(lambda part: f"{part[1]}{found}\n{part[2]}", PAGE.read_text()))


if __name__ == "__main__":
    write()
