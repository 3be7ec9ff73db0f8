"""Meta's webhooks, in the shapes of its own pages and of pywa's tests (payloads/cloud_api)."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.whatsapp.gateways.test_cloud_api import BSUID, PHONE_ID, REFERENCE, WABA_ID, payload
from whatsapp.gateways.base import Malformed
from whatsapp.gateways.cloud_events import parse, parts
from whatsapp.gateways.events import (
    ConnectionChanged,
    Deleted,
    Edited,
    Event,
    Ignored,
    Inbound,
    Media,
    NumberChanged,
    Reaction,
    StatusUpdate,
)

PHONE = "5214772758198"
PARENT = "MX.ENT.11815799212886844830"
HERS = "wamid.HBgNNTIxNDc3Mjc1ODE5OBUCABIYFDNB{:04}"
OURS = "wamid.HBgNNTIxNDc3NzUxOTgVAgARGBI1"


def read(found: Any, waba_id: str = WABA_ID) -> Event:
    (only,) = parse(found, PHONE_ID, waba_id)
    return only


def told(name: str) -> Event:
    return read(payload(name))


def value_of(found: Any) -> Any:
    return found["entry"][0]["changes"][0]["value"]


def text(contact: Any = None, **changes: Any) -> Inbound:
    """A text of Ana's, with the message's keys changed (None takes one away) and maybe another contact."""
    found = payload("message_text")
    value = value_of(found)
    value["contacts"] = value["contacts"] if contact is None else contact
    message = {**value["messages"][0], **changes}
    value["messages"] = [{key: what for key, what in message.items() if what is not None}]
    event = read(found)
    assert isinstance(event, Inbound)
    return event


# What people write


def test_a_text_is_an_inbound_message() -> None:
    sent_at = datetime(2025, 5, 23, 11, 33, 20, tzinfo=UTC)
    assert told("message_text") == Inbound(HERS.format(1), PHONE, "No enciende", "text", "Ana Ruiz", (BSUID,), sent_at)


def test_an_answer_names_what_it_answers_and_a_forwarded_one_nothing() -> None:
    answer, forwarded = told("message_reply"), told("message_video")
    assert isinstance(answer, Inbound) and answer.quotes == OURS
    assert isinstance(forwarded, Inbound) and forwarded.quotes is None


@pytest.mark.parametrize(
    ("name", "kind", "words", "media"),
    [
        ("message_image", "image", "Así se ve", Media("1037543291543636", "image/jpeg")),
        ("message_document", "document", "La factura", Media("1037543291543637", "application/pdf", "factura.pdf")),
        ("message_voice", "audio", "", Media("1037543291543638", "audio/ogg; codecs=opus")),
        ("message_video", "video", "", Media("1037543291543639", "video/mp4")),
        ("message_sticker", "sticker", "", Media("1037543291543640", "image/webp")),
    ],
)
def test_a_file_is_known_by_its_id(name: str, kind: str, words: str, media: Media) -> None:
    event = told(name)
    assert isinstance(event, Inbound)
    assert (event.kind, event.text, event.media) == (kind, words, media)


def test_a_file_that_meta_could_not_get_says_so() -> None:
    event = told("message_media_failed")
    assert isinstance(event, Inbound) and event.media
    assert (event.kind, event.media.ref) == ("image", "") and "no pudo descargar" in event.media.problem


def test_a_file_without_an_id_says_so_too() -> None:
    event = text(type="image", image={"mime_type": "image/jpeg"})
    assert event.media and not event.media.ref and event.media.problem


@pytest.mark.parametrize(
    ("name", "words", "where"),
    [
        ("message_location", "Oficina\n21.12, -101.68", ("Oficina", "Av. Uno 1, León")),
        ("message_location_current", "21.12, -101.68", ("", "")),
    ],
)
def test_a_place_is_its_name_and_coordinates(name: str, words: str, where: tuple[str, str]) -> None:
    event = told(name)
    assert isinstance(event, Inbound)
    assert (event.kind, event.text) == ("location", words)
    assert event.details == {"latitud": 21.12, "longitud": -101.68, "nombre": where[0], "direccion": where[1]}


@pytest.mark.parametrize("latitude", [None, "norte", True, 91, float("nan"), float("inf"), 10**400])
def test_a_place_without_coordinates_has_no_details(latitude: Any) -> None:
    event = text(type="location", location={"latitude": latitude, "longitude": 1})
    assert (event.kind, event.details, event.text) == ("location", {}, "")


def test_contacts_are_their_names_and_phones() -> None:
    event = told("message_contacts")
    assert isinstance(event, Inbound)
    assert (event.kind, event.text) == ("contact", "Luis Paz +52 477 555 1234\nEva")
    assert event.details == {
        "contactos": [
            {"nombre": "Luis Paz", "telefonos": ["+52 477 555 1234"]},
            {"nombre": "Eva", "telefonos": []},
        ]
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("message_button", "Sí, ya funciona"),
        ("message_button_reply", "Sí"),
        ("message_list_reply", "Impresora\nNo imprime"),
    ],
)
def test_a_chosen_answer_is_a_text(name: str, words: str) -> None:
    event = told(name)
    assert isinstance(event, Inbound)
    assert (event.kind, event.text) == ("text", words)


@pytest.mark.parametrize("name", ["message_unsupported", "order", "poll", "ephemeral", "x" * 900])
def test_what_has_no_place_here_is_a_message_of_unknown_kind(name: str) -> None:
    event = told(name) if name == "message_unsupported" else text(type=name, **{name: {"a": 1}})
    assert isinstance(event, Inbound) and event.kind == "unknown"


def test_what_meta_could_not_read_is_still_a_message() -> None:
    message, error = parse(payload("message_unreadable"), PHONE_ID, WABA_ID)
    assert isinstance(message, Inbound) and message.kind == "unknown"
    assert isinstance(error, Ignored) and "131000" in error.reason


# Who writes


def test_somebody_without_a_phone_is_known_by_the_bsuid() -> None:
    event = told("message_without_phone")
    assert isinstance(event, Inbound)
    assert (event.address, event.aliases, event.push_name) == (BSUID, (PARENT, "@ana.ruiz"), "Ana Ruiz")


def test_somebody_with_a_phone_and_a_username_is_known_by_all() -> None:
    contact = {"profile": {"username": "@ana.ruiz"}, "wa_id": PHONE, "user_id": BSUID, "parent_user_id": PARENT}
    assert text([contact]).aliases == (PARENT, BSUID, "@ana.ruiz")


def test_a_number_that_is_missing_from_the_message_is_taken_from_the_contact() -> None:
    assert text(**{"from": None}).address == PHONE


def test_another_form_of_the_number_is_an_alias() -> None:
    contact = {"profile": {"name": "Ana"}, "wa_id": "524772758198"}
    event = text([contact], from_user_id=None)
    assert (event.address, event.aliases, event.push_name) == (PHONE, ("524772758198",), "Ana")


def test_each_message_of_a_batch_has_its_own_writer() -> None:
    eva = {"profile": {"name": "Eva"}, "wa_id": "5215512345678"}
    ana = {"profile": {"name": "Ana"}, "wa_id": PHONE}
    assert text([eva, ana], from_user_id=None).push_name == "Ana"
    assert text([{**eva, "user_id": "MX.1"}]).push_name == ""
    assert text([eva, {**ana, "wa_id": "1"}], from_user_id=None).push_name == ""


@pytest.mark.parametrize("contact", [[], [None], [5], "x", [{}], [{"wa_id": 5, "profile": []}]])
def test_a_contact_that_cannot_be_read_is_nobody(contact: Any) -> None:
    event = text(contact)
    assert (event.address, event.push_name) == (PHONE, "")


@pytest.mark.parametrize("address", [None, "", "+52477", "0477", "5²", "a@c.us", 5])
def test_a_message_from_nobody_is_left_out_and_the_others_stay(address: Any) -> None:
    found = payload("message_text")
    value = value_of(found)
    value["contacts"] = []
    value["messages"].insert(0, {"from": address, "id": "wamid.X", "type": "text", "text": {"body": "?"}})
    first, second = parse(found, PHONE_ID, WABA_ID)
    assert isinstance(first, Ignored) and isinstance(second, Inbound)


def test_a_group_is_ignored() -> None:
    found = payload("message_text")
    value_of(found)["messages"][0]["group_id"] = "Y2FwaV9ncm91cDox"
    assert isinstance(read(found), Ignored)


# What is said about messages


def test_a_reaction_is_its_emoji_and_nothing_when_it_is_taken_away() -> None:
    assert told("message_reaction") == Reaction(OURS, "👍", False, PHONE, (BSUID,))
    assert told("message_reaction_removed") == Reaction(OURS, "", False, PHONE, (BSUID,))


def test_an_edit_and_a_deletion_name_the_message() -> None:
    assert told("message_edit") == Edited(HERS.format(1), "Ya no enciende", False, PHONE, (BSUID,))
    assert told("message_edit_caption") == Edited(HERS.format(3), "Así quedó", False, PHONE, (BSUID,))
    assert told("message_revoke") == Deleted(HERS.format(1), False, PHONE, (BSUID,))


def test_a_new_number_and_a_new_bsuid_are_told() -> None:
    assert told("message_system_number") == NumberChanged(PHONE, "5215512345678")
    assert told("message_system_user_id") == NumberChanged(BSUID, "MX.99")


def test_the_older_words_for_a_new_number_are_understood() -> None:
    found = payload("message_system_number")
    message = value_of(found)["messages"][0]
    message["system"] = {"type": "customer_changed_number", "customer": PHONE, "new_wa_id": "5215512345678"}
    del message["from"]
    assert read(found) == NumberChanged(PHONE, "5215512345678")


@pytest.mark.parametrize("kind", ["customer_identity_changed", "user_changed_number", "", None])
def test_any_other_notice_is_ignored(kind: Any) -> None:
    found = payload("message_system_number")
    value_of(found)["messages"][0]["system"] = {"type": kind, "body": "…"}
    assert isinstance(read(found), Ignored)


@pytest.mark.parametrize("kind", ["reaction", "edit", "revoke"])
def test_a_change_of_no_message_is_ignored(kind: str) -> None:
    found = payload("message_text")
    value_of(found)["messages"][0] |= {"type": kind, kind: {"message_id": "", "original_message_id": 5}}
    assert isinstance(read(found), Ignored)


# Ticks


@pytest.mark.parametrize(
    ("name", "status", "reference"),
    [
        ("status_sent", "enviado", REFERENCE),
        ("status_delivered", "entregado", ""),
        ("status_read", "leido", REFERENCE),
        ("status_played", "leido", ""),
    ],
)
def test_a_status_is_a_tick_with_our_reference(name: str, status: Any, reference: str) -> None:
    assert told(name) == StatusUpdate(OURS, status, reference=reference)


def test_a_failure_says_why_and_its_code() -> None:
    event = told("status_failed")
    assert isinstance(event, StatusUpdate)
    assert (event.status, event.code, event.reference) == ("fallido", "131047", REFERENCE)
    assert "24 horas" in event.reason and "plantilla" in event.reason


@pytest.mark.parametrize("errors", [None, [], {}, [None], [{"code": "x"}], [{"code": 999, "title": "Odd\nthing"}]])
def test_a_failure_that_nobody_explains_has_a_reason_all_the_same(errors: Any) -> None:
    found = payload("status_failed")
    value_of(found)["statuses"][0]["errors"] = errors
    event = read(found)
    assert isinstance(event, StatusUpdate) and event.status == "fallido" and event.reason.isprintable()


@pytest.mark.parametrize("change", [{"status": "warning"}, {"status": None}, {"id": ""}, {"id": 5}, {"status": []}])
def test_a_status_that_says_nothing_is_ignored(change: dict[str, Any]) -> None:
    found = payload("status_sent")
    value_of(found)["statuses"][0].update(change)
    assert isinstance(read(found), Ignored)


# The account


@pytest.mark.parametrize(
    ("name", "connected"),
    [
        ("account_offboarded", False),
        ("account_reconnected", True),
        ("account_disabled", False),
        ("account_reinstated", True),
        ("account_restricted", False),
        ("system_error", False),
    ],
)
def test_what_stops_or_restores_the_account_is_told(name: str, connected: bool) -> None:
    event = told(name)
    assert isinstance(event, ConnectionChanged) and event.connected is connected and event.detail


@pytest.mark.parametrize(
    "value",
    [
        {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}},
        {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}},
        {"event": "DISABLED_UPDATE"},
        {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": "RESTRICTED_UTILITY_TEMPLATES"}]},
        {"event": "MM_LITE_TERMS_SIGNED"},
        {},
        None,
    ],
)
def test_what_does_not_stop_it_is_ignored(value: Any) -> None:
    found = payload("account_disabled")
    found["entry"][0]["changes"][0]["value"] = value
    assert isinstance(read(found), Ignored)


def test_another_account_is_ignored_and_any_is_ours_when_we_do_not_know_ours() -> None:
    assert isinstance(read(payload("account_disabled"), "999"), Ignored)
    assert isinstance(read(payload("account_disabled"), ""), ConnectionChanged)


def test_a_partners_event_names_the_account_inside() -> None:
    found = payload("account_disabled")
    found["entry"][0]["id"] = "2949482758682047"
    found["entry"][0]["changes"][0]["value"] = {"event": "PARTNER_REMOVED", "waba_info": {"waba_id": WABA_ID}}
    assert isinstance(read(found), ConnectionChanged)


# Batches, and what is not for us


def test_all_of_a_batch_is_read_and_another_number_left_out() -> None:
    kinds = [type(event) for event in parse(payload("batch"), PHONE_ID, WABA_ID)]
    assert kinds == [Inbound, Inbound, StatusUpdate, Ignored, Ignored, StatusUpdate]


@pytest.mark.parametrize("number", ["", "1", None, 106540352242922, []])
def test_another_number_is_ignored(number: Any) -> None:
    found = payload("message_text")
    value_of(found)["metadata"]["phone_number_id"] = number
    assert isinstance(read(found), Ignored)


@pytest.mark.parametrize("found", [None, [], "x", 5, {}, {"object": "page", "entry": []}, {"entry": []}])
def test_what_is_no_event_is_malformed(found: Any) -> None:
    with pytest.raises(Malformed):
        parse(found, PHONE_ID, WABA_ID)


@pytest.mark.parametrize("key", ["messages", "statuses", "contacts", "errors"])
@pytest.mark.parametrize("junk", [None, 5, "x", {}, [None], [[]], [{}]])
def test_junk_in_a_batch_takes_nothing_else_with_it(key: str, junk: Any) -> None:
    found = copy.deepcopy(payload("batch"))
    value_of(found)[key] = junk
    assert isinstance(parse(found, PHONE_ID, WABA_ID)[-1], StatusUpdate)


# A batch in parts


def test_each_part_has_who_wrote_it_and_nobody_else() -> None:
    found = payload("message_text")
    value = value_of(found)
    people = [str(5214770000000 + number) for number in range(300)]
    value["contacts"] = [{"wa_id": one, "profile": {"name": one}} for one in people]
    value["messages"] = [
        {"from": one, "id": f"wamid.{one}", "type": "text", "text": {"body": "hola"}} for one in people
    ]
    value["statuses"] = [{"id": "wamid.A", "status": "read"}]
    *written, tick = parts(found)
    assert [[one["wa_id"] for one in value_of(part)["contacts"]] for part in written] == [[one] for one in people]
    assert "contacts" not in value_of(tick)
    assert len(json.dumps(written)) < 4 * len(json.dumps(found))
    assert [event for part in [*written, tick] for event in parse(part, PHONE_ID, WABA_ID)] == parse(
        found, PHONE_ID, WABA_ID
    )


def test_a_part_by_nobody_that_the_batch_names_has_nobody() -> None:
    found = payload("message_text")
    value = value_of(found)
    value["contacts"] = [{"user_id": "MX.1"}, {"user_id": "MX.2"}]
    value["messages"] += [{"from_user_id": "MX.2", "id": "wamid.B", "type": "text", "text": {"body": "hola"}}]
    first, second = parts(found)
    assert ("contacts" in value_of(first), value_of(second)["contacts"]) == (False, [{"user_id": "MX.2"}])
