"""A desk with a model to ask, on a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from chat import tallies
from chat.llm import endpoint
from tests.fake_model import KEY, FakeModel, fake_model


@pytest.fixture
def model(settings: Settings) -> Iterator[FakeModel]:
    with fake_model() as made:
        settings.ASISTENTE_URL, settings.ASISTENTE_MODELO, settings.ASISTENTE_API_KEY = made.url, "prueba", KEY
        yield made


@pytest.fixture(autouse=True)
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """No failure of another test counts, and nothing was counted yet."""
    monkeypatch.setattr(endpoint, "rest", endpoint.Rest())
    monkeypatch.setattr(tallies, "notes", tallies.Notes())


def counted() -> dict[str, float]:
    """How the calls for interviews ended that this process has not written yet."""
    return {outcome: value for (name, outcome, _), value in tallies.notes.counts.items() if name == tallies.MODEL}
