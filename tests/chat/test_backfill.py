"""What was missed in an outage is read back after it, once, and shown as such."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from chat import backfill, sweeping
from chat.models import Conversation, Message, Worker
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import PERSON, FakeGateway, echo, inbound, post_webhook, receive
from tickets.models import Ticket
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged, Inbound, OwnMessage
from whatsapp.models import ConnectionChange

pytestmark = pytest.mark.django_db

THREE, SIX = datetime(2026, 2, 5, 21, 0, tzinfo=UTC), datetime(2026, 2, 6, 0, 0, tzinfo=UTC)  # 15:00 and 18:00 here


def outage(start: datetime = THREE, end: datetime = SIX) -> ConnectionChange:
    """WhatsApp was away from `start` to `end`; returns the line that says so."""
    connection.current()
    with time_machine.travel(start, tick=False):
        connection.update(ConnectionChanged(False, "La sesión de WhatsApp está detenida"))
    with time_machine.travel(end, tick=False):
        connection.update(ConnectionChanged(True, "WhatsApp conectado"))
    return ConnectionChange.objects.latest("pk")


def theirs(text: str, at: datetime, message_id: str = "", **fields: Any) -> Inbound:
    return Inbound(message_id or f"ID{abs(hash((text, at)))}", PERSON, text, sent_at=at, **fields)


def ours(text: str, at: datetime, message_id: str, *, by_api: bool) -> OwnMessage:
    return OwnMessage(message_id, PERSON, text, by_api, sent_at=at)


def written(role: str = "user") -> list[str]:
    return list(Message.objects.filter(role=role).order_by("seq").values_list("text", flat=True))


@pytest.fixture
def ticket(db: None) -> Ticket:
    """A complete ticket with a technician's words in it: the assistant is silent."""
    ticket = make_ticket(make_contact(PERSON))
    Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "Hola", state="enviado")
    return ticket


# What comes back


def test_missed_messages_come_in_their_order_with_their_time_and_say_so(
    gateway: FakeGateway, ticket: Ticket, desk: Client
) -> None:
    change = outage()
    late, early = theirs("¿hola?", THREE + timedelta(hours=2)), theirs("No imprime", THREE + timedelta(hours=1))
    gateway.chats = {PERSON: [late, early]}
    assert backfill.fill(change.pk) == 2
    assert written() == ["No imprime", "¿hola?"]
    shown = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"][-2:]
    assert [one["timestamp"] for one in shown] == ["2026-02-05T16:00:00", "2026-02-05T17:00:00"]
    assert [one["recuperado"] for one in shown] == [["2026-02-05T15:00:00", "2026-02-05T18:00:00"]] * 2
    assert [one["seq"] for one in shown] == [2, 3]
    change.refresh_from_db()
    assert change.filled and change.found == 2
    ticket.refresh_from_db()
    assert (ticket.unread, ticket.waiting_since) == (2, early.sent_at)


def test_what_a_webhook_told_is_not_told_again(gateway: FakeGateway, ticket: Ticket) -> None:
    receive("No imprime", message_id="AAAA")
    gateway.chats = {PERSON: [theirs("No imprime", SIX - timedelta(hours=1), "AAAA")]}
    assert backfill.fill(outage().pk) == 0
    assert written() == ["No imprime"]


def test_a_webhook_that_comes_after_all_is_a_repeat(gateway: FakeGateway, ticket: Ticket) -> None:
    gateway.chats = {PERSON: [theirs("No imprime", SIX - timedelta(hours=1), "AAAA")]}
    backfill.fill(outage().pk)
    post_webhook(inbound("No imprime", message_id="AAAA"))
    assert written() == ["No imprime"]


def test_what_is_older_than_the_outage_stays_away(gateway: FakeGateway, ticket: Ticket) -> None:
    times = [THREE - timedelta(minutes=6), THREE - timedelta(minutes=4), None, timezone.now() + timedelta(hours=1)]
    gateway.chats = {PERSON: [theirs(f"mensaje {n}", at) for n, at in enumerate(times)]}  # type: ignore[arg-type]
    backfill.fill(outage().pk)
    assert written() == ["mensaje 1"]


def test_of_a_very_long_outage_only_the_last_days_come(gateway: FakeGateway, ticket: Ticket) -> None:
    gateway.chats = {PERSON: [theirs(f"hace {d} días", SIX - timedelta(days=d)) for d in (10, 4, 2)]}
    backfill.fill(outage(SIX - timedelta(days=20), SIX).pk)
    assert written() == ["hace 2 días"]


def test_somebody_new_who_wrote_in_the_outage_has_a_ticket(gateway: FakeGateway) -> None:
    gateway.chats = {PERSON: [theirs("No imprime", SIX - timedelta(hours=1), push_name="Juanito")]}
    backfill.fill(outage().pk)
    assert Ticket.objects.get().contact.push_name == "Juanito"


def test_a_file_of_the_outage_is_fetched_later(gateway: FakeGateway, ticket: Ticket) -> None:
    from whatsapp.gateways.events import Media

    photo = theirs("", SIX - timedelta(hours=1), kind="image", media=Media("mensaje:x/AA", "image/jpeg"))
    gateway.chats = {PERSON: [photo]}
    backfill.fill(outage().pk)
    assert Message.objects.get(role="user").attachment.state == "pendiente"


# The assistant


def test_the_assistant_answers_many_missed_messages_once(gateway: FakeGateway) -> None:
    texts = ["Hola", "Soy Ana Torres de Ventas", "mi laptop no enciende", "¿hay alguien?"]
    gateway.chats = {PERSON: [theirs(t, THREE + timedelta(minutes=n)) for n, t in enumerate(texts)]}
    backfill.fill(outage().pk)
    (words,) = written("assistant")
    assert words.startswith("Hola") and "¿Cuál es tu nombre?" in words


def test_the_answer_to_a_question_of_before_is_learned_and_one_question_follows(gateway: FakeGateway) -> None:
    receive("mi laptop no enciende")
    Message.objects.filter(role="assistant").update(state="entregado")
    texts = ["Ana Torres", "¿hola?", "sigue sin encender"]
    gateway.chats = {PERSON: [theirs(t, THREE + timedelta(minutes=n)) for n, t in enumerate(texts)]}
    backfill.fill(outage().pk)
    assert Ticket.objects.get().name == "Ana Torres"
    assert len(written("assistant")) == 2
    assert "departamento" in written("assistant")[-1]


def test_words_not_yet_said_are_said_anew_instead_of_more(gateway: FakeGateway) -> None:
    make_contact(PERSON, name="Ana", department="Ventas")
    texts = ["Hola", "mi laptop no enciende"]
    gateway.chats = {PERSON: [theirs(t, THREE + timedelta(minutes=n)) for n, t in enumerate(texts)]}
    backfill.fill(outage().pk)
    (words,) = written("assistant")
    assert words.startswith("Hola, Ana") and "número de activo" in words


def test_where_a_technician_writes_the_assistant_stays_silent(gateway: FakeGateway, ticket: Ticket) -> None:
    gateway.chats = {PERSON: [theirs("¿hola?", THREE + timedelta(minutes=1))]}
    backfill.fill(outage().pk)
    assert written("assistant") == []


# Our own messages


def test_our_own_message_read_back_settles_the_doubtful_one_and_is_not_shown_twice(
    gateway: FakeGateway, ticket: Ticket
) -> None:
    conversation = Conversation.locked_for(ticket.contact)
    row = conversation.append(ticket, "tecnico", "Voy", state="sin_confirmar", tried=THREE, gateway="waha")
    gateway.chats = {PERSON: [ours("Voy", THREE + timedelta(seconds=2), "BBBB", by_api=True)]}
    assert backfill.fill(outage().pk) == 0
    row.refresh_from_db()
    assert (row.state, row.gateway_id) == ("enviado", "BBBB")
    assert written("tecnico") == ["Hola", "Voy"]


def test_what_was_typed_on_the_phone_in_the_outage_is_shown(gateway: FakeGateway, ticket: Ticket) -> None:
    gateway.chats = {PERSON: [ours("Ya te llamo", THREE + timedelta(minutes=1), "BBBB", by_api=False)]}
    assert backfill.fill(outage().pk) == 1
    row = Message.objects.get(text="Ya te llamo")
    assert (row.author, row.state, bool(row.recovered)) == (None, "enviado", True)
    post_webhook(echo("Ya te llamo", source="app", message_id="BBBB"))
    assert written("tecnico") == ["Hola", "Ya te llamo"]


def test_one_that_may_be_a_send_still_under_way_waits_for_its_outcome(gateway: FakeGateway, ticket: Ticket) -> None:
    conversation = Conversation.locked_for(ticket.contact)
    row = conversation.append(ticket, "tecnico", "Otra cosa", state="enviando", tried=SIX, gateway="waha")
    gateway.chats = {PERSON: [ours("Voy", THREE + timedelta(minutes=1), "BBBB", by_api=True)]}
    change = outage()
    assert backfill.fill(change.pk) == 0
    change.refresh_from_db()
    assert change.filled is None and change.due
    Message.objects.filter(pk=row.pk).update(state="enviado", gateway_id="CCCC")
    assert backfill.fill(change.pk) == 1
    change.refresh_from_db()
    assert change.filled and change.found == 1


# Once


def test_an_outage_is_filled_once(gateway: FakeGateway, ticket: Ticket) -> None:
    change = outage()
    gateway.chats = {PERSON: [theirs("No imprime", SIX - timedelta(hours=1))]}
    backfill.fill(change.pk)
    gateway.chats = {PERSON: [theirs("otra", SIX - timedelta(hours=1))]}
    assert backfill.fill(change.pk) == 0
    assert backfill.due() == []


def test_only_one_process_fills_it(gateway: FakeGateway, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    change = outage()
    gateway.chats = {PERSON: [theirs("No imprime", SIX - timedelta(hours=1))]}
    stale = ConnectionChange.objects.get(pk=change.pk)
    assert backfill.claim(change)
    assert not backfill.claim(stale)
    assert backfill.due() == []


def test_one_whose_process_died_is_taken_up_again_without_harm(gateway: FakeGateway, ticket: Ticket) -> None:
    change = outage()
    gateway.chats = {PERSON: [theirs("No imprime", SIX - timedelta(hours=1))]}
    backfill.fill(change.pk)
    ConnectionChange.objects.filter(pk=change.pk).update(filled=None, due=timezone.now() - timedelta(seconds=1))
    assert backfill.due() == [change.pk]
    assert backfill.fill(change.pk) == 0
    assert written() == ["No imprime"]


@pytest.mark.parametrize("chats", [None, {PERSON: None}])
def test_a_gateway_that_cannot_say_now_is_asked_again_and_not_for_ever(gateway: FakeGateway, chats: Any) -> None:
    change = outage()
    gateway.chats = chats
    for _ in range(backfill.MAX_TRIES):
        change.refresh_from_db()
        assert change.filled is None
        ConnectionChange.objects.filter(pk=change.pk).update(due=None)
        backfill.fill(change.pk)
    change.refresh_from_db()
    assert change.filled and change.found == 0


def test_one_chat_that_fails_does_not_stop_the_others(
    gateway: FakeGateway, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(event: Inbound, gap: object) -> None:
        if event.address != PERSON:
            raise RuntimeError("no")
        return real(event, gap)  # type: ignore[arg-type, return-value]

    real = backfill.receive
    monkeypatch.setattr(backfill, "receive", fails)
    other = Inbound("ZZZZ", "5215511112222", "hola", sent_at=SIX - timedelta(hours=1))
    gateway.chats = {"5215511112222": [other], PERSON: [theirs("No imprime", SIX - timedelta(hours=1))]}
    assert backfill.fill(outage().pk) == 1
    assert written() == ["No imprime"]


# When


def test_a_short_outage_is_not_worth_it(gateway: FakeGateway) -> None:
    assert outage(SIX - timedelta(seconds=59), SIX).down_since is None
    assert backfill.due() == []


def test_it_waits_until_the_gateway_told_what_it_had_and_only_while_the_session_works(gateway: FakeGateway) -> None:
    now = timezone.now()
    change = outage(now - timedelta(hours=1), now - timedelta(seconds=5))
    assert backfill.due() == []
    with time_machine.travel(now + timedelta(seconds=10)):
        assert backfill.due() == [change.pk]
        connection.update(ConnectionChanged(False, "otra vez"))
        assert backfill.due() == []


def test_a_gateway_that_remembers_nothing_is_not_asked(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    outage()
    monkeypatch.setattr(FakeGateway, "can", frozenset())
    assert backfill.due() == []


def test_the_desk_s_own_absence_is_an_outage_too(gateway: FakeGateway, ticket: Ticket) -> None:
    gone = timezone.now() - timedelta(minutes=30)
    Worker.objects.create(name="la de antes", seen=gone)
    Worker.objects.create(name=Worker.PROBE, seen=timezone.now())  # whoever asked for its health first
    gateway.chats = {PERSON: [theirs("No imprime", gone + timedelta(minutes=10))]}
    sweeping.sweep()
    sweeping.sweep()
    change = ConnectionChange.objects.get()
    assert (change.down_since, change.connected) == (gone, True)
    assert backfill.fill(change.pk) == 1


def test_a_desk_that_starts_for_the_first_time_missed_nothing(gateway: FakeGateway) -> None:
    sweeping.sweep()
    assert not ConnectionChange.objects.exists()
