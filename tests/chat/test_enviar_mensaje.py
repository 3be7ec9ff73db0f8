"""POST /ticket/{id}/enviar-mensaje, as a program or a browser meets it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat import compose, delivery, sending
from chat.models import Conversation, Message
from config.auth import make_token
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import NOT_SENT_BY_SESSION, FakeGateway, receive
from tickets.models import State, Ticket
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Ambiguous, RateLimited, Refused, Result, Unreachable

pytestmark = pytest.mark.django_db

TEXT = "Hola Juan, tu laptop ya está lista."


def post(client: Client, ticket: Ticket, body: Any = None, **more: Any) -> HttpResponse:
    """Send TEXT, or `body` as it is; `more` are further keys."""
    content = {"mensaje": TEXT, **more} if body is None else body
    data = content if isinstance(content, str | bytes) else json.dumps(content)
    return client.post(f"/ticket/{ticket.pk}/enviar-mensaje", data, content_type="application/json")


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"))


# Accepted


def test_success_is_the_body_of_the_contract(desk: Client, ticket: Ticket, inline: None) -> None:
    response = post(desk, ticket)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert {key: body[key] for key in ("status", "ticket_id", "telefono", "mensaje")} == {
        "status": "enviado",
        "ticket_id": ticket.pk,
        "telefono": "+5214772758198",
        "mensaje": "Mensaje enviado correctamente",
    }
    assert (body["seq"], body["estado"]) == (1, "enviado")


def test_the_gateway_gets_the_text_at_the_address_last_seen(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    post(desk, ticket)
    assert gateway.calls == [("5214772758198", TEXT)]


def test_the_row_is_the_technicians_and_names_its_author(
    desk: Client, tecnica: User, ticket: Ticket, inline: None
) -> None:
    post(desk, ticket)
    row = Message.objects.get()
    assert (row.role, row.author, row.text, row.ticket, row.state) == ("tecnico", tecnica, TEXT, ticket, "enviado")
    assert row.gateway_id
    assert row.sent


def test_the_ticket_shows_the_answer_and_stops_waiting(desk: Client, ticket: Ticket, inline: None) -> None:
    Ticket.objects.update(waiting_since=timezone.now())
    post(desk, ticket)
    ticket.refresh_from_db()
    assert (ticket.last_text, ticket.last_role, ticket.waiting_since) == (TEXT, "tecnico", None)
    assert ticket.first_response


@pytest.mark.parametrize(
    "text",
    ["Listo 👩‍👩‍👧‍👦🏳️‍🌈👍🏽", "مرحبا بك \u202bשלום\u202c", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎", "  dos\nlíneas\t ", "<b>&amp;</b> *negritas*"],
    ids=["emoji with joiners", "right to left", "four bytes", "white space", "marks"],
)
def test_any_text_reaches_the_gateway_and_comes_back_unchanged(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None, text: str
) -> None:
    assert post(desk, ticket, mensaje=text).status_code == 200
    assert gateway.texts == [text]
    historial = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"]
    assert [entry["content"] for entry in historial] == [text]


def test_the_longest_text_is_accepted(desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None) -> None:
    assert post(desk, ticket, mensaje="ñ" * 4096).status_code == 200
    assert gateway.texts == ["ñ" * 4096]


def test_messages_leave_in_the_order_they_were_written(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    for text in ("uno", "dos", "tres"):
        post(desk, ticket, mensaje=text)
    assert gateway.texts == ["uno", "dos", "tres"]


def test_a_supervisor_may_answer_too(supervisora: User, ticket: Ticket, inline: None) -> None:
    client = Client()
    client.force_login(supervisora)
    assert post(client, ticket).status_code == 200


# Who


def test_a_missing_ticket_is_a_404_in_json(desk: Client, ticket: Ticket) -> None:
    response = desk.post("/ticket/999999/enviar-mensaje", '{"mensaje": "x"}', content_type="application/json")
    assert response.status_code == 404
    assert response.json() == {"detail": "Ticket no encontrado.", "status": "no_encontrado"}


def test_a_number_no_database_holds_is_a_404_too(desk: Client) -> None:
    response = desk.post(f"/ticket/{10**30}/enviar-mensaje", '{"mensaje": "x"}', content_type="application/json")
    assert response.status_code == 404
    assert response.json()["status"] == "no_encontrado"


def test_a_stranger_in_neither_group_gets_the_same_404(extrana: User, ticket: Ticket, gateway: FakeGateway) -> None:
    client = Client()
    client.force_login(extrana)
    response = post(client, ticket)
    assert response.status_code == 404
    assert response.json() == {"detail": "Ticket no encontrado.", "status": "no_encontrado"}
    assert not Message.objects.exists()


def test_without_login_it_is_a_401_in_json_and_never_a_redirect(client: Client, ticket: Ticket) -> None:
    response = post(client, ticket)
    assert response.status_code == 401
    assert response.json()["status"] == "sin_sesion"
    assert not Message.objects.exists()


def test_a_false_token_is_a_401(client: Client, ticket: Ticket) -> None:
    url = f"/ticket/{ticket.pk}/enviar-mensaje"
    response = client.post(
        url, '{"mensaje": "x"}', content_type="application/json", headers={"Authorization": "Token no"}
    )
    assert response.status_code == 401


def test_a_session_needs_the_csrf_token(tecnica: User, ticket: Ticket) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(tecnica)
    response = post(client, ticket)
    assert response.status_code == 403
    assert response.json()["status"] == "sin_permiso"
    assert not Message.objects.exists()


def test_a_token_needs_no_csrf_token(tecnica: User, ticket: Ticket, inline: None) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(
        f"/ticket/{ticket.pk}/enviar-mensaje",
        json.dumps({"mensaje": TEXT}),
        content_type="application/json",
        headers={"Authorization": f"Token {make_token(tecnica)}"},
    )
    assert response.status_code == 200
    assert Message.objects.get().author == tecnica


def test_get_is_not_allowed(desk: Client, ticket: Ticket) -> None:
    response = desk.get(f"/ticket/{ticket.pk}/enviar-mensaje")
    assert response.status_code == 405
    assert response.json()["status"] == "metodo_no_permitido"


# What cannot be sent

INVALID = {
    "too long": ({"mensaje": "a" * 4097}, "4097"),
    "empty": ({"mensaje": ""}, "vacío"),
    "blank": ({"mensaje": " \n\t\u00a0"}, "vacío"),
    "a number": ({"mensaje": 5}, "texto"),
    "null": ({"mensaje": None}, "texto"),
    "a list": ({"mensaje": ["a"]}, "texto"),
    "missing": ({}, "texto"),
    "NUL": ({"mensaje": "a\0b"}, "caracteres"),
    "a lone surrogate": (b'{"mensaje": "a\\ud800b"}', "caracteres"),
    "broken JSON": (b'{"mensaje": ', "JSON"),
    "not UTF-8": (b'{"mensaje": "\xff"}', "JSON"),
    "NaN": (b'{"mensaje": NaN}', "JSON"),
    "very deep JSON": (b"[" * 100_000, "JSON"),
    "very large": ({"mensaje": "a", "otra": "a" * 3_000_000}, "grande"),
    "an array": (["hola"], "objeto"),
    "a string": (b'"hola"', "objeto"),
    "clave is no UUID": ({"mensaje": "a", "clave": "no"}, "clave"),
    "clave is a number": ({"mensaje": "a", "clave": 7}, "clave"),
    "clave is empty": ({"mensaje": "a", "clave": ""}, "clave"),
    "visto_hasta is a text": ({"mensaje": "a", "visto_hasta": "1"}, "visto_hasta"),
    "visto_hasta is true": ({"mensaje": "a", "visto_hasta": True}, "visto_hasta"),
    "visto_hasta is negative": ({"mensaje": "a", "visto_hasta": -1}, "visto_hasta"),
    "visto_hasta is enormous": ({"mensaje": "a", "visto_hasta": 2**63}, "visto_hasta"),
    "visto_hasta is a fraction": ({"mensaje": "a", "visto_hasta": 1.5}, "visto_hasta"),
    "forzar is a text": ({"mensaje": "a", "forzar": "true"}, "forzar"),
    "forzar is null": ({"mensaje": "a", "forzar": None}, "forzar"),
}


@pytest.mark.parametrize(("body", "word"), INVALID.values(), ids=INVALID.keys())
def test_what_cannot_be_sent_is_a_400_that_says_why_and_stores_nothing(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None, body: Any, word: str
) -> None:
    response = post(desk, ticket, body)
    assert response.status_code == 400
    assert response.json()["status"] == "datos_no_validos"
    assert word in response.json()["detail"]
    assert not Message.objects.exists()
    assert not gateway.calls


def test_a_form_is_refused(desk: Client, ticket: Ticket) -> None:
    response = desk.post(f"/ticket/{ticket.pk}/enviar-mensaje", {"mensaje": "hola"})
    assert response.status_code == 415
    assert "application/json" in response.json()["detail"]


# Saved but not sent


def assert_saved(response: HttpResponse, status: int, word: str, ticket: Ticket) -> Message:
    """The answer tells `word` with what finds the message again, and the row says the same."""
    body, row = response.json(), Message.objects.get()
    assert response.status_code == status
    assert (body["status"], body["ticket_id"], body["telefono"]) == (word, ticket.pk, ticket.contact.telefono)
    assert body["seq"] == row.seq
    assert "guardado" in body["detail"]
    assert (row.state, row.text) == (word, TEXT)
    return row


@pytest.mark.parametrize("result", NOT_SENT_BY_SESSION.values(), ids=NOT_SENT_BY_SESSION.keys())
def test_what_the_session_could_not_send_is_a_503_en_cola(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None, monkeypatch: pytest.MonkeyPatch, result: Result
) -> None:
    monkeypatch.setattr("chat.outcomes.backoff", lambda _: 30.0)
    gateway.answers(result)
    assert_saved(post(desk, ticket), 503, "en_cola", ticket)
    assert len(gateway.calls) == 1


def test_a_limit_of_the_recipient_is_a_503_en_cola(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    gateway.answers(RateLimited("recipient"))
    response = post(desk, ticket)
    assert_saved(response, 503, "en_cola", ticket)
    assert "Límite de envíos" in response.json()["detail"]
    assert "desconectado" not in response.json()["detail"]


def test_while_the_breaker_is_open_nothing_is_sent_and_the_503_comes_at_once(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    started = time.monotonic()
    response = post(desk, ticket)
    assert time.monotonic() - started < 3
    assert_saved(response, 503, "en_cola", ticket)
    assert "WhatsApp está desconectado" in response.json()["detail"]
    assert not gateway.calls


def test_behind_a_message_in_doubt_it_is_a_503_at_once_that_says_so(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    gateway.answers(Ambiguous("se cortó"))
    post(desk, ticket, mensaje="primero")
    started = time.monotonic()
    response = post(desk, ticket)
    assert time.monotonic() - started < 3
    assert response.status_code == 503
    assert response.json()["status"] == "en_cola"
    assert "hay otro mensaje antes" in response.json()["detail"]
    assert gateway.texts == ["primero"]


def test_when_nobody_takes_it_the_503_comes_after_the_wait(
    desk: Client, ticket: Ticket, settings: Settings, nobody_sends: None
) -> None:
    settings.ENVIO_ESPERA_S = 0.3
    started = time.monotonic()
    response = post(desk, ticket)
    assert 0.25 < time.monotonic() - started < 2
    assert_saved(response, 503, "en_cola", ticket)


def test_an_outcome_that_was_there_before_the_wait_is_not_waited_for(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, inline: None
) -> None:
    rung: list[bool] = []
    wait = sending.wait_for_outcome
    monkeypatch.setattr(
        sending, "wait_for_outcome", lambda row, bell, began: rung.append(bell.is_set()) or wait(row, bell, began)
    )
    assert post(desk, ticket).status_code == 200
    assert rung == [True]


def test_no_answer_in_time_is_a_504_enviando(
    desk: Client, ticket: Ticket, settings: Settings, nobody_sends: None
) -> None:
    settings.ENVIO_ESPERA_S = 0.1
    conversation = Conversation.objects.create(contact=ticket.contact)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "send_now", lambda message: delivery.claim(conversation.pk))
        response = post(desk, ticket)
    assert_saved(response, 504, "enviando", ticket)


def test_an_answer_that_proves_nothing_is_a_504_sin_confirmar(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    gateway.answers(Ambiguous("HTTP 502"))
    response = post(desk, ticket)
    assert_saved(response, 504, "sin_confirmar", ticket)
    assert "sin tu decisión" in response.json()["detail"]
    assert len(gateway.calls) == 1


def test_a_refusal_is_a_422_fallido_with_its_reason(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    gateway.answers(Refused("Ese número no tiene WhatsApp.", "400"))
    response = post(desk, ticket)
    assert_saved(response, 422, "fallido", ticket)
    assert "Ese número no tiene WhatsApp." in response.json()["detail"]


def test_a_database_that_cannot_write_is_a_503_that_says_it_was_not_saved(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway
) -> None:
    def broken(*_: Any) -> None:
        raise DatabaseError("disco lleno")

    monkeypatch.setattr(compose, "technician_spoke", broken)
    response = post(desk, ticket)
    assert (response.status_code, response.json()["status"]) == (503, "sin_base_de_datos")
    assert "no se guardó" in response.json()["detail"]
    assert not Message.objects.exists()
    assert gateway.calls == []


def test_a_database_that_goes_away_after_saving_is_a_503_that_says_it_was_saved(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise DatabaseError("server closed the connection")

    monkeypatch.setattr(sending, "send_now", broken)
    response = post(desk, ticket)
    assert (response.status_code, response.json()["seq"]) == (503, 1)
    assert "quedó guardado" in response.json()["detail"]


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_database_that_is_away_before_any_view_is_a_503_too(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise DatabaseError("server closed the connection")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore._get_session_from_db", broken)
    desk.raise_request_exception = False
    response = desk.get("/estado", headers={"Accept": accept})
    assert response.status_code == 503
    assert ("detail" in response.json()) if accept == "application/json" else b"<h1>" in response.content


def test_a_bug_before_saving_is_a_500_that_says_it_was_not_saved(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("sin memoria")

    monkeypatch.setattr(compose, "technician_spoke", broken)
    response = post(desk, ticket)
    assert response.status_code == 500
    assert response.json()["status"] == "error"
    assert "no se guardó" in response.json()["detail"]
    assert not Message.objects.exists()


def test_a_bug_after_saving_is_a_500_that_says_it_was_saved(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no hay hilos")

    monkeypatch.setattr(sending, "send_now", broken)
    response = post(desk, ticket)
    assert response.status_code == 500
    body = response.json()
    assert (body["status"], body["ticket_id"], body["seq"]) == ("error", ticket.pk, 1)
    assert "quedó guardado" in body["detail"]
    assert Message.objects.get().state == "en_cola"


# The key of a composed message


def test_a_repeat_with_the_same_clave_answers_the_outcome_and_never_sends_again(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    key = str(uuid.uuid4())
    first, again = post(desk, ticket, clave=key), post(desk, ticket, clave=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert Message.objects.count() == len(gateway.calls) == 1


def test_a_repeat_answers_the_outcome_of_now_not_that_of_then(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    key = str(uuid.uuid4())
    gateway.answers(Ambiguous("se cortó"))
    assert post(desk, ticket, clave=key).status_code == 504
    Message.objects.update(state="leido")
    again = post(desk, ticket, clave=key)
    assert (again.status_code, again.json()["estado"]) == (200, "leido")
    assert len(gateway.calls) == 1


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for an outcome fails."""

    def waits(*_: Any) -> Message:
        raise AssertionError("espera")

    monkeypatch.setattr(sending, "wait_for_outcome", waits)


def test_a_repeat_of_a_message_that_cannot_go_now_is_a_503_at_once(
    desk: Client, ticket: Ticket, nobody_sends: None, settings: Settings, request: pytest.FixtureRequest
) -> None:
    key = str(uuid.uuid4())
    settings.ENVIO_ESPERA_S = 0
    post(desk, ticket, clave=key)
    connection.update(ConnectionChanged(connected=False, detail="x"))
    request.getfixturevalue("no_wait")
    response = post(desk, ticket, clave=key)
    assert (response.status_code, response.json()["status"]) == (503, "en_cola")
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("result", "status"), [(Accepted("3EB0"), 200), (Refused("No.", "400"), 422), (Ambiguous("HTTP 502"), 504)]
)
def test_a_repeat_of_a_message_under_way_waits_for_its_outcome_and_sends_nothing(
    desk: Client, ticket: Ticket, gateway: FakeGateway, settings: Settings, monkeypatch: pytest.MonkeyPatch,
    result: Any, status: int, nobody_sends: None,
) -> None:  # fmt: skip
    key, wait = str(uuid.uuid4()), sending.wait_for_outcome
    settings.ENVIO_ESPERA_S = 0
    assert post(desk, ticket, clave=key).status_code == 503
    settings.ENVIO_ESPERA_S = 5
    gateway.answers(result)

    def sent_meanwhile(row: Message, bell: threading.Event, began: float) -> Message:
        delivery.drain(row.conversation_id)
        assert bell.is_set()
        return wait(row, bell, began)

    monkeypatch.setattr(sending, "wait_for_outcome", sent_meanwhile)
    monkeypatch.setattr(sending, "send_now", lambda message: pytest.fail("se envía otra vez"))
    assert post(desk, ticket, clave=key).status_code == status
    assert len(gateway.calls) == Message.objects.count() == 1


def test_a_repeat_is_answered_although_the_person_wrote_meanwhile(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    key = str(uuid.uuid4())
    post(desk, ticket, clave=key, visto_hasta=0)
    receive("Otra cosa")
    again = post(desk, ticket, clave=key, visto_hasta=0)
    assert again.status_code == 200
    assert gateway.texts == [TEXT]


def test_a_clave_with_another_text_is_a_409_and_saves_nothing(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    key = str(uuid.uuid4())
    post(desk, ticket, clave=key)
    other = post(desk, ticket, clave=key, mensaje="otro texto")
    assert other.status_code == 409
    assert other.json()["status"] == "clave_con_otro_texto"
    assert gateway.texts == [TEXT]
    assert Message.objects.count() == 1


def test_the_clave_comes_back_in_the_history(desk: Client, ticket: Ticket, inline: None) -> None:
    key = str(uuid.uuid4())
    post(desk, ticket, clave=key)
    assert desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"][0]["clave"] == key


def from_many_windows(user: User, ticket: Ticket, bodies: list[dict[str, str]]) -> list[HttpResponse]:
    """POST every body at the same moment, each from its own thread."""
    answers: list[HttpResponse] = []
    start = threading.Barrier(len(bodies))

    def window(body: dict[str, str]) -> None:
        client = Client()
        start.wait()
        answers.append(
            client.post(
                f"/ticket/{ticket.pk}/enviar-mensaje",
                json.dumps(body),
                content_type="application/json",
                headers={"Authorization": f"Token {make_token(user)}"},
            )
        )
        connections.close_all()

    threads = [threading.Thread(target=window, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


@pytest.mark.django_db(transaction=True)
def test_the_same_clave_at_once_from_many_windows_is_one_message(
    tecnica: User, ticket: Ticket, gateway: FakeGateway
) -> None:
    answers = from_many_windows(tecnica, ticket, [{"mensaje": TEXT, "clave": str(uuid.UUID(int=7))}] * 6)
    assert Message.objects.count() == 1
    assert gateway.texts == [TEXT]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.django_db(transaction=True)
def test_many_windows_at_once_lose_nothing_and_all_leaves_in_the_order_it_was_saved(
    tecnica: User, ticket: Ticket, gateway: FakeGateway
) -> None:
    answers = from_many_windows(tecnica, ticket, [{"mensaje": f"mensaje {n}"} for n in range(8)])
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sorted(answer.json()["seq"] for answer in answers) == list(range(1, 9))
    assert gateway.texts == list(Message.objects.order_by("seq").values_list("text", flat=True))
    assert len(set(gateway.texts)) == 8


# What the technician had not seen


def test_what_the_person_wrote_meanwhile_is_a_409_with_the_new_entries(
    desk: Client, gateway: FakeGateway, inline: None
) -> None:
    receive("Mi laptop no enciende")
    ticket = Ticket.objects.get()
    receive("Ya encendió, gracias")
    response = post(desk, ticket, visto_hasta=1)
    assert response.status_code == 409
    body = response.json()
    assert body["status"] == "hay_mensajes_nuevos"
    assert [entry["content"] for entry in body["nuevos"]] == ["Ya encendió, gracias"]
    assert list(body["nuevos"][0])[:3] == ["role", "content", "timestamp"]
    assert not Message.objects.filter(role="tecnico").exists()
    assert not gateway.calls


def test_forzar_sends_it_all_the_same(desk: Client, gateway: FakeGateway, inline: None) -> None:
    receive("Mi laptop no enciende")
    response = post(desk, Ticket.objects.get(), visto_hasta=0, forzar=True)
    assert response.status_code == 200
    assert gateway.texts == [TEXT]


def test_what_was_on_screen_is_no_news(desk: Client, gateway: FakeGateway, inline: None) -> None:
    receive("Mi laptop no enciende")
    assert post(desk, Ticket.objects.get(), visto_hasta=1).status_code == 200


def test_our_own_words_after_visto_hasta_are_no_news(desk: Client, ticket: Ticket, inline: None) -> None:
    post(desk, ticket)
    assert post(desk, ticket, mensaje="otra", visto_hasta=0).status_code == 200


def test_answering_marks_what_was_on_screen_as_read(desk: Client, inline: None) -> None:
    receive("uno")
    ticket = Ticket.objects.get()
    assert ticket.unread == 1
    post(desk, ticket, visto_hasta=1)
    ticket.refresh_from_db()
    assert ticket.unread == 0


# A closed ticket


@pytest.mark.parametrize("state", [State.RESOLVED, State.CLOSED])
@pytest.mark.parametrize("mine", [True, False])
def test_writing_in_a_closed_ticket_reopens_it(
    desk: Client, tecnica: User, inline: None, state: State, mine: bool
) -> None:
    ticket = make_ticket(state=state, resolved=timezone.now(), technician=tecnica if mine else None)
    assert post(desk, ticket).status_code == 200
    ticket.refresh_from_db()
    assert (ticket.state, ticket.resolved) == (State.IN_PROGRESS if mine else State.PENDING, None)


def test_a_closed_ticket_of_a_person_with_another_open_one_is_a_409_naming_it(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    closed = make_ticket(ticket.contact, state=State.RESOLVED, resolved=timezone.now())
    response = post(desk, closed)
    assert response.status_code == 409
    body = response.json()
    assert (body["status"], body["otro"]) == ("otro_ticket_abierto", ticket.pk)
    assert f"#{ticket.pk}" in body["detail"]
    closed.refresh_from_db()
    assert closed.state == State.RESOLVED
    assert not gateway.calls


# The assistant gives way


def test_the_assistants_queued_words_are_discarded(desk: Client, gateway: FakeGateway, inline: None) -> None:
    receive("Mi laptop no enciende")
    assert Message.objects.get(role="assistant").state == "en_cola"
    post(desk, Ticket.objects.get())
    assert Message.objects.get(role="assistant").state == "descartado"
    assert gateway.texts == [TEXT]


# The pause


def test_while_sending_is_paused_the_503_says_so_and_nothing_is_sent(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    connection.pause("Lo pidió sofia")
    response = post(desk, ticket)
    assert_saved(response, 503, "en_cola", ticket)
    assert "El envío está en pausa" in response.json()["detail"]
    assert not gateway.calls


# Who waits


def test_without_a_free_seat_the_503_comes_at_once(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, nobody_sends: None
) -> None:
    monkeypatch.setattr(sending, "seats", threading.BoundedSemaphore(1))
    assert sending.seats.acquire(blocking=False)
    started = time.monotonic()
    response = post(desk, ticket)
    assert time.monotonic() - started < 3
    assert_saved(response, 503, "en_cola", ticket)


def test_a_seat_is_given_back_after_every_wait(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, inline: None
) -> None:
    monkeypatch.setattr(sending, "seats", threading.BoundedSemaphore(1))
    for _ in range(3):
        assert post(desk, ticket).status_code == 200
    assert sending.seats.acquire(blocking=False)


def test_at_most_half_of_the_threads_wait(settings: Settings) -> None:
    taken = 0
    while sending.seats.acquire(blocking=False):
        taken += 1
    for _ in range(taken):
        sending.seats.release()
    assert taken == settings.WEB_THREADS // 2


def test_the_server_says_how_many_threads_there_really_are(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, nobody_sends: None
) -> None:
    monkeypatch.setattr(sending, "seats", sending.seats)
    sending.set_request_threads(4)
    assert [sending.seats.acquire(blocking=False) for _ in range(3)] == [True, True, False]
    assert_saved(post(desk, ticket), 503, "en_cola", ticket)


def test_a_message_put_off_is_answered_without_waiting(
    desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.outcomes.backoff", lambda _: 30.0)
    gateway.answers(Unreachable("conexión rechazada"))
    started = time.monotonic()
    assert post(desk, ticket).status_code == 503
    assert time.monotonic() - started < 3
    assert Message.objects.get().due > timezone.now() + timedelta(seconds=20)


@pytest.mark.django_db(transaction=True)
def test_a_slow_gateway_is_waited_for_and_then_answered_200(desk: Client, ticket: Ticket, gateway: FakeGateway) -> None:
    seen = threading.Event()

    def slow(before_first_byte: Any) -> Result:
        before_first_byte()
        seen.wait(5)
        return Accepted("3EB0LENTO")

    gateway.answers(slow)
    threading.Timer(0.3, seen.set).start()
    assert post(desk, ticket).status_code == 200
    assert Message.objects.get().gateway_id == "3EB0LENTO"
