"""Whose turn a ticket is: the log that is written as things happen, and the same made anew from the messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chat import compose, decisions, inbound, notes, times
from chat.echoes import own_message
from chat.models import Conversation, Message
from chat.thread import Gap
from tests.factory import make_contact, make_ticket, make_user
from tests.fake_gateway import PERSON, gateway_id
from tickets import calendar
from tickets.access import GROUP_TECHNICIANS
from tickets.models import Holiday, OpeningHours, Segment, Ticket
from whatsapp.gateways.events import Inbound, NumberChanged, OwnMessage

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 16, tzinfo=UTC)  # 10:00 in Mexico City
MINUTE = 60
# Greets, so that the assistant has to ask; answers to all it asks, so that the ticket is complete.
INTERVIEW = ("Hola", "Juan Pérez", "Ventas", "Laptop", "ACT-1", "No enciende")


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def write(text: str = "Mi laptop no enciende", *, sent: datetime | None = None, gap: Gap | None = None) -> Ticket:
    """The person writes, and what the assistant says to it has arrived."""
    with transaction.atomic():
        inbound.receive(Inbound(gateway_id(), PERSON, text, sent_at=sent), gap)
    Message.objects.filter(role="assistant", state="en_cola").update(state="enviado")
    return Ticket.objects.latest("pk")


def interview(clock: Any) -> Ticket:
    """A ticket whose person has just told everything, a minute for each answer."""
    for text in INTERVIEW:
        ticket = write(text)
        clock.shift(MINUTE)
    return ticket


def answer(ticket: Ticket, by: User, text: str = "Vamos para allá") -> None:
    compose.write(ticket.pk, by, compose.Draft(text=text))


def turns(ticket: Ticket) -> list[tuple[str, int]]:
    """Where the ticket went, and how long it had been where it was."""
    return list(ticket.segments.order_by("pk").values_list("phase", "seconds"))


def measures(ticket: Ticket) -> list[tuple[str, int]]:
    return list(ticket.segments.exclude(measure="").order_by("pk").values_list("measure", "value"))


def test_the_interview_is_the_assistants_time_and_never_ours(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    clock.shift(9 * MINUTE)
    answer(ticket, tecnica)
    assert turns(ticket) == [("asistente", 0), ("nosotros", 5 * MINUTE), ("persona", 10 * MINUTE)]
    assert measures(ticket) == [("primera", 10 * MINUTE)]


def test_an_answer_says_who_gave_it_and_when_the_wait_began(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    answer(ticket, tecnica)
    row = ticket.segments.get(phase="persona")
    assert (row.technician, row.cause) == (tecnica, "mensaje")
    assert row.since == MONDAY + timedelta(minutes=5)
    assert row.slot == 0 * 24 + 10


def test_who_answers_before_the_interview_ends_made_nobody_wait(clock: Any, tecnica: User) -> None:
    ticket = write("Hola")
    clock.shift(MINUTE)
    answer(ticket, tecnica)
    assert measures(ticket) == [("primera", 0)]


def test_each_later_wait_is_measured_by_itself(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    answer(ticket, tecnica)
    for minutes in (3, 7):
        clock.shift(60 * MINUTE)
        write("¿Ya?")
        clock.shift(MINUTE)
        write("¿Hola?")
        clock.shift((minutes - 1) * MINUTE)
        answer(ticket, tecnica)
        answer(ticket, tecnica, "y otra cosa")
    assert measures(ticket)[1:] == [("siguientes", 3 * MINUTE), ("siguientes", 7 * MINUTE)]


def test_a_resolution_is_our_time_and_the_persons_without_the_assistants_nor_the_closed_one(
    clock: Any, tecnica: User
) -> None:
    ticket = interview(clock)  # the last of its minutes is ours
    answer(ticket, tecnica)
    clock.shift(20 * MINUTE)
    decisions.take(ticket, tecnica)
    decisions.change(ticket, state="Resuelto")
    clock.shift(600 * MINUTE)
    write("Otra vez")
    clock.shift(4 * MINUTE)
    decisions.change(ticket, state="Cerrado")
    found = ticket.segments.filter(measure="resolucion").order_by("pk")
    assert [row.value for row in found] == [21 * MINUTE, 25 * MINUTE]
    assert {row.technician for row in found} == {tecnica}


def test_a_closing_that_another_closing_follows_is_one(clock: Any, tecnica: User) -> None:
    ticket = write()
    decisions.change(ticket, state="Resuelto")
    decisions.change(ticket, state="Cerrado")
    assert [phase for phase, _ in turns(ticket)] == ["asistente", "cerrado"]


def test_a_person_without_an_answer_waits_again_when_the_ticket_is_reopened_by_hand(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    decisions.change(ticket, state="Cerrado")
    clock.shift(60 * MINUTE)
    ticket = decisions.change(ticket, state="Pendiente")
    assert ticket.waiting_since == MONDAY + timedelta(minutes=66)
    clock.shift(2 * MINUTE)
    answer(ticket, tecnica)
    assert measures(ticket)[1:] == [("primera", 3 * MINUTE)]


def test_an_answered_person_does_not_wait_when_the_ticket_is_reopened_by_hand(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    answer(ticket, tecnica)
    decisions.change(ticket, state="Cerrado")
    assert decisions.change(ticket, state="Pendiente").turn == "persona"


def test_an_answer_typed_on_the_phone_ends_the_wait_and_is_nobodys(clock: Any) -> None:
    ticket = interview(clock)
    with transaction.atomic():
        own_message(OwnMessage(gateway_id(), PERSON, "Voy", by_api=False, sent_at=MONDAY + timedelta(minutes=6)))
    assert measures(ticket) == [("primera", MINUTE)]
    assert ticket.segments.get(measure="primera").technician is None


def test_a_recovered_message_counts_from_its_own_time(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    answer(ticket, tecnica)
    since = MONDAY + timedelta(minutes=30)
    clock.shift(120 * MINUTE)
    write("Sigue igual", sent=since, gap=Gap(since, since + timedelta(hours=1)))
    assert Ticket.objects.get().phase_since == since


def test_a_recovered_message_from_before_the_last_turn_does_not_make_time_run_backwards(
    clock: Any, tecnica: User
) -> None:
    ticket = interview(clock)
    answer(ticket, tecnica)
    write("Antes", sent=MONDAY + timedelta(minutes=1), gap=Gap(MONDAY, MONDAY + timedelta(minutes=5)))
    assert turns(ticket)[-1] == ("nosotros", 0)


def test_a_note_and_a_changed_number_leave_the_turn_alone(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    before = turns(ticket)
    notes.write(ticket.pk, tecnica, "¿Quién va?")
    with transaction.atomic():
        inbound.handle(NumberChanged(PERSON, "5214770000000"))
    decisions.take(ticket, tecnica)
    assert turns(ticket) == before
    assert not times.recompute([ticket.pk], write=False)


def inserts(queries: CaptureQueriesContext) -> int:
    """How often the log was written; it must never be read."""
    asked = [query["sql"] for query in queries if "tickets_segment" in query["sql"]]
    assert all(sql.startswith("INSERT") for sql in asked)
    assert not [query for query in queries if "openinghours" in query["sql"] or "holiday" in query["sql"]]
    return len(asked)


def test_sending_and_receiving_cost_at_most_one_insert_and_no_question(clock: Any, tecnica: User) -> None:
    calendar.current()
    costs = []
    for text in (*INTERVIEW, "¿Ya?"):
        with CaptureQueriesContext(connection) as queries:
            ticket = write(text)
        costs.append(inserts(queries))
    assert costs == [1, 0, 0, 0, 0, 1, 0]
    for cost in (1, 0):
        with CaptureQueriesContext(connection) as queries:
            answer(ticket, tecnica)
        assert inserts(queries) == cost


def test_a_poll_asks_nothing_of_the_log(desk: Client, clock: Any) -> None:
    ticket = write()
    for path in (f"/ticket/{ticket.pk}/conversacion", f"/ticket/{ticket.pk}/conversacion?desde=1", "/?parcial=1"):
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(path).status_code == 200
        assert inserts(queries) == 0


def test_a_bug_in_the_times_costs_no_message_and_is_repaired(
    clock: Any, tecnica: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ticket = interview(clock)
    with monkeypatch.context() as broken:
        broken.setattr(calendar, "current", lambda: 1 / 0)
        answer(ticket, tecnica)
    assert Message.objects.filter(role="tecnico").count() == 1
    assert "No se pudo anotar el tiempo" in caplog.text
    write("¿Ya?")
    clock.shift(MINUTE)
    answer(ticket, tecnica)
    assert times.refresh() == 1
    assert measures(ticket) == [("primera", MINUTE), ("siguientes", MINUTE)]
    assert times.refresh() == 0


def test_a_bug_in_a_tickets_first_times_is_repaired_too(
    clock: Any, tecnica: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(calendar, "current", lambda: 1 / 0)
        ticket = write("Hola")
    clock.shift(MINUTE)
    answer(ticket, tecnica)
    assert times.refresh() == 1
    assert turns(ticket) == [("asistente", 0), ("persona", MINUTE)]


def test_the_log_is_written_in_the_transaction_of_what_caused_it(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    with CaptureQueriesContext(connection) as queries:
        answer(ticket, tecnica)
    said = [query["sql"] for query in queries]
    message, row = (
        next(place for place, sql in enumerate(said) if sql.startswith(f'INSERT INTO "{table}"'))
        for table in ("chat_message", "tickets_segment")
    )
    outermost = next(sql.split()[-1] for sql in said if sql.startswith("SAVEPOINT"))
    ends = next(place for place, sql in enumerate(said) if sql == f"RELEASE SAVEPOINT {outermost}")
    assert max(message, row) < ends
    assert not [sql for sql in said[min(message, row) : max(message, row)] if sql.startswith("RELEASE")]


def test_the_log_is_only_added_to(clock: Any) -> None:
    row = write().segments.get()
    for deed in (row.save, row.delete, Segment.objects.all().delete, lambda: Segment.objects.update(seconds=1)):
        with pytest.raises(RuntimeError, match="sólo se agregan"):
            deed()
    assert Segment.objects.count() == 1


# Made anew from the messages


def test_a_lost_log_is_made_anew_from_the_messages(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    answer(ticket, tecnica)
    decisions.change(ticket, state="Resuelto")
    before, closing = turns(ticket), ticket.segments.last()
    Segment._base_manager.all().delete()
    Ticket.objects.update(phase="")
    times.refresh()
    assert turns(ticket) == before
    again = ticket.segments.last()
    assert (again.at, again.value) == (closing.at, closing.value)


def test_a_ticket_without_messages_has_the_turn_its_columns_say(clock: Any) -> None:
    ticket = make_ticket(state="Cerrado", resolved=MONDAY + timedelta(hours=1))
    times.refresh()
    assert turns(ticket) == [("cerrado", 0)]
    assert ticket.segments.get().at == MONDAY + timedelta(hours=1)


def test_what_the_assistant_said_before_it_noted_its_questions_is_told_by_its_words(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    answer(ticket, tecnica)
    Message.objects.filter(role="assistant").update(details={})
    assert not times.recompute([ticket.pk], write=False)


def command(*args: str) -> str:
    out = StringIO()
    call_command("recalcular_tiempos", *args, stdout=out)
    return out.getvalue()


def test_the_command_says_what_differed_and_corrects_it(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    answer(ticket, tecnica)
    assert command() == "Tickets revisados: 1. Todo coincide.\n"
    Segment._base_manager.filter(phase="persona").update(seconds=1)
    said = f"  - Ticket #{ticket.pk}: otros tiempos en sus 3 cambios de turno\nTickets revisados: 1. "
    assert command("--simular") == said + "Se corregirían 1.\n"
    assert turns(ticket)[-1] == ("persona", 1)
    assert command() == said + "Se corrigieron 1.\n"
    assert turns(ticket)[-1] == ("persona", MINUTE)


def test_the_command_looks_from_a_day_on(clock: Any) -> None:
    write()
    assert command("--desde", "2026-11-24") == "Tickets revisados: 0. Todo coincide.\n"
    assert command("--desde", "2026-11-23") == "Tickets revisados: 1. Todo coincide.\n"


def test_a_new_calendar_counts_what_was_before_anew(clock: Any, tecnica: User) -> None:
    ticket = interview(clock)
    clock.shift(24 * 60 * MINUTE)
    answer(ticket, tecnica)
    assert measures(ticket) == [("primera", 24 * 3600 + MINUTE)]
    OpeningHours.objects.create(monday=True, tuesday=True, start="10:00", end="12:00")
    assert times.refresh() == 1
    assert measures(ticket) == [("primera", 115 * MINUTE + 6 * MINUTE)]
    Holiday.objects.create(date="2026-11-23", name="Puente")
    assert times.refresh() == 1
    assert measures(ticket) == [("primera", 6 * MINUTE)]
    assert times.refresh() == 0


def test_many_tickets_are_made_anew_with_few_questions(clock: Any, tecnica: User) -> None:
    def asked(count: int) -> int:
        for _ in range(count):
            ticket = make_ticket(make_contact())
            conversation = Conversation.locked_for(ticket.contact)
            conversation.append(ticket, "user", "Hola", state="recibido")
            conversation.append(ticket, "tecnico", "Hola", author=tecnica)
        with CaptureQueriesContext(connection) as queries:
            assert times.refresh() == count
        return len(queries)

    assert asked(2) == asked(20)


# Random histories, with the desk's own functions

deeds = st.lists(
    st.tuples(
        st.sampled_from(["hola", "falla", "responde", "telefono", "cierra", "abre", "nota", "tarde"]),
        st.integers(1, 200),
    ),
    min_size=1,
    max_size=9,
)


def live(story: list[tuple[str, int]], clock: Any, technician: User) -> None:
    for deed, minutes in story:
        clock.shift(minutes * MINUTE)
        now = datetime.now(UTC)
        ticket = Ticket.objects.order_by("last_activity", "pk").last()
        if deed == "hola" or ticket is None:
            write("Hola")
        elif deed == "falla":
            write("No enciende")
        elif deed == "tarde":
            sent = now - timedelta(minutes=45)
            write("Llegó tarde", sent=sent, gap=Gap(sent, now))
        elif deed == "telefono":
            with transaction.atomic():
                own_message(OwnMessage(gateway_id(), PERSON, "Desde el teléfono", by_api=False, sent_at=now))
        elif deed == "nota":
            notes.write(ticket.pk, technician, "Ojo")
        elif deed == "responde":
            answer(ticket, technician)
        else:
            decisions.change(ticket, state="Resuelto" if deed == "cierra" else "En proceso")


@hypothesis_settings(
    max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=deeds)
def test_the_log_is_what_the_messages_make_it(story: list[tuple[str, int]]) -> None:
    with transaction.atomic():
        technician = make_user("luz", GROUP_TECHNICIANS)
        with time_machine.travel(MONDAY, tick=False) as clock:
            live(story, clock, technician)
        logged = list(Segment.objects.order_by("ticket", "pk").values_list("ticket", "phase", "at", "measure", "value"))
        found = times.recompute(Ticket.objects.values_list("pk", flat=True))
        transaction.set_rollback(True)
        assert not found, logged
