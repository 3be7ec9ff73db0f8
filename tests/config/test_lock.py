"""One lock for the three doors: the sixth wrong password of a user from an address shuts all of them for 15 minutes."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tests.factory import make_user
from tickets.access import GROUP_SUPERVISORS

NOON = datetime(2026, 2, 5, 18, 0, tzinfo=UTC)
RIGHT, WRONG = "clave-1234", "no es esta"
HOME, AWAY = "203.0.113.7", "198.51.100.9"
PROXY, OTHER_PROXY = "10.0.0.1", "10.0.0.2"


def page(username: str, password: str, **wire: Any) -> HttpResponse:
    return Client().post("/entrar", {"username": username, "password": password}, **wire)  # type: ignore[return-value]


def administration(username: str, password: str, **wire: Any) -> HttpResponse:
    fields = {"username": username, "password": password, "next": "/admin/"}
    return Client().post("/admin/login/", fields, **wire)  # type: ignore[return-value]


def token(username: str, password: str, **wire: Any) -> HttpResponse:
    body = json.dumps({"username": username, "password": password})
    return Client().post("/api/token", body, content_type="application/json", **wire)  # type: ignore[return-value]


Door = Callable[..., HttpResponse]
DOORS: tuple[Door, ...] = (page, administration, token)
OPENED = {page: 302, administration: 302, token: 200}
REFUSED = {page: 200, administration: 200, token: 400}
each_door = pytest.mark.parametrize("door", DOORS)


@pytest.fixture(autouse=True)
def luz(db: None, settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of passwords are tried
    return make_user("luz", GROUP_SUPERVISORS, password=RIGHT, is_staff=True)


def fail(door: Door, times: int, username: str = "luz", **wire: Any) -> list[int]:
    return [door(username, WRONG, **wire).status_code for _ in range(times)]


@each_door
def test_the_right_password_opens_each_door(door: Door) -> None:
    assert door("luz", RIGHT).status_code == OPENED[door]


@each_door
def test_the_sixth_wrong_password_is_429_and_the_five_before_it_are_not(door: Door) -> None:
    assert fail(door, 6) == [REFUSED[door]] * 5 + [429]


@pytest.mark.parametrize("last", DOORS)
def test_two_two_and_one_at_the_three_doors_lock_at_the_sixth_wherever_it_is(last: Door) -> None:
    assert 429 not in fail(page, 2) + fail(administration, 2) + fail(token, 1)
    assert fail(last, 1) == [429]


@each_door
@pytest.mark.parametrize("locked_at", DOORS)
def test_while_locked_the_right_password_is_refused_at_every_door(door: Door, locked_at: Door) -> None:
    fail(locked_at, 6)
    assert door("luz", RIGHT).status_code == 429


@each_door
def test_the_lock_of_a_right_password_gives_no_session(door: Door) -> None:
    fail(door, 6)
    assert "sessionid" not in door("luz", RIGHT).cookies


def test_a_locked_program_is_told_so_in_json() -> None:
    fail(token, 6)
    response = token("luz", RIGHT)
    assert json.loads(response.content) == {
        "detail": "Demasiados intentos fallidos. Espera 15 minutos y vuelve a intentarlo.",
        "status": "bloqueado",
    }


@pytest.mark.parametrize("door", [page, administration])
def test_a_locked_person_is_told_so_on_a_page(door: Door) -> None:
    fail(door, 6)
    response = door("luz", RIGHT)
    assert response["Content-Type"].startswith("text/html")
    assert "Espera 15 minutos" in response.content.decode()


@each_door
def test_another_address_of_the_same_user_is_not_locked(door: Door) -> None:
    fail(door, 6, REMOTE_ADDR=AWAY)
    assert door("luz", RIGHT, REMOTE_ADDR=HOME).status_code == OPENED[door]


@each_door
def test_another_user_of_the_same_address_is_not_locked(door: Door) -> None:
    make_user("paz", GROUP_SUPERVISORS, password=RIGHT, is_staff=True)
    fail(door, 6)
    assert door("paz", RIGHT).status_code == OPENED[door]


@each_door
def test_another_browser_at_the_same_address_is_locked_too(door: Door) -> None:
    for number in range(6):
        door("luz", WRONG, HTTP_USER_AGENT=f"navegador {number}")
    assert door("luz", RIGHT, HTTP_USER_AGENT="uno nuevo").status_code == 429


@each_door
def test_the_right_password_before_the_sixth_starts_the_count_again(door: Door) -> None:
    fail(door, 5)
    assert door("luz", RIGHT).status_code == OPENED[door]
    assert 429 not in fail(door, 5)


@each_door
@pytest.mark.parametrize("spelling", ["LUZ", "Luz", "lUz"])
def test_another_case_is_another_user_and_neither_guesses_nor_locks_this_one(door: Door, spelling: str) -> None:
    assert fail(door, 6, spelling)[-1] == 429
    assert door(spelling, RIGHT).status_code == 429
    assert door("luz", RIGHT).status_code == OPENED[door]


@each_door
@pytest.mark.parametrize("spelling", ["LUZ", " luz", "luz ", "ｌｕｚ", "luz\u200b"])
def test_no_spelling_of_the_name_gives_more_than_five_guesses(door: Door, spelling: str) -> None:
    fail(door, 6)
    assert door(spelling, RIGHT).status_code != OPENED[door]


@each_door
def test_a_user_who_does_not_exist_is_locked_just_the_same(door: Door) -> None:
    assert fail(door, 6, "nadie") == [REFUSED[door]] * 5 + [429]


@each_door
def test_the_doors_open_again_15_minutes_after_the_sixth(door: Door) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        fail(door, 6)
        clock.shift(timedelta(minutes=14, seconds=59))
        assert door("luz", RIGHT).status_code == 429
        clock.shift(timedelta(seconds=2))
        assert door("luz", RIGHT).status_code == OPENED[door]


def test_trying_while_locked_does_not_make_the_lock_longer() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        fail(page, 6)
        clock.shift(timedelta(minutes=14))
        assert fail(page, 3) == [429] * 3
        clock.shift(timedelta(minutes=1, seconds=1))
        assert page("luz", RIGHT).status_code == 302


def test_after_the_lock_five_more_wrong_ones_are_allowed() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        fail(page, 6)
        clock.shift(timedelta(minutes=15, seconds=1))
        assert fail(page, 6) == [200] * 5 + [429]


@each_door
def test_x_forwarded_for_of_who_is_no_trusted_proxy_does_not_escape(door: Door) -> None:
    for number in range(6):
        door("luz", WRONG, REMOTE_ADDR=HOME, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert door("luz", RIGHT, REMOTE_ADDR=HOME, HTTP_X_FORWARDED_FOR="192.0.2.99").status_code == 429


@pytest.mark.parametrize("header", ["FORWARDED", "X_REAL_IP", "CLIENT_IP", "X_CLIENT_IP", "TRUE_CLIENT_IP", "VIA"])
def test_no_other_header_changes_the_address(header: str) -> None:
    for number in range(6):
        token("luz", WRONG, REMOTE_ADDR=HOME, **{f"HTTP_{header}": f"192.0.2.{number}"})
    assert token("luz", RIGHT, REMOTE_ADDR=HOME, **{f"HTTP_{header}": "192.0.2.99"}).status_code == 429


@pytest.fixture
def proxies(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@each_door
def test_behind_a_trusted_proxy_the_client_s_address_counts(door: Door, proxies: None) -> None:
    fail(door, 6, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=AWAY)
    assert door("luz", RIGHT, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=AWAY).status_code == 429
    assert door("luz", RIGHT, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=HOME).status_code == OPENED[door]


@each_door
def test_another_proxy_of_the_same_client_is_no_way_out(door: Door, proxies: None) -> None:
    fail(door, 6, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=AWAY)
    assert door("luz", RIGHT, REMOTE_ADDR=OTHER_PROXY, HTTP_X_FORWARDED_FOR=AWAY).status_code == 429


@each_door
def test_what_the_client_wrote_to_the_left_does_not_escape(door: Door, proxies: None) -> None:
    for number in range(6):
        door("luz", WRONG, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}, {AWAY}")
    assert door("luz", RIGHT, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=f"192.0.2.99, {AWAY}").status_code == 429


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        (HOME, "192.0.2.1", HOME),
        (PROXY, AWAY, AWAY),
        (PROXY, f"192.0.2.1, {AWAY}", AWAY),
        (PROXY, f"192.0.2.1, {AWAY}, {OTHER_PROXY}", AWAY),
        (PROXY, f" {AWAY} ,, {OTHER_PROXY} ", AWAY),
        (PROXY, f"{OTHER_PROXY}, {AWAY}", AWAY),
        (PROXY, "", PROXY),
        (PROXY, OTHER_PROXY, OTHER_PROXY),
        (PROXY, "no es una dirección", PROXY),
        (PROXY, f"{AWAY}, unknown", PROXY),
        (PROXY, f"{AWAY}, unknown, {OTHER_PROXY}", OTHER_PROXY),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        (f"::ffff:{PROXY}", AWAY, AWAY),
        (PROXY, f"::ffff:{AWAY}", AWAY),
        (PROXY, "2001:DB8:0:0::5", "2001:db8::5"),
    ],
)
def test_the_rightmost_untrusted_address_is_the_one_that_counts(
    peer: str, forwarded: str, counted: str, proxies: None
) -> None:
    fail(token, 6, REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert token("luz", RIGHT, REMOTE_ADDR=counted).status_code == 429
    assert token("luz", RIGHT, REMOTE_ADDR="192.0.2.200").status_code == 200


@pytest.mark.parametrize(("peer", "believed"), [(PROXY, True), (HOME, False)])
def test_only_a_trusted_proxy_says_that_the_request_came_by_https(
    peer: str, believed: bool, proxies: None, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    response = Client().get("/entrar", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https")
    assert response.status_code == (200 if believed else 301)
