"""How long does /estadisticas take among 100,000 tickets?

    make bench-estadisticas        (writes docs/statistics-figures.md)

On SQLite and PostgreSQL, in process: what a request costs but its socket. The tickets are spread over a year and have
been through the desk's own machine of turns, with business hours and holidays.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SECRET_KEY", "solo-para-medir")
os.environ.setdefault("DEBUG", "true")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from tests.benchmarks.data import SERIES, insert, make_technicians  # noqa: E402
from tests.benchmarks.report import machine  # noqa: E402
from tests.chaos.servers import postgres_server  # noqa: E402
from tests.programs import ROOT  # noqa: E402
from tickets import calendar, calendar_mx  # noqa: E402
from tickets.models import Contact, Holiday, OpeningHours, Segment, State, Ticket  # noqa: E402
from tickets.times import Cause, Measure, Phase  # noqa: E402

PAGE = ROOT / "docs" / "statistics-figures.md"
GOAL_S, ROUNDS = 1.0, 5
CHUNK = 5000
CATEGORIES = ("Hardware", "Red", "Correo", "Software", "Impresión", "Acceso", "")
MINUTE = timedelta(minutes=1)


def fill(tickets: int, chance: random.Random) -> int:
    """Tickets of a year with their times, 2 % of them still open; returns how many rows their log has."""
    people = [user.pk for user in make_technicians()]
    weekdays = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), True)
    OpeningHours.objects.create(**weekdays)
    this_year = timezone.localdate().year
    for year in (this_year - 1, this_year):
        Holiday.objects.bulk_create(Holiday(date=day, name=name) for day, name in calendar_mx.official(year))
    calendar.forget()
    insert(Contact, SERIES.format(tickets), address="'52155' || (10000000 + n.i)", name="'Persona número ' || n.i")
    now, count = timezone.now(), 0
    contacts = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, tickets, CHUNK):
        chunk = contacts[start : start + CHUNK]
        rows = [
            Ticket(
                pk=pk,
                contact_id=pk,
                created=arrival(now - timedelta(days=365 * (1 - (pk - contacts[0]) / tickets)), chance),
                category=chance.choice(CATEGORIES),
                technician_id=chance.choice(people),
                fault="No enciende desde ayer, y la luz de la batería parpadea",
            )
            for pk in chunk
        ]
        log = [row for ticket in rows for row in history(ticket, people, chance, now)]
        with transaction.atomic():
            Ticket.objects.bulk_create(rows)
            Segment.objects.bulk_create(log)
        count += len(log)
    if connection.vendor == "postgresql":  # as its autovacuum does; on SQLite the desk has none of that
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return count


def arrival(day: datetime, chance: random.Random) -> datetime:
    """Most write on weekdays between 8 and 19 h."""
    local = timezone.localtime(day)
    if local.weekday() > 4 and chance.random() < 0.9:
        local -= timedelta(days=local.weekday() - 4)
    hour = chance.triangular(7, 20, 11)
    return min(day, local.replace(hour=int(hour), minute=chance.randrange(60)))


def history(ticket: Ticket, people: list[int], chance: random.Random, now: datetime) -> list[Segment]:
    """A ticket's way: an interview, answers after minutes or hours, and its closing."""
    at, log = ticket.created, []

    def go(phase: Phase, cause: Cause = Cause.MESSAGE) -> None:
        log.append(ticket.go(phase, at, cause, chance.choice(people) if phase == Phase.PERSON else None))

    if chance.random() < 0.7:
        go(Phase.ASSISTANT)
        at += 4 * MINUTE * chance.random()
    go(Phase.US)
    is_open = now - ticket.created < timedelta(days=10) and chance.random() < 0.6
    for _ in range(1 + min(6, int(chance.expovariate(0.7)))):
        at += MINUTE * chance.lognormvariate(3, 1.3)
        go(Phase.PERSON)
        at += MINUTE * chance.lognormvariate(3, 1.5)
        if is_open and chance.random() < 0.3:
            break
        go(Phase.US)
    if not is_open and at < now:
        at += MINUTE * chance.lognormvariate(4, 1.5)
        ticket.change_state(State.RESOLVED, at)
        go(Phase.CLOSED, Cause.STATE)
    return log


def paths() -> dict[str, str]:
    """What is asked for: the page as it opens, all the year by each measure, and a list and the file of all of it."""
    today = timezone.localdate()
    year = f"desde={today - timedelta(days=365)}&hasta={today}"
    return {
        "the last 30 days": "/estadisticas",
        **{f"the whole year, by «{one.label}»": f"/estadisticas?{year}&medida={one}" for one in Measure},
        "the list behind a figure of the year": f"/estadisticas/tickets?que={Measure.FIRST}&{year}",
        "all figures of the year as CSV": f"/estadisticas/csv?{year}",
    }


def measure(tickets: int) -> dict[str, Any]:
    """Fill this environment's database and ask; seconds of each answer by the clock and of this process's processor."""
    call_command("migrate", verbosity=0)
    rows = fill(tickets, random.Random(1))
    supervisor = User.objects.create_user("supervisora", is_superuser=True, is_staff=True)
    client = Client(headers={"Host": "127.0.0.1"})
    client.force_login(supervisor, "django.contrib.auth.backends.ModelBackend")
    found = {}
    for what, path in paths().items():
        taken = []
        for _ in range(ROUNDS):
            clock, processor = time.perf_counter(), time.process_time()
            response = client.get(path)
            assert response.status_code == 200, response.content[:500]
            taken.append((time.perf_counter() - clock, time.process_time() - processor))
        found[what] = [statistics.median(column) for column in zip(*taken, strict=True)]
    return {"rows": rows, "found": found}


def main(tickets: int) -> None:
    began, told = machine(), {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        urls = {
            "SQLite": f"sqlite:///{folder / 'chat.sqlite3'}",
            "PostgreSQL": stack.enter_context(postgres_server(folder)).url,
        }
        for name, url in urls.items():
            environment = {**os.environ, "ENV_FILE": os.devnull, "DATA_DIR": str(folder / name), "DATABASE_URL": url}
            command = [sys.executable, "-m", "tests.benchmarks.statistics", "measure", str(tickets)]
            done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
            told[name] = json.loads(done.stdout.splitlines()[-1])
            print(name, json.dumps(told[name], ensure_ascii=False, indent=1), flush=True)
    PAGE.write_text(written(tickets, began, told))


def written(tickets: int, where: str, told: dict[str, Any]) -> str:
    """The page of figures."""
    slowest = max(clock for one in told.values() for clock, _ in one["found"].values())
    rows = next(iter(told.values()))["rows"]
    verdict = f"{'met' if slowest < GOAL_S else 'missed'}; the slowest took {slowest:.2f} s"
    lines = [
        "# Statistics among many tickets",
        "",
        f"Written by `make bench-estadisticas` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; never by hand. {where}.",
        "",
        f"{tickets} tickets of one year, with {rows} rows in their log, business hours and holidays. Goal: "
        f"{GOAL_S:.0f} s; {verdict}. Medians of {ROUNDS}, in process: what a request costs but its socket.",
        "",
        f"| asked for | {' | '.join(f'{name} (processor)' for name in told)} |",
        f"|---|{'---|' * len(told)}",
    ]
    for what in paths():
        cells = (
            f"{clock * 1000:.0f} ms ({processor * 1000:.0f})"
            for clock, processor in (one["found"][what] for one in told.values())
        )
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(
        [
            *lines,
            "",
            "The processor is the desk's own; PostgreSQL's is not in it. More in [statistics.md](statistics.md).",
            "",
        ]
    )


if __name__ == "__main__":
    if sys.argv[1] == "measure":
        print(json.dumps(measure(int(sys.argv[2]))))
    else:
        main(int(sys.argv[1]))
