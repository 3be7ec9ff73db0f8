"""Two contacts become one, and two again."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone

from chat import delivery, times
from chat.ledger import books
from chat.merging import MergeRefused, merge
from chat.models import Conversation, Message, lock_unmerged
from chat.unmerging import undo
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, receive
from tests.supervision import together
from tickets.models import Alias, Contact, Merge, PossibleDuplicate, Segment, State, Ticket
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db

ANA, LID = "5214772758198", "99887766554433@lid"


def say(ticket: Ticket, *texts: str, role: str = "user", **fields: Any) -> None:
    with transaction.atomic():
        conversation = Conversation.locked_for(ticket.contact)
        for text in texts:
            state = "recibido" if role == "user" else "enviado"
            conversation.append(ticket, role, text, **{"state": state, "address": ticket.contact.address, **fields})
        conversation.heard(timezone.now())


@pytest.fixture
def ana() -> Ticket:
    """Ana's open ticket, by her phone."""
    ticket = make_ticket(make_contact(ANA, name="Ana López", department=""))
    say(ticket, "uno", "dos")
    return ticket


@pytest.fixture
def lid() -> Ticket:
    """The open ticket of somebody without a phone, who has an older closed one."""
    contact = make_contact(LID, name="", push_name="Anita", department="Ventas", aliases=["@anita"])
    old = make_ticket(contact, state=State.CLOSED, resolved=timezone.now() - timedelta(days=9))
    say(old, "viejo")
    ticket = make_ticket(contact)
    say(ticket, "tres")
    say(ticket, "respuesta", role="tecnico")
    return ticket


def thread(contact: Contact) -> list[tuple[int, str]]:
    return list(Message.objects.filter(conversation__contact=contact).order_by("seq").values_list("seq", "text"))


def words(contact: Contact) -> list[str]:
    """What people said, without the assistant."""
    said = Message.objects.filter(conversation__contact=contact).exclude(role="assistant")
    return list(said.order_by("seq").values_list("text", flat=True))


def hear(text: str, address: str) -> None:
    """A person writes, and what the assistant answers is sent."""
    receive(text, address)
    delivery.drain(Message.objects.latest("pk").conversation_id)


def everything() -> dict[str, Any]:
    """All that a merge may change, but the versions."""
    return {
        "contacts": list(Contact.objects.order_by("pk").values()),
        "aliases": list(Alias.objects.order_by("pk").values()),
        "tickets": [
            {name: value for name, value in row.items() if name != "renumbered"}
            for row in Ticket.objects.order_by("pk").values()
        ],
        "times": list(Segment.objects.order_by("ticket", "pk").values("ticket", "at", "phase", "seconds")),
        "messages": list(Message.objects.order_by("pk").values("pk", "conversation", "ticket", "seq", "text", "state")),
        "threads": list(Conversation.objects.order_by("pk").values("pk", "seq", "last_inbound", "merged_into")),
    }


def test_everything_of_one_contact_goes_to_the_other_in_order(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    merge(ana.contact, lid.contact, supervisora, stays_open=lid.pk)
    assert thread(ana.contact) == [(1, "uno"), (2, "dos"), (3, "viejo"), (4, "tres"), (5, "respuesta")]
    assert thread(lid.contact) == []
    assert set(ana.contact.tickets.values_list("state", flat=True)) == {"Cerrado", "Pendiente"}
    assert ana.contact.tickets.count() == 3
    assert [ticket.pk for ticket in ana.contact.tickets.open()] == [lid.pk]
    assert set(ana.contact.aliases.values_list("key", flat=True)) == {"+524772758198", LID, "@anita"}
    assert books().balanced


def test_what_is_missing_is_taken_and_the_answer_goes_where_they_were_seen_last(
    ana: Ticket, lid: Ticket, supervisora: User
) -> None:
    merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    kept = Contact.objects.get(pk=ana.contact_id)
    assert (kept.name, kept.push_name, kept.department, kept.address) == ("Ana López", "Anita", "Ventas", LID)
    assert kept.shown_phone == "+52 1 477 275 8198"


def test_the_tickets_that_moved_are_found_by_the_other_address(
    ana: Ticket, lid: Ticket, supervisora: User, desk: Client
) -> None:
    merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    found = desk.get("/tickets?telefono=%2B5214772758198").json()["tickets"]
    assert {row["id"] for row in found} == set(Ticket.objects.values_list("pk", flat=True))
    assert lid in Ticket.objects.all().search("2758198")


def test_an_open_page_is_told_to_begin_anew(ana: Ticket, lid: Ticket, supervisora: User, desk: Client) -> None:
    before = desk.get(f"/ticket/{lid.pk}/conversacion").json()
    assert desk.get(f"/ticket/{lid.pk}/conversacion?desde={before['version']}").json()["entero"] is False
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    after = desk.get(f"/ticket/{lid.pk}/conversacion?desde={before['version']}").json()
    assert (after["entero"], [entry["seq"] for entry in after["historial"]]) == (True, [4, 5])
    assert after["version"] > before["version"]
    undo(row.pk, supervisora)
    again = desk.get(f"/ticket/{lid.pk}/conversacion?desde={after['version']}").json()
    assert (again["entero"], [entry["seq"] for entry in again["historial"]]) == (True, [2, 3])
    assert again["version"] > after["version"]


def test_who_writes_to_a_merged_contact_locks_only_where_its_messages_are(
    ana: Ticket, lid: Ticket, supervisora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever their numbers are, a merge and its undoing cannot wait for who waits for them."""
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    locks, locked = [], Conversation.locked
    monkeypatch.setattr(Conversation, "locked", lambda pk: locks.append(pk) or locked(pk))
    with transaction.atomic():
        assert Conversation.locked_for(lid.contact).contact_id == ana.contact_id
    assert locks == [Conversation.objects.get(contact=ana.contact).pk]
    undo(row.pk, supervisora)
    with transaction.atomic():
        assert Conversation.locked_for(lid.contact).contact_id == lid.contact_id


def test_who_waited_while_two_contacts_were_merged_or_parted_finds_where_the_messages_are(
    ana: Ticket, lid: Ticket, supervisora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = Conversation.locked
    done: list[Any] = []

    def meanwhile(deed: Any) -> None:
        def late(pk: int) -> Conversation:
            monkeypatch.setattr(Conversation, "locked", locked)
            done.append(deed())
            return locked(pk)

        monkeypatch.setattr(Conversation, "locked", late)

    monkeypatch.setattr(lock_unmerged, "first", lambda contact: None)  # as for who waited for a row that was merged
    with transaction.atomic():
        meanwhile(lambda: merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk))
        assert Conversation.locked_for(lid.contact).contact_id == ana.contact_id
        meanwhile(lambda: undo(done[0].pk, supervisora))
        assert Conversation.locked_for(lid.contact).contact_id == lid.contact_id


def test_a_page_that_was_open_on_the_kept_one_loses_nothing(
    ana: Ticket, lid: Ticket, supervisora: User, desk: Client
) -> None:
    before = desk.get(f"/ticket/{ana.pk}/conversacion").json()
    merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    after = desk.get(f"/ticket/{ana.pk}/conversacion?desde={before['version']}").json()
    assert (after["entero"], after["historial"]) == (False, [])


def test_without_a_choice_two_open_tickets_are_refused(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    before = everything()
    for choice in (None, 999):
        with pytest.raises(MergeRefused, match="elige cuál sigue abierto"):
            merge(ana.contact, lid.contact, supervisora, stays_open=choice)
    assert everything() == before


@pytest.mark.parametrize("state", ["en_cola", "enviando", "sin_confirmar"])
@pytest.mark.parametrize("whose", ["ana", "lid"])
def test_nothing_is_merged_while_a_message_has_no_outcome(
    ana: Ticket, lid: Ticket, supervisora: User, state: str, whose: str
) -> None:
    say({"ana": ana, "lid": lid}[whose], "espera", role="tecnico", state=state)
    before = everything()
    with pytest.raises(MergeRefused, match="tiene un mensaje"):
        merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    assert everything() == before


def test_nothing_is_merged_while_somebody_holds_the_turn_to_send(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    later = timezone.now() + timedelta(seconds=20)
    Conversation.objects.filter(contact=lid.contact).update(lease_until=later, lease_token=uuid.uuid4())
    with pytest.raises(MergeRefused, match="Se está enviando"):
        merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)


def test_a_contact_is_not_merged_with_itself_nor_twice(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    with pytest.raises(MergeRefused):
        merge(ana.contact, ana.contact, supervisora)
    merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    with pytest.raises(MergeRefused, match="ya se combinó"):
        merge(make_contact(), lid.contact, supervisora)


def test_a_possible_duplicate_of_the_absorbed_one_is_one_of_the_kept_one(
    ana: Ticket, lid: Ticket, supervisora: User
) -> None:
    third = make_contact()
    PossibleDuplicate.note(lid.contact, third, "mismo_mensaje")
    merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    assert PossibleDuplicate.objects.filter(first=ana.contact, second=third).exists()


def test_both_addresses_lead_to_the_one_thread_afterwards(
    ana: Ticket, lid: Ticket, supervisora: User, gateway: FakeGateway
) -> None:
    merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    hear("por el lid", LID)
    hear("por el teléfono", ANA)
    assert words(ana.contact)[-2:] == ["por el lid", "por el teléfono"]
    say(ana, "para ti", role="tecnico", state="en_cola", address="")
    delivery.drain(Conversation.objects.get(contact=ana.contact).pk)
    assert gateway.calls[-1] == (ANA, "para ti")
    assert books().balanced


def test_who_looked_at_the_absorbed_thread_gets_the_one_it_went_to(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    assert Conversation.locked_for(lid.contact).contact_id == ana.contact_id


# Undone


@pytest.mark.parametrize("stays", ["ana", "lid"])
def test_undoing_restores_everything_as_it_was(ana: Ticket, lid: Ticket, supervisora: User, stays: str) -> None:
    times.refresh()
    before = everything()
    row = merge(ana.contact, lid.contact, supervisora, stays_open={"ana": ana, "lid": lid}[stays].pk)
    assert everything() != before
    undo(row.pk, supervisora)
    assert everything() == before
    assert books().balanced


def test_what_was_undone_is_not_undone_again_and_no_longer_a_possible_duplicate(
    ana: Ticket, lid: Ticket, supervisora: User
) -> None:
    PossibleDuplicate.note(ana.contact, lid.contact, "mismo_mensaje")
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    undo(row.pk, supervisora)
    assert not PossibleDuplicate.of(ana.contact_id).exists()
    with pytest.raises(MergeRefused, match="ya se deshizo"):
        undo(row.pk, supervisora)
    assert merge(lid.contact, ana.contact, supervisora, stays_open=ana.pk)


def test_new_messages_go_to_whose_address_they_came_from(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    hear("soy ana", ANA)
    hear("soy otra", LID)
    undo(row.pk, supervisora)
    assert words(ana.contact) == ["uno", "dos", "soy ana"]
    assert words(lid.contact) == ["viejo", "tres", "respuesta", "soy otra"]
    for ticket in (ana, lid):
        ticket.refresh_from_db()
        assert (ticket.state, ticket.last_text) == ("Pendiente", ticket.messages.latest("seq").text)
        assert {row.conversation.contact_id for row in ticket.messages.all()} == {ticket.contact_id}
    assert (lid.waiting_since, lid.unread) == (Message.objects.get(text="soy otra").created, 1)
    assert books().balanced
    hear("y otra vez", LID)
    assert words(lid.contact)[-1] == "y otra vez"


def test_a_new_ticket_goes_to_whoever_began_it(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    Ticket.objects.update(state="Cerrado", resolved=timezone.now() - timedelta(days=9))
    hear("otra cosa", LID)
    new = Ticket.objects.latest("pk")
    hear("y yo", ANA)
    undo(row.pk, supervisora)
    new.refresh_from_db()
    assert new.contact == lid.contact
    assert [message.text for message in new.messages.filter(role="user")] == ["otra cosa"]
    assert words(ana.contact)[-1] == "y yo"
    assert ana.contact.tickets.open().count() == lid.contact.tickets.open().count() == 1
    assert books().balanced


def test_a_ticket_that_somebody_touched_after_the_merge_closed_it_stays_as_it_is(
    ana: Ticket, lid: Ticket, supervisora: User
) -> None:
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    Ticket.objects.filter(pk=lid.pk).update(state="Resuelto")
    undo(row.pk, supervisora)
    lid.refresh_from_db()
    assert (lid.state, lid.contact_id) == ("Resuelto", Alias.objects.get(key=LID).contact_id)


def test_a_name_corrected_after_the_merge_is_kept(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    Contact.objects.filter(pk=ana.contact_id).update(name="Ana López Ruiz")
    undo(row.pk, supervisora)
    kept = Contact.objects.get(pk=ana.contact_id)
    assert (kept.name, kept.department, kept.push_name) == ("Ana López Ruiz", "", "")


def test_a_later_merge_is_undone_first(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    before = everything()["messages"]
    first = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    third = make_contact("525511112222", name="Tercera")
    second = merge(third, ana.contact, supervisora)
    with pytest.raises(MergeRefused, match="deshaz primero esa"):
        undo(first.pk, supervisora)
    undo(second.pk, supervisora)
    undo(first.pk, supervisora)
    assert everything()["messages"] == before


def test_an_undo_that_would_leave_somebody_without_an_address_is_refused(
    ana: Ticket, lid: Ticket, supervisora: User
) -> None:
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    Alias.objects.filter(key=LID).delete()
    with pytest.raises(MergeRefused, match="ya no están"):
        undo(row.pk, supervisora)


def test_nothing_is_undone_while_a_message_has_no_outcome(ana: Ticket, lid: Ticket, supervisora: User) -> None:
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)
    say(ana, "espera", role="tecnico", state="en_cola")
    with pytest.raises(MergeRefused, match="en cola"):
        undo(row.pk, supervisora)
    assert Merge.objects.get().undone is None


def test_a_message_for_a_ticket_of_another_thread_is_never_written(ana: Ticket, lid: Ticket) -> None:
    with pytest.raises(RuntimeError):
        Conversation.locked_for(ana.contact).append(lid, "tecnico", "hola")


# While people write


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("undone", [False, True], ids=["merged", "taken back"])
def test_what_arrives_meanwhile_is_in_exactly_one_thread(
    ana: Ticket, lid: Ticket, supervisora: User, undone: bool
) -> None:
    say(ana, "respuesta", role="tecnico")  # so that the assistant is silent in both
    row = merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk) if undone else None

    def supervise() -> None:
        if row:
            undo(row.pk, supervisora)
        else:
            merge(ana.contact, lid.contact, supervisora, stays_open=ana.pk)

    together(lambda: receive("a1", ANA), lambda: receive("l1", LID), supervise, lambda: receive("l2", LID))
    texts = [message.text for message in Message.objects.filter(role="user")]
    assert sorted(texts) == ["a1", "dos", "l1", "l2", "tres", "uno", "viejo"]
    for message in Message.objects.select_related("ticket", "conversation"):
        assert message.ticket.contact_id == message.conversation.contact_id
        assert message.conversation.merged_into is None
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"procesado"}
    assert books().balanced
    if undone:
        assert words(ana.contact)[-1] == "a1"
        assert set(words(lid.contact)[-2:]) == {"l1", "l2"}
    else:
        assert words(lid.contact) == []
