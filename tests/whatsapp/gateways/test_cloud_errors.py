"""Meta's error codes: one row per code of docs/gateways.md 5.4. Only `code` and `details` decide, never HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.gateways.contract import ADDRESS, TEXT, never
from tests.whatsapp.gateways.server import RawServer, http, says
from tests.whatsapp.gateways.test_cloud_api import PHONE_ID, cloud_api, error
from whatsapp.gateways.base import Outgoing
from whatsapp.gateways.results import (
    Ambiguous,
    Disconnected,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
)

MANUAL = Path(__file__).parents[3] / "docs" / "gateways.md"


def send(answer: bytes) -> Result:
    with RawServer(says(answer)) as server:
        result = cloud_api(server.url).send(ADDRESS, Outgoing(TEXT), never)
    assert server.connections == 1
    return result


@pytest.mark.parametrize("code", [0, 190, 3, 10, 131005, 200, 210, 299])
@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_a_token_that_is_wrong_or_may_not_is_named(code: int, status: int) -> None:
    result = send(error(code, status=status))
    assert isinstance(result, Misconfigured)
    assert result.key == "CLOUD_API_TOKEN" and str(code) in result.detail


@pytest.mark.parametrize(
    "answer",
    [
        error(33, "(#33) This object does not exist"),
        error(100, f"Unsupported post request. Object with ID '{PHONE_ID}' does not exist, cannot be loaded…"),
    ],
    ids=["33", "100"],
)
def test_a_number_that_meta_does_not_have_is_named(answer: bytes) -> None:
    result = send(answer)
    assert isinstance(result, Misconfigured) and result.key == "CLOUD_API_PHONE_ID"


@pytest.mark.parametrize("code", [1, 2, 131000, 131016, 135000, 5, 131999, 3.5, "190", None, True, [], {}])
@pytest.mark.parametrize("status", [400, 500, 503])
def test_what_proves_nothing_is_ambiguous(code: Any, status: int) -> None:
    assert isinstance(send(error(code, status=status)), Ambiguous)


@pytest.mark.parametrize("code", [4, 80007, 130429])
@pytest.mark.parametrize(("header", "after"), [((), None), (("Retry-After: 30",), 30.0)])
def test_a_limit_of_ours_slows_the_session_down(code: int, header: tuple[str, ...], after: float | None) -> None:
    assert send(error(code, "(#X)", "", 400, *header)) == RateLimited("session", after)


def test_a_limit_for_spam_is_waited_for_and_not_hammered() -> None:
    assert send(error(131048)) == RateLimited("session", 3600.0)


def test_a_limit_for_one_person_slows_nobody_else_down() -> None:
    assert send(error(131056, "(#131056) (Business Account, Consumer Account) pair rate limit hit")) == RateLimited(
        "recipient"
    )


def test_too_many_requests_without_a_code_slow_the_session_down() -> None:
    assert send(http(429, b"<html>", "Retry-After: 7")) == RateLimited("session", 7.0)


@pytest.mark.parametrize("code", [368, 131031, 131042, 131045, 131057, 133010])
@pytest.mark.parametrize("status", [400, 403, 500])
def test_an_account_that_may_not_send_is_disconnected_and_says_why(code: int, status: int) -> None:
    result = send(error(code, status=status))
    assert isinstance(result, Disconnected) and f"(código {code})" in result.detail


NEVER = {
    100: "no acepta un dato",
    130497: "de ese país",
    130472: "experimento",
    131008: "Falta un dato",
    131009: "no acepta un dato",
    131021: "sí mismo",
    131026: "no tiene WhatsApp",
    131030: "agrégala",
    131047: "plantilla",
    131049: "no lo reenvíes hoy",
    131051: "no admite este tipo",
    131052: "descargar",
    131053: "revisa su tipo y su tamaño",
    131062: "número de teléfono",
    131064: "límite",
    132000: "Faltan o sobran",
    132001: "no existe en ese idioma",
    132005: "demasiado larga",
    132007: "políticas",
    132008: "formato",
    132012: "formato",
    132015: "usa otra",
    132016: "usa otra",
}


@pytest.mark.parametrize("code", [code for code in NEVER if 1000 < code < 132000])
def test_the_manual_tells_a_code_that_is_refused_in_that_row_only(code: int) -> None:
    rows = [line for line in MANUAL.read_text().splitlines() if line.startswith("| ") and str(code) in line]
    assert [row.split(" | ")[1].startswith("refused") for row in rows] == [True]


@pytest.mark.parametrize(("code", "words"), NEVER.items())
@pytest.mark.parametrize("status", [400, 404, 500])
def test_what_meta_never_takes_is_refused_with_a_reason_that_helps(code: int, words: str, status: int) -> None:
    result = send(error(code, status=status))
    assert isinstance(result, Refused)
    assert words in result.reason and result.code == str(code) and len(result.reason) < 300


def test_a_test_number_says_what_to_do_with_mexico_and_argentina() -> None:
    result = send(error(131030, "(#131030) Recipient phone number not in allowed list"))
    assert isinstance(result, Refused)
    assert all(word in result.reason for word in ("521", "549", "número de producción"))


@pytest.mark.parametrize("code", [100, 131008, 131009, 132000, 132012])
def test_what_is_wrong_with_a_value_is_told_in_metas_words(code: int) -> None:
    result = send(error(code, "(#X) Bad", "body: number of params (1) does not match"))
    assert isinstance(result, Refused) and result.reason.endswith("number of params (1) does not match")


def test_error_data_has_been_a_text_too() -> None:
    body = {"error": {"message": "(#131009) Bad", "code": 131009, "error_data": "Invalid language"}}
    result = send(http(400, body))
    assert isinstance(result, Refused) and "Invalid language" in result.reason


def test_a_hostile_reason_is_one_short_line() -> None:
    result = send(error(131009, "x", "a\n\0\x1b[31m" + "b" * 9000))
    assert isinstance(result, Refused) and result.reason.isprintable() and len(result.reason) < 300


def test_our_own_words_in_an_error_decide_nothing() -> None:
    assert isinstance(send(error(1, "(#190) Object with ID '…' 131031 429")), Ambiguous)
