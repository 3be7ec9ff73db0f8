"""What a send asks of the database, and in which order it locks: the hot path, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from chat import delivery, echoes, outcomes, sweeping
from chat.models import Conversation, Held, Message
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway, gateway_id, post_webhook, session_status
from whatsapp import connection as line
from whatsapp import events
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Ambiguous, Disconnected, RateLimited, Result, Unreachable

pytestmark = pytest.mark.django_db

# The order in which everybody locks; two who keep it never wait for each other.
ORDER = ["chat_conversation", "chat_message", "whatsapp_connection"]


@pytest.fixture(autouse=True)
def line_is_known() -> None:
    line.current()


def queued(role: str = "tecnico", **fields: Any) -> Message:
    ticket = make_ticket()
    return Conversation.locked_for(ticket.contact).append(ticket, role, "hola", **fields)


def claim(message: Message) -> delivery.Claim:
    claimed = delivery.claim(message.conversation_id)
    assert isinstance(claimed, delivery.Claim)
    return claimed


def asked(deed: Callable[[], Any]) -> list[str]:
    """The SQL of what `deed` asks, without the beginning and end of its transactions."""
    with CaptureQueriesContext(connection) as captured:
        deed()
    return [query["sql"] for query in captured if query["sql"].split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")]


def read(queries: list[str]) -> list[str]:
    """The tables that are read, in order. A claim locks what it reads, but the line."""
    return [sql.split('"')[1] for sql in queries if sql.startswith("SELECT")]


def written(queries: list[str]) -> list[str]:
    """The tables whose rows are changed, in order: PostgreSQL locks them then, and SQLite has no locks on rows."""
    return [sql.split()[1].strip('"') for sql in queries if sql.startswith("UPDATE")]


@pytest.mark.parametrize(
    ("role", "rate", "queries"), [("tecnico", 0, 5), ("tecnico", 5, 6), ("assistant", 0, 6)], ids=str
)
def test_a_claim_asks_little(settings: Settings, role: str, rate: float, queries: int) -> None:
    settings.ENVIO_POR_SEGUNDO = rate
    message = queued(role)
    for _ in range(3):
        Conversation.objects.get().append(message.ticket, "assistant", "y después")
    assert len(asked(lambda: claim(message))) == queries


def test_a_claim_of_what_is_not_due_asks_twice() -> None:
    message = queued(due="2100-01-01T00:00:00Z")
    assert len(asked(lambda: delivery.claim(message.conversation_id))) == 2


@pytest.mark.parametrize(
    ("result", "queries"), [(Accepted("3EB0A"), 7), (Unreachable("x"), 8), (RateLimited("recipient"), 5)], ids=str
)
def test_an_outcome_asks_little(result: Result, queries: int) -> None:
    claimed = claim(queued())
    deed = lambda: outcomes.settle(claimed.message, claimed.token, claimed.telefono, result)  # noqa: E731
    assert len(asked(deed)) == queries


def test_the_mark_before_the_first_byte_is_one_question() -> None:
    assert len(asked(claim(queued()).begin_writing)) == 1


@pytest.mark.parametrize(
    "result",
    [Accepted("3EB0A"), Ambiguous("HTTP 502"), Disconnected("Sesión detenida"), RateLimited("session", 9)],
    ids=str,
)
def test_claim_and_outcome_lock_the_conversation_then_the_message_then_the_line(
    settings: Settings, gateway: FakeGateway, result: Result
) -> None:
    settings.ENVIO_POR_SEGUNDO = 5
    line.doubtful("otra", "HTTP 502")  # so that a success has something to forget
    message = queued()
    claimed: list[delivery.Claim] = []
    taken = asked(lambda: claimed.append(claim(message)))
    settled = asked(lambda: outcomes.settle(message, claimed[0].token, "", result))
    for tables in (read(taken), written(settled)):
        assert sorted(tables, key=ORDER.index) == tables
        assert set(tables) == set(ORDER)
    if connection.vendor == "postgresql":
        assert [" FOR UPDATE" in sql for sql in taken[:3]] == [True, True, False]


def test_a_session_that_is_back_locks_messages_before_the_line() -> None:
    queued(held=Held.SESSION)
    line.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    tables = written(asked(lambda: post_webhook(session_status("WORKING"))))
    assert [table for table in tables if table in ORDER] == ["chat_message", "whatsapp_connection"]
    assert Message.objects.get().held == ""


def test_a_settled_id_wakes_what_waited_for_it_with_one_question(gateway: FakeGateway) -> None:
    message_id = gateway_id()
    claimed = claim(queued())
    queries = asked(lambda: outcomes.settle(claimed.message, claimed.token, "", Accepted(message_id)))
    assert sum("whatsapp_webhookevent" in sql for sql in queries) == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the size of its tables")
@pytest.mark.parametrize(
    "question",
    [sweeping.due_conversations, sweeping.answered_waits, echoes.rows_to_check, events.unhandled, delivery.release],
    ids=lambda question: question.__name__,
)
def test_what_every_process_asks_all_day_reads_no_whole_table(question: Callable[[], Any]) -> None:
    """With its values bound, as it is really asked: with them written out SQLite finds more indexes."""
    plans: list[str] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, *more: Any) -> Any:
        if sql.startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
                plans.extend(row[-1] for row in cursor.fetchall())
        return execute(sql, params, *more)

    with connection.execute_wrapper(explain):
        question()
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN") and "INDEX" not in plan]
    assert not [plan for plan in plans if "chat_message_conversation_id" in plan], "the index of the whole history"


def test_after_the_last_message_of_a_conversation_nothing_more_is_claimed(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim takes the one turn of SQLite's writers."""
    claims: list[int] = []
    claim_one = delivery.claim

    def counted(conversation: int) -> delivery.Claim | float | None:
        claims.append(conversation)
        return claim_one(conversation)

    monkeypatch.setattr(delivery, "claim", counted)
    first = queued()
    first.conversation.append(first.ticket, "tecnico", "y otra cosa")
    delivery.drain(first.conversation_id)
    assert (len(gateway.calls), len(claims)) == (2, 2)
