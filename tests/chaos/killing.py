"""Runs in which processes and servers die, or sleep past their leases."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from tests.chaos.fleet import Fleet, fleet
from tests.chaos.load import ENDLESS, Blow, Load, blows_of, restarts, strike_all
from tests.chaos.report import Report

# Most sends go well; every fault of the gateway happens too.
FAULTS = dict.fromkeys(
    ("rechazar", "reinicio_antes", "reinicio_despues", "error_antes", "error_despues", "goteo", "media_cabecera",
     "sin_id", "basura", "limite", "corta", "colgar", "lento"), 0.002)  # fmt: skip
NOTICES = {"repetido": 0.02, "desordenado": 0.02, "tarde": 0.005, "firma_falsa": 0.005, "truncado": 0.005}


def killed(folder: Path, name: str, seed: int, *, plan: dict[str, int], messages: int = 10_000, chats: int = 100,
           limit: float = 600, broker: bool = False, postgres: bool = False, redis_blows: int = 0,
           postgres_blows: int = 0, defaults: bool = False) -> Report:  # fmt: skip
    """`messages` in `chats` while the processes of `plan` are killed -9, with faults of the gateway all the time."""
    goal = f"{messages} messages, {chats} chats, kill -9 {plan}: 0 lost, 0 duplicated, 0 reordered in {limit:.0f} s"
    report, chance = Report(name, goal, seed), random.Random(seed)
    with fleet(folder, broker=broker, postgres=postgres, defaults=defaults) as desk:
        tickets = desk.open_tickets(chats)
        desk.set_faults(tasas=FAULTS, tasas_avisos=NOTICES, semilla=seed)
        blows = blows_of(desk, plan, messages, chance)
        blows += [Blow(chance.randrange(messages), "redis", broken_redis(desk, chance)) for _ in range(redis_blows)]
        if server := desk.postgres:
            blows += [
                Blow(chance.randrange(messages), "postgres", lambda: restarts(server)) for _ in range(postgres_blows)
            ]
        began = time.monotonic()
        # While a worker of its own starts again, every client waits ENVIO_ESPERA_S for each answer.
        load = Load(desk, tickets, messages, seed, threads=40 if broker else 16).start()
        fallen = strike_all(load, blows, chance, limit)
        load.join(max(10, limit - (time.monotonic() - began)))
        report.figures |= {
            "messages": messages, "chats": chats, "kills": fallen, "retries by clients": load.retries,
            "seconds of load": round(time.monotonic() - began, 1),
        }  # fmt: skip
        report.require(fallen == len(blows), f"{fallen} de {len(blows)} golpes en {limit:.0f} s")
        # What is in doubt is settled by what the gateway still has to tell, which may be thousands of webhooks.
        report.judge(desk, 240, sent_within=max(30, limit - (time.monotonic() - began)))
    return report


def broken_redis(desk: Fleet, chance: random.Random):  # type: ignore[no-untyped-def]
    """kill -9 or FLUSHALL, as it falls."""
    kill = chance.random() < 0.5

    def strike() -> None:
        assert desk.redis
        if kill:
            desk.redis.kill()
            desk.redis.start()
        else:
            desk.redis.wipe()

    return strike


def paused(folder: Path, name: str, seed: int, *, pauses: int = 100, chats: int = 100,
           postgres: bool = False) -> Report:  # fmt: skip
    """Senders stopped (SIGSTOP) for 2 to 3 leases, in turn, and clients who write as long as it lasts."""
    lease = 2 * 1 + 2
    goal = f"{pauses} SIGSTOP of 2 to 3 leases ({lease} s) on senders: 0 duplicated, 0 reordered"
    report, chance = Report(name, goal, seed), random.Random(seed)
    with fleet(folder, broker=True, postgres=postgres, workers=4) as desk:
        tickets = desk.open_tickets(chats)
        desk.set_faults(tasas={"lento": 0.2}, semilla=seed)
        load = Load(desk, tickets, ENDLESS, seed).start()
        sleeping: list[tuple[float, int]] = []
        fallen = 0
        while fallen < pauses or sleeping:
            awake = [name for name in desk.running if name.startswith("worker")]
            awake = [name for name in awake if desk.running[name].pid not in {pid for _, pid in sleeping}]
            if fallen < pauses and len(awake) > 1:
                pid = desk.running[chance.choice(awake)].pid
                os.kill(pid, signal.SIGSTOP)
                sleeping.append((time.monotonic() + chance.uniform(2 * lease, 3 * lease), pid))
                fallen += 1
            for until_when, pid in list(sleeping):
                if until_when <= time.monotonic():
                    os.kill(pid, signal.SIGCONT)
                    sleeping.remove((until_when, pid))
            load.given_up.wait(0.05)
        load.stop()
        report.figures |= {"messages": load.done, "pauses": fallen, "retries by clients": load.retries}
        report.judge(desk)
    return report
