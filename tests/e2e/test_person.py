"""Long threads loaded as one scrolls, and a person's whole history beside the chat."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import Screen
from tests.programs import ROOT, Desk, until


@pytest.fixture
def tickets(running: Desk, phone: str) -> list[int]:
    """400 messages of one person over three tickets: 60 and 90 that are closed, and 250 of the open one."""
    command = [sys.executable, "-m", "tests.e2e.long_thread", f"521{phone[3:]}"]
    done = subprocess.run(command, cwd=ROOT, env=running.environment, capture_output=True, text=True, check=True)
    numbers: list[int] = json.loads(done.stdout)
    return numbers


def seqs(rows: Locator) -> list[int]:
    script = "list => [...list.querySelectorAll('.mensaje')].map(one => Number(one.dataset.seq))"
    found: list[int] = rows.evaluate(script)
    return found


def scroll_up(container: Locator) -> tuple[int, float]:
    """To the top of what is loaded; returns the row that is read there and its place."""
    seq, place = container.evaluate(
        """box => {
          box.scrollTop = 0;
          const row = box.querySelector('.mensaje');
          return [Number(row.dataset.seq), row.getBoundingClientRect().top];
        }"""
    )
    return seq, place


def place_of(container: Locator, seq: int) -> float:
    place: float = container.locator(f"[data-seq='{seq}']").evaluate("row => row.getBoundingClientRect().top")
    return place


def test_a_long_chat_opens_with_its_last_page_and_loads_older_ones_as_one_scrolls_up(
    screen: Screen, running: Desk, tickets: list[int]
) -> None:
    screen.page.reload()
    screen.open(tickets[2])
    box, rows = screen.page.locator("#chat-mensajes"), screen.page.locator("#chat-lista")
    expect(screen.bubble("(400)")).to_be_in_viewport()
    assert seqs(rows) == list(range(351, 401))
    for oldest in (301, 251, 201, 151):
        read, before = scroll_up(box)
        until(lambda oldest=oldest: seqs(rows)[0] == oldest)  # type: ignore[misc]
        assert abs(place_of(box, read) - before) < 2
    assert seqs(rows) == list(range(151, 401))
    expect(screen.page.locator("#chat-anteriores")).to_be_hidden()
    running.send(tickets[2], "algo nuevo")
    expect(screen.bubble("algo nuevo")).to_be_attached()
    assert seqs(rows) == list(range(151, 402))
