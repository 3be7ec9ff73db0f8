"""Prepared queries asked by many threads at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tickets.models import Contact
from tickets.prepared import Prepared


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    """Python lets another thread on after a microsecond, so that whatever two threads share is mixed up."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("impatient_threads")
def test_threads_that_ask_at_once_each_get_what_they_asked_for() -> None:
    made = [Contact.objects.create(address=f"52155{number:08}").pk for number in range(8)]
    found: Prepared[Contact] = Prepared(lambda pk: Contact.objects.filter(pk=pk))

    def ask(pk: int) -> set[int]:
        try:
            return {found.get(pk).pk for _ in range(200)}
        finally:
            connection.close()

    with ThreadPoolExecutor(len(made)) as pool:
        assert list(pool.map(ask, made)) == [{pk} for pk in made]
