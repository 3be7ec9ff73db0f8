"""The budget of a day: shared by all processes, counted at its worst, and the rules once it is used up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from pytest_django import Settings

from chat.llm import budget, turns
from chat.models import ModelSpending
from tests.chat.llm.conftest import counted
from tests.fake_gateway import receive
from tests.fake_model import FakeModel, Handler, chat, hangs, raw, thought
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("America/Mexico_City")), tick=True) as clock:
        yield clock


def ask(text: str = "no hay red", phone: str = "5214770000001") -> None:
    receive(text, phone)
    turns.answer(Ticket.objects.latest("pk").pk)


def spent() -> int:
    return ModelSpending.objects.get().tokens


def test_a_call_costs_what_the_endpoint_says(model: FakeModel) -> None:
    model.behaves(chat("{}", tokens=321))
    ask()
    assert (spent(), ModelSpending.objects.get().calls) == (321, 1)


@pytest.mark.parametrize("tokens", [None, 0, -5, "muchos", True, 10**30, 1.5])
def test_without_a_believable_usage_it_costs_its_length_at_the_worst(model: FakeModel, tokens: object) -> None:
    model.behaves(chat("{}", tokens=tokens))
    ask()
    assert spent() > len(model.prompts[0].encode()) // 3


def test_what_may_have_been_thought_about_is_paid_for(model: FakeModel, settings: Settings) -> None:
    settings.ASISTENTE_ESPERA_S = 0.5
    model.behaves(hangs)
    ask()
    assert spent() > 1000


@pytest.mark.parametrize("behaviour", [raw(b"", 500), raw(b"", 429)], ids=["500", "429"])
def test_what_was_refused_costs_nothing(model: FakeModel, behaviour: object) -> None:
    model.behaves(behaviour)  # type: ignore[arg-type]
    ask()
    assert spent() == 0


def test_used_up_it_is_the_rules_until_midnight_of_the_desk(
    model: FakeModel, settings: Settings, caplog: pytest.LogCaptureFixture, noon: time_machine.Traveller
) -> None:
    settings.ASISTENTE_PRESUPUESTO_DIA = 10_000
    model.otherwise = chat("{}", tokens=9_000)
    for number in range(4):
        ask(phone=f"521477000000{number}")
    assert len(model.requests) == 1
    assert counted() == {"invalid": 1, "budget": 3}
    assert caplog.text.count("Se agotó ASISTENTE_PRESUPUESTO_DIA") == 1
    noon.move_to(datetime(2026, 11, 20, 23, 59, tzinfo=ZoneInfo("America/Mexico_City")))
    ask(phone="5214770000008")
    assert len(model.requests) == 1
    noon.move_to(datetime(2026, 11, 21, 0, 1, tzinfo=ZoneInfo("America/Mexico_City")))
    ask(phone="5214770000009")
    assert len(model.requests) == 2


def test_a_call_is_paid_before_it_is_made(model: FakeModel) -> None:
    seen: list[int] = []

    def look(handler: Handler) -> None:
        seen.append(spent())
        connection.close()
        thought()(handler)

    model.behaves(look)
    ask()
    assert seen[0] > 1000


def test_zero_is_no_limit(model: FakeModel, settings: Settings) -> None:
    settings.ASISTENTE_PRESUPUESTO_DIA = 0
    model.otherwise = chat("{}", tokens=9_000_000)
    for number in range(2):
        ask(phone=f"521477000000{number}")
    assert len(model.requests) == 2


def test_many_at_once_never_take_more_than_there_is(settings: Settings) -> None:
    settings.ASISTENTE_PRESUPUESTO_DIA = 1000
    taken: list[object] = []

    def take() -> None:
        taken.append(budget.reserve(300))
        connection.close()

    threads = [Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len([day for day in taken if day]), spent()) == (3, 900)
