"""GET /ticket/{id}/conversacion: whole, changed since, page by page, and 304 without reading a message."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from chat import decisions, history, views
from chat.models import Conversation, Message
from config.auth import make_token
from config.sessions import memory
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, ack, post_webhook, receive
from tickets.models import Contact, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"))


def get(client: Client, ticket: Ticket, query: str = "", **headers: str) -> HttpResponse:
    return client.get(f"/ticket/{ticket.pk}/conversacion{query}", headers=headers)


def fill(ticket: Ticket, count: int, **fields: Any) -> list[Message]:
    conversation = Conversation.locked_for(ticket.contact)
    return [
        conversation.append(ticket, "user", f"mensaje {n}", **{"state": "recibido", **fields}) for n in range(count)
    ]


def seqs(response: HttpResponse) -> list[int]:
    assert response.status_code == 200, response.content
    return [entry["seq"] for entry in response.json()["historial"]]


# The contract


def test_an_entry_begins_with_the_keys_of_the_contract_in_their_order(
    desk: Client, ticket: Ticket, tecnica: User
) -> None:
    conversation = Conversation.locked_for(ticket.contact)
    at = datetime(2026, 2, 5, 15, 0, 0, 987654, tzinfo=UTC)
    conversation.append(ticket, "user", "Mi laptop no enciende", state="recibido", created=at)
    conversation.append(ticket, "assistant", "¿Cuál es tu nombre?", created=at.replace(second=1))
    conversation.append(ticket, "tecnico", "Ya revisamos tu equipo", author=tecnica, created=at.replace(hour=16))
    body = get(desk, ticket).json()
    assert next(iter(body)) == "historial"
    assert [list(entry)[:3] for entry in body["historial"]] == [["role", "content", "timestamp"]] * 3
    assert [tuple(entry.values())[:3] for entry in body["historial"]] == [
        ("user", "Mi laptop no enciende", "2026-02-05T09:00:00"),
        ("assistant", "¿Cuál es tu nombre?", "2026-02-05T09:00:01"),
        ("tecnico", "Ya revisamos tu equipo", "2026-02-05T10:00:00"),
    ]


def test_times_are_local_to_time_zone_and_carry_no_offset(desk: Client, ticket: Ticket, settings: Settings) -> None:
    fill(ticket, 1, created=datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC))
    assert get(desk, ticket).json()["historial"][0]["timestamp"] == "2026-07-01T17:59:59"
    settings.TIME_ZONE = "Europe/Madrid"
    assert get(desk, ticket).json()["historial"][0]["timestamp"] == "2026-07-02T01:59:59"


def test_an_entry_also_tells_its_order_delivery_and_author(desk: Client, ticket: Ticket, tecnica: User) -> None:
    conversation = Conversation.locked_for(ticket.contact)
    conversation.append(ticket, "user", "hola", state="recibido")
    conversation.append(ticket, "tecnico", "buenas", author=tecnica, state="leido")
    conversation.append(ticket, "tecnico", "desde el teléfono", state="enviado")
    entries = get(desk, ticket).json()["historial"]
    assert [(e["seq"], e["estado"], e["autor"], e["mio"]) for e in entries] == [
        (1, "recibido", None, False),
        (2, "leido", "Ana Ruiz", True),
        (3, "enviado", None, False),
    ]


def test_the_answer_tells_version_and_ticket(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 3)
    body = get(desk, ticket).json()
    assert body["version"] == 3
    head = body["ticket"]
    assert (head["id"], head["nombre"], head["telefono"], head["telefono_legible"], head["estado"]) == (
        ticket.pk,
        "Juan Pérez",
        "+5214772758198",
        "+52 1 477 275 8198",
        "Pendiente",
    )


def test_a_ticket_without_a_message_has_an_empty_history(desk: Client, ticket: Ticket) -> None:
    body = get(desk, ticket).json()
    assert (body["historial"], body["version"]) == ([], 0)


def test_only_the_tickets_own_chapter_is_told(desk: Client, ticket: Ticket) -> None:
    other = make_ticket(ticket.contact, state="Cerrado")
    fill(other, 2)
    fill(ticket, 2)
    assert seqs(get(desk, ticket)) == [3, 4]
    assert seqs(get(desk, other)) == [1, 2]


def test_the_order_is_the_order_of_arrival_whatever_the_clocks_say(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 1, created=datetime(2026, 5, 2, tzinfo=UTC))
    fill(ticket, 1, created=datetime(2026, 5, 1, tzinfo=UTC))
    assert seqs(get(desk, ticket)) == [1, 2]


def test_without_parameters_it_is_whole(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 130)
    assert seqs(get(desk, ticket)) == list(range(1, 131))


# Who


def test_without_login_it_is_a_401_in_json(client: Client, ticket: Ticket) -> None:
    response = get(client, ticket)
    assert response.status_code == 401
    assert response.json()["status"] == "sin_sesion"


def test_a_stranger_and_a_missing_ticket_get_the_same_404(desk: Client, extrana: User, ticket: Ticket) -> None:
    stranger = Client()
    stranger.force_login(extrana)
    missing = desk.get("/ticket/999999/conversacion")
    assert desk.get(f"/ticket/{10**30}/conversacion").json() == missing.json()
    assert get(stranger, ticket).status_code == missing.status_code == 404
    assert (
        get(stranger, ticket).json()
        == missing.json()
        == {
            "detail": "Ticket no encontrado.",
            "status": "no_encontrado",
        }
    )


def test_a_stranger_gets_no_304_either(desk: Client, extrana: User, ticket: Ticket) -> None:
    tag = get(desk, ticket)["ETag"]
    stranger = Client()
    stranger.force_login(extrana)
    assert get(stranger, ticket, **{"If-None-Match": tag}).status_code == 404


def test_a_token_reads_it_too(client: Client, ticket: Ticket, tecnica: User) -> None:
    assert get(client, ticket, Authorization=f"Token {make_token(tecnica)}").status_code == 200


# Only what changed


def test_desde_answers_what_is_new_since_that_version(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 3)
    version = get(desk, ticket).json()["version"]
    assert seqs(get(desk, ticket, f"?desde={version}")) == []
    fill(ticket, 2)
    assert seqs(get(desk, ticket, f"?desde={version}")) == [4, 5]


def test_desde_answers_what_changed_since_too(desk: Client, ticket: Ticket, gateway: FakeGateway, inline: None) -> None:
    url = f"/ticket/{ticket.pk}/enviar-mensaje"
    for text in ("uno", "dos"):
        desk.post(url, json.dumps({"mensaje": text}), content_type="application/json")
    version = get(desk, ticket).json()["version"]
    first = Message.objects.get(text="uno")
    post_webhook(ack(first.gateway_id or "", 3))
    response = get(desk, ticket, f"?desde={version}")
    assert [(e["seq"], e["estado"]) for e in response.json()["historial"]] == [(1, "leido")]
    assert response.json()["version"] > version


def test_desde_zero_is_everything(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 3)
    assert seqs(get(desk, ticket, "?desde=0")) == [1, 2, 3]


def test_a_reader_who_follows_the_versions_misses_nothing(desk: Client, ticket: Ticket) -> None:
    known: dict[int, str] = {}
    version = 0
    for _ in range(6):
        body = get(desk, ticket, f"?desde={version}").json()
        known.update({entry["seq"]: entry["estado"] for entry in body["historial"]})
        version = body["version"]
        conversation = Conversation.locked_for(ticket.contact)
        conversation.append(ticket, "tecnico", "x")
        if row := ticket.messages.filter(state="en_cola").order_by("?").first():
            row.move(conversation, "descartado")
    body = get(desk, ticket, f"?desde={version}").json()
    known.update({entry["seq"]: entry["estado"] for entry in body["historial"]})
    assert known == dict(ticket.messages.values_list("seq", "state"))


def test_a_change_of_the_tickets_fields_is_a_new_version(desk: Client, ticket: Ticket, tecnica: User) -> None:
    fill(ticket, 1)
    version = get(desk, ticket).json()["version"]
    assert desk.post(f"/ticket/{ticket.pk}/tomar").status_code == 200
    body = get(desk, ticket, f"?desde={version}").json()
    assert body["version"] > version
    assert body["ticket"]["tecnico"] == {"id": tecnica.pk, "nombre": "Ana Ruiz", "yo": True}
    assert body["historial"] == []


def test_the_version_told_is_the_one_before_the_rows_were_read(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written between the two reads is told again next time, never skipped."""
    fill(ticket, 1)
    real = history.all_rows

    def late(ticket_id: int) -> Any:
        fill(ticket, 1)
        return real(ticket_id)

    monkeypatch.setattr(history, "all_rows", late)
    body = get(desk, ticket).json()
    monkeypatch.undo()
    assert body["version"] == 1
    assert 2 in seqs(get(desk, ticket, f"?desde={body['version']}"))


def test_a_change_of_the_ticket_between_the_reads_is_told_next_time_never_skipped(
    desk: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ticket, 1)
    real = views.get_ticket

    def slow(user: User, ticket_id: int) -> Ticket:
        read = real(user, ticket_id)
        decisions.change(Ticket.objects.get(pk=ticket_id), state="En espera")
        return read

    with monkeypatch.context() as patch:
        patch.setattr(views, "get_ticket", slow)
        stale = get(desk, ticket)
    assert stale.json()["ticket"]["estado"] == "Pendiente"
    assert stale.json()["version"] == 1
    fresh = get(desk, ticket, "?desde=1", **{"If-None-Match": stale["ETag"]})
    assert fresh.json()["ticket"]["estado"] == "En espera"
    assert get(desk, ticket, **{"If-None-Match": stale["ETag"]}).status_code == 200


def test_desde_of_a_version_from_before_a_restore_is_everything(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 3)
    assert seqs(get(desk, ticket, "?desde=90")) == [1, 2, 3]


# Page by page


def test_antes_pages_backwards_until_there_is_no_more(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 120)
    before, found, pages = 121, [], []
    while True:
        response = get(desk, ticket, f"?antes={before}")
        page = seqs(response)
        assert page == sorted(page)
        found = page + found
        pages.append(len(page))
        if not response.json()["mas"]:
            break
        before = page[0]
    assert found == list(range(1, 121))
    assert pages == [50, 50, 20]


def test_antes_at_the_very_end_of_a_page_says_that_there_is_no_more(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 50)
    assert get(desk, ticket, "?antes=51").json()["mas"] is False


def test_antes_of_the_first_message_is_an_empty_page(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 3)
    assert seqs(get(desk, ticket, "?antes=1")) == []


def test_ultimos_is_the_newest_page_and_antes_goes_on_from_there(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 120)
    newest = get(desk, ticket, "?ultimos=50").json()
    assert [entry["seq"] for entry in newest["historial"]] == list(range(71, 121))
    assert (newest["mas"], newest["entero"], newest["version"]) == (True, False, 120)
    assert seqs(get(desk, ticket, "?ultimos=30&antes=71")) == list(range(41, 71))
    whole = get(desk, ticket, "?ultimos=200").json()
    assert (len(whole["historial"]), whole["mas"]) == (120, False)


def test_ultimos_that_makes_no_page_is_a_400(desk: Client, ticket: Ticket) -> None:
    for value in (0, 201):
        response = get(desk, ticket, f"?ultimos={value}")
        assert (response.status_code, response.json()["detail"]) == (400, "«ultimos» debe ser de 1 a 200.")


@pytest.mark.parametrize("name", ["desde", "antes", "ultimos"])
@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "٣", "9" * 30, "1%00"])
def test_a_parameter_that_is_no_number_is_a_400(desk: Client, ticket: Ticket, name: str, value: str) -> None:
    response = get(desk, ticket, f"?{name}={value}")
    assert response.status_code == 400
    assert response.json()["status"] == "datos_no_validos"
    assert name in response.json()["detail"]


# ETag


def test_what_the_reader_already_has_is_a_304_without_a_body(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 3)
    first = get(desk, ticket)
    again = get(desk, ticket, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


def test_a_304_reads_no_message(desk: Client, ticket: Ticket) -> None:
    fill(ticket, 3)
    tag = get(desk, ticket)["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert get(desk, ticket, **{"If-None-Match": tag}).status_code == 304
    assert not [query for query in queries.captured_queries if "chat_message" in query["sql"]]


def test_a_tag_weakened_by_a_proxy_that_compresses_is_the_same_tag(desk: Client, ticket: Ticket) -> None:
    tag = get(desk, ticket)["ETag"]
    assert get(desk, ticket, **{"If-None-Match": f'"other", W/{tag}'}).status_code == 304


def test_a_new_message_is_a_new_tag(desk: Client, ticket: Ticket) -> None:
    tag = get(desk, ticket)["ETag"]
    fill(ticket, 1)
    assert get(desk, ticket, **{"If-None-Match": tag}).status_code == 200


def test_the_tag_differs_by_person_ticket_query_version_and_release(
    desk: Client, supervisora: User, ticket: Ticket, settings: Settings
) -> None:
    other = make_ticket()
    sofia = Client()
    sofia.force_login(supervisora)
    tags = [get(desk, ticket), get(sofia, ticket), get(desk, other), get(desk, ticket, "?desde=0")]
    tags.append(get(desk, ticket, "?antes=0"))
    fill(ticket, 1)
    tags.append(get(desk, ticket))
    settings.RELEASE = "otra"
    tags.append(get(desk, ticket))
    assert len({response["ETag"] for response in tags}) == len(tags)


def test_nothing_of_it_is_for_shared_caches(desk: Client, ticket: Ticket) -> None:
    first = get(desk, ticket)
    assert first["Cache-Control"] == "private, no-cache"
    assert get(desk, ticket, **{"If-None-Match": first["ETag"]})["Cache-Control"] == "private, no-cache"


# Queries


def count_queries(client: Client, ticket: Ticket, query: str = "") -> int:
    with CaptureQueriesContext(connection) as queries:
        assert get(client, ticket, query).status_code == 200
    return len(queries)


@pytest.mark.parametrize("query", ["", "?desde=0", "?antes=1000", "?ultimos=50"])
def test_reading_takes_few_queries_and_no_more_for_more_messages(
    desk: Client, tecnica: User, ticket: Ticket, query: str
) -> None:
    fill(ticket, 2)
    first, few = count_queries(desk, ticket, query), count_queries(desk, ticket, query)
    conversation = Conversation.locked_for(ticket.contact)
    for _ in range(998):
        conversation.append(ticket, "tecnico", "x", author=tecnica)
    assert count_queries(desk, ticket, query) == few
    # ticket, version, messages, who joined; at first also session, user, their groups
    assert (first, few) == (7, 4)


def test_a_304_takes_one_query_after_the_first(desk: Client, ticket: Ticket) -> None:
    """The version; at first also session, user, and whether they work here."""
    fill(ticket, 1)
    tag = get(desk, ticket)["ETag"]
    for remembered, expected in ((False, 4), (True, 1)):
        if not remembered:
            memory.forget()
        with CaptureQueriesContext(connection) as queries:
            assert get(desk, ticket, **{"If-None-Match": tag}).status_code == 304
        assert len(queries) == expected


def test_sending_takes_no_more_queries_in_a_long_conversation(
    desk: Client, tecnica: User, ticket: Ticket, inline: None
) -> None:
    def send() -> int:
        with CaptureQueriesContext(connection) as queries:
            response = desk.post(
                f"/ticket/{ticket.pk}/enviar-mensaje", '{"mensaje": "hola"}', content_type="application/json"
            )
        assert response.status_code == 200
        return len(queries)

    send()
    few = send()
    conversation = Conversation.locked_for(ticket.contact)
    for _ in range(198):
        conversation.append(ticket, "tecnico", "x", author=tecnica, state="leido")
    assert send() == few
    assert few <= 44


def test_reading_writes_nothing(desk: Client, ticket: Ticket) -> None:
    Contact.objects.update(push_name="x")
    with CaptureQueriesContext(connection) as queries:
        get(desk, ticket)
    verbs = {query["sql"].split()[0] for query in queries.captured_queries}
    assert verbs == {"SELECT"}


# Unread


def test_leido_counts_down_what_was_on_the_screen(desk: Client) -> None:
    for text in ("uno", "dos", "tres"):
        receive(text)
    ticket = Ticket.objects.get()
    last = ticket.messages.filter(text="dos").values_list("seq", flat=True).get()
    version = get(desk, ticket).json()["version"]
    response = desk.post(f"/ticket/{ticket.pk}/leido", json.dumps({"hasta": last}), content_type="application/json")
    assert (response.status_code, response.content) == (204, b"")
    body = get(desk, ticket, f"?desde={version}").json()
    assert body["ticket"]["sin_leer"] == 1
    assert body["version"] > version


@pytest.mark.parametrize("body", [{}, {"hasta": "1"}, {"hasta": True}, {"hasta": -1}, [1]])
def test_leido_with_nonsense_is_a_400(desk: Client, ticket: Ticket, body: Any) -> None:
    response = desk.post(f"/ticket/{ticket.pk}/leido", json.dumps(body), content_type="application/json")
    assert response.status_code == 400
