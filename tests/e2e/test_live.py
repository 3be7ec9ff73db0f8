"""What happens is on the screen before a person looks for it, and nothing is missed when the stream is cut."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Screen
from tests.programs import Desk, stop, until

# Timers of a second or more never come: what happens all the same was caused by the stream.
NO_TIMERS = """
const { setTimeout: later, setInterval: often } = window;
window.setTimeout = (call, ms, ...more) => (ms >= 1000 ? 0 : later(call, ms, ...more));
window.setInterval = (call, ms, ...more) => (ms >= 1000 ? 0 : often(call, ms, ...more));
"""
# The machine's clock jumps when a test says so, and every stream that a tab opens is remembered.
CLOCK = """
const now = Date.now.bind(Date);
window.ahead = 0;
Date.now = () => now() + window.ahead;
window.streams = [];
window.EventSource = class extends EventSource {
  constructor(...given) { super(...given); window.streams.push(this); }
};
"""
# What a tab says, and which of its streams are open, when it is looked at so many seconds later: whoever comes back to
# a tab makes it look at once, and not by a timer. All in one step, in which no heartbeat comes.
LOOK = """moments => moments.map(seconds => {
  window.ahead = seconds * 1000;
  document.dispatchEvent(new Event("visibilitychange"));
  const said = document.querySelector("#estado-lista").textContent;
  return [said, window.streams.map(stream => stream.readyState < EventSource.CLOSED)];
})"""
LIVE = "Al día · en vivo"


def is_live(page: Page) -> None:
    expect(page.locator("#estado-lista")).to_have_text(LIVE)


@pytest.fixture
def untimed(context: BrowserContext, screen: Screen) -> Screen:
    """A screen on which nothing happens by a timer."""
    context.add_init_script(NO_TIMERS)
    screen.page.reload()
    is_live(screen.page)
    return screen


def test_a_new_ticket_is_in_the_table_without_waiting_for_the_timer(untimed: Screen, running: Desk, phone: str) -> None:
    running.write(phone, "No imprime")
    expect(untimed.row(running.ticket_of(phone))).to_be_visible()


def test_a_message_from_the_phone_is_in_the_chat_without_waiting_for_the_timer(
    untimed: Screen, running: Desk, ticket: int, phone: str
) -> None:
    untimed.open(ticket)
    running.write(phone, "sigue sin encender")
    expect(untimed.bubble("sigue sin encender")).to_be_visible()


def test_a_disconnected_whatsapp_is_said_without_waiting_for_the_timer(untimed: Screen, running: Desk) -> None:
    pill = untimed.page.locator("#estado-whatsapp")
    expect(pill).to_have_text("WhatsApp conectado")
    running.simulate(conexion="desconectado")
    expect(pill).to_contain_text("WhatsApp desconectado")


def test_a_stream_from_which_nothing_came_for_45_seconds_is_opened_anew(
    context: BrowserContext, screen: Screen, running: Desk
) -> None:
    context.add_init_script(CLOCK)
    screen.page.reload()
    is_live(screen.page)
    early, late = screen.page.evaluate(LOOK, [20, 46])
    assert early == [LIVE, [True]]
    assert late[0] != LIVE and late[1] == [False, True]
    is_live(screen.page)


def test_a_tab_takes_over_from_one_that_told_it_nothing_for_60_seconds(context: BrowserContext, screen: Screen) -> None:
    context.add_init_script(CLOCK)
    screen.page.reload()
    is_live(screen.page)
    second = context.new_page()
    second.goto(screen.page.url)
    is_live(second)
    early, late = second.evaluate(LOOK, [20, 46, 61])[:2]
    assert early == [LIVE, []]
    assert late[0] != LIVE and late[1] == []
    is_live(second)
    assert second.evaluate("streams.length") == 1
    screen.page.wait_for_function("streams.every(stream => stream.readyState === EventSource.CLOSED)")


def test_all_tabs_of_a_browser_share_one_stream(
    context: BrowserContext, untimed: Screen, running: Desk, ticket: int, phone: str
) -> None:
    second = context.new_page()
    asked: list[str] = []
    second.on("request", lambda request: asked.append(urlsplit(request.url).path))
    second.goto(f"{running.url}/?chat={ticket}")
    is_live(second)
    running.write(phone, "en las dos")
    expect(second.locator("#chat-lista")).to_contain_text("en las dos")
    assert "/eventos" not in asked
    with second.expect_request("**/eventos*"):
        untimed.page.goto("about:blank")  # the tab that listened is gone
    is_live(second)
    running.write(phone, "en la que queda")
    expect(second.locator("#chat-lista")).to_contain_text("en la que queda")


def test_a_server_that_dies_and_comes_back_leaves_nothing_missed(
    screen: Screen, running: Desk, ticket: int, phone: str
) -> None:
    screen.open(ticket)
    is_live(screen.page)
    stop(running.running["web"], signal.SIGKILL)
    running.write(phone, "mientras no había servidor")  # the gateway tells of it again and again
    expect(screen.page.locator("#chat-conexion")).to_contain_text("Sin conexión desde")
    running.start("web", sys.executable, "-m", "config.serve")
    until(running.well, 30)
    expect(screen.bubble("mientras no había servidor")).to_be_visible(timeout=20_000)
    expect(screen.page.locator("#chat-conexion")).to_be_hidden()
    is_live(screen.page)


class Holding(BaseHTTPRequestHandler):
    """A proxy that hands an answer on when it has all of it: of a stream nothing ever comes."""

    behind = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        try:
            answer = requests.get(f"{self.behind}{self.path}", headers=headers, allow_redirects=False, timeout=30)
        except requests.RequestException:
            return self.close()
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "content-encoding", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)
        return None

    def close(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def holding_proxy(url: str) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Holding,), {"behind": url}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_behind_a_proxy_that_holds_the_stream_back_the_timer_still_brings_the_message(
    screen: Screen, running: Desk, ticket: int, phone: str
) -> None:
    with holding_proxy(running.url) as url:
        screen.page.goto(f"{url}/?chat={ticket}")
        screen.panel()
        running.write(phone, "a pesar del proxy")
        expect(screen.bubble("a pesar del proxy")).to_be_visible()
        expect(screen.page.locator("#estado-lista")).not_to_have_text(LIVE)
        expect(screen.page.locator("#estado-lista")).to_contain_text("Al día")
        screen.page.goto("about:blank")
