"""Every case of docs/gateways.md, "Canonical rule and cases", all the way: webhook, API, admin and the send.

A case is the chat as WAHA tells it, the key it is matched on, ways of writing it that must find the person, and what
the gateway is asked to send to. The cases of other gateways' addresses go in as their normalised events.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from chat import delivery
from chat.inbound import receive as handle
from chat.models import Conversation, Message
from tests.factory import make_contact, make_ticket
from tests.fake_gateway import FakeGateway, gateway_id, inbound, post_webhook
from tests.supervision import browser_of
from tickets.models import Contact, PossibleDuplicate, Ticket
from whatsapp.gateways.events import Inbound
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Case:
    """`chat` is seen by WAHA, or `seen` by another gateway, already neutral."""

    key: str
    to: str
    chat: str = ""
    seen: str = ""
    written: tuple[str, ...] = ()
    region: str = "MX"


MEXICAN = (
    "+5214772758198",
    "+52 1 477 275 8198",
    "52 477 275 8198",
    "4772758198",
    "044 477 275 8198",
    "01 477 275 8198",
)
MOBILE = ("+54 9 11 1234-5678", "+54 11 15 1234 5678", "5491112345678")
CURITIBA = ("+55 41 98888-7777", "5541988887777", "554188887777")
SAO_PAULO = ("+55 11 98765-4321", "551187654321")

CASES = {
    "01 Cloud, registered before 2019": Case("+524772758198", "5214772758198", seen="5214772758198", written=MEXICAN),
    "02 Cloud, registered since": Case("+524772758198", "524772758198", seen="524772758198", written=MEXICAN),
    "06 WAHA": Case("+524772758198", "5214772758198", "5214772758198@c.us", written=MEXICAN),
    "07 Baileys": Case("+524772758198", "5214772758198", "5214772758198@s.whatsapp.net", written=MEXICAN),
    "07 with a device": Case("+524772758198", "5214772758198", "5214772758198:12@s.whatsapp.net", written=MEXICAN),
    "08 area code 15": Case("+521512345678", "521512345678", "521512345678@c.us", written=("+521512345678",)),
    "09 Mexico City, old": Case("+525512345678", "5215512345678", "5215512345678@c.us", written=("55 1234 5678",)),
    "09 Mexico City, new": Case("+525512345678", "525512345678", "525512345678@c.us", written=("5215512345678",)),
    "10 Argentina, mobile": Case("+5491112345678", "5491112345678", "5491112345678@c.us", written=MOBILE),
    "11 Argentina, national": Case(
        "+5491112345678", "5491112345678", "5491112345678@c.us", written=("011 15 1234-5678", *MOBILE), region="AR"
    ),
    "12 Argentina, landline": Case("+541112345678", "541112345678", "541112345678@c.us", written=("+54 11 1234-5678",)),
    "14 Brazil, DDD 41 with 9": Case("+5541988887777", "5541988887777", "5541988887777@c.us", written=CURITIBA),
    "14 Brazil, DDD 41 without": Case("+5541988887777", "554188887777", "554188887777@c.us", written=CURITIBA),
    "15 Brazil, DDD 11 with 9": Case("+5511987654321", "5511987654321", "5511987654321@c.us", written=SAO_PAULO),
    "15 Brazil, DDD 11 without": Case("+5511987654321", "551187654321", "551187654321@c.us", written=SAO_PAULO),
    "16 Brazil, landline": Case("+554132345678", "554132345678", "554132345678@c.us", written=("+55 41 3234-5678",)),
    "17 Brazil, a mobile like it": Case(
        "+5541932345678", "5541932345678", "5541932345678@c.us", written=("+55 41 93234-5678",)
    ),
    "18 a LID alone": Case("123456789@lid", "123456789@lid", "123456789@lid", written=("123456789@lid",)),
    "18 a LID with a device": Case("123456789@lid", "123456789@lid", "123456789:7@lid", written=("123456789@lid",)),
    "19 a BSUID": Case("MX.1349120865530", "MX.1349120865530", seen="MX.1349120865530", written=("MX.1349120865530",)),
    "20 United Kingdom": Case("+447700900123", "447700900123", "447700900123@c.us", written=("+44 7700 900123",)),
    "20 United States": Case("+14155550123", "14155550123", "14155550123@c.us", written=("+1 (415) 555-0123",)),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def arrive(case: Case) -> Ticket:
    """The person writes; returns their ticket."""
    if case.chat:
        assert post_webhook(inbound("Mi laptop no enciende", case.chat)).status_code == 200
    else:
        with transaction.atomic():
            handle(Inbound(gateway_id(), case.seen, "Mi laptop no enciende"))
    return Message.objects.filter(role="user").latest("pk").ticket


@pytest.fixture
def strangers() -> None:
    """People whose numbers resemble those of the cases, and are not theirs."""
    for digits in ("524772758199", "5215512345679", "5491112345679", "5541988887778", "14155550124"):
        make_ticket(make_contact(digits))


def answer(ticket: Ticket, text: str = "Ya vamos") -> None:
    """A technician's message, sent after whatever the assistant had to say."""
    conversation = Conversation.locked_for(ticket.contact)
    conversation.append(ticket, "tecnico", text)
    delivery.drain(conversation.pk)


@every_case
def test_the_webhook_makes_one_contact_under_its_key(case: Case, strangers: None) -> None:
    contact = arrive(case).contact
    assert [alias.key for alias in contact.aliases.all()] == [case.key]
    assert arrive(case).contact == contact
    assert Contact.objects.count() == 6


@every_case
def test_the_api_finds_the_person_however_it_is_written(
    case: Case, strangers: None, desk: Client, settings: Settings
) -> None:
    settings.TELEFONO_REGION = case.region
    ticket = arrive(case)
    for written in (case.to, *case.written):
        for name in ("telefono", "q"):
            found = desk.get("/tickets", {name: written}).json()["tickets"]
            assert [row["id"] for row in found] == [ticket.pk], (name, written)
    assert desk.get("/tickets", {"telefono": case.to}).json()["tickets"][0]["telefono"] == ticket.contact.telefono


@every_case
def test_the_table_and_the_admin_find_them_too(
    case: Case, strangers: None, desk: Client, supervisora: User, settings: Settings
) -> None:
    settings.TELEFONO_REGION = case.region
    ticket, admin = arrive(case), browser_of(supervisora)
    for written in (case.to, *case.written):
        assert f'data-ticket="{ticket.pk}"' in desk.get("/", {"q": written}).content.decode(), written
        for page, wanted in (("contact", ticket.contact), ("ticket", ticket)):
            rows = admin.get(f"/admin/tickets/{page}/", {"q": written}).context["cl"].queryset
            assert list(rows) == [wanted], (page, written)


@every_case
def test_the_answer_goes_to_the_address_as_it_was_seen(case: Case, strangers: None, gateway: FakeGateway) -> None:
    answer(arrive(case))
    assert gateway.calls[-1] == (case.to, "Ya vamos")
    assert {to for to, _ in gateway.calls} == {case.to}
    assert Message.objects.get(text="Ya vamos").address == case.to


def test_03_to_05_a_typed_spelling_of_a_seen_number_is_sent_to_as_seen(gateway: FakeGateway, desk: Client) -> None:
    """What is typed only finds the person; the address stays the one that WhatsApp showed."""
    ticket = arrive(CASES["06 WAHA"])
    for written in MEXICAN:
        assert desk.get("/tickets", {"telefono": written}).json()["tickets"][0]["telefono"] == "+5214772758198"
    assert Contact.objects.get().address == "5214772758198"
    assert ticket.contact.aliases.count() == 1


def test_12_the_landline_is_another_contact_and_a_possible_duplicate_of_the_mobile() -> None:
    mobile, landline = arrive(CASES["10 Argentina, mobile"]), arrive(CASES["12 Argentina, landline"])
    note = PossibleDuplicate.objects.get()
    assert (note.first, note.second, note.reason) == (mobile.contact, landline.contact, "54_549")


@pytest.mark.parametrize("partial", ["549", "55", "52"])
def test_13_a_partial_number_is_nobody_anywhere(partial: str, desk: Client, supervisora: User) -> None:
    assert post_webhook(inbound("hola", f"{partial}@c.us")).status_code == 200
    assert WebhookEvent.objects.get().state == "error"
    assert not Contact.objects.exists()
    assert desk.get("/tickets", {"telefono": partial}).status_code == 400
    assert desk.get("/", {"telefono": partial}).status_code == 200
    for page in ("contact", "ticket"):
        assert browser_of(supervisora).get(f"/admin/tickets/{page}/", {"q": partial}).status_code == 200


def test_09_14_and_15_both_forms_are_one_contact() -> None:
    for one, other in (
        ("14 Brazil, DDD 41 with 9", "14 Brazil, DDD 41 without"),
        ("09 Mexico City, old", "09 Mexico City, new"),
    ):
        assert arrive(CASES[one]).contact == arrive(CASES[other]).contact


def test_17_the_mobile_and_the_landline_are_two_contacts_and_no_duplicates() -> None:
    mobile, landline = arrive(CASES["17 Brazil, a mobile like it"]), arrive(CASES["16 Brazil, landline"])
    assert mobile.contact != landline.contact
    assert not PossibleDuplicate.objects.exists()


@pytest.mark.parametrize("told", ["remoteJidAlt", "senderPn"])
def test_18_a_lid_with_its_phone_is_the_contact_of_that_phone(told: str, gateway: FakeGateway, desk: Client) -> None:
    known = arrive(CASES["06 WAHA"])
    data = {"key": {told: "5214772758198@s.whatsapp.net"}}
    assert post_webhook(inbound("y otra cosa", "123456789@lid", _data=data)).status_code == 200
    contact = Contact.objects.get()
    assert {alias.key for alias in contact.aliases.all()} == {"+524772758198", "123456789@lid"}
    for written in ("123456789@lid", *MEXICAN):
        assert [row["id"] for row in desk.get("/tickets", {"telefono": written}).json()["tickets"]] == [known.pk]
    answer(known)
    assert gateway.calls[-1] == ("123456789@lid", "Ya vamos")
    assert "+52 1 477 275 8198" in desk.get("/").content.decode()


def test_19_a_bsuid_that_comes_with_its_phone_and_username_is_found_by_each(desk: Client) -> None:
    with transaction.atomic():
        handle(Inbound(gateway_id(), "MX.1349120865530", "hola", aliases=("5214772758198", "@ana", "MX.ENT.77")))
    for written in ("MX.1349120865530", "MX.ENT.77", "@ana", *MEXICAN):
        assert len(desk.get("/tickets", {"telefono": written}).json()["tickets"]) == 1, written


@pytest.mark.parametrize(
    "chat",
    ["120363025246125486@g.us", "5214772758198-1399999999@g.us", "status@broadcast", "5214772758198@broadcast",
     "120363144038483540@newsletter"],
)  # fmt: skip
def test_21_groups_broadcasts_and_channels_are_ignored(chat: str, desk: Client) -> None:
    assert post_webhook(inbound("hola a todos", chat)).status_code == 200
    assert WebhookEvent.objects.get().state == "ignorado"
    assert not Contact.objects.exists()
    assert desk.get("/tickets", {"telefono": chat}).status_code == 400


@pytest.mark.parametrize(("reaches", "to"), [({"phone", "lid"}, "77@lid"), ({"phone", "bsuid"}, "5214772758198")])
def test_after_a_change_of_gateway_a_person_is_sent_to_where_the_new_one_reaches_them(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, reaches: set[str], to: str
) -> None:
    with transaction.atomic():
        handle(Inbound(gateway_id(), "5214772758198", "Hola"))
        handle(Inbound(gateway_id(), "77@lid", "Otra vez", aliases=("5214772758198",)))
    monkeypatch.setattr(FakeGateway, "reaches", frozenset(reaches))
    delivery.drain(Conversation.objects.get().pk)
    assert {address for address, _ in gateway.calls} == {to}
