"""What each answer of the gateway makes of the row, the lease and the breaker, and the one line it logs."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from chat import delivery, outcomes
from chat.models import Conversation, Message
from config import logs
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import AfterFirstByte, Answer, FakeGateway
from whatsapp import connection
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Misconfigured,
    RateLimited,
    Refused,
    Unreachable,
)

pytestmark = pytest.mark.django_db

SECRET = "mi contraseña es 1234"


@pytest.fixture
def message(db: None) -> Message:
    ticket = make_ticket(make_contact("5214772758198"))
    return Conversation.locked_for(ticket.contact).append(ticket, "tecnico", SECRET)


@pytest.fixture(autouse=True)
def a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The back-off without its chance."""
    monkeypatch.setattr(outcomes, "backoff", lambda attempts: 30.0 + attempts)


def send(gateway: FakeGateway, message: Message, answer: Answer) -> Message:
    gateway.answers(answer)
    delivery.drain(message.conversation_id)
    message.refresh_from_db()
    return message


def seconds_left(message: Message) -> float:
    assert message.due
    return (message.due - timezone.now()).total_seconds()


# Answer, state, held, seconds until due (None: not due at all), whether the session is open afterwards, not_sent
TABLE: dict[str, tuple[Answer, str, str, float | None, bool, int]] = {
    "accepted": (Accepted("3EB0A"), "enviado", "", None, True, 0),
    "unreachable": (Unreachable("DNS"), "en_cola", "session", 31, True, 1),
    "disconnected": (Disconnected("detenida"), "en_cola", "session", 31, False, 0),
    "misconfigured": (Misconfigured("WAHA_API_KEY", "401"), "en_cola", "session", 31, False, 0),
    "session limit": (RateLimited("session"), "en_cola", "session", 31, True, 1),
    "session limit with a time": (RateLimited("session", 120), "en_cola", "session", 120, True, 1),
    "session limit with a shorter time": (RateLimited("session", 3), "en_cola", "session", 31, True, 1),
    "recipient limit": (RateLimited("recipient"), "en_cola", "recipient", 4, True, 0),
    "recipient limit with a time": (RateLimited("recipient", 60), "en_cola", "recipient", 60, True, 0),
    "refused": (Refused("Ese número no tiene WhatsApp.", "400"), "fallido", "", None, True, 0),
    "ambiguous": (Ambiguous("HTTP 502"), "sin_confirmar", "", 30, True, 0),
    "bug after the first byte": (AfterFirstByte(ValueError("x")), "sin_confirmar", "", 30, True, 0),
}


@pytest.mark.parametrize(("answer", "state", "held", "due", "connected", "not_sent"), TABLE.values(), ids=TABLE.keys())
def test_each_answer_makes_one_state_of_the_row_and_frees_the_lease(
    gateway: FakeGateway,
    message: Message,
    answer: Answer,
    state: str,
    held: str,
    due: float | None,
    connected: bool,
    not_sent: int,
) -> None:
    send(gateway, message, answer)
    assert (message.state, message.held) == (state, held)
    assert message.due is None if due is None else seconds_left(message) == pytest.approx(due, abs=1.5)
    conversation = Conversation.objects.get()
    assert (conversation.lease_token, conversation.lease_until) == (None, None)
    row = connection.current()
    assert (row.connected, row.not_sent) == (connected, not_sent)
    assert len(gateway.calls) == message.attempts == 1
    assert message.version == conversation.version


def test_an_accepted_message_keeps_the_gateways_id_and_when(gateway: FakeGateway, message: Message) -> None:
    send(gateway, message, Accepted("3EB0A", "5214772758198"))
    assert (message.gateway, message.gateway_id, message.reason) == ("waha", "3EB0A", "")
    assert message.sent
    assert timezone.now() - message.sent < timedelta(seconds=5)


def test_an_id_that_another_message_already_has_is_not_taken_from_it(gateway: FakeGateway, message: Message) -> None:
    other = make_ticket()
    Conversation.locked_for(other.contact).append(
        other, "tecnico", "x", state="enviado", gateway="waha", gateway_id="3EB0A"
    )
    send(gateway, message, Accepted("3EB0A"))
    assert (message.state, message.gateway_id) == ("enviado", None)


def test_a_refusal_keeps_its_reason_for_the_technician(gateway: FakeGateway, message: Message) -> None:
    send(gateway, message, Refused("x" * 900, "400"))
    assert message.reason == "x" * 300


def test_a_queued_message_says_why_it_waits_and_forgets_it_when_sent(gateway: FakeGateway, message: Message) -> None:
    send(gateway, message, Unreachable("DNS"))
    assert message.reason == "WhatsApp desconectado."
    Message.objects.update(due=None)
    send(gateway, message, Accepted("3EB0A"))
    assert (message.reason, message.held, message.due) == ("", "", None)


def test_a_limit_of_the_recipient_backs_off_by_powers_of_four(gateway: FakeGateway, message: Message) -> None:
    pauses = []
    for _ in range(6):
        send(gateway, message, RateLimited("recipient"))
        pauses.append(round(seconds_left(message)))
        Message.objects.update(due=None)
    assert pauses == [4, 16, 64, 256, 256, 256]


def test_backing_off_has_full_jitter_from_a_second_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    ranges: list[tuple[float, float]] = []
    monkeypatch.setattr(outcomes.random, "uniform", lambda low, high: ranges.append((low, high)) or high)
    assert [outcomes.backoff(attempts) for attempts in (1, 2, 3, 5, 6, 7, 1000)] == [2, 4, 8, 32, 60, 60, 60]
    assert {low for low, _ in ranges} == {0}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answer", [Accepted("3EB0A"), Unreachable("Connection refused")])
def test_an_outcome_outlasts_a_database_that_is_away_for_a_moment(
    gateway: FakeGateway,
    message: Message,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = [OperationalError("database is locked"), OperationalError("server closed the connection")]
    write = outcomes.write_outcome

    def write_when_it_is_back(*given: Any) -> Message:
        if away:
            raise away.pop()
        return write(*given)

    monkeypatch.setattr(outcomes, "PATIENCE_S", (0, 0, 0))
    monkeypatch.setattr(outcomes, "write_outcome", write_when_it_is_back)
    assert send(gateway, message, answer).state == ("enviado" if isinstance(answer, Accepted) else "en_cola")
    assert "database is locked" in caplog.text
    assert len(gateway.calls) == 1


def test_only_real_tries_count(gateway: FakeGateway, message: Message) -> None:
    gateway.answers(RuntimeError("nuestro"), RuntimeError("nuestro"))
    send(gateway, message, Accepted("3EB0A"))
    assert (message.attempts, message.state) == (1, "enviado")


# The log


class Lines(logging.Handler):
    """The lines as the console gets them, without the time and the request's id."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s - %(message)s"))
        self.addFilter(logs.RequestIdFilter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Any:
    handler = Lines()
    logger = logging.getLogger("chat")
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


def test_the_lines_of_the_contract_are_written_letter_for_letter(
    gateway: FakeGateway, message: Message, lines: list[str]
) -> None:
    send(gateway, message, Accepted("3EB0A"))
    assert lines == [
        f"INFO - Enviando mensaje del técnico al ticket #{message.ticket_id} (+5214772758198)",
        "INFO - Mensaje enviado exitosamente a +5214772758198",
    ]


def test_the_console_writes_level_dash_message(settings: Settings) -> None:
    assert settings.LOGGING["formatters"]["lines"]["format"].endswith("%(levelname)s - %(message)s")
    assert settings.LOGGING["loggers"]["chat"]["level"] == "INFO"
    assert logging.getLogger("chat").isEnabledFor(logging.INFO)


def test_phones_are_written_in_part_when_the_setting_says_so(
    gateway: FakeGateway, message: Message, lines: list[str], settings: Settings
) -> None:
    settings.LOG_TELEFONOS = "parcial"
    send(gateway, message, Accepted("3EB0A"))
    assert lines == [
        f"INFO - Enviando mensaje del técnico al ticket #{message.ticket_id} (+52…8198)",
        "INFO - Mensaje enviado exitosamente a +52…8198",
    ]


def test_the_assistants_messages_are_told_apart(gateway: FakeGateway, lines: list[str]) -> None:
    ticket = make_ticket(make_contact("5214772758198"))
    words = Conversation.locked_for(ticket.contact).append(ticket, "assistant", "¿Cuál es tu nombre?")
    send(gateway, words, Accepted("3EB0A"))
    assert lines[0] == f"INFO - Enviando mensaje del asistente al ticket #{ticket.pk} (+5214772758198)"


OTHERS = {name: row[0] for name, row in TABLE.items() if name not in ("accepted", "bug after the first byte")}


@pytest.mark.parametrize("partly", [False, True])
@pytest.mark.parametrize("answer", OTHERS.values(), ids=OTHERS.keys())
def test_every_other_outcome_is_one_warning_with_the_phone_and_never_the_text(
    gateway: FakeGateway, message: Message, lines: list[str], settings: Settings, answer: Answer, partly: bool
) -> None:
    settings.LOG_TELEFONOS = "parcial" if partly else "completo"
    send(gateway, message, answer)
    assert len(lines) == 2
    assert lines[1].startswith("WARNING - ")
    assert ("+52…8198" if partly else "+5214772758198") in lines[1]
    assert ("+5214772758198" in "".join(lines)) is not partly
    assert "contraseña" not in "".join(lines)


@pytest.mark.parametrize("answer", [RuntimeError("x"), AfterFirstByte(RuntimeError("x"))], ids=["before", "after"])
def test_a_bug_is_logged_without_the_text(
    gateway: FakeGateway, message: Message, lines: list[str], answer: Answer
) -> None:
    send(gateway, message, answer)
    assert any(line.startswith("ERROR - ") for line in lines)
    assert "contraseña" not in "".join(lines)


def test_what_a_gateway_says_stays_on_one_line_and_is_no_format(
    gateway: FakeGateway, message: Message, lines: list[str]
) -> None:
    send(gateway, message, Ambiguous("100% de %s\nERROR - línea falsa\r\n" + "x" * 500))
    assert len(lines) == 2
    assert "\n" not in lines[1]
    assert "100% de %s ERROR - línea falsa" in lines[1]
    assert len(lines[1]) < 250
