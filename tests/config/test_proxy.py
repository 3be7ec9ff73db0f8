"""Whom the web process believes about the client's address, on a real socket."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import requests

from tests.programs import Desk, answers, stop, until


@pytest.mark.parametrize(("proxies", "escapes"), [("", False), ("127.0.0.1", True)])
def test_the_web_process_believes_x_forwarded_for_only_of_trusted_proxies(
    tmp_path: Path, proxies: str, escapes: bool
) -> None:
    """Its server, uvicorn, believes everybody on loopback unless it is told not to."""
    desk = Desk(tmp_path, TRUSTED_PROXIES=proxies)
    desk.prepare()
    desk.start("web", sys.executable, "-m", "config.serve")
    try:
        door, body = f"{desk.url}/api/token", {"username": "luz", "password": "no es esta"}
        until(lambda: answers(lambda: desk.http.get(door, timeout=5), requests.RequestException), 30, "la mesa")
        tries = [
            desk.http.post(door, json=body, headers={"X-Forwarded-For": f"192.0.2.{number}"}, timeout=10).status_code
            for number in range(6)
        ]
        assert tries == [400] * 5 + [400 if escapes else 429]
    finally:
        stop(desk.running["web"])
