"""The two commands on a newcomer's machine: what they print, what they refuse, what they keep."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT, Desk, stop, until


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_a_python_without_ensurepip_is_told_the_apt_line_and_nothing_is_made(tmp_path: Path) -> None:
    package = tmp_path / "ensurepip"
    package.mkdir()
    (package / "__init__.py").write_text("raise ModuleNotFoundError('ensurepip')\n")
    result = make("check-python", f"PYTHON={sys.executable}", PYTHONPATH=str(tmp_path))
    assert result.returncode != 0
    assert "sudo apt install python3-venv" in result.stdout


def test_a_python_that_is_too_old_is_told_so(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = make("check-python", f"PYTHON={old}")
    assert result.returncode != 0
    assert "Python 3.11" in result.stdout


def test_a_good_python_passes() -> None:
    assert make("check-python", f"PYTHON={sys.executable}").returncode == 0


def start(desk: Desk) -> str:
    """`make run` up to the point where it serves; returns what it printed until then."""
    desk.start("arrancar", sys.executable, "manage.py", "arrancar")
    until(desk.well, 30, "la mesa")
    return desk.log("arrancar")


def test_run_prints_addresses_and_logins_stops_on_ctrl_c_and_keeps_the_data(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    try:
        printed = start(desk)
        assert f"http://127.0.0.1:{desk.port}/" in printed
        assert f"http://127.0.0.1:{desk.simulator_port}/" in printed
        assert "tecnico / tecnico-demo" in printed
        assert "supervisor / supervisor-demo" in printed
        desk.log_in()
        desk.write("+5214772758198", "hola")
        number = desk.ticket_of("+5214772758198")
        stop(desk.running["arrancar"], signal.SIGINT, seconds=5)
        for port in (desk.port, desk.simulator_port):
            until(lambda port=port: free(port), 5, "los puertos libres")  # type: ignore[misc]
        start(desk)
        assert desk.ticket_of("+5214772758198") == number
        demo = [ticket for ticket in desk.get("/tickets")["tickets"] if ticket["nombre"] == "María López"]
        assert len(demo) == 1, "los datos de demostración se cargan una sola vez"
    finally:
        desk.stop_all()


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@pytest.mark.parametrize("key", ["PORT", "SIMULATOR_PORT"])
def test_a_taken_port_is_a_clear_message(tmp_path: Path, key: str) -> None:
    desk = Desk(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(desk.environment[key])))
        taken.listen()
        command = [sys.executable, "manage.py", "arrancar"]
        result = subprocess.run(
            command, cwd=ROOT, env=desk.environment, capture_output=True, text=True, check=False, timeout=60
        )
    assert result.returncode != 0
    assert f"El puerto {desk.environment[key]}" in result.stderr
    assert f"{key}=" in result.stderr
    assert "Traceback" not in result.stderr
