"""The bridge's webhooks from the door to the conversation: big ones, and repeats that say nothing of it."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat import media
from chat.models import Attachment, Conversation, Delivery, Message
from tests.supervision import browser_of, text_of
from tests.whatsapp.gateways.test_puente import JID, PNG, body
from tickets.models import Contact
from whatsapp import events
from whatsapp.checks import check_gateway
from whatsapp.gateways.puente import Puente
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db
State = WebhookEvent.State
EVENTS = "/admin/whatsapp/webhookevent/"


@pytest.fixture(autouse=True)
def puente(settings: Settings, tmp_path: Any) -> None:
    settings.WHATSAPP_GATEWAY = "puente"
    settings.PUENTE_URL, settings.PUENTE_TOKEN = "http://127.0.0.1:9", "secreto"
    settings.MEDIA_ROOT = tmp_path


def post(payload: Any, url: str = "/webhook", token: str = "secreto") -> HttpResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return Client().post(url, json.dumps(payload), content_type="application/json", headers=headers)


def theirs() -> list[str]:
    return list(Message.objects.filter(role="user").order_by("seq").values_list("text", flat=True))


def states() -> list[str]:
    return list(WebhookEvent.objects.order_by("pk").values_list("state", flat=True))


def our_answer_left(at: datetime) -> None:
    """Whatever is queued was sent at `at`."""
    Message.objects.filter(state=Delivery.QUEUED).update(state=Delivery.SENT, sent=at, tried=at)


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(datetime(2026, 11, 22, 18, 0, tzinfo=UTC), tick=False) as clock:
        yield clock


# The door


@pytest.mark.parametrize("url", ["/webhook", "/webhooks/puente"])
def test_a_webhook_is_a_message(url: str) -> None:
    assert post(body(), url).status_code == 200
    assert theirs() == ["No enciende"]
    assert WebhookEvent.objects.get().gateway == "puente"


def test_a_wrong_token_is_a_401_and_nothing_is_stored(caplog: pytest.LogCaptureFixture) -> None:
    assert post(body(), token="otro").status_code == 401
    assert not WebhookEvent.objects.exists()
    assert "PUENTE_TOKEN" in caplog.text and "secreto" not in caplog.text


def test_the_origin_s_address_does_not_exist_for_another_gateway(settings: Settings) -> None:
    settings.WHATSAPP_GATEWAY = "waha"
    assert post(body()).status_code == 404


def test_a_lid_in_disguise_is_a_person_without_a_phone() -> None:
    post(body(remitente="99345678901234567@s.whatsapp.net"))
    contact = Contact.objects.get()
    assert contact.address == "99345678901234567@lid"


def test_the_largest_picture_of_the_bridge_comes_through_and_other_pages_keep_their_limit(
    settings: Settings, desk: Client
) -> None:
    picture = PNG + bytes(16_000_000 - len(PNG))
    assert post(body("Imagen enviada", base64.b64encode(picture).decode())).status_code == 200
    media.fetch(Attachment.objects.get().pk)
    row = Attachment.objects.get()
    assert (row.size, row.file.size) == (16_000_000, 16_000_000)
    assert len(WebhookEvent.objects.get().body) < 10_000, "the ledger does not keep what was stored"
    ticket = Message.objects.get(role="user").ticket_id
    large = json.dumps({"mensaje": "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)})
    answer = desk.post(f"/ticket/{ticket}/enviar-mensaje", large, content_type="application/json")
    assert answer.status_code in (400, 413)


def test_a_body_above_the_limit_is_a_413_and_nothing_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Puente, "webhook_max_bytes", 3 * 1024 * 1024)
    assert post(body("x" * (3 * 1024 * 1024))).status_code == 413
    assert not WebhookEvent.objects.exists()


# Repeats


def test_what_was_sent_again_is_one_message(clock: Any) -> None:
    for seconds in (0, 7, 16, 120, 240):
        clock.move_to(datetime(2026, 11, 22, 18, 0, tzinfo=UTC) + timedelta(seconds=seconds))
        post(body())
    assert theirs() == ["No enciende"]
    assert states() == ["procesado"] + ["ignorado"] * 4
    repeat = WebhookEvent.objects.last()
    assert repeat and (repeat.reason, repeat.about) == ("Mensaje repetido", WebhookEvent.objects.earliest("pk").about)


def test_after_ten_minutes_it_is_said_again(clock: Any) -> None:
    post(body())
    clock.shift(601)
    post(body())
    assert len(theirs()) == 2


def test_what_the_person_said_in_between_makes_it_another_message(clock: Any) -> None:
    for text in ("sí", "no", "sí"):
        post(body(text))
        clock.shift(3)
    assert theirs() == ["sí", "no", "sí"]


def test_what_we_said_in_between_makes_it_another_message(clock: Any) -> None:
    post(body("no sé"))
    clock.shift(2)
    our_answer_left(timezone.now())
    clock.shift(5)
    post(body("no sé"))
    assert theirs() == ["no sé", "no sé"]


def test_an_answer_of_ours_that_has_not_left_is_not_in_between(clock: Any) -> None:
    post(body("no sé"))
    clock.shift(7)
    post(body("no sé"))
    our_answer_left(timezone.now())
    post(body("no sé"))  # in the same moment: nobody has read it
    assert theirs() == ["no sé"]


def test_another_picture_with_the_same_words_is_another_message(clock: Any) -> None:
    for picture in (PNG, PNG + b"2", PNG + b"2"):
        post(body("Mira", base64.b64encode(picture).decode()))
    assert len(theirs()) == 2


def test_another_person_s_same_words_are_no_repeat(clock: Any) -> None:
    post(body())
    post(body(remitente="5214770001122@s.whatsapp.net"))
    assert len(theirs()) == 2


@pytest.mark.django_db(transaction=True)
def test_five_equal_requests_at_once_are_one_message() -> None:
    start, statuses = threading.Barrier(5), []

    def deliver() -> None:
        start.wait()
        statuses.append(post(body()).status_code)
        connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * 5
    assert theirs() == ["No enciende"]
    assert sorted(states()) == ["ignorado"] * 4 + ["procesado"]


@pytest.mark.parametrize("others", [[], ["otra cosa"]])
def test_one_that_was_stored_before_we_died_and_its_retry_are_one_message(
    clock: Any, monkeypatch: pytest.MonkeyPatch, others: list[str]
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(events, "handle", lambda pk: None)  # the process dies between the ledger and the handler
        post(body())
    clock.shift(6)
    for text in ("No enciende", *others):
        post(body(text))
        clock.shift(4)
    for pk in events.unhandled():
        events.handle(pk)
    assert theirs() == ["No enciende", *others]
    assert states()[0] == "ignorado"


# What was taken for a repeat and was none


def test_mostrar_makes_a_repeat_a_message_after_all_and_only_once(clock: Any, supervisora: User) -> None:
    picture = base64.b64encode(PNG + bytes(100_000)).decode()
    for _ in range(2):
        post(body("Mira", picture))
    repeat = WebhookEvent.objects.latest("pk")
    admin = browser_of(supervisora)
    for _ in range(2):
        shown = text_of(admin.post(EVENTS, {"action": "show_repeated", "_selected_action": [repeat.pk]}, follow=True))
    assert len(theirs()) == 2
    assert Attachment.objects.count() == 2 and not Attachment.objects.exclude(problem="").exists()
    repeat.refresh_from_db()
    assert (repeat.state, len(repeat.body) < 10_000) == (State.PROCESSED, True)
    assert shown


def test_mostrar_says_what_it_did(clock: Any, supervisora: User) -> None:
    for _ in range(2):
        post(body())
    repeat = WebhookEvent.objects.latest("pk")
    action = {"action": "show_repeated", "_selected_action": [repeat.pk]}
    assert f"Evento {repeat.pk}: se muestra como mensaje" in text_of(
        browser_of(supervisora).post(EVENTS, action, follow=True)
    )


def test_a_conversation_has_one_number_for_each_message_it_shows(clock: Any) -> None:
    for _ in range(3):
        post(body())
    seqs = list(Conversation.objects.get().messages.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
    assert JID.startswith(Contact.objects.get().address)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUENTE_URL", ""),
        ("PUENTE_TOKEN", ""),
        ("PUENTE_TOKEN", "ñ"),
    ],
)
def test_check_names_what_is_missing(settings: Settings, name: str, value: str) -> None:
    assert check_gateway() == []
    setattr(settings, name, value)
    assert [name in found.msg and name in str(found.hint) for found in check_gateway()] == [True]
