"""Open pages: how soon they show what a person wrote, what ten thousand of them cost, and the memory of it all."""

from __future__ import annotations

import json
import select
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import redis
import requests
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.load import get, load
from tests.benchmarks.measure import memory, processor, share
from tests.benchmarks.report import Row
from tests.benchmarks.stand import Stand, Stands
from tests.chaos.servers import postgres_server
from tests.fake_gateway import inbound, signature
from tests.production import PROCESSES, Production
from tests.programs import Desk, desk, need, redis_server, until

IDLE_S = 40  # two heartbeats
EVENTS, WARM = 10, 5
CHANNEL = "chat-en-vivo:vivo"  # of chat/live.py, which needs a desk's settings
PHONE = "5214771230000"
# When each text was first on the screen, in the seconds of time.time().
WATCH = """() => {
  window.shown = {};
  new MutationObserver(() => requestAnimationFrame(() => {
    for (const [text] of document.querySelector("#chat-lista").textContent.matchAll(/viva \\d+\\./g))
      window.shown[text] ??= (performance.timeOrigin + performance.now()) / 1000;
  })).observe(document.querySelector("#chat-lista"), {childList: true, subtree: true, characterData: true});
}"""


def screen(stands: Stands) -> Row:
    row = Row("screen", "From the POST of a webhook with a person's message to the next frame of a browser (Chromium) "
              "with that chat open and its stream up.", "p50 at most 60 ms, p99 at most 150 ms")  # fmt: skip
    row.why = (
        "the webhook's message is committed before anybody is told, and the page asks for it like any other. The "
        "browser draws without a graphics card, on the processors of the servers that it waits for."
    )
    count = max(10, int(100 * stands.scale))
    for name, running in (("embedded", embedded), ("production behind Caddy", production)):
        with running() as (started, web), browser_page(started) as page:
            waits = [one_message(page, web, number) * 1000 for number in range(count + WARM)][WARM:]
        row.figures[f"{name}: messages"] = count
        row.at_most(f"{name}: ms, p50", median(waits), 60)
        row.at_most(f"{name}: ms, p99", share(waits, 0.99), 150)
    return row


@contextmanager
def embedded() -> Iterator[tuple[Desk, str]]:
    """The one process of `make run`, and where its webhooks go."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, desk(Path(folder)) as started:
        yield started, started.url


@contextmanager
def production() -> Iterator[tuple[Desk, str]]:
    """Procfile.prod behind the Caddyfile; webhooks go to the web process itself."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
        url = stack.enter_context(postgres_server(folder)).url
        broker = stack.enter_context(redis_server(folder))
        started = Production(folder, DATABASE_URL=url, REDIS_URL=broker)
        started.environment["WEB_PROCESSES"] = "2"
        stack.callback(started.stop_all)
        started.start_proxy()
        started.prepare()
        started.start_simulator()
        for name in PROCESSES:
            started.start_process(name)
        until(started.well, 60, "la mesa")
        started.log_in()
        yield started, f"http://127.0.0.1:{started.port}"


@contextmanager
def browser_page(started: Desk) -> Iterator[Page]:
    """A browser with the chat of PHONE's ticket open and its stream up."""
    program = need(shutil.which("chromium") or shutil.which("google-chrome"), "chromium")
    started.write(f"+{PHONE}", "Mi laptop no enciende")
    ticket = started.ticket_of(f"+{PHONE}")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = launched.new_context(ignore_https_errors=True).new_page()
        page.goto(f"{started.url}/entrar")
        page.get_by_label("Usuario").fill("tecnico")
        page.get_by_label("Contraseña").fill("tecnico-demo")
        page.get_by_role("button", name="Entrar").click()
        page.goto(f"{started.url}/?chat={ticket}")
        page.locator("#estado-lista", has_text="en vivo").wait_for(state="attached")
        page.locator("#chat-lista li").first.wait_for()
        page.evaluate(WATCH)
        yield page
        launched.close()


def one_message(page: Page, web: str, number: int) -> float:
    """Seconds until the person's next words are on the screen."""
    text = f"viva {number}."
    body = inbound(text, PHONE)
    headers = {"X-Webhook-Hmac": signature(body), "X-Webhook-Hmac-Algorithm": "sha512", "X-Forwarded-Proto": "https"}
    began = time.time()
    requests.post(f"{web}/webhooks/waha", data=body, headers=headers, timeout=10).raise_for_status()
    found = until(lambda: page.evaluate("text => window.shown[text]", text), 15)
    return float(found) - began


def streams(stands: Stands) -> Row:
    row = Row("streams", "10,000 open pages of ten people on one `live` process.",
              "at most 55 KiB each, at most 8 % of a core idle, an event to 1,000 of them within 100 ms")  # fmt: skip
    stand, count = stands.postgres, max(100, int(10_000 * stands.scale))
    users, sessions = stand.who["users"], stand.who["sessions"]
    requests_of = [get("/eventos", Cookie=f"sessionid={session}") for session in sessions]
    assert stand.live
    with ExitStack() as stack:
        few = opened(stack, stand, requests_of * 2)
        before = memory([stand.live])
        many = opened(stack, stand, [requests_of[number % len(users)] for number in range(count)])
        used, began = processor([stand.live]), time.monotonic()
        time.sleep(IDLE_S * min(1, stands.scale * 2))
        idle = (processor([stand.live]) - used) / (time.monotonic() - began)
        row.figures["open pages"] = count + len(few)
        row.at_most("KiB each", (memory([stand.live]) - before) * 1024 / count, 55)
        row.at_most("% of a core, idle", idle * 100, 8)
        theirs = [few[0], few[len(users)], *many[:: len(users)]]
        used = processor([stand.live])
        waits = [event(stand, theirs, users[0], number) * 1000 for number in range(EVENTS)]
        row.figures["ms of processor for each event and page"] = round(
            (processor([stand.live]) - used) / EVENTS / len(theirs) * 1000, 3
        )
        row.figures["pages that the event is for"] = len(theirs)
        row.at_most("ms until the last of them has it, median", median(waits), 100)
    stand.halt("live")
    return row


def opened(stack: ExitStack, stand: Stand, wanted: list[bytes]) -> list[socket.socket]:
    """A stream for each of these requests, each of which has said hello."""
    found = []
    for begin in range(0, len(wanted), 50):
        batch = []
        for request in wanted[begin : begin + 50]:
            one = stack.enter_context(socket.create_connection(("127.0.0.1", stand.live_port), 30))
            one.sendall(request)
            batch.append(one)
        for one in batch:
            hello = b""
            while b"event: hola" not in hello:
                part = one.recv(4096)
                assert part, hello
                hello += part
        found += batch
    return found


def event(stand: Stand, streams: list[socket.socket], user: int, number: int) -> float:
    """Seconds from an announcement until the last of `streams` has it."""
    told, poll = f'"ticket": {10**9 + number}'.encode(), select.epoll()
    waiting: dict[int, tuple[socket.socket, bytes]] = {one.fileno(): (one, b"") for one in streams}
    for one in waiting:
        poll.register(one, select.EPOLLIN)
    line = json.dumps(["ticket", {"ticket": 10**9 + number, "fila": False}, [user]])
    began = time.monotonic()
    redis.Redis.from_url(stand.environment["REDIS_URL"]).publish(CHANNEL, line)
    while waiting:
        for one, _ in poll.poll(30):
            stream, heard = waiting[one]
            heard += stream.recv(4096)
            if told in heard:
                del waiting[one]
                poll.unregister(one)
            else:
                waiting[one] = stream, heard
    poll.close()
    return time.monotonic() - began


def memory_of_all(stands: Stands) -> Row:
    row = Row("memory", "PSS of all processes after they have worked: web (2 x 4), a worker of 8, live.",
              "at most 350 MiB in all")  # fmt: skip
    row.why = (
        "worker and live load Django, the administration and all apps each for itself; and the two of web copy much of "
        "what their parent has loaded as they use it, because Python counts an object's users inside the object."
    )
    stand = stands.postgres
    pids: dict[str, Any] = {"web": stand.web, "worker": stand.worker, "live": stand.live}
    with ExitStack() as stack:
        opened(stack, stand, [get("/eventos", **stand.cookie)] * 10)
        for requests_of in (stand.paths("/ticket/{}/conversacion"), [get("/", **stand.cookie)]):
            load(stand.port, requests_of, 2)
        for number, ticket in enumerate(stand.who["open"][:20]):
            assert stand.send(ticket, f"memoria {number}").status_code == 200
        for name, pid in pids.items():
            row.figures[f"{name}, MiB"] = round(memory([pid]))
        row.at_most("MiB in all", memory(pids.values()), 350)
    for name in ("worker", "live"):
        stand.halt(name)
    return row
