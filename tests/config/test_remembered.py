"""Who is asking is read once in a while and remembered, and what ends a session ends it all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from config import sessions
from config.auth import make_token
from config.sessions import KEEP_S, memory
from tests.factory import make_ticket, make_user
from tickets.access import GROUP_TECHNICIANS

PASSWORD = "clave-1234"


@pytest.fixture(autouse=True)
def nobody_is_remembered() -> Iterator[None]:
    memory.forget()
    yield
    memory.forget()


@pytest.fixture
def luz(db: None) -> User:
    return make_user("luz", GROUP_TECHNICIANS, password=PASSWORD)


@pytest.fixture
def browser(luz: User) -> Client:
    """A browser whose session is remembered."""
    client = Client()
    client.force_login(luz)
    assert client.get("/tickets").status_code == 200
    return client


@pytest.fixture
def program(luz: User) -> Client:
    """A program whose token is remembered."""
    client = Client(headers={"Authorization": f"Token {make_token(luz)}"})
    assert client.get("/tickets").status_code == 200
    return client


@pytest.fixture(params=["browser", "program"])
def known(request: pytest.FixtureRequest) -> Client:
    """Either of them."""
    client: Client = request.getfixturevalue(request.param)
    return client


def asked(client: Client, path: str = "/estado") -> str:
    """The SQL that a GET asks, which must be answered."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return " ".join(query["sql"] for query in queries)


def another_process(change: Callable[[], Any]) -> None:
    """A change that this process is not told of."""
    changes, people = memory.changes, dict(memory.people)
    change()
    memory.changes, memory.people = changes, people


def test_neither_session_nor_user_nor_groups_are_read_again(known: Client) -> None:
    assert "auth_" not in (sql := asked(known)) and "django_session" not in sql


def test_after_a_while_they_are_read_again(known: Client) -> None:
    with time_machine.travel(timezone.now() + timedelta(seconds=KEEP_S + 1)):
        assert "auth_user_groups" in asked(known)


def test_what_is_remembered_depends_on_the_cookie_all_the_same(browser: Client) -> None:
    assert "Cookie" in browser.get("/tickets")["Vary"]


def group() -> Group:
    return Group.objects.get(name=GROUP_TECHNICIANS)


def rename_group() -> None:
    found = group()
    found.name = "Otro"
    found.save()


ENDS: dict[str, tuple[Callable[[User], Any], int]] = {
    "a new password": (lambda luz: (luz.set_password("otra-clave-9"), luz.save()), 401),
    "a disabled account": (lambda luz: (setattr(luz, "is_active", False), luz.save()), 401),
    "a deleted account": (lambda luz: luz.delete(), 401),
    "who leaves the group": (lambda luz: luz.groups.clear(), 404),
    "who is taken out of the group": (lambda luz: group().user_set.remove(luz), 404),
    "a group of another name": (lambda luz: rename_group(), 404),
    "a deleted group": (lambda luz: group().delete(), 404),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_seen_at_once_in_this_process(known: Client, luz: User, end: str) -> None:
    change, status = ENDS[end]
    change(luz)
    assert known.get("/tickets").status_code == status


@pytest.mark.parametrize("end", ENDS)
def test_an_end_in_another_process_is_seen_within_half_a_minute(known: Client, luz: User, end: str) -> None:
    change, status = ENDS[end]
    another_process(lambda: change(luz))
    assert known.get("/tickets").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=KEEP_S + 1)):
        assert known.get("/tickets").status_code == status
    assert KEEP_S <= 30


@pytest.mark.parametrize("end", ENDS)
def test_whoever_changes_something_is_never_believed_from_memory(known: Client, luz: User, end: str) -> None:
    change, status = ENDS[end]
    path = f"/ticket/{make_ticket().pk}/tomar"
    another_process(lambda: change(luz))
    assert known.post(path, "{}", content_type="application/json").status_code == status


def test_logging_out_ends_it_for_whoever_has_the_cookie_too(browser: Client) -> None:
    thief = Client()
    thief.cookies["sessionid"] = browser.cookies["sessionid"].value
    assert thief.get("/tickets").status_code == 200
    browser.post("/salir")
    assert thief.get("/tickets").status_code == 401


def test_a_new_password_of_one_s_own_ends_the_other_browsers_and_not_this_one(luz: User) -> None:
    luz.is_staff = True
    luz.save()
    own, other = Client(), Client()
    for client in (own, other):
        client.force_login(luz)
        assert client.get("/tickets").status_code == 200
    fields = {"old_password": PASSWORD, "new_password1": "otra-clave-9", "new_password2": "otra-clave-9"}
    assert own.post("/admin/password_change/", fields).status_code == 302
    assert (own.get("/tickets").status_code, other.get("/tickets").status_code) == (200, 401)


def test_a_session_that_expires_is_not_remembered_longer(browser: Client) -> None:
    Session.objects.update(expire_date=timezone.now() + timedelta(seconds=5))
    memory.forget()
    assert browser.get("/tickets").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=6)):
        assert browser.get("/tickets").status_code == 401


def test_a_clock_that_was_set_back_makes_nobody_remembered_for_longer(known: Client) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        assert "auth_user" in asked(known)


def test_who_logs_in_as_somebody_else_in_the_same_browser_is_somebody_else(browser: Client) -> None:
    make_user("sol", GROUP_TECHNICIANS, password=PASSWORD)
    old = browser.cookies["sessionid"].value
    browser.post("/salir")
    browser.post("/entrar", {"username": "sol", "password": PASSWORD})
    assert 'class="clip">sol<' in browser.get("/").content.decode()
    thief = Client()
    thief.cookies["sessionid"] = old
    assert thief.get("/tickets").status_code == 401


def test_a_session_that_somebody_chose_for_another_never_becomes_theirs(luz: User) -> None:
    chosen = "a" * 32
    thief, victim = Client(), Client()
    thief.cookies["sessionid"] = victim.cookies["sessionid"] = chosen
    assert thief.get("/tickets").status_code == 401
    victim.post("/entrar", {"username": "luz", "password": PASSWORD})
    assert victim.get("/tickets").status_code == 200
    thief.cookies["sessionid"] = chosen
    assert thief.get("/tickets").status_code == 401


def test_a_token_is_no_session_and_a_session_no_token(browser: Client, luz: User) -> None:
    token, key = make_token(luz), browser.cookies["sessionid"].value
    assert Client().get("/tickets", headers={"Authorization": f"Token {token}"}).status_code == 200
    as_session = Client()
    as_session.cookies["sessionid"] = token
    assert as_session.get("/tickets").status_code == 401
    assert Client().get("/tickets", headers={"Authorization": f"Token {key}"}).status_code == 401


def test_nobody_without_a_login_is_remembered(client: Client, extrana: User) -> None:
    client.get("/tickets")
    client.cookies["sessionid"] = "b" * 32
    client.get("/tickets")
    assert not memory.people


def test_what_changes_while_somebody_is_read_is_not_remembered_as_it_was(
    browser: Client, luz: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.forget()
    real = sessions.get_user

    def slow(request: Any) -> Any:
        found = real(request)
        luz.groups.clear()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(sessions, "get_user", slow)
        browser.get("/tickets")
    assert not memory.people


def test_what_is_read_before_the_change_is_committed_is_forgotten_when_it_is(
    browser: Client, luz: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as callbacks, transaction.atomic():
        luz.groups.clear()
    browser.get("/estado")
    memory.keep("session", browser.cookies["sessionid"].value, luz, memory.changes)  # by whoever read before it
    for callback in callbacks:
        callback()
    assert not memory.people


def test_what_a_request_does_to_its_user_no_other_request_sees(luz: User) -> None:
    memory.keep("session", "x", luz, memory.changes)
    first = memory.recall("session", "x")
    assert first is not None
    first.first_name = "Otra"
    first._perm_cache = {"tickets.delete_ticket"}  # type: ignore[attr-defined]
    second = memory.recall("session", "x")
    assert second is not None
    assert second.first_name == "" and not hasattr(second, "_perm_cache")


def test_memory_has_an_end(luz: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    for key in "abcde":
        memory.keep("session", key, luz, memory.changes)
    assert len(memory.people) <= 3
