"""The machine is worth what it catches: every planted bug, each within a minute. Three of them in `make test`."""

from __future__ import annotations

import time

import pytest
from django.db import IntegrityError
from hypothesis.errors import FlakyFailure

from tests.properties.gateway import CRASHES, Attempt, Killed
from tests.properties.laws import Broken
from tests.properties.machine import run, set_up
from tests.properties.mutants import MUTANTS, Mutant
from tests.properties.options import LONG, sqlite_only

pytestmark = [pytest.mark.django_db(transaction=True), sqlite_only]
# A law, a constraint, or the application's own guard; a slip of ours in a planted bug is no catch.
CATCHES = (Broken, IntegrityError, RuntimeError)
WITHIN_S = 60.0  # of CPU, or it would depend on what else the machine does


@pytest.mark.parametrize("mutant", MUTANTS if LONG else MUTANTS[:3], ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_caught(mutant: Mutant) -> None:
    began = time.process_time()
    with mutant.alive(), pytest.raises(CATCHES) as caught:
        run(10_000, seconds=WITHIN_S, shrink=False)
    print(f"caught after {time.process_time() - began:.1f} s: «{mutant.name}»: {str(caught.value)[:60]}")
    assert not isinstance(caught.value, FlakyFailure), "the machine is not deterministic"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_still_fits_the_code_it_is_planted_in(mutant: Mutant) -> None:
    with mutant.alive():
        pass


def test_without_a_planted_bug_the_same_examples_break_nothing() -> None:
    """So that what catches the mutants is the mutants."""
    assert run(50, shrink=False)


@pytest.mark.parametrize("point", CRASHES)
def test_a_process_dies_where_its_plan_says(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no place is forgotten where the code moves on."""
    died: list[str] = []
    monkeypatch.setattr(Killed, "__init__", lambda _, where: died.append(where))
    with set_up() as machine:
        desk = machine().desk
        desk.write(0)
        desk.drain(0, [Attempt(crash=point)])
    assert died == [point]
