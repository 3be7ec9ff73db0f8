"""The environment: what is refused, in which words, and who reads it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.programs import ROOT
from whatsapp.checks import check_gateway

KEYS = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "solo-para-estas-pruebas-" + "abcdefghij" * 5,
    "ALLOWED_HOSTS": "mesa.example.org",
    "WAHA_URL": "http://waha:3000",
    "WAHA_HMAC_KEY": "x",
}


def check(folder: Path, **values: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` in production with `values`."""
    environment = {key: value for key, value in os.environ.items() if key not in KEYS}
    environment |= {"ENV_FILE": os.devnull, "DATA_DIR": str(folder), **PRODUCTION, **values}
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def refusal(folder: Path, **values: str) -> str:
    """The one line that ends the refusal of `values`."""
    result = check(folder, **values)
    assert result.returncode != 0, result.stdout
    kind, _, message = result.stderr.strip().splitlines()[-1].partition(": ")
    assert kind == "django.core.exceptions.ImproperlyConfigured", result.stderr
    return message


def test_a_good_environment_is_accepted(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("secret", ["", "cambia-esta-clave"])
def test_production_does_not_start_with_an_example_secret(tmp_path: Path, secret: str) -> None:
    assert refusal(tmp_path, SECRET_KEY=secret).startswith("SECRET_KEY está vacía o es la del ejemplo.")
    assert not (tmp_path / "secret_key").exists()


def test_development_makes_its_own_secrets_once_and_for_the_owner_only(tmp_path: Path) -> None:
    empty = {"DEBUG": "true", "SECRET_KEY": "", "WAHA_HMAC_KEY": ""}
    assert check(tmp_path, **empty).returncode == 0
    made = {name: (tmp_path / name).read_text() for name in ("secret_key", "waha_hmac_key")}
    assert check(tmp_path, **empty).returncode == 0
    for name, text in made.items():
        assert len(text) >= 50 and (tmp_path / name).read_text() == text
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "setting",
    [
        "WHATSAPP_TIMEOUT_S=abc",
        "WHATSAPP_TIMEOUT_S=-1",
        "WHATSAPP_TIMEOUT_S=0",
        "WHATSAPP_TIMEOUT_S=nan",
        "ENVIO_ESPERA_S=inf",
        "PORT=99999",
        "PORT=80.5",
        "DATABASE_URL=nonsense",
        "DATABASE_URL=mysql://a:b@c/d",
        "DATABASE_URL=postgres://a:clave@c:abc/d",
        "REDIS_URL=nonsense",
        "TRUSTED_PROXIES=foo",
        "WHATSAPP_GATEWAY=x",
        "LOG_TELEFONOS=x",
        "TIME_ZONE=Nowhere",
        "TIME_ZONE=../etc/passwd",
        "DEBUG=quizá",
    ],
)
def test_a_value_of_no_sense_is_refused_in_one_spanish_line_that_names_its_key_only(
    tmp_path: Path, setting: str
) -> None:
    key, _, value = setting.partition("=")
    message = refusal(tmp_path, **{key: value})
    assert re.match(rf"{key} debe ", message)
    assert set(re.findall(r"[A-Z][A-Z0-9_]{3,}", message)) & KEYS == {key}
    assert "clave@" not in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("WAHA_URL", ""),
        ("WAHA_URL", "waha:3000"),
        ("WAHA_HMAC_KEY", ""),
    ],
)
def test_check_refuses_production_without_a_gateway_it_can_call_and_believe(
    tmp_path: Path, key: str, value: str
) -> None:
    result = check(tmp_path, **{key: value})
    assert result.returncode != 0
    assert f"(whatsapp.E001) {key} " in result.stderr
    assert f"HINT: Pon {key} " in result.stderr


@pytest.mark.parametrize(
    "url", ["waha", "//waha:3000", "ftp://waha", "http://", "http://waha:abc", "http://waha:99999", "http://[::1"]
)
def test_an_address_that_is_none_is_refused_with_a_hint(settings: Settings, url: str) -> None:
    settings.WAHA_URL = url
    assert ["WAHA_URL" in found.msg and "WAHA_URL" in str(found.hint) for found in check_gateway()] == [True]


@pytest.mark.parametrize("url", ["http://waha:3000", "https://waha.example.org/", "http://[::1]:3000"])
def test_an_address_with_scheme_and_server_is_accepted(settings: Settings, url: str) -> None:
    settings.WAHA_URL = url
    assert check_gateway() == []


# Django's own way in, and the command that hands its environment to the processes that it starts.
ALLOWED = re.compile(r'setdefault\("DJANGO_SETTINGS_MODULE"|\*\*os\.environ,|os\.environ\.get\(.PATH.')
# They start programs, which get our environment.
HAND_ON = ("chat/management/commands/arrancar.py", "chat/backup.py")


def test_only_the_settings_read_the_environment() -> None:
    reading = []
    for app in ("config", "chat", "tickets", "whatsapp"):
        for path in sorted((ROOT / app).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            for line in path.read_text().splitlines():
                if (
                    not re.search(r"\bos\.environ|\bgetenv|\benviron\b(?!ment)|\bdotenv", line)
                    or "honcho.environ" in line
                ):
                    continue
                passes_on = ALLOWED.search(line) and ("DJANGO_SETTINGS" in line or name in HAND_ON)
                if name != "config/settings.py" and not passes_on:
                    reading.append(f"{name}: {line.strip()}")
    assert not reading
