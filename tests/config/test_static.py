"""Static files as production serves them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.programs import ROOT


def test_every_import_between_modules_names_the_hashed_file(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DEBUG": "false",
        "SECRET_KEY": "x" * 60,
        "DATA_DIR": str(tmp_path),
        "ENV_FILE": os.devnull,
    }
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    hashed = [
        path for path in (tmp_path / "static" / "chat").glob("*.js") if re.search(r"\.[0-9a-f]{12}\.js$", path.name)
    ]
    assert len(hashed) > 10
    for path in hashed:
        for name in re.findall(r'from\s*"\./([^"]+)"', path.read_text()):
            assert re.search(r"\.[0-9a-f]{12}\.js$", name), f"{path.name} importa {name}"
            assert (path.parent / name).exists()
