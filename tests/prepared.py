"""A migrated database with the demo: on SQLite made once for a whole test run, and copied to each desk."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = "TESTS_SHARED_DIR"
PREPARE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("datos_demo")
"""


def shared() -> Path:
    """The folder of this test run, of all its processes; whoever asked first removes it in the end."""
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="chat-en-vivo-")
        atexit.register(shutil.rmtree, os.environ[SHARED], ignore_errors=True)
    return Path(os.environ[SHARED])


def make(environment: Mapping[str, str]) -> None:
    """Migrate, and load the demo, in one process: starting it is half of the work."""
    settings = {**environment, "DEBUG": "true", "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", PREPARE], cwd=ROOT, env=settings, check=True)


def prepare(environment: Mapping[str, str]) -> None:
    """Give the desk of this `environment` its database, which does not exist yet or is empty."""
    if environment.get("DATABASE_URL"):
        make(environment)
        return
    folder = shared() / "prepared"
    with (shared() / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = shared() / "preparing"
            make({**environment, "DATA_DIR": str(making)})
            making.rename(folder)
    shutil.copy(folder / "chat.sqlite3", environment["DATA_DIR"])
