"""Values of the environment that are right although they look odd, and more that are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.config.test_settings import KEYS, PRODUCTION, refusal
from tests.programs import ROOT

READ = "from config import settings; print(repr(getattr(settings, {key!r})))"


def read(folder: Path, key: str, value: str) -> str:
    """What the settings make of `value`, as Python writes it."""
    environment = {name: text for name, text in os.environ.items() if name not in KEYS}
    environment |= {"ENV_FILE": os.devnull, "DATA_DIR": str(folder), **PRODUCTION, key: value}
    command = [sys.executable, "-c", READ.format(key=key)]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("key", ["SECRET_KEY", "WAHA_API_KEY", "WAHA_HMAC_KEY"])
@pytest.mark.parametrize("value", ["$2b$12$abc", "$HOME", "con #almohadilla", "a=b,c"])
def test_a_secret_is_taken_as_it_is_written(tmp_path: Path, key: str, value: str) -> None:
    assert read(tmp_path, key, value) == repr(value)


def test_spaces_after_the_commas_of_a_list_do_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path, "ALLOWED_HOSTS", "a.example, b.example") == "['a.example', 'b.example']"
    proxies = "[IPv4Network('10.0.0.1/32'), IPv6Network('fd00::/8')]"
    assert read(tmp_path, "TRUSTED_PROXIES", "10.0.0.1, fd00::/8") == proxies


@pytest.mark.parametrize(
    "setting",
    ["TELEFONO_REGION=ZZ", "TELEFONO_REGION=México", "DATA_DIR=/dev/null/datos", "TRUSTED_PROXIES=10.0.0.1/8", "PORT="],
)
def test_these_are_refused_too_by_their_name(tmp_path: Path, setting: str) -> None:
    key, _, value = setting.partition("=")
    assert refusal(tmp_path, **{key: value}).startswith(f"{key} debe ")


def test_a_blank_secret_is_an_empty_one(tmp_path: Path) -> None:
    assert refusal(tmp_path, SECRET_KEY="   ").startswith("SECRET_KEY está vacía")
