"""The random histories and the planted bugs of tests/properties, as runs whose figures are written with the others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.chaos.report import Report
from tests.programs import ROOT

DONE = re.compile(r"^(\d+) examples from PROPERTIES_SEED=\d+", re.MULTILINE)
CAUGHT = re.compile(r"^caught after ([\d.]+) s: «([^»]+)»", re.MULTILINE)
ENDED = re.compile(r"(\d+) (passed|failed|error|skipped)")


def random_histories(folder: Path, name: str, seed: int, *, examples: int = 4_000) -> Report:
    """`examples` random histories over the desk's own code: none breaks a law."""
    report = Report(name, f"{examples} random histories of sends, crashes, webhooks and decisions: 0 laws broken", seed)
    said = properties(report, folder, "test_delivery.py", PROPERTIES_EXAMPLES=str(examples))
    done = sum(int(count) for count in DONE.findall(said))
    report.figures["examples"] = done
    report.require(done >= examples, f"{done} de {examples} historias")
    return report


def planted_bugs(folder: Path, name: str, seed: int) -> Report:
    """Every planted bug is caught by the histories, each within its minute of CPU."""
    report = Report(name, "every planted bug is caught within 60 s of CPU", seed)
    said = properties(report, folder, "test_mutants.py")
    caught = {bug: float(seconds) for seconds, bug in CAUGHT.findall(said)}
    report.figures |= {"planted bugs caught": len(caught), "slowest, seconds": max(caught.values(), default=0)}
    report.figures |= {f"seconds until caught: {bug}": seconds for bug, seconds in sorted(caught.items())}
    report.require(bool(caught), "ningún error sembrado se detectó")
    return report


def properties(report: Report, folder: Path, file: str, **settings: str) -> str:
    """What one file of tests/properties printed in its long form; a test that failed or was skipped is blamed."""
    environment = {**os.environ, "PROPERTIES": "long", "PROPERTIES_SEED": str(report.seed), **settings}
    command = [sys.executable, "-m", "pytest", "-n", "2", "-rP", f"tests/properties/{file}"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    (folder / "pytest.log").write_text(ended.stdout + ended.stderr)
    counts = {what: int(count) for count, what in ENDED.findall(ended.stdout.rsplit("\n", 2)[-2])}
    bad = sum(counts.get(what, 0) for what in ("failed", "error", "skipped"))
    report.require(ended.returncode == 0 and not bad, f"{file}: {counts}, {folder / 'pytest.log'}")
    return ended.stdout
