"""The invariants of docs/delivery.md over many histories, each of whole sends, crashes, webhooks and decisions.

2,000 in `make test`, twice as many and other ones in `make properties`.
"""

from __future__ import annotations

import pytest

from tests.properties.machine import run
from tests.properties.options import EXAMPLES, PARTS, SECONDS, SEED, sqlite_only

pytestmark = [pytest.mark.django_db(transaction=True), sqlite_only]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_breaks_a_law(part: int) -> None:
    seed = SEED + 10_000 * part
    done = run(EXAMPLES // PARTS, seconds=SECONDS, seed=seed)
    print(f"{done} examples from PROPERTIES_SEED={seed}")
    assert done >= EXAMPLES // PARTS
