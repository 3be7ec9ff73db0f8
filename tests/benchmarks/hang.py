"""Does the desk stay quick while 50 technicians wait for a gateway that hangs?

Production as it ships (Procfile.prod behind the Caddyfile, PostgreSQL, Redis, default sizes), all on this machine with
its clients. Each technician has a chat and the table open, which ask every 5 s. All press Enter at the same moment.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import requests
from requests.cookies import RequestsCookieJar

from tests.benchmarks.measure import share
from tests.benchmarks.report import Row
from tests.benchmarks.stand import Stands
from tests.chaos.servers import postgres_server
from tests.production import PROCESSES, Production
from tests.programs import redis_server, until

TECHNICIANS, ROUNDS, EVERY_S, WATCHED_S = 50, 3, 5.0, 20.0
# Production's own values, which tests/production.py makes small for tests.
DEFAULTS = ("WEB_PROCESSES", "WEB_THREADS", "WHATSAPP_TIMEOUT_S", "ENVIO_DUDA_S", "ENVIO_POR_SEGUNDO")
WAIT_S = 8
GOAL_S = 0.5


@dataclass
class Times:
    """How long answers took, in seconds, by what was asked; and what the POSTs were told."""

    chat: list[float] = field(default_factory=list)
    table: list[float] = field(default_factory=list)
    post: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Technician:
    """A chat and the table, open in one browser."""

    def __init__(self, desk: Production, ticket: int, cookies: RequestsCookieJar) -> None:
        self.desk, self.ticket = desk, ticket
        self.pages, self.composer = session(desk), session(desk)
        self.pages.cookies = cookies
        self.composer.headers["Authorization"] = desk.http.headers["Authorization"]
        self.tags: dict[str, str] = {}
        for opened in (self.pages, self.composer):
            opened.get(f"{desk.url}/estado", timeout=30).raise_for_status()

    def ask(self, path: str) -> float:
        """Seconds that a poll took."""
        began = time.monotonic()
        answer = self.pages.get(
            f"{self.desk.url}{path}", headers={"If-None-Match": self.tags.get(path, "")}, timeout=60
        )
        took = time.monotonic() - began
        assert answer.status_code in (200, 304), answer.text[:300]
        self.tags[path] = answer.headers.get("ETag", "")
        return took

    def watch(self, times: Times, ended: threading.Event) -> None:
        """Ask for chat and table every 5 s, as the pages do, until it is over."""
        ended.wait(random.uniform(0, EVERY_S))
        while not ended.is_set():
            times.chat.append(self.ask(f"/ticket/{self.ticket}/conversacion"))
            times.table.append(self.ask("/?parcial=1"))
            ended.wait(EVERY_S)

    def send(self, times: Times, together: threading.Barrier) -> None:
        together.wait()
        began = time.monotonic()
        url = f"{self.desk.url}/ticket/{self.ticket}/enviar-mensaje"
        answer = self.composer.post(url, json={"mensaje": f"Todos a la vez {began}"}, timeout=60)
        times.post.append(time.monotonic() - began)
        times.told.append(f"{answer.status_code} {answer.json()['status']}")


def session(desk: Production) -> requests.Session:
    """A browser's connection to the desk, as nobody yet."""
    opened = requests.Session()
    opened.trust_env, opened.verify = False, desk.http.verify
    return opened


def logged_in(desk: Production) -> RequestsCookieJar:
    """The cookies of a browser in which a technician came in by the form."""
    browser = session(desk)
    browser.get(f"{desk.url}/entrar", timeout=30)
    form = {"username": "tecnico", "password": "tecnico-demo", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    answer = browser.post(f"{desk.url}/entrar", data=form, headers={"Referer": desk.url}, timeout=30)
    assert "sessionid" in browser.cookies, answer.text[:300]
    return browser.cookies


def watched(people: list[Technician], seconds: float, *, sending: bool) -> Times:
    """So many seconds of the desk with everybody looking, and writing at its beginning."""
    times, ended, together = Times(), threading.Event(), threading.Barrier(len(people))
    with ThreadPoolExecutor(2 * len(people)) as threads:
        work = [threads.submit(one.watch, times, ended) for one in people]
        if sending:
            work += [threads.submit(one.send, times, together) for one in people]
        time.sleep(seconds)
        ended.set()
        for one in work:
            one.result()
    return times


def measure(desk: Production, rounds: int) -> list[tuple[Times, Times]]:
    """For each round: the desk at rest, and the desk in a hang."""
    phones = [f"+52477{1_000_000 + number}" for number in range(TECHNICIANS)]
    for phone in phones:
        desk.write(phone, "Mi equipo no enciende")
    cookies = logged_in(desk)
    people = [Technician(desk, desk.ticket_of(phone), cookies) for phone in phones]
    found = []
    for number in range(rounds):
        until(lambda: calm(desk), 300, "la mesa en calma")
        rest = watched(people, WATCHED_S, sending=False)
        desk.simulate(falla="colgar")
        hang = watched(people, WATCHED_S, sending=True)
        desk.simulate(falla="ninguna")
        found.append((rest, hang))
        print(
            f"vuelta {number + 1}: POST {max(hang.post):.2f} s, consultas {max(hang.chat + hang.table):.2f} s",
            flush=True,
        )
    return found


def calm(desk: Production) -> bool:
    """Whether WhatsApp works and nothing waits."""
    time.sleep(0.5)
    state = desk.get("/estado")
    return bool(state["whatsapp"] == "conectado" and not state["en_cola"])


def gateway_that_hangs(stands: Stands) -> Row:
    """Polls at rest and in the hang, in turns; every figure of the POSTs is the worst of all rounds."""
    row = Row(
        "hang",
        f"{TECHNICIANS} technicians send at once to a gateway that never answers; their chats and tables ask every "
        f"{EVERY_S:g} s. Production as it ships, behind Caddy, with the default sizes; medians of the rounds.",
        f"polls within {GOAL_S:g} s at the 99th percentile, every POST answered within ENVIO_ESPERA_S + 1 s",
    )
    with production() as desk:
        found = measure(desk, max(1, round(ROUNDS * stands.scale)))
    for name in ("chat", "table"):
        for which, when in enumerate(("at rest", "in the hang")):
            waits = [getattr(times[which], name) for times in found]
            figures = (round(1000 * median(share(one, part) for one in waits)) for part in (0.5, 0.99, 1))
            row.figures[f"{name}, {when}: ms, median, 99 % and longest"] = ", ".join(map(str, figures))
    row.at_most("polls in the hang, 99 %: s", median(share(hang.chat + hang.table, 0.99) for _, hang in found), GOAL_S)
    row.at_most("POST, longest: s", max(max(hang.post) for _, hang in found), WAIT_S + 1)
    told = Counter(said for _, hang in found for said in hang.told)
    row.figures["POSTs were told"] = ", ".join(f"{count} × {said}" for said, count in sorted(told.items()))
    return row


@contextmanager
def production() -> Iterator[Production]:
    """All processes, logged in."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hang-", ignore_cleanup_errors=True)))
        (folder / "mesa").mkdir()
        redis, postgres = stack.enter_context(redis_server(folder)), stack.enter_context(postgres_server(folder))
        desk = Production(folder / "mesa", REDIS_URL=redis, DATABASE_URL=postgres.url)
        stack.callback(desk.stop_all)
        for key in DEFAULTS:
            del desk.environment[key]
        desk.environment["ENVIO_ESPERA_S"] = str(WAIT_S)
        desk.start_proxy()
        desk.prepare()
        desk.start_simulator()
        for name in PROCESSES:
            desk.start_process(name)
        until(desk.well, 60, "la mesa")
        desk.log_in()
        yield desk
