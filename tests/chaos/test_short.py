"""The short run of every `make test`: 500 messages, 20 kill -9, a faulty gateway. `make chaos` has the long ones."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.chaos import killing

SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)


def test_500_messages_survive_20_kills_once_and_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = {"web0": 14, "simulator": 6}
    report = killing.killed(tmp_path, f"corta (CHAOS_SEED={SEED})", SEED, plan=plan, messages=500, chats=25)
    assert report.broken == {}, f"CHAOS_SEED={SEED}: {report}"
