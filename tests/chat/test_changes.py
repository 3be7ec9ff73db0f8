"""What becomes of a message that was edited, deleted or reacted to after it came."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from chat import inbound, sweeping
from chat.models import Conversation, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import PERSON, edited, post_webhook, reaction, receive, revoked
from tickets.models import Ticket
from whatsapp.events import Outcome, handle
from whatsapp.gateways.events import Deleted, Edited, Event, NumberChanged, Reaction
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db


def happens(event: Event) -> Outcome:
    with transaction.atomic():
        return inbound.handle(event)


@pytest.fixture
def theirs(db: None) -> Message:
    """What Juan wrote, which the gateway calls AAAA."""
    receive("Mi laptop no enciende", message_id="AAAA")
    return Message.objects.get(gateway_id="AAAA")


@pytest.fixture
def ours(db: None) -> Message:
    ticket = make_ticket(make_contact(PERSON))
    conversation = Conversation.locked_for(ticket.contact)
    return conversation.append(ticket, "tecnico", "Voy", state="enviado", gateway="waha", gateway_id="BBBB")


def version() -> int:
    return Conversation.objects.get().version


def entry(desk: Client, message: Message) -> dict[str, Any]:
    body = desk.get(f"/ticket/{message.ticket_id}/conversacion").json()
    found: dict[str, Any] = next(one for one in body["historial"] if one["seq"] == message.seq)
    return found


# Edited


def test_an_edited_message_says_its_new_words_and_keeps_the_first(theirs: Message, desk: Client) -> None:
    post_webhook(edited("AAAA", "Mi laptop no enciende desde ayer"))
    post_webhook(edited("AAAA", "Mi laptop no enciende desde el lunes"))
    shown = entry(desk, theirs)
    assert (shown["content"], shown["original"]) == ("Mi laptop no enciende desde el lunes", "Mi laptop no enciende")
    assert shown["editado"] and shown["eliminado"] is None


def test_an_open_page_learns_of_each_change(theirs: Message, desk: Client) -> None:
    for change in (edited("AAAA", "otra cosa"), reaction("AAAA", "👍"), revoked("AAAA")):
        before = version()
        post_webhook(change)
        assert version() == before + 1
        news = desk.get(f"/ticket/{theirs.ticket_id}/conversacion?desde={before}").json()["historial"]
        assert [one["seq"] for one in news] == [theirs.seq]


@pytest.mark.parametrize(
    "event", [Edited("AAAA", "otra cosa"), Deleted("AAAA"), Reaction("AAAA", "👍"), Reaction("AAAA", "👍", own=True)]
)
def test_a_change_told_twice_happens_once(theirs: Message, event: Event) -> None:
    assert happens(event).state == "procesado"
    before = version()
    assert happens(event) == Outcome("ignorado", "Cambio repetido o atrasado", about=f"mensaje:{theirs.pk}")
    assert version() == before


def test_the_person_may_go_back_to_their_first_words(theirs: Message) -> None:
    for text in ("otra cosa", "Mi laptop no enciende"):
        happens(Edited("AAAA", text))
    theirs.refresh_from_db()
    assert (theirs.text, theirs.original) == ("Mi laptop no enciende", "Mi laptop no enciende")
    assert theirs.edited


def test_our_own_message_edited_on_the_phone_is_shown_so(ours: Message, desk: Client) -> None:
    post_webhook(edited("BBBB", "Voy a las 5", own=True))
    assert (entry(desk, ours)["content"], entry(desk, ours)["original"]) == ("Voy a las 5", "Voy")


def test_hostile_words_of_an_edit_are_cleaned_and_kept(theirs: Message) -> None:
    happens(Edited("AAAA", "a\0b\ud800<b>"))
    theirs.refresh_from_db()
    assert theirs.text == "ab<b>"


# Deleted


def test_a_deleted_message_says_so_and_keeps_its_words(theirs: Message, desk: Client) -> None:
    post_webhook(revoked("AAAA"))
    shown = entry(desk, theirs)
    assert shown["eliminado"] and shown["content"] == "Mi laptop no enciende"


def test_our_own_message_deleted_on_the_phone_is_shown_so(ours: Message, desk: Client) -> None:
    post_webhook(revoked("BBBB", own=True))
    assert entry(desk, ours)["eliminado"] and entry(desk, ours)["estado"] == "enviado"


def test_an_edit_that_comes_after_the_deletion_changes_nothing(theirs: Message) -> None:
    happens(Deleted("AAAA"))
    assert happens(Edited("AAAA", "tarde")).state == "ignorado"
    theirs.refresh_from_db()
    assert (theirs.text, theirs.edited) == ("Mi laptop no enciende", None)


def test_a_message_edited_and_then_deleted_keeps_both_words(theirs: Message, desk: Client) -> None:
    happens(Edited("AAAA", "otra cosa"))
    happens(Deleted("AAAA"))
    shown = entry(desk, theirs)
    assert (shown["content"], shown["original"]) == ("otra cosa", "Mi laptop no enciende")


def test_the_download_says_what_was_changed_and_what_it_said_before(theirs: Message, desk: Client) -> None:
    happens(Edited("AAAA", "otra cosa"))
    log = desk.get(f"/ticket/{theirs.ticket_id}/log").content.decode()
    assert "[editado]: otra cosa (antes: Mi laptop no enciende)" in log
    happens(Deleted("AAAA"))
    assert "[eliminado]: otra cosa" in desk.get(f"/ticket/{theirs.ticket_id}/log").content.decode()


# The ticket's row in the table


def test_the_table_says_the_new_words_of_the_last_message(theirs: Message) -> None:
    Message.objects.filter(role="assistant").delete()
    happens(Edited("AAAA", "otra  cosa"))
    assert Ticket.objects.get().last_text == "otra cosa"
    happens(Deleted("AAAA"))
    assert Ticket.objects.get().last_text == "🚫 Mensaje eliminado"


def test_the_table_keeps_its_words_when_an_older_message_changes(theirs: Message) -> None:
    receive("y hace ruido", message_id="AAAB")
    before = Ticket.objects.get().last_text
    happens(Deleted("AAAA"))
    assert Ticket.objects.get().last_text == before


# Reactions


def test_both_sides_react_and_take_it_back(ours: Message, desk: Client) -> None:
    post_webhook(reaction("BBBB", "👍"))
    post_webhook(reaction("BBBB", "❤️", own=True))
    assert (entry(desk, ours)["reaccion"], entry(desk, ours)["reaccion_propia"]) == ("👍", "❤️")
    post_webhook(reaction("BBBB", ""))
    assert (entry(desk, ours)["reaccion"], entry(desk, ours)["reaccion_propia"]) == ("", "❤️")


def test_a_reaction_is_no_message_and_the_assistant_says_nothing(theirs: Message) -> None:
    before = Message.objects.count(), Ticket.objects.get().unread
    happens(Reaction("AAAA", "😀" * 500))
    assert (Message.objects.count(), Ticket.objects.get().unread) == before
    theirs.refresh_from_db()
    assert theirs.reaction == "😀" * 40


# Whose it is


STRANGER = "5215511112222"


@pytest.mark.parametrize("change", [edited("BBBB", "Ya no voy"), revoked("BBBB")])
def test_a_person_changes_none_of_our_words(ours: Message, change: bytes) -> None:
    post_webhook(change)
    ours.refresh_from_db()
    assert (ours.text, ours.deleted, ours.edited) == ("Voy", None, None)
    assert WebhookEvent.objects.get().reason == "Cambio de un mensaje que escribió otro"


@pytest.mark.parametrize("change", [edited("AAAA", "otra cosa", own=True), revoked("AAAA", own=True)])
def test_our_own_phone_changes_none_of_theirs(theirs: Message, change: bytes) -> None:
    post_webhook(change)
    theirs.refresh_from_db()
    assert (theirs.text, theirs.deleted) == ("Mi laptop no enciende", None)


@pytest.mark.parametrize("writes", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("change", ["edited", "revoked", "reaction"])
def test_a_person_changes_nothing_in_somebody_else_s_chat(theirs: Message, change: str, writes: bool) -> None:
    if writes:
        receive("hola", phone=STRANGER)
    bodies = {
        "edited": edited("AAAA", "otra cosa", STRANGER),
        "revoked": revoked("AAAA", STRANGER),
        "reaction": reaction("AAAA", "👍", STRANGER),
    }
    post_webhook(bodies[change])
    theirs.refresh_from_db()
    assert (theirs.text, theirs.deleted, theirs.reaction) == ("Mi laptop no enciende", None, "")
    event = WebhookEvent.objects.order_by("pk").last()
    assert event and (event.state, event.reason) == ("ignorado", "Cambio de un mensaje de otro chat")


def test_a_change_told_at_another_address_of_the_person_is_theirs(theirs: Message) -> None:
    assert happens(Edited("AAAA", "otra cosa", False, "123456@lid", (PERSON,))).state == "procesado"


# Before the message itself


@pytest.mark.parametrize("change", [edited("CCCC", "otra cosa"), revoked("CCCC"), reaction("CCCC", "👍")])
def test_a_change_that_comes_before_its_message_waits_for_it(
    change: bytes, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    post_webhook(change)
    waiting = WebhookEvent.objects.get()
    assert (waiting.state, waiting.waits_on) == ("en_espera", "message:CCCC")
    receive("hola", message_id="CCCC")
    assert sweeping.answered_waits() == {"message:CCCC"}
    handle(waiting.pk)
    waiting.refresh_from_db()
    message = Message.objects.get(gateway_id="CCCC")
    assert waiting.state == "procesado"
    assert message.edited or message.deleted or message.reaction


# Quotes


def test_an_answer_shows_what_it_answers(theirs: Message, desk: Client) -> None:
    receive("esta", message_id="AAAB", replyTo={"id": "AAAA", "body": "Mi laptop no enciende"})
    answer = Message.objects.get(gateway_id="AAAB")
    assert entry(desk, answer)["cita"] == {"seq": theirs.seq, "role": "user", "content": "Mi laptop no enciende"}
    before = version()
    happens(Deleted("AAAA"))
    news = desk.get(f"/ticket/{theirs.ticket_id}/conversacion?desde={before}").json()["historial"]
    assert {one["seq"] for one in news} == {theirs.seq, answer.seq}
    assert entry(desk, answer)["cita"]["content"] == ""


def test_an_answer_to_what_we_never_had_shows_no_quote(theirs: Message, desk: Client) -> None:
    receive("esta", message_id="AAAB", replyTo={"id": "ZZZZ"})
    assert entry(desk, Message.objects.get(gateway_id="AAAB"))["cita"] is None


# A new number


def test_a_new_number_is_a_line_of_the_thread_once(theirs: Message, desk: Client) -> None:
    change = NumberChanged(PERSON, "5215511112222")
    assert happens(change).state == "procesado"
    assert happens(change).state == "ignorado"
    line = Message.objects.get(kind="system")
    assert line.text == "Cambió de número: de +52 1 477 275 8198 a +52 1 55 1111 2222"
    assert entry(desk, line)["tipo"] == "system"
    receive("ya con mi número nuevo", "5215511112222")
    assert Ticket.objects.count() == 1


def test_a_new_number_is_nothing_that_the_technician_has_to_read_first(
    theirs: Message, desk: Client, nobody_sends: None
) -> None:
    happens(NumberChanged(PERSON, "5215511112222"))
    answer = desk.post(
        f"/ticket/{theirs.ticket_id}/enviar-mensaje",
        {"mensaje": "Va", "visto_hasta": theirs.seq},
        content_type="application/json",
    )
    assert answer.status_code != 409
    assert Ticket.objects.get().unread == 0


def test_a_text_that_was_edited_on_the_phone_is_still_the_one_of_its_key(
    theirs: Message, desk: Client, nobody_sends: None
) -> None:
    url, body = f"/ticket/{theirs.ticket_id}/enviar-mensaje", {"mensaje": "Va", "clave": str(uuid.uuid4())}
    seq = desk.post(url, body, content_type="application/json").json()["seq"]
    Message.objects.filter(seq=seq).update(text="Va mañana", original="Va", edited=timezone.now())
    again = desk.post(url, body, content_type="application/json")
    assert (again.status_code, again.json()["seq"]) != (409, None) and again.json()["seq"] == seq
    assert desk.post(url, {**body, "mensaje": "Va mañana"}, content_type="application/json").status_code == 409


def test_a_new_number_of_somebody_unknown_is_ignored() -> None:
    assert happens(NumberChanged(PERSON, "5215511112222")).state == "ignorado"
    assert not Message.objects.exists()


# Failures


def test_the_gateway_s_code_of_a_failure_is_told_beside_its_reason(ours: Message, desk: Client) -> None:
    Message.objects.filter(pk=ours.pk).update(state="fallido", reason="La persona debe escribir primero", code="463")
    shown = entry(desk, ours)
    assert (shown["motivo"], shown["codigo"]) == ("La persona debe escribir primero", "463")
