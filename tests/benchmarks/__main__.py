"""The goals, measured: python -m tests.benchmarks [row …] [--scale 0.1] [--rounds 3] writes docs/benchmarks.md.

`make bench` runs them all but those of BIG, which need minutes to be filled: `make bench-big`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack

from tests.benchmarks import broker, hang, pages, reads, scaling, sends
from tests.benchmarks.report import Row, keep, machine
from tests.benchmarks.stand import Stands

ROWS: dict[str, Callable[[Stands], Row]] = {
    "poll": reads.poll,
    "conversation": reads.conversation,
    "table": reads.table,
    "table-large": reads.table_large,
    "enter": sends.enter,
    "drain": sends.drain,
    "broker": broker.without_broker,
    "screen": pages.screen,
    "streams": pages.streams,
    "memory": pages.memory_of_all,
    "hang": hang.gateway_that_hangs,
}
BIG: dict[str, Callable[[Stands], Row]] = {"conversation-large": reads.conversation_large}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("rows", nargs="*", metavar="row", choices=[[], *ROWS, *BIG], help=", ".join([*ROWS, *BIG]))
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    where, missed = machine(), 0
    with ExitStack() as stack:
        stands = Stands(stack, arguments.scale, arguments.rounds)
        for name in arguments.rows or ROWS:
            row = {**ROWS, **BIG}[name](stands)
            keep(row, arguments.scale, where)
            missed += bool(row.missed)
    scaling.write()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
