"""Prism (https://github.com/stoplightio/prism): a mock server that refuses what its OpenAPI file does not allow."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import ROOT, free_port, stop, until

VERSION = "5.16.0"
FOLDER = ROOT / ".venv" / "conformidad"
PROGRAM = FOLDER / "node_modules" / "@stoplight" / "prism-cli"


def install() -> None:
    """Prism in a folder of its own under .venv, if it is not there yet."""
    if installed() == VERSION:
        return
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("Falta npm, con el que se instala Prism. En Debian y Ubuntu: sudo apt install npm")
    print(f"Instalando Prism {VERSION} en {FOLDER.relative_to(ROOT)} …", flush=True)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    arguments = [npm, "install", "--prefix", str(FOLDER), *quiet, f"@stoplight/prism-cli@{VERSION}"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    if subprocess.run(arguments, stdout=subprocess.DEVNULL).returncode or installed() != VERSION:
        sys.exit("npm no pudo instalar Prism.")


def installed() -> str:
    try:
        version: str = json.loads((PROGRAM / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        return ""
    return version


@contextmanager
def mock(openapi: Path, log: Path) -> Iterator[str]:
    """A server on 127.0.0.1 that judges requests by `openapi`; yields its URL. What it says goes to `log`."""
    node, port = shutil.which("node") or "node", free_port()
    arguments = [node, str(PROGRAM / "dist" / "index.js"), "mock", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen([*arguments, "--errors", str(openapi)], stdout=output, stderr=subprocess.STDOUT)
        try:
            until(lambda: process.poll() is not None or listens(port), 60, f"Prism con {openapi.name}")
            if process.poll() is not None:
                sys.exit(f"Prism no pudo leer {openapi}:\n{log.read_text()[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            stop(process)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
