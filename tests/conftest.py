"""The three standing people of every test: one who works, one who supervises, one who may not see anything."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from chat import sending
from tests.factory import make_user
from tickets import calendar
from tickets.access import GROUP_SUPERVISORS, GROUP_TECHNICIANS


@pytest.fixture(autouse=True)
def fast_passwords(settings: Settings) -> None:
    """Passwords cost the tests nothing; production keeps Django's slow hash."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def plain_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second counts, as where the calendar is empty and was read; one test's hours are not the next one's."""
    monkeypatch.setattr(calendar, "_kept", (math.inf, calendar.Hours()))


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Who is in ticket 1 and what they type there is not known in another test's ticket 1."""
    cache.clear()


@pytest.fixture(autouse=True)
def no_strays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A request's own sending has ended before the next test: it would send what that one wrote."""
    started: list[threading.Event] = []
    submit = sending.stand_in.submit

    def counted(function: Callable[..., Any], *args: Any) -> None:
        ended = threading.Event()
        started.append(ended)

        def run() -> None:
            try:
                function(*args)
            finally:
                ended.set()

        submit(run)

    monkeypatch.setattr(sending.stand_in, "submit", counted)
    yield
    assert all(ended.wait(20) for ended in started)


@pytest.fixture
def tecnica(db: None) -> User:
    """Ana works at the desk."""
    return make_user("ana", GROUP_TECHNICIANS, first_name="Ana", last_name="Ruiz")


@pytest.fixture
def supervisora(db: None) -> User:
    """Sofía supervises: she also enters the admin."""
    return make_user("sofia", GROUP_SUPERVISORS, first_name="Sofía", last_name="Soto", is_staff=True)


@pytest.fixture
def extrana(db: None) -> User:
    """Eva has an account but is in neither group."""
    return make_user("eva", first_name="Eva", last_name="Extraña")


@pytest.fixture
def desk(tecnica: User) -> Client:
    """A browser in which Ana is logged in."""
    client = Client()
    client.force_login(tecnica)
    return client
