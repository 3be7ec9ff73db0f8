"""The long runs: python -m tests.chaos [run …] [--scale 0.1] [--seed N] [--write].

Without names, all of them. With --write each result goes to docs/chaos.md as soon as it is there. Exit 1 when any
run broke.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos import broken, clients, gateway, histories, killing, webhooks
from tests.chaos.report import Report, keep, measured

EMBEDDED = {"web0": 150, "simulator": 50}
SEPARATE = {"web0": 60, "worker0": 90, "simulator": 40, "beat": 10}
# What --scale shrinks.
SIZES = ("messages", "redis_blows", "postgres_blows", "pauses", "keys", "events", "kills", "seconds", "examples")

RUNS: dict[str, tuple[Callable[..., Report], dict[str, Any]]] = {
    "a1-sqlite-embedded": (killing.killed, {"plan": EMBEDDED, "messages": 10_000}),
    "a2-sqlite-redis": (killing.killed, {"plan": SEPARATE, "messages": 10_000, "broker": True}),
    "b-postgres-redis": (
        killing.killed,
        {"plan": SEPARATE, "messages": 10_000, "broker": True, "postgres": True, "redis_blows": 20,
         "postgres_blows": 5, "limit": 900},
    ),
    "c1-pauses-sqlite": (killing.paused, {"pauses": 100}),
    "c2-pauses-postgres": (killing.paused, {"pauses": 100, "postgres": True}),
    "d-every-fault": (gateway.faulty, {"messages": 5_000}),
    "e-gateway-away": (gateway.away, {"messages": 1_000, "seconds": 600}),
    "f-gateway-hangs": (gateway.away, {"messages": 1_000, "seconds": 120, "hang": True}),
    "g1-equal-posts-sqlite": (clients.equal_posts, {"keys": 1_000}),
    "g2-equal-posts-postgres": (clients.equal_posts, {"keys": 1_000, "postgres": True}),
    "h-webhooks": (webhooks.storm, {"events": 20_000, "kills": 50}),
    "i-sqlite-writers": (clients.writers, {"seconds": 120}),
    "k-defaults": (killing.killed, {"plan": {"web0": 14, "simulator": 6}, "messages": 500, "defaults": True}),
    "j1-disk-full": (broken.full_disk, {}),
    "j2-read-only": (broken.read_only, {}),
    "l-histories": (histories.random_histories, {"examples": 4_000}),
    "m-planted-bugs": (histories.planted_bugs, {}),
    "j3-postgres-away": (broken.postgres_away, {"seconds": 60}),
}  # fmt: skip


def scaled(options: dict[str, Any], scale: float) -> dict[str, Any]:
    """`options` with every size shrunk, but never to nothing."""
    small = {name: max(1, round(options[name] * scale)) for name in SIZES if name in options}
    if "plan" in options:
        small["plan"] = {name: max(1, round(times * scale)) for name, times in options["plan"].items()}
    return {**options, **small}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="run", help=", ".join(RUNS))
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, which every run prints")
    parser.add_argument("--write", action="store_true", help="into docs/chaos.md")
    arguments = parser.parse_args()
    failed = 0
    for name in arguments.runs or RUNS:
        run, options = RUNS[name]
        seed = arguments.seed or random.SystemRandom().randrange(1, 1_000_000)
        folder = Path(tempfile.mkdtemp(prefix=f"chaos-{name}-"))
        print(f"{name}: {folder}", flush=True)
        more = scaled(options, arguments.scale)
        report = measured(lambda: run(folder, name, seed, **more), name, seed, arguments.scale)  # noqa: B023
        failed += not report.passed
        if arguments.write:
            keep(report, RUNS)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
