"""What a model writes for a technician: a text on their screen, and nothing that leaves by itself."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from chat import sending, tallies
from chat.models import Conversation, Delivery, Message, ModelSpending
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import PERSON, FakeGateway
from tests.fake_model import FakeModel, after, chat, hangs, meanwhile, raw
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Hola Juan, ¿ya probaste con otro cargador?"
VERBS = {"sugerir": "sugerencia", "resumir": "resumen"}


@pytest.fixture
def ticket(tecnica: User) -> Ticket:
    made = make_ticket(make_contact(PERSON))
    with transaction.atomic():
        thread = Conversation.locked_for(made.contact)
        thread.append(made, "user", "no enciende", state=Delivery.RECEIVED)
        thread.append(made, "tecnico", "¿Desde cuándo?", state=Delivery.SENT, author=tecnica)
    return made


def ask(client: Client, ticket: Ticket, verb: str = "sugerir") -> HttpResponse:
    return client.post(f"/ticket/{ticket.pk}/{verb}", "{}", content_type="application/json")


def refused(answer: HttpResponse) -> tuple[int, str]:
    body = json.loads(answer.content)
    assert body["detail"].endswith(".")
    return answer.status_code, body["status"]


@pytest.mark.parametrize("verb", VERBS)
def test_it_answers_with_the_text_and_sends_and_saves_nothing(
    verb: str, desk: Client, ticket: Ticket, model: FakeModel, gateway: FakeGateway
) -> None:
    model.behaves(chat({VERBS[verb]: f"{TEXT}\nGracias.\u202e"}, tokens=77))
    before = Conversation.objects.get().version
    answer = ask(desk, ticket, verb)
    assert (answer.status_code, answer.json()) == (200, {VERBS[verb]: f"{TEXT}\nGracias."})
    assert (gateway.calls, Message.objects.count(), Conversation.objects.get().version) == ([], 2, before)
    assert ModelSpending.objects.get().tokens == 77
    purpose = {"sugerir": "suggestion", "resumir": "summary"}[verb]
    assert tallies.notes.counts == {(tallies.MODEL, "used", purpose): 1}


def test_the_model_reads_this_thread_without_the_telephone(desk: Client, ticket: Ticket, model: FakeModel) -> None:
    make_ticket(fault="de otra persona")
    model.behaves(chat({"sugerencia": TEXT}))
    ask(desk, ticket)
    (data,) = model.data
    assert [line["de"] for line in data["conversacion"]] == ["persona", "tecnico"]
    assert PERSON not in model.prompts[0]
    assert "de otra persona" not in model.prompts[0]


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        (raw(b"", 500), "El modelo respondió con un error."),
        (raw(b"", 429), "El modelo pide esperar (HTTP 429)."),
        (raw(b"<html>"), "La respuesta del modelo no se entiende."),
        (chat("Claro, aquí va"), "La respuesta del modelo no cumple lo pedido."),
        (chat({"sugerencia": ""}), "La respuesta del modelo no cumple lo pedido."),
        (chat({"sugerencia": "x" * 1501}), "La respuesta del modelo no cumple lo pedido."),
        (chat({"sugerencia": "Entra a https://malo.example"}), "La respuesta del modelo no cumple lo pedido."),
        (chat({"sugerencia": TEXT, "enviar": True}), "La respuesta del modelo no cumple lo pedido."),
        (hangs, "El modelo no contestó a tiempo."),
    ],
    ids=["500", "429", "garbage", "prose", "empty", "too long", "a link", "one key more", "it hangs"],
)
def test_a_failure_is_said_in_spanish(
    behaviour: Any, detail: str, desk: Client, ticket: Ticket, model: FakeModel, settings: Settings
) -> None:
    settings.ASISTENTE_ESPERA_S = 0.6
    model.behaves(behaviour)
    answer = ask(desk, ticket)
    assert (answer.status_code, answer.json()) == (503, {"detail": detail, "status": "sin_respuesta"})
    model.behaves(chat({"sugerencia": TEXT}))
    assert ask(desk, ticket).status_code == 200  # and it may be tried again at once


def test_with_the_budget_used_up_it_says_so(desk: Client, ticket: Ticket, model: FakeModel, settings: Settings) -> None:
    settings.ASISTENTE_PRESUPUESTO_DIA = 10
    assert ask(desk, ticket).json()["detail"] == "Se agotó el presupuesto de hoy."
    assert desk.get("/estado").json()["asistente"] == {"tokens_hoy": 0, "presupuesto": 10, "agotado": True}


def test_a_second_click_makes_no_second_call(desk: Client, ticket: Ticket, model: FakeModel, tecnica: User) -> None:
    second = Client()
    second.force_login(tecnica)
    seen: list[tuple[int, str]] = []
    held = threading.Event()

    def click() -> None:
        seen.append(refused(ask(second, ticket)))
        held.set()

    model.behaves(meanwhile(click, after(held, chat({"sugerencia": TEXT}))))
    assert ask(desk, ticket).status_code == 200
    assert (seen, len(model.requests)) == ([(409, "en_camino")], 1)


def test_ten_in_a_minute_are_enough(desk: Client, ticket: Ticket, model: FakeModel) -> None:
    model.otherwise = chat({"sugerencia": TEXT})
    assert [ask(desk, ticket).status_code for _ in range(10)] == [200] * 10
    assert refused(ask(desk, ticket)) == (429, "demasiadas")
    assert len(model.requests) == 10


def test_it_never_takes_the_threads_that_answer_everybody_else(
    desk: Client, ticket: Ticket, model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "seats", threading.BoundedSemaphore(1))
    with sending.seats:
        assert refused(ask(desk, ticket)) == (503, "ocupado")
    assert not model.requests


@pytest.mark.parametrize("verb", VERBS)
def test_only_who_works_here_may_ask_and_only_by_a_post_with_its_csrf_token(
    verb: str, desk: Client, ticket: Ticket, model: FakeModel, extrana: User, tecnica: User
) -> None:
    stranger, nobody, forged = Client(), Client(), Client(enforce_csrf_checks=True)
    stranger.force_login(extrana)
    forged.force_login(tecnica)
    assert [ask(client, ticket, verb).status_code for client in (stranger, nobody, forged)] == [404, 401, 403]
    assert desk.get(f"/ticket/{ticket.pk}/{verb}").status_code == 405
    assert not model.requests


def test_without_a_model_there_are_no_buttons_and_no_answer(desk: Client, ticket: Ticket) -> None:
    assert refused(ask(desk, ticket)) == (404, "sin_modelo")
    page = desk.get("/").content.decode()
    assert "chat-sugerir" not in page
    assert "chat-resumir" not in page
    assert "asistente" not in desk.get("/estado").json()


def test_with_a_model_the_buttons_are_there(desk: Client, model: FakeModel) -> None:
    page = desk.get("/").content.decode()
    assert "chat-sugerir" in page
    assert "chat-resumir" in page


def test_supervisors_see_in_the_administration_what_each_day_cost(model: FakeModel, supervisora: User) -> None:
    ModelSpending.objects.create(day="2026-11-20", tokens=123_456, calls=7)
    client = Client()
    client.force_login(supervisora)
    page = client.get("/admin/chat/modelspending/").content.decode()
    assert "20 de noviembre de 2026" in page.lower()
    assert "7" in page


def test_the_metrics_count_what_came_of_it(desk: Client, ticket: Ticket, model: FakeModel, supervisora: User) -> None:
    model.behaves(chat({"sugerencia": TEXT}), raw(b"", 500))
    for _ in range(2):
        ask(desk, ticket)
    tallies.write()
    client = Client()
    client.force_login(supervisora)
    told = client.get("/metricas").content.decode()
    assert 'chat_assistant_model_calls_total{outcome="used",purpose="suggestion"} 1.0' in told
    assert 'chat_assistant_model_calls_total{outcome="error",purpose="suggestion"} 1.0' in told
