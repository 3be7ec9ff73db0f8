"""GET /metricas: what Prometheus is told, to whom, and what it costs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from chat import delivery, health, runtime, sending, streaming, sweeping, tallies
from chat.hub import Stream
from chat.models import Attachment, Conversation, Delivery, Message, Tally, Worker
from config.auth import make_token
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway
from tests.test_docs import section, table_rows, words_in
from tickets.models import Ticket
from whatsapp import connection as line
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Ambiguous, RateLimited, Refused, Unreachable
from whatsapp.models import WebhookEvent
from whatsapp.wire import TooLong

pytestmark = pytest.mark.django_db
Figures = Callable[..., float]


@pytest.fixture(autouse=True)
def nothing_noted() -> None:
    tallies.notes.take()


@pytest.fixture
def told(supervisora: User) -> Figures:
    """A figure by its name and labels, as Prometheus reads it now."""
    client = Client(headers={"Authorization": f"Token {make_token(supervisora)}"})

    def figure(name: str, **labels: str) -> float:
        response = client.get("/metricas")
        assert response.status_code == 200
        families = text_string_to_metric_families(response.content.decode())
        samples = [sample for family in families for sample in family.samples]
        (found,) = [s.value for s in samples if s.name == name and s.labels == labels]
        return found

    return figure


def queued(**fields: Any) -> Message:
    ticket = make_ticket()
    return Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "hola", **fields)


def ago(**time: float) -> Any:
    return timezone.now() - timedelta(**time)


def test_a_supervisor_s_session_or_token_reads_it_and_nobody_else_does(
    supervisora: User, tecnica: User, extrana: User, admin_user: User
) -> None:
    for user, status in ((supervisora, 200), (admin_user, 200), (tecnica, 404), (extrana, 404)):
        client = Client()
        client.force_login(user)
        assert client.get("/metricas").status_code == status, user
        token = {"Authorization": f"Token {make_token(user)}"}
        assert Client().get("/metricas", headers=token).status_code == status, user
    response = Client().get("/metricas")
    assert (response.status_code, response.json()["status"]) == (401, "sin_sesion")


def test_it_is_prometheus_text_whatever_is_asked_for(supervisora: User) -> None:
    client = Client()
    client.force_login(supervisora)
    response = client.get("/metricas", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name for family in text_string_to_metric_families(response.content.decode())}
    assert {"chat_messages_open", "chat_messages_oldest_seconds", "chat_gateway_send_seconds"} <= names


def test_open_messages_are_told_by_state_with_the_age_of_the_oldest(told: Figures) -> None:
    queued(created=ago(seconds=90))
    queued(created=ago(seconds=10))
    queued(state=Delivery.DOUBTFUL)
    queued(state=Delivery.SENT)
    assert told("chat_messages_open", state="en_cola") == 2
    assert told("chat_messages_open", state="sin_confirmar") == 1
    assert told("chat_messages_open", state="enviando") == 0
    assert 90 <= told("chat_messages_oldest_seconds", state="en_cola") < 100
    assert told("chat_messages_oldest_seconds", state="enviando") == 0


def test_every_answer_of_the_gateway_is_counted_with_its_time(
    told: Figures, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.answers(Accepted("3EB0A"), Refused("no"), Ambiguous("HTTP 500"), TooLong("x"), Unreachable("x"))
    for _ in range(5):
        delivery.drain(queued().conversation_id)
    sweeping.sweep()
    counts = {name: told("chat_gateway_send_seconds_count", result=name) for name in tallies.RESULTS}
    assert {name: count for name, count in counts.items() if count} == {
        "accepted": 1,
        "refused": 1,
        "ambiguous": 2,
        "unreachable": 1,
    }
    assert told("chat_gateway_send_seconds_sum", result="accepted") > 0


@pytest.mark.parametrize(
    ("seconds", "bounds"),
    [(0.01, ("0.05", "0.1", "+Inf")), (0.1, ("0.1", "+Inf")), (2.6, ("5.0", "+Inf")), (99, ("+Inf",))],
)
def test_a_send_is_in_every_bucket_it_fits(told: Figures, seconds: float, bounds: tuple[str, ...]) -> None:
    tallies.note_send(RateLimited("session"), seconds)
    tallies.write()
    filled = {
        part for part in tallies.PARTS if told("chat_gateway_send_seconds_bucket", result="rate_limited", le=part)
    }
    assert filled == {part for part in tallies.PARTS if float(part) >= float(bounds[0])} and set(bounds) <= filled
    assert told("chat_gateway_send_seconds_sum", result="rate_limited") == seconds


def test_the_totals_of_several_processes_add_up_and_outlive_them(told: Figures) -> None:
    for _ in range(3):
        tallies.note_send(Accepted("x"), 0.2)
        tallies.notes, before = tallies.Notes(), tallies.notes
        tallies.note_send(Accepted("x"), 0.2)
        tallies.write()
        tallies.notes = before
        tallies.write()
    assert told("chat_gateway_send_seconds_count", result="accepted") == 6


def test_what_the_database_did_not_take_is_counted_later(told: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    tallies.note_send(Accepted("x"), 0.2)

    def away(*_: Any, **__: Any) -> None:
        raise DatabaseError("no")

    with monkeypatch.context() as patched, pytest.raises(DatabaseError):
        patched.setattr(Tally.objects, "filter", away)
        tallies.write()
    tallies.note_send(Accepted("x"), 0.2)
    tallies.write()
    assert told("chat_gateway_send_seconds_count", result="accepted") == 2


def test_a_sweep_without_news_writes_no_figures() -> None:
    with CaptureQueriesContext(connection) as queries:
        tallies.write()
    assert not queries.captured_queries


def test_a_web_process_that_sends_in_a_worker_s_place_writes_its_figures(
    told: Figures, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = queued()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    sending.drain_here(message.conversation_id)
    settings.REDIS_URL = ""
    assert told("chat_gateway_send_seconds_count", result="accepted") == 1


def test_the_session_and_a_pause_are_told(told: Figures) -> None:
    assert (told("chat_whatsapp_connected"), told("chat_sending_paused")) == (1, 0)
    line.update(ConnectionChanged(connected=False, detail="Falta el código QR"))
    line.pause("Lo pidió sofia")
    assert (told("chat_whatsapp_connected"), told("chat_sending_paused")) == (0, 1)
    line.Connection.objects.update(since=ago(minutes=5), paused=ago(minutes=2))
    assert 300 <= told("chat_whatsapp_unchanged_seconds") < 310
    assert 120 <= told("chat_sending_paused_seconds") < 130


def test_events_that_need_somebody_are_told_and_those_that_are_done_are_not(told: Figures) -> None:
    for number, state in enumerate(("recibido", "error", "error", "procesado")):
        received = ago(minutes=3 if number == 1 else 1)
        WebhookEvent.objects.create(gateway="waha", external_id=str(number), body="{}", state=state, received=received)
    assert told("chat_webhook_events_open", state="error") == 2
    assert told("chat_webhook_events_open", state="recibido") == 1
    assert 180 <= told("chat_webhook_events_oldest_seconds", state="error") < 190


def test_open_tickets_and_who_waits_are_told(told: Figures, tecnica: User) -> None:
    make_ticket(waiting_since=ago(minutes=7))
    make_ticket(state="En proceso", technician=tecnica, waiting_since=ago(minutes=1))
    make_ticket(state="Cerrado", waiting_since=ago(days=1))
    assert told("chat_tickets_open", state="Pendiente") == 1
    assert told("chat_tickets_open", state="En espera") == 0
    assert (told("chat_tickets_unassigned"), told("chat_tickets_waiting")) == (1, 2)
    assert 420 <= told("chat_tickets_waiting_oldest_seconds") < 430


def test_files_that_wait_are_told(told: Figures) -> None:
    Attachment.objects.create(message=queued(), ref="x")
    Attachment.objects.create(message=queued(), ref="x", state="listo")
    assert told("chat_attachments_waiting") == 1


def test_processes_are_told_until_they_are_gone(told: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    Worker.objects.create(name="a:1", seen=ago(minutes=2))
    Worker.objects.create(name="b:2", seen=ago(hours=2))
    monkeypatch.setattr("chat.health.process_name", lambda: "c:3")
    health.note_streams(41)
    health.note_streams(42)
    assert 120 <= told("chat_sender_silent_seconds", process="a:1") < 130
    assert told("chat_streams_open", process="vivo:c:3") == 42
    with pytest.raises(ValueError):
        told("chat_sender_silent_seconds", process="b:2")
    Worker.objects.filter(streams=42).update(seen=ago(minutes=2))
    with pytest.raises(ValueError):
        told("chat_streams_open", process="vivo:c:3")


@pytest.mark.django_db(transaction=True)
def test_the_process_with_the_streams_says_how_many_it_has(told: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming.hub, "streams", {Stream(1, (None, "")), Stream(2, (None, ""))})
    asyncio.run(streaming.count())
    assert told("chat_streams_open", process=f"vivo:{runtime.process_name()}") == 2


def test_a_process_with_streams_is_no_sign_of_life_of_one_that_sends() -> None:
    health.note_streams(3)
    assert not health.worker_alive()


def test_a_broker_is_told_where_there_is_one(told: Figures, settings: Settings) -> None:
    with pytest.raises(ValueError):
        told("chat_broker_up")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert told("chat_broker_up") == 0


def test_the_docs_have_every_metric_and_alerts_name_no_other(supervisora: User, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.ASISTENTE_URL, settings.ASISTENTE_MODELO = "http://127.0.0.1:1/v1", "prueba"
    Tally.objects.create(name=tallies.MODEL, label="used", part="intake")
    client = Client(headers={"Authorization": f"Token {make_token(supervisora)}"})
    queued()
    health.note_streams(1)
    Worker.objects.create(name="a:1", seen=timezone.now())
    families = list(text_string_to_metric_families(client.get("/metricas").content.decode()))
    rows = table_rows(section("docs/metrics.md", "## What is told"))
    documented = {next(iter(words_in(row[0]))): (row[1], words_in(row[2].split(":")[0])) for row in rows}
    told = {family.name: (family.type, set(family.samples[0].labels) - {"le"}) for family in families}
    assert documented == told
    alerts = section("docs/metrics.md", "## Alerts to begin with")
    named = {re.sub("_(count|bucket|sum)$", "", name) for name in re.findall(r"chat_\w+", alerts)}
    assert named <= set(told)


def test_a_reading_asks_the_same_few_questions_however_much_there_is(supervisora: User) -> None:
    client = Client(headers={"Authorization": f"Token {make_token(supervisora)}"})
    client.get("/metricas")
    for _ in range(30):
        queued()
    with CaptureQueriesContext(connection) as queries:
        client.get("/metricas")
    assert len(queries) == 8  # whether they supervise, and seven of its own; its person is remembered


def test_no_history_is_read(supervisora: User) -> None:
    """Every plan goes by the index of what is open; with its values bound, as it is really asked."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by the size of its tables")
    plans: list[str] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, *more: Any) -> Any:
        if sql.startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
                plans.extend(row[-1] for row in cursor.fetchall())
        return execute(sql, params, *more)

    client = Client()
    client.force_login(supervisora)
    with connection.execute_wrapper(explain):
        client.get("/metricas")
    for table, index in (
        ("chat_message", "message_open"),
        ("whatsapp_webhookevent", "event_by_state"),
        ("chat_attachment", "attachment_waiting"),
        ("tickets_ticket", "ticket_by_state"),
    ):
        of_table = [plan for plan in plans if f" {table} " in f"{plan} "]
        assert of_table and all(index in plan for plan in of_table), (table, of_table)
    assert Ticket.objects.count() == 0
