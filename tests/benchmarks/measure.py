"""Processor and memory of processes from /proc, and rounds that take turns so that a noisy machine is noisy to all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

TICK = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """`pid` and everything that descends from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(fields(stat)[1]), []).append(int(stat.parent.name))
        except OSError:
            continue  # it ended meanwhile
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def fields(stat: Path) -> list[str]:
    """What stands behind the program's name, which may hold anything: state, parent, …"""
    return stat.read_text().rpartition(")")[2].split()


def processor(pids: Iterable[int]) -> float:
    """Seconds of processor that these processes and all that descend from them have used."""
    used = 0
    for pid in {one for root in pids for one in family(root)}:
        try:
            told = fields(Path(f"/proc/{pid}/stat"))
        except OSError:
            continue
        used += int(told[11]) + int(told[12])
    return used / TICK


def memory(pids: Iterable[int]) -> float:
    """MiB (PSS: what is shared is divided among its sharers) of these processes and all that descend from them."""
    kib = 0
    for pid in {one for root in pids for one in family(root)}:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kib += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


@dataclass(frozen=True)
class Round:
    """One turn of one contestant."""

    rate: float
    cpu_ms: float
    database_ms: float
    wait_ms: float


def take_turns(contestants: dict[str, Callable[[], Round]], rounds: int) -> dict[str, list[Round]]:
    """`rounds` turns of each contestant, one after the other, in an order that is turned around every time."""
    found: dict[str, list[Round]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(contestants[name]())
    return found


def middle(rounds: list[Round], name: str) -> float:
    """The median of one figure."""
    return float(median(getattr(one, name) for one in rounds))


def ratio(ours: list[Round], control: list[Round], name: str = "rate") -> float:
    """The median of the ratios within each pair of turns."""
    return float(median(getattr(a, name) / getattr(b, name) for a, b in zip(ours, control, strict=True)))


def share(values: Iterable[float], part: float) -> float:
    """The value that `part` of all do not exceed: share(waits, 0.99)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
