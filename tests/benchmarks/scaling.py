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
# Requests a minute of a browser with a chat open and the stream up. Saying who is here counts as a poll of the chat,
# the header as one of the table.
CHAT, TABLE = 60 / 5 + 60 / 20, 2
HALF = 0.5


def cost(results: dict[str, Any], row: str, figure: str) -> tuple[float, float]:
    """Milliseconds of processor a request takes of the web and of PostgreSQL."""
    web, database = re.findall(r"[\d.]+", results[row]["figures"][f"PostgreSQL, {figure}: CPU ms a request"])
    return float(web), float(database)


def table(results: dict[str, Any]) -> str:
    """The rows of the page's table; KeyError when something was not measured."""
    chat, fragment = cost(results, "poll", "ETag"), cost(results, "table", "fragment, 304")
    minute = [CHAT * chat[where] + TABLE * fragment[where] for where in (0, 1)]
    lines = [
        "| | web | PostgreSQL |",
        "|---|---|---|",
        f"| one poll of the open chat, ms | {chat[0]:.2f} | {chat[1]:.2f} |",
        f"| one poll of the table, ms | {fragment[0]:.2f} | {fragment[1]:.2f} |",
        f"| one technician, ms each minute | {minute[0]:.0f} | {minute[1]:.0f} |",
        f"| technicians whose polls half of a core bears | {people(minute[0])} | {people(minute[1])} |",
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
