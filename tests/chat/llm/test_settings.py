"""`manage.py check` says in Spanish what of ASISTENTE_* is only half there."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from chat import checks
from chat.llm import endpoint

URL, MODEL = "https://modelo.example.org/v1", "pequeño"


def found(settings: Settings, url: str = "", model: str = "", key: str = "") -> list[str]:
    settings.ASISTENTE_URL, settings.ASISTENTE_MODELO, settings.ASISTENTE_API_KEY = url, model, key
    return [f"{one.msg} {one.hint}" for one in checks.check_model()]


@pytest.mark.parametrize(
    ("url", "model", "key"), [("", "", ""), (URL, MODEL, ""), (URL, MODEL, "sk"), ("http://127.0.0.1:9/v1", MODEL, "x")]
)
def test_off_or_whole_is_fine(settings: Settings, url: str, model: str, key: str) -> None:
    assert found(settings, url, model, key) == []


@pytest.mark.parametrize(
    ("url", "model", "key", "names"),
    [
        (URL, "", "", "Falta ASISTENTE_MODELO"),
        ("", MODEL, "", "Falta ASISTENTE_URL"),
        ("", "", "sk", "Falta ASISTENTE_URL"),
        ("modelo.example.org", MODEL, "", "ASISTENTE_URL debe empezar con http"),
        ("http://[::1", MODEL, "", "ASISTENTE_URL debe empezar con http"),
        (URL, MODEL, "sk secreta", "ASISTENTE_API_KEY tiene espacios"),
        ("http://modelo.example.org/v1", MODEL, "sk-secreta", "viajarían sin cifrar"),
    ],
)
def test_half_configured_is_said_without_the_key(
    settings: Settings, url: str, model: str, key: str, names: str
) -> None:
    (said,) = found(settings, url, model, key)
    assert names in said
    assert not key or key not in said


def test_half_configured_is_off(settings: Settings) -> None:
    found(settings, URL)
    assert not endpoint.configured()


@pytest.mark.parametrize("url", [URL, f"{URL}/chat/completions"])
def test_the_address_is_taken_with_or_without_its_end(settings: Settings, url: str) -> None:
    settings.ASISTENTE_URL = url
    assert endpoint.address() == f"{URL}/chat/completions"
