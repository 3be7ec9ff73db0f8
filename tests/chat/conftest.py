"""The gateway of every test here is scripted; nothing leaves the machine, and nobody waits for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from chat import delivery, outcomes, runtime, sending
from tests.fake_gateway import FakeGateway


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> FakeGateway:
    """The active gateway. Sends are not spaced, unless the test says so."""
    settings.ENVIO_POR_SEGUNDO = 0
    fake = FakeGateway()
    monkeypatch.setattr("whatsapp.gateways.active", lambda: fake)
    return fake


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our own pause after a crash is not slept through; whatever a test stopped runs again after it."""
    monkeypatch.setattr(delivery, "CRASH_PAUSE_S", 0)
    monkeypatch.setattr(outcomes, "CRASH_PAUSE_S", 0)
    runtime.stopping.clear()
    yield
    runtime.stopping.clear()


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a request leaves to a thread is done before it goes on: the sending is the same, without the race."""

    def now(function: Callable[..., Any], *args: Any) -> None:
        function(*args)

    monkeypatch.setattr(sending.stand_in, "submit", now)


@pytest.fixture
def nobody_sends(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The wake-up reaches nobody: the row stays as the request wrote it, and no request waits for it in vain."""
    settings.ENVIO_ESPERA_S = 0
    monkeypatch.setattr(sending.stand_in, "submit", lambda *_: None)
