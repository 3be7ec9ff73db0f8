"""The drill of docs/operating.md: back up a desk at work, lose everything, restore, reconcile, send nothing twice."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import requests

from tests.programs import ROOT, Desk, desk, stop, until

PHONE = "+5214772758198"
SENT = ("enviado", "entregado", "leido")
QUEUED, LATER, THEIRS = "esperaba al respaldar", "escrito después del respaldo", "La persona escribe después"
REPORT = b"Revision del equipo: bateria agotada.\n"


def test_a_desk_that_was_lost_comes_back_from_its_backup_and_sends_nothing_twice(tmp_path: Path) -> None:
    backups = tmp_path / "respaldos"
    (tmp_path / "mesa").mkdir()
    with desk(tmp_path / "mesa") as running:
        running.write(PHONE, "Mi laptop no enciende")
        ticket = running.ticket_of(PHONE)
        with_file = send_file(running, ticket)
        running.simulate(conexion="desconectado")
        assert running.send(ticket, QUEUED).json()["status"] == "en_cola"
        running.manage("respaldar", str(backups))

        running.simulate(conexion="conectado")
        until(lambda: QUEUED in running.accepted(), 20, "lo que esperaba")
        assert running.send(ticket, LATER).status_code == 200
        running.write(PHONE, THEIRS)
        until(lambda: THEIRS in str(running.history(ticket)), what="lo que escribió la persona")
        left = running.accepted()

        (copy,) = backups.glob("base-*.sqlite3")
        refused = manage(running, "restaurar", str(copy))
        assert refused.returncode == 1
        assert "La mesa está en marcha" in refused.stderr

        lose_everything(running)
        restored = manage(running, "restaurar", str(copy))
        assert restored.returncode == 0, restored.stderr
        assert "El envío está en pausa y 1 mensajes quedaron sin confirmar" in restored.stdout
        an_hour_passes(running)

        running.start("web", sys.executable, "-m", "config.serve")
        until(running.well, 30, "la mesa restaurada")
        running.log_in()
        assert running.get("/estado")["pausa"]
        assert running.http.get(f"{running.url}/ticket/{ticket}/mensaje/{with_file}/archivo").content == REPORT
        until(lambda: running.state_of(ticket, QUEUED) in SENT, 30, "la evidencia del gateway")
        until(lambda: {LATER, THEIRS} <= set(said(running, ticket)), 40, "lo que el gateway recuerda")
        assert running.accepted() == left

        resume(running)
        again = running.send(ticket, "La mesa está de vuelta")
        assert again.status_code == 200, again.text
        assert running.accepted() == [*left, "La mesa está de vuelta"]
        assert len(said(running, ticket)) == len(set(said(running, ticket))), "nada se muestra dos veces"
        books = manage(running, "cuadre")
        assert books.returncode == 0, books.stdout


def manage(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=desk.environment, capture_output=True, text=True, check=False)


def send_file(desk: Desk, ticket: int) -> int:
    """The seq of a message whose file the person has got."""
    files = {"archivo": ("revision.txt", REPORT)}
    answer = desk.http.post(f"{desk.url}/ticket/{ticket}/enviar-archivo", files=files, timeout=60)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["seq"])


def said(desk: Desk, ticket: int) -> list[str]:
    return [entry["content"] for entry in desk.history(ticket)]


def lose_everything(desk: Desk) -> None:
    """kill -9 in the middle of its work, and nothing of its folder is left. The gateway is another machine."""
    stop(desk.running["web"], signal.SIGKILL)
    for path in desk.folder.iterdir():
        if path.is_dir() and path.name != "simulador":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def an_hour_passes(desk: Desk) -> None:
    """The backup is an hour old: longer than an outage that gateways bridge by themselves."""
    connection = sqlite3.connect(desk.folder / "chat.sqlite3")
    with connection:
        connection.execute("UPDATE chat_worker SET seen = datetime(seen, '-1 hour')")
    connection.close()


def resume(desk: Desk) -> None:
    """A supervisor resumes sending, in the administration."""
    browser = requests.Session()
    browser.trust_env = False
    browser.get(f"{desk.url}/entrar", timeout=10)
    login = {"username": "supervisor", "password": "supervisor-demo"}
    for url, form in (
        ("/entrar", login),
        ("/admin/whatsapp/connection/", {"action": "resume_sending", "_selected_action": "waha"}),
    ):
        token = browser.cookies["csrftoken"]
        browser.post(f"{desk.url}{url}", data={**form, "csrfmiddlewaretoken": token}, timeout=10).raise_for_status()
    until(lambda: desk.get("/estado")["pausa"] is None, what="la reanudación")
