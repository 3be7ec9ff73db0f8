"""No question that is asked all day long reads all messages, tickets or events: on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.programs import ROOT, Desk, postgres_server

TICKETS, MESSAGES = 3000, 6


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk full of tickets, none of whose processes runs."""
    folder: Path = tmp_path_factory.mktemp("full")
    with ExitStack() as stack:
        more = {"DATABASE_URL": stack.enter_context(postgres_server(folder))} if request.param == "postgresql" else {}
        desk = Desk(folder, **more)
        desk.manage("migrate", "-v0")
        run(desk, "tests.benchmarks.data", str(TICKETS), str(MESSAGES))
        yield desk


def run(desk: Desk, *module: str) -> str:
    command = [sys.executable, "-m", *module]
    ended = subprocess.run(command, cwd=ROOT, env=desk.environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_nothing_that_is_asked_all_day_long_reads_a_whole_table(full: Desk) -> None:
    found: dict[str, list[str]] = json.loads(run(full, "tests.plans"))
    assert len(found) > 20
    assert {name: steps for name, steps in found.items() if steps} == {}
