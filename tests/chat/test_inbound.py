"""What the gateway's webhooks do to contacts, tickets and messages."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from chat import delivery, outcomes, runtime, sweeping
from chat.models import Conversation, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import PERSON, FakeGateway, ack, echo, inbound, post_webhook, receive, session_status
from tickets.models import Contact, State, Ticket
from whatsapp import connection
from whatsapp.gateways.events import ConnectionChanged
from whatsapp.gateways.results import Accepted, Ambiguous, Result
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db


def answer(text: str = "Hola, soy Ana", ticket: Ticket | None = None, **fields: object) -> Message:
    """A technician's message, queued."""
    ticket = ticket or Ticket.objects.get()
    return Conversation.locked_for(ticket.contact).append(ticket, "tecnico", text, **fields)


def drain() -> None:
    delivery.drain(Conversation.objects.get().pk)


def last_event() -> WebhookEvent:
    return WebhookEvent.objects.latest("pk")


def theirs() -> list[str]:
    return list(Message.objects.filter(role="user").order_by("seq").values_list("text", flat=True))


# A person writes


def test_the_first_message_opens_a_ticket_that_is_in_the_table_at_once(desk: Client) -> None:
    receive("Mi laptop no enciende", push_name="Juanito")
    ticket = Ticket.objects.get()
    assert (ticket.state, ticket.unread, ticket.contact.push_name) == ("Pendiente", 1, "Juanito")
    assert ticket.waiting_since
    message = Message.objects.get(role="user")
    assert (message.text, message.state, message.seq, message.ticket) == (
        "Mi laptop no enciende",
        "recibido",
        1,
        ticket,
    )
    assert f'data-ticket="{ticket.pk}"' in desk.get("/").content.decode()


def test_a_reply_goes_to_the_open_ticket() -> None:
    for state in ("Pendiente", "En proceso", "En espera"):
        receive(f"durante {state}")
        Ticket.objects.update(state=state)
    receive("y una más")
    assert Ticket.objects.count() == 1
    assert len(theirs()) == 4
    assert Ticket.objects.get().unread == 4


def test_a_reply_after_the_technician_wrote_reaches_the_technician_and_no_interview() -> None:
    """What the script this desk replaces got wrong."""
    receive("Mi laptop no enciende")
    answer("¿Ya la conectaste?", state="enviado")
    said = Message.objects.filter(role="assistant").count()
    receive("Sí, y nada")
    assert Ticket.objects.count() == 1
    assert Message.objects.filter(role="assistant").count() == said
    assert Ticket.objects.get().last_text == "Sí, y nada"


def test_the_gateways_time_is_shown_and_one_in_the_future_is_not_believed() -> None:
    at = datetime(2026, 2, 5, 15, 0, 0, tzinfo=UTC)
    receive("antes", timestamp=int(at.timestamp()))
    receive("después", timestamp=int((timezone.now() + timedelta(hours=5)).timestamp()))
    first, second = Message.objects.filter(role="user").order_by("seq")
    assert first.created == at
    assert second.created <= timezone.now()


def test_the_time_without_a_message_starts_with_the_first_one_unanswered() -> None:
    with time_machine.travel(datetime(2027, 1, 1, 12, 0, tzinfo=UTC), tick=False) as clock:
        receive("uno")
        first = timezone.now()
        clock.shift(60)
        receive("dos")
        assert Ticket.objects.get().waiting_since == first


@pytest.mark.parametrize("mine", [True, False])
@pytest.mark.parametrize("state", [State.RESOLVED, State.CLOSED])
def test_a_ticket_closed_a_short_while_ago_is_opened_again(tecnica: User, mine: bool, state: State) -> None:
    resolved = timezone.now() - timedelta(hours=47, minutes=59)
    contact = make_contact(PERSON)
    ticket = make_ticket(contact, state=state, resolved=resolved, technician=tecnica if mine else None)
    receive("Volvió a fallar")
    ticket.refresh_from_db()
    assert (ticket.state, ticket.resolved) == (State.IN_PROGRESS if mine else State.PENDING, None)
    assert Message.objects.get(role="user").ticket == ticket


def test_long_after_it_was_closed_a_new_ticket_is_opened_that_knows_the_person() -> None:
    contact = make_contact(PERSON, department="Ventas")
    make_ticket(contact, state=State.RESOLVED, resolved=timezone.now() - timedelta(hours=48, minutes=1))
    receive("Otra cosa")
    new = Ticket.objects.latest("pk")
    assert Ticket.objects.count() == 2
    assert (new.name, new.department, new.fault) == ("Juan Pérez", "Ventas", "Otra cosa")
    assert Message.objects.get(role="user").ticket == new


def test_the_time_to_open_again_is_a_setting(settings: Settings) -> None:
    settings.REABRIR_HORAS = 0
    make_ticket(make_contact(PERSON), state=State.RESOLVED, resolved=timezone.now() - timedelta(minutes=1))
    receive("Otra cosa")
    assert Ticket.objects.count() == 2


def test_the_ticket_closed_last_is_the_one_opened_again() -> None:
    contact = make_contact(PERSON)
    late = make_ticket(contact, state=State.RESOLVED, resolved=timezone.now() - timedelta(hours=1))
    make_ticket(contact, state=State.RESOLVED, resolved=timezone.now() - timedelta(hours=9))
    receive("Volvió a fallar")
    late.refresh_from_db()
    assert late.is_open


# What cannot be shown


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"hasMedia": True, "media": {"mimetype": "image/jpeg"}}, "📷 Imagen"),
        ({"hasMedia": True, "media": {"mimetype": "audio/ogg"}}, "🎤 Audio"),
        ({"hasMedia": True, "media": {"mimetype": "application/pdf"}}, "📄 Documento"),
        ({"_data": {"type": "sticker"}}, "🏷️ Sticker"),
        ({"location": {"latitude": 21.1, "longitude": -101.7}}, "📍 Ubicación: 21.1, -101.7"),
        ({"_data": {"type": "poll_creation"}}, "❔ Mensaje que esta versión no puede mostrar; pídele que lo escriba"),
        ({"hasMedia": True}, "❔ Mensaje que esta versión no puede mostrar; pídele que lo escriba"),
    ],
    ids=["image", "audio", "document", "sticker", "location", "poll", "media without a kind"],
)
def test_what_cannot_be_shown_is_a_visible_placeholder(fields: dict[str, object], shown: str) -> None:
    receive("", **fields)
    assert theirs() == [shown]
    assert Ticket.objects.count() == 1


def test_a_caption_stands_beside_its_placeholder() -> None:
    receive("mira la pantalla", hasMedia=True, media={"mimetype": "image/jpeg"})
    assert theirs() == ["📷 Imagen: mira la pantalla"]


@pytest.mark.parametrize("chat", ["120363041234567890@g.us", "status@broadcast", "123@newsletter"])
def test_groups_channels_and_broadcasts_are_ignored(chat: str) -> None:
    receive("hola a todos", chat)
    assert last_event().state == "ignorado"
    assert not Ticket.objects.exists()


def test_what_no_database_can_store_is_taken_out() -> None:
    receive("a\0b\ud800c", push_name="Ju\0an\udfff")
    assert theirs() == ["abc"]
    assert Contact.objects.get().push_name == "Juan"
    assert last_event().state == "procesado"


def test_a_very_long_message_and_name_are_kept() -> None:
    receive("á" * 60_000, push_name="N" * 5000)
    assert theirs() == ["á" * 60_000]
    assert Ticket.objects.get().unread == 1
    assert len(Contact.objects.get().push_name) == 120


# Who it is


def test_both_forms_of_a_mexican_mobile_are_one_contact_answered_where_it_was_seen_last(gateway: FakeGateway) -> None:
    receive("uno", "5214772758198")
    answer("a la primera")
    drain()
    receive("dos", "524772758198")
    answer("a la segunda")
    drain()
    receive("tres", "5214772758198")
    answer("a la tercera")
    drain()
    assert Contact.objects.count() == Ticket.objects.count() == 1
    assert [(to, text) for to, text in gateway.calls if text.startswith("a la")] == [
        ("5214772758198", "a la primera"),
        ("524772758198", "a la segunda"),
        ("5214772758198", "a la tercera"),
    ]
    assert Contact.objects.get().telefono == "+5214772758198"


def test_a_person_seen_by_phone_and_then_by_lid_with_that_phone_is_one_contact(gateway: FakeGateway) -> None:
    receive("uno")
    receive("dos", "99887766554433@lid", _data={"key": {"remoteJidAlt": f"{PERSON}@s.whatsapp.net"}})
    contact = Contact.objects.get()
    assert contact.address == "99887766554433@lid"
    assert sorted(contact.aliases.values_list("key", flat=True)) == ["+524772758198", "99887766554433@lid"]
    receive("tres", "99887766554433@lid")
    assert Contact.objects.count() == Ticket.objects.count() == 1
    assert theirs() == ["uno", "dos", "tres"]


def test_a_lid_without_a_phone_is_a_contact_and_is_answered_there(gateway: FakeGateway) -> None:
    receive("hola", "99887766554433@lid")
    answer("buenas")
    drain()
    assert gateway.calls[-1] == ("99887766554433@lid", "buenas")


def test_a_known_name_in_whatsapp_is_not_lost_to_an_empty_one() -> None:
    receive("uno", push_name="Juanito")
    receive("dos", push_name="")
    assert Contact.objects.get().push_name == "Juanito"


# Two at once


@pytest.mark.django_db(transaction=True)
def test_two_first_messages_at_once_make_one_contact_one_conversation_one_ticket() -> None:
    start = threading.Barrier(4)
    statuses: list[int] = []

    def deliver(n: int) -> None:
        start.wait()
        statuses.append(post_webhook(inbound(f"mensaje {n}")).status_code)
        connections.close_all()

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * 4
    assert Contact.objects.count() == Conversation.objects.count() == Ticket.objects.count() == 1
    assert sorted(theirs()) == [f"mensaje {n}" for n in range(4)]
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"procesado"}
    seqs = list(Message.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.django_db(transaction=True)
def test_the_same_webhook_twice_at_once_happens_once() -> None:
    body, start = inbound(), threading.Barrier(4)
    statuses: list[int] = []

    def deliver() -> None:
        start.wait()
        statuses.append(post_webhook(body).status_code)
        connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * 4
    assert WebhookEvent.objects.count() == 1
    assert theirs() == ["Mi laptop no enciende"]


# Ticks


@pytest.fixture
def sent(db: None) -> Message:
    ticket = make_ticket(make_contact(PERSON))
    return answer(ticket=ticket, state="enviado", gateway="waha", gateway_id="3EB0A")


def state(message: Message) -> str:
    message.refresh_from_db()
    return message.state


def test_ticks_move_a_message_to_delivered_and_read(sent: Message) -> None:
    post_webhook(ack("3EB0A", 2))
    assert state(sent) == "entregado"
    post_webhook(ack("3EB0A", 3))
    assert state(sent) == "leido"


def test_read_may_come_without_delivered(sent: Message) -> None:
    post_webhook(ack("3EB0A", 3))
    assert state(sent) == "leido"


@pytest.mark.parametrize("late", [1, 2, -1])
def test_a_late_tick_changes_nothing(sent: Message, late: int) -> None:
    post_webhook(ack("3EB0A", 3))
    version = Conversation.objects.get().version
    post_webhook(ack("3EB0A", late))
    assert state(sent) == "leido"
    assert last_event().state == "ignorado"
    assert Conversation.objects.get().version == version


def test_a_repeated_tick_changes_nothing(sent: Message) -> None:
    post_webhook(ack("3EB0A", 2))
    version = Conversation.objects.get().version
    post_webhook(ack("3EB0A", 2))
    assert (last_event().state, last_event().reason) == ("ignorado", "Estado repetido")
    assert Conversation.objects.get().version == version


def test_a_message_whatsapp_could_not_deliver_is_failed_with_a_reason(sent: Message) -> None:
    post_webhook(ack("3EB0A", -1))
    assert state(sent) == "fallido"
    assert sent.reason == "WhatsApp no pudo entregar el mensaje"


def test_a_tick_after_a_failure_says_that_it_arrived_after_all(sent: Message) -> None:
    post_webhook(ack("3EB0A", -1))
    post_webhook(ack("3EB0A", 2))
    assert state(sent) == "entregado"


def test_the_id_alone_names_the_message_whatever_the_chat_is_called(sent: Message) -> None:
    post_webhook(ack("3EB0A", 2, phone="524772758198"))
    assert state(sent) == "entregado"


def test_a_tick_that_came_before_the_answer_of_its_send_is_not_lost(gateway: FakeGateway) -> None:
    receive()

    def acked_first(before_first_byte: Callable[[], None]) -> Result:
        before_first_byte()
        post_webhook(ack("3EB0RAPIDO", 2))
        assert last_event().state == "en_espera"
        return Accepted("3EB0RAPIDO")

    message = answer()
    gateway.answers(acked_first)
    drain()
    assert state(message) == "entregado"
    assert last_event().state == "procesado"


# Our own messages come back


def test_the_echo_of_a_message_already_sent_is_not_shown_twice(gateway: FakeGateway) -> None:
    receive()
    gateway.answers(Accepted("3EB0A"))
    answer()
    drain()
    post_webhook(echo("Hola, soy Ana", message_id="3EB0A"))
    assert Message.objects.filter(role="tecnico").count() == 1
    assert last_event().state == "procesado"


def test_an_echo_during_its_send_waits_for_the_answer_and_is_not_shown_twice(gateway: FakeGateway) -> None:
    receive()

    def echoed_first(before_first_byte: Callable[[], None]) -> Result:
        before_first_byte()
        post_webhook(echo("Hola, soy Ana", message_id="3EB0A"))
        assert last_event().state == "en_espera"
        return Accepted("3EB0A")

    gateway.answers(echoed_first)
    message = answer()
    drain()
    assert state(message) == "enviado"
    assert Message.objects.filter(role="tecnico").count() == 1
    assert last_event().state == "procesado"


@pytest.fixture
def doubtful(gateway: FakeGateway) -> Message:
    receive()
    message = answer()
    gateway.answers(Ambiguous("HTTP 502"))
    drain()
    message.refresh_from_db()
    assert message.state == "sin_confirmar"
    return message


def test_an_echo_settles_the_doubt_and_lets_the_next_one_go(
    gateway: FakeGateway,
    doubtful: Message,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    behind = answer("después")
    monkeypatch.setattr("chat.wake.wake", lambda task, *args: task.run(*args))
    with django_capture_on_commit_callbacks(execute=True):
        post_webhook(echo("Hola, soy Ana", message_id="3EB0A"))
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.gateway_id, doubtful.due, doubtful.reason) == ("enviado", "3EB0A", None, "")
    assert doubtful.sent
    assert Message.objects.filter(text="Hola, soy Ana").count() == 1
    assert state(behind) == "enviado"


def test_an_echo_that_waited_during_a_send_that_ended_in_doubt_settles_it(gateway: FakeGateway) -> None:
    receive()

    def echoed_and_cut(before_first_byte: Callable[[], None]) -> Result:
        before_first_byte()
        post_webhook(echo("Hola, soy Ana", message_id="3EB0A"))
        return Ambiguous("se cortó")

    gateway.answers(echoed_and_cut)
    message = answer()
    drain()
    message.refresh_from_db()
    assert (message.state, message.gateway_id) == ("enviado", "3EB0A")
    assert len([text for text in gateway.texts if text == "Hola, soy Ana"]) == 1


def test_ticks_that_waited_are_applied_when_the_echo_binds_the_id(
    doubtful: Message,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chat.wake.wake", lambda task, *args: task.run(*args))
    post_webhook(ack("3EB0A", 3))
    assert state(doubtful) == "sin_confirmar"
    with django_capture_on_commit_callbacks(execute=True):
        post_webhook(echo("Hola, soy Ana", message_id="3EB0A"))
    assert state(doubtful) == "leido"


def test_another_text_is_no_evidence_and_waits_until_the_doubt_is_settled(doubtful: Message) -> None:
    post_webhook(echo("Otra cosa"))
    assert state(doubtful) == "sin_confirmar"
    assert last_event().state == "en_espera"
    assert not Message.objects.filter(text="Otra cosa").exists()


def test_what_waited_is_shown_once_a_person_settled_the_doubt(desk: Client, doubtful: Message, inline: None) -> None:
    post_webhook(echo("Otra cosa"))
    url = f"/ticket/{doubtful.ticket_id}/mensaje/{doubtful.seq}/resolver"
    desk.post(url, json.dumps({"decision": "descartar"}), content_type="application/json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime.pool, "submit", lambda function, *args: function(*args))
        sweeping.sweep()
    shown = Message.objects.get(text="Otra cosa")
    assert (shown.role, shown.author, shown.state) == ("tecnico", None, "enviado")


def test_the_echo_of_an_older_message_of_the_same_words_is_no_evidence(doubtful: Message) -> None:
    long_ago = int((timezone.now() - timedelta(minutes=10)).timestamp())
    post_webhook(echo("Hola, soy Ana", timestamp=long_ago))
    assert state(doubtful) == "sin_confirmar"


def test_an_echo_of_another_chat_is_no_evidence(doubtful: Message) -> None:
    make_ticket(make_contact("5215511112222"))
    post_webhook(echo("Hola, soy Ana", "5215511112222"))
    assert state(doubtful) == "sin_confirmar"


def test_one_echo_settles_one_of_two_equal_messages(gateway: FakeGateway, settings: Settings) -> None:
    settings.ENVIO_DUDA_S = 0
    receive()
    gateway.answers(Ambiguous("x"), Ambiguous("x"))
    first, second = answer("ok"), answer("ok")
    drain()
    post_webhook(echo("ok", message_id="3EB0A"))
    assert [state(first), state(second)] == ["enviado", "sin_confirmar"]


def test_an_echo_after_a_person_said_it_arrived_binds_the_id_and_shows_nothing_new(
    desk: Client, doubtful: Message, inline: None
) -> None:
    url = f"/ticket/{doubtful.ticket_id}/mensaje/{doubtful.seq}/resolver"
    desk.post(url, json.dumps({"decision": "ya_llego"}), content_type="application/json")
    post_webhook(echo("Hola, soy Ana", message_id="3EB0A"))
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.gateway_id) == ("enviado", "3EB0A")
    assert Message.objects.filter(role="tecnico").count() == 1
    post_webhook(ack("3EB0A", 3))
    assert state(doubtful) == "leido"


def test_what_was_typed_on_the_phone_is_shown_as_the_technicians_without_an_author(desk: Client) -> None:
    receive()
    post_webhook(echo("Te marco en 5 minutos", source="app", message_id="3EB0TEL"))
    shown = Message.objects.get(role="tecnico")
    assert (shown.text, shown.author, shown.state, shown.gateway_id) == (
        "Te marco en 5 minutos",
        None,
        "enviado",
        "3EB0TEL",
    )
    assert Ticket.objects.get().waiting_since is None


def test_what_was_typed_on_the_phone_is_never_evidence_even_with_the_same_words(doubtful: Message) -> None:
    post_webhook(echo("Hola, soy Ana", source="app"))
    assert state(doubtful) == "sin_confirmar"
    assert Message.objects.filter(role="tecnico", text="Hola, soy Ana").count() == 2


def test_what_another_program_sent_from_our_number_is_shown_too() -> None:
    receive()
    post_webhook(echo("Aviso de mantenimiento"))
    assert Message.objects.get(role="tecnico").author is None


def test_what_was_typed_on_the_phone_silences_the_assistant() -> None:
    receive("Mi laptop no enciende")
    post_webhook(echo("Soy Ana, ¿en qué te ayudo?", source="app"))
    said = Message.objects.filter(role="assistant").count()
    receive("No enciende")
    assert Message.objects.filter(role="assistant").count() == said


def test_the_assistants_queued_words_are_discarded_when_somebody_types_on_the_phone(gateway: FakeGateway) -> None:
    receive("Mi laptop no enciende")
    post_webhook(echo("Soy Ana", source="app"))
    assert Message.objects.get(role="assistant").state == "descartado"


def test_our_message_to_somebody_who_never_wrote_is_ignored() -> None:
    post_webhook(echo("hola", "5215500000000", source="app"))
    assert last_event().state == "ignorado"
    assert not Contact.objects.exists()


def test_a_repeated_echo_is_shown_once() -> None:
    receive()
    for _ in range(3):
        post_webhook(echo("Te marco", source="app", message_id="3EB0TEL"))
    assert Message.objects.filter(role="tecnico").count() == 1


def test_a_forged_echo_settles_nothing(doubtful: Message) -> None:
    assert post_webhook(echo("Hola, soy Ana"), key="otra").status_code == 401
    assert state(doubtful) == "sin_confirmar"


def test_an_answer_that_comes_after_its_echo_changes_nothing(gateway: FakeGateway) -> None:
    receive()
    message = answer()
    Conversation.objects.update(lease_until=None)
    Message.objects.filter(role="assistant").update(state="enviado")
    claimed = delivery.claim(message.conversation_id)
    assert isinstance(claimed, delivery.Claim)
    claimed.begin_writing()
    Conversation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    delivery.claim(message.conversation_id)
    post_webhook(echo("Hola, soy Ana", message_id="3EB0A"))
    assert state(message) == "enviado"
    outcomes.settle(claimed.message, claimed.token, claimed.telefono, Accepted("3EB0A"))
    assert state(message) == "enviado"
    assert Message.objects.filter(gateway_id="3EB0A").count() == 1


# The session


def test_working_again_clears_what_was_put_off_and_wakes_the_oldest_first(
    gateway: FakeGateway,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    woken: list[int] = []
    monkeypatch.setattr("chat.wake.wake", lambda task, *args: woken.append(*args))
    now, rows = timezone.now(), []
    for minutes in (5, 60):
        ticket = make_ticket()
        due = now + timedelta(minutes=1)
        created = now - timedelta(minutes=minutes)
        rows.append(answer("x", ticket, created=created, due=due, held="session"))
    connection.update(ConnectionChanged(connected=False, detail="Sesión detenida"))
    with django_capture_on_commit_callbacks(execute=True):
        post_webhook(session_status("WORKING"))
    assert not connection.opened()
    assert woken == [rows[1].conversation_id, rows[0].conversation_id]
    assert set(Message.objects.values_list("due", flat=True)) == {None}


def test_only_the_transition_wakes(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    answer("x", make_ticket(), due=timezone.now() + timedelta(minutes=1), held="session")
    with django_capture_on_commit_callbacks() as callbacks:
        for _ in range(3):
            post_webhook(session_status("WORKING"))
    assert not callbacks
    assert Message.objects.get().due
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"ignorado"}


@pytest.mark.parametrize("status", ["STOPPED", "STARTING", "SCAN_QR_CODE", "FAILED", "ALGO_NUEVO"])
def test_any_other_state_of_the_session_closes_the_line(status: str) -> None:
    post_webhook(session_status(status))
    assert connection.opened()
    assert last_event().state == "procesado"
