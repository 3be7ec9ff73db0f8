"""Who wrote: every address of a person leads to one contact, and two contacts are never merged by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from chat.inbound import receive
from chat.models import Conversation, Message
from chat.people import find_known, learn_number
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import gateway_id
from tests.supervision import together
from tickets.identity import identify
from tickets.models import Alias, Contact, PossibleDuplicate, Ticket
from whatsapp.gateways.events import Inbound

pytestmark = pytest.mark.django_db

PHONE, LID, BSUID = "5214772758198", "99887766554433@lid", "MX.13491208655302741918"
PARENT, USERNAME = "MX.ENT.11815799212886844830", "@ana.lopez"


def write(address: str, *aliases: str, **fields: Any) -> Contact:
    """A person writes from `address`, and the payload tells their other addresses; returns who it was."""
    external_id = gateway_id()
    with transaction.atomic():
        outcome = receive(Inbound(external_id, address, "hola", aliases=aliases, **fields))
    assert outcome.state == "procesado", outcome
    return Message.objects.get(gateway_id=external_id).conversation.contact


def keys(contact: Contact) -> set[str]:
    return set(contact.aliases.values_list("key", flat=True))


def flags() -> list[tuple[set[int], str]]:
    return [({row.first_id, row.second_id}, row.reason) for row in PossibleDuplicate.objects.order_by("pk")]


def test_a_payload_with_all_the_addresses_makes_one_contact_with_all_of_them() -> None:
    contact = write(PHONE, LID, BSUID, PARENT, USERNAME)
    assert keys(contact) == {"+524772758198", LID, BSUID, PARENT, USERNAME}
    assert contact.address == PHONE


@pytest.mark.parametrize("known", [PHONE, LID, BSUID, PARENT])
@pytest.mark.parametrize("address", [PHONE, LID, BSUID])
def test_any_known_address_finds_the_person_and_teaches_the_others(known: str, address: str) -> None:
    contact = make_contact(known)
    others = {PHONE, LID, BSUID, PARENT} - {address}
    assert write(address, *others) == contact
    assert keys(contact) == {"+524772758198", LID, BSUID, PARENT}
    contact.refresh_from_db()
    assert contact.address == address
    assert Contact.objects.count() == 1


def test_a_person_may_have_two_phones_and_each_finds_them() -> None:
    contact = make_contact(PHONE, aliases=["5215511112222"])
    assert write("525511112222") == contact == write(PHONE)


def test_addresses_of_two_contacts_in_one_message_merge_nobody_and_are_flagged() -> None:
    one, other = make_contact(PHONE), make_contact(LID)
    assert write(PHONE, LID) == one
    assert write(LID, PHONE) == other
    assert (keys(one), keys(other)) == ({"+524772758198"}, {LID})
    assert flags() == [({one.pk, other.pk}, "mismo_mensaje")]


def test_a_new_address_beside_those_of_two_contacts_goes_to_the_one_of_the_phone() -> None:
    phone, lid = make_contact(PHONE), make_contact(LID)
    assert write(BSUID, LID, PHONE) == phone
    assert keys(phone) == {"+524772758198", BSUID}
    assert flags() == [({phone.pk, lid.pk}, "mismo_mensaje")]


def test_what_somebody_judged_is_not_flagged_again() -> None:
    one, other = make_contact(PHONE), make_contact(LID)
    write(PHONE, LID)
    note = PossibleDuplicate.objects.get()
    note.dismissed = note.noticed
    note.save()
    write(LID, PHONE)
    assert not PossibleDuplicate.of(one.pk, other.pk).exists()


@pytest.mark.parametrize(("first", "then"), [("5491112345678", "541112345678"), ("541112345678", "5491112345678")])
def test_54_and_549_of_the_same_digits_stay_two_contacts_and_are_flagged(first: str, then: str) -> None:
    one, other = write(first), write(then)
    assert one != other
    assert flags() == [({one.pk, other.pk}, "54_549")]


def test_a_username_goes_to_whoever_shows_up_with_it() -> None:
    before = write(PHONE, USERNAME)
    now = write("5215511112222", "@Ana.Lopez")
    assert now != before
    assert (keys(before), keys(now)) == ({"+524772758198"}, {"+525511112222", USERNAME})
    assert flags() == [({before.pk, now.pk}, "mismo_usuario")]


def test_a_username_alone_says_nothing_of_who_writes_and_is_no_address_to_answer() -> None:
    with transaction.atomic():
        assert receive(Inbound(gateway_id(), USERNAME, "hola")).state == "error"
    assert not Contact.objects.exists()


def test_a_contact_without_a_phone_is_shown_by_their_username_once_it_is_known() -> None:
    contact = write(BSUID)
    assert contact.shown_phone == "sin número (WhatsApp …1918)"
    assert write(BSUID, USERNAME).shown_phone == USERNAME
    assert write(BSUID, PHONE).shown_phone == "+52 1 477 275 8198"
    contact.refresh_from_db()
    assert contact.telefono == BSUID


@pytest.mark.parametrize("nonsense", ["", "@", "hola", "0@c.us", "123@g.us", "\0", "x" * 5000])
def test_what_is_nobodys_address_is_not_learned(nonsense: str) -> None:
    assert keys(write(PHONE, nonsense)) == {"+524772758198"}


def test_when_an_address_was_seen_is_remembered() -> None:
    contact = make_contact(PHONE)
    Alias.objects.update(last_seen=None)
    write(PHONE)
    assert Alias.objects.get(contact=contact).last_seen


def test_an_echo_teaches_addresses_but_not_where_to_answer() -> None:
    contact, identity = make_contact(PHONE), identify(LID)
    assert identity
    assert find_known(identity, [PHONE]) == contact
    contact.refresh_from_db()
    assert (keys(contact), contact.address) == ({"+524772758198", LID}, PHONE)
    unknown = identify("MX.1")
    assert unknown and find_known(unknown, []) is None


# A changed number


def test_a_changed_number_is_one_more_alias_and_where_they_are_answered() -> None:
    contact = make_contact(PHONE)
    assert learn_number("524772758198", "525511112222") == contact
    contact.refresh_from_db()
    assert (keys(contact), contact.address) == ({"+524772758198", "+525511112222"}, "525511112222")


def test_a_changed_number_that_is_somebody_elses_is_only_flagged() -> None:
    contact, other = make_contact(PHONE), make_contact("525511112222")
    assert learn_number(PHONE, "525511112222") == contact
    contact.refresh_from_db()
    assert (keys(contact), contact.address) == ({"+524772758198"}, PHONE)
    assert flags() == [({contact.pk, other.pk}, "cambio_de_numero")]


@pytest.mark.parametrize(
    ("old", "new"), [("525500000000", "525511112222"), (PHONE, "x"), ("x", PHONE), (PHONE, "@ana")]
)
def test_a_changed_number_of_nobody_is_nothing(old: str, new: str) -> None:
    make_contact(PHONE)
    assert learn_number(old, new) is None
    assert Alias.objects.count() == 1


def test_the_same_number_again_changes_nothing() -> None:
    contact = make_contact(PHONE)
    assert learn_number(PHONE, "524772758198") == contact
    assert Alias.objects.count() == 1
    assert not flags()


# Two at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("told", [(), (LID, BSUID, USERNAME)], ids=["one address", "four addresses"])
def test_messages_of_a_new_person_at_once_make_one_contact(told: tuple[str, ...]) -> None:
    together(*[lambda: write(PHONE, *told)] * 4)
    assert Contact.objects.count() == Conversation.objects.count() == Ticket.objects.count() == 1
    assert Alias.objects.count() == 1 + len(told)
    assert Message.objects.filter(role="user").count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_new_person_seen_at_once_by_two_addresses_that_name_each_other_is_one_contact() -> None:
    together(lambda: write(PHONE, LID), lambda: write(LID, PHONE), lambda: write(PHONE, LID), lambda: write(LID, PHONE))
    assert Contact.objects.count() == Conversation.objects.count() == 1
    assert Alias.objects.count() == 2
    assert Message.objects.filter(role="user").count() == 4


def test_the_tickets_are_found_by_what_was_learned_later() -> None:
    ticket = make_ticket(make_contact(LID))
    write(LID, PHONE, USERNAME)
    for words in ("2758198", "@ana.lopez", "ana.lopez", LID, "(477) 275-8198"):
        assert list(Ticket.objects.all().search(words)) == [ticket], words
