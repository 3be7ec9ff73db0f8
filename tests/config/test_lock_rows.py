"""What the lock keeps of each try, and what it writes in the log."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from tests.config.test_lock import HOME, NOON, REFUSED, RIGHT, WRONG, Door, each_door, fail, page, token
from tests.factory import make_user
from tickets.access import GROUP_SUPERVISORS


@pytest.fixture(autouse=True)
def luz(db: None) -> User:
    return make_user("luz", GROUP_SUPERVISORS, password=RIGHT, is_staff=True)


def test_a_lock_made_by_two_browsers_lasts_15_minutes_from_the_sixth() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        fail(page, 5, HTTP_USER_AGENT="navegador")
        clock.shift(timedelta(minutes=14))
        assert fail(token, 1, HTTP_USER_AGENT="programa") == [429]
        clock.shift(timedelta(minutes=14))
        assert page("luz", RIGHT).status_code == 429


@each_door
def test_a_name_that_is_too_long_is_refused_and_kept_cut(door: Door) -> None:
    assert door("x" * 400, WRONG).status_code == REFUSED[door]
    assert all(len(attempt.username or "") <= 150 for attempt in AccessAttempt.objects.all())


def test_wrong_passwords_are_not_kept() -> None:
    fail(page, 2)
    assert WRONG not in str(AccessAttempt.objects.values().get())


def test_logging_in_leaves_no_row_for_ever_and_a_token_no_session() -> None:
    page("luz", RIGHT)
    assert Session.objects.count() == 1
    token("luz", RIGHT)
    assert (AccessLog.objects.count(), Session.objects.count()) == (0, 1)


def test_a_lock_is_one_spanish_line_in_the_log_that_cannot_be_broken_in_two(caplog: pytest.LogCaptureFixture) -> None:
    fail(token, 9, "luz\nERROR - mentira", REMOTE_ADDR=HOME)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert lines == [rf"Acceso bloqueado 15 minutos para 'luz\nERROR - mentira' desde {HOME}"]


def test_options_does_not_show_our_docstrings(client: Client) -> None:
    assert client.options("/api/token").status_code == 405
