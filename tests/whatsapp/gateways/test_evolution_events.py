"""Evolution's webhooks, in the shapes of Evolution API 2.3.6 (src/api/integrations/channel/whatsapp)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from whatsapp.gateways.base import Malformed
from whatsapp.gateways.events import (
    ConnectionChanged,
    Deleted,
    Edited,
    Event,
    Ignored,
    Inbound,
    Media,
    OwnMessage,
    Reaction,
    StatusUpdate,
    Typing,
)
from whatsapp.gateways.evolution_events import parse
from whatsapp.gateways.evolution_ledger import clean, external_id

PHONE = "5214772758198"
JID = f"{PHONE}@s.whatsapp.net"
VCARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Ana Ruiz\nitem1.TEL;waid=5214771112233:+52 1 477 111 2233\nTEL:5551234\nEND:VCARD"


def webhook(event: str, data: Any, **more: Any) -> dict[str, Any]:
    return {"event": event, "instance": "mesa", "data": data, **more}


def read(event: str, data: Any, **more: Any) -> Event:
    (only,) = parse(webhook(event, data, **more), "mesa")
    return only


def upsert(message: Any = None, *, own: bool = False, message_id: str = "A1", jid: str = JID, **more: Any) -> Any:
    """`data` of a messages.upsert; `key_…` goes into its key."""
    extra = {name[4:]: more.pop(name) for name in list(more) if name.startswith("key_")}
    return {
        "key": {"remoteJid": jid, "fromMe": own, "id": message_id, **extra},
        "pushName": "Ana",
        "status": "DELIVERY_ACK",
        "message": {"conversation": "No enciende"} if message is None else message,
        "messageType": "conversation",
        "messageTimestamp": 1748000000,
        "source": "android",
        **more,
    }


def got(message: Any = None, **more: Any) -> Inbound:
    event = read("messages.upsert", upsert(message, **more))
    assert isinstance(event, Inbound)
    return event


# What people write


def test_a_text_is_an_inbound_message() -> None:
    sent_at = datetime(2025, 5, 23, 11, 33, 20, tzinfo=UTC)
    assert got() == Inbound("A1", PHONE, "No enciende", "text", "Ana", (), sent_at)


@pytest.mark.parametrize("event", ["messages.upsert", "MESSAGES_UPSERT", "messages-upsert"])
def test_an_event_is_known_however_it_is_written(event: str) -> None:
    assert isinstance(read(event, upsert()), Inbound)


def test_several_messages_may_come_at_once() -> None:
    assert len(parse(webhook("messages.upsert", [upsert(), upsert(message_id="A2")]), "mesa")) == 2


@pytest.mark.parametrize("alias", ["remoteJidAlt", "senderPn", "previousRemoteJid"])
def test_a_lid_and_its_phone_are_learned_from_wherever_they_stand(alias: str) -> None:
    event = got(jid="123456@lid", **{f"key_{alias}": JID})
    assert (event.address, event.aliases) == ("123456@lid", (PHONE,))


@pytest.mark.parametrize("alias", ["remoteJidAlt", "senderLid"])
def test_a_phone_and_its_lid_are_learned_the_other_way_round(alias: str) -> None:
    event = got(**{f"key_{alias}": "123456@lid"})
    assert (event.address, event.aliases) == (PHONE, ("123456@lid",))


def test_a_lid_without_a_phone_has_none() -> None:
    assert got(jid="123456@lid", key_remoteJidAlt=None).aliases == ()


def test_our_own_number_is_nobody_s_alias() -> None:
    event = read(
        "messages.upsert",
        upsert(jid="123456@lid", key_senderPn="5210000@s.whatsapp.net"),
        sender="5210000@s.whatsapp.net",
    )
    assert isinstance(event, Inbound) and event.aliases == ()


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        ({"extendedTextMessage": {"text": "hola"}}, "text", "hola"),
        ({"ephemeralMessage": {"message": {"conversation": "hola"}}}, "text", "hola"),
        ({"buttonsResponseMessage": {"selectedDisplayText": "Sí"}}, "text", "Sí"),
        ({"listResponseMessage": {"title": "Laptop"}}, "text", "Laptop"),
        ({"imageMessage": {"caption": "Mira"}}, "image", "Mira"),
        ({"viewOnceMessageV2": {"message": {"imageMessage": {}}}}, "image", ""),
        ({"videoMessage": {"caption": "Mira"}}, "video", "Mira"),
        ({"ptvMessage": {}}, "video", ""),
        ({"audioMessage": {"ptt": True, "seconds": 3}}, "audio", ""),
        ({"documentWithCaptionMessage": {"message": {"documentMessage": {"caption": "Acta"}}}}, "document", "Acta"),
        ({"stickerMessage": {}}, "sticker", ""),
        ({"pollCreationMessageV3": {"name": "¿?"}}, "unknown", ""),
        ({}, "unknown", ""),
        ("texto", "unknown", ""),
        ({"conversation": 5}, "unknown", ""),
    ],
)
def test_whatever_arrives_has_a_kind(message: Any, kind: str, text: str) -> None:
    event = got(message)
    assert (event.kind, event.text) == (kind, text)


def test_a_file_is_fetched_by_its_message() -> None:
    document = {"fileName": "acta.pdf", "mimetype": "application/pdf", "fileLength": {"low": 1234, "high": 0}}
    assert got({"documentMessage": document}).media == Media("A1", "application/pdf", "acta.pdf", 1234)


def test_a_file_that_the_webhook_carries_is_at_hand() -> None:
    message = {"imageMessage": {"mimetype": "image/png"}, "base64": base64.b64encode(b"png").decode()}
    media = got(message).media
    assert media and (media.content, media.ref) == (b"png", "A1")


@pytest.mark.parametrize("value", ["no es base64", 5, "", "é", None])
def test_a_file_that_is_no_base64_is_fetched_instead(value: Any) -> None:
    media = got({"imageMessage": {}, "base64": value}).media
    assert media and media.content is None and media.ref == "A1"


@pytest.mark.parametrize(
    ("told", "size"), [(7, 7), ("7", 7), ({"low": 7}, 7), ({"low": 7, "high": 1}, None), (True, None), ("²", None)]
)
def test_a_size_is_a_number_however_it_is_written(told: Any, size: int | None) -> None:
    media = got({"imageMessage": {"fileLength": told}}).media
    assert media and media.size == size


@pytest.mark.parametrize("kind", ["locationMessage", "liveLocationMessage"])
def test_a_place_has_its_coordinates(kind: str) -> None:
    place = {"degreesLatitude": 21.12, "degreesLongitude": -101.68, "name": "Oficina", "address": "Calle 1"}
    event = got({kind: place})
    details = {"latitud": 21.12, "longitud": -101.68, "nombre": "Oficina", "direccion": "Calle 1"}
    assert (event.kind, event.text, event.details) == ("location", "Oficina\n21.12, -101.68", details)


@pytest.mark.parametrize("latitude", [None, "norte", float("nan"), float("inf"), 91, True])
def test_a_place_without_sane_coordinates_has_only_its_name(latitude: Any) -> None:
    event = got({"locationMessage": {"degreesLatitude": latitude, "degreesLongitude": 1, "name": "Oficina"}})
    assert (event.kind, event.text, event.details) == ("location", "Oficina", {})


def test_contacts_have_their_names_and_phones() -> None:
    people = [{"nombre": "Ana R.", "telefonos": ["+5214771112233", "5551234"]}]
    one = got({"contactMessage": {"displayName": "Ana R.", "vcard": VCARD}})
    many = got({"contactsArrayMessage": {"contacts": [{"displayName": "Ana R.", "vcard": VCARD}]}})
    for event in (one, many):
        assert (event.kind, event.text, event.details) == ("contact", "Ana R.", {"contactos": people})


def test_an_answer_names_the_message_that_it_quotes() -> None:
    assert got(contextInfo={"stanzaId": "3EB0A1", "quotedMessage": {}}).quotes == "3EB0A1"
    assert got({"extendedTextMessage": {"text": "sí", "contextInfo": {"stanzaId": "3EB0A1"}}}).quotes == "3EB0A1"


@pytest.mark.parametrize("own", [True, False])
def test_a_reaction_is_an_emoji_on_a_message(own: bool) -> None:
    message = {"reactionMessage": {"key": {"id": "3EB0A1"}, "text": "👨‍👩‍👧"}}
    assert read("messages.upsert", upsert(message, own=own)) == Reaction("3EB0A1", "👨‍👩‍👧", own, PHONE)


def test_a_reaction_that_is_taken_away_is_empty() -> None:
    event = read("messages.upsert", upsert({"reactionMessage": {"key": {"id": "B"}, "text": ""}}))
    assert event == Reaction("B", "", False, PHONE)


@pytest.mark.parametrize("message", [{"albumMessage": {}}, {"reactionMessage": {}}, {"protocolMessage": {"type": 5}}])
def test_what_is_no_message_is_ignored(message: Any) -> None:
    assert isinstance(read("messages.upsert", upsert(message)), Ignored)


@pytest.mark.parametrize(
    "jid", ["120363025246125486@g.us", "1@newsletter", "status@broadcast", "0@s.whatsapp.net", "5@hosted"]
)
@pytest.mark.parametrize("own", [True, False])
def test_what_is_no_person_s_chat_is_ignored(jid: str, own: bool) -> None:
    assert isinstance(read("messages.upsert", upsert(own=own, jid=jid)), Ignored)


@pytest.mark.parametrize("degrees", [10**400, -(10**400), float("nan"), float("inf"), True, "91.1", "nan"])
def test_a_place_at_degrees_that_do_not_exist_has_its_name_only(degrees: Any) -> None:
    place = {"degreesLatitude": degrees, "degreesLongitude": -101.68, "name": "Oficina"}
    event = got({"locationMessage": place})
    assert (event.kind, event.text, event.details) == ("location", "Oficina", {})


# What we write


def test_our_own_send_is_by_api() -> None:
    sent_at = datetime(2025, 5, 23, 11, 33, 20, tzinfo=UTC)
    event = read("send.message", upsert({"conversation": "Voy"}, own=True, message_id="B1", source="web"))
    assert event == OwnMessage("B1", PHONE, "Voy", True, "text", sent_at)


@pytest.mark.parametrize("alias", ["remoteJidAlt", "senderPn", "previousRemoteJid"])
@pytest.mark.parametrize("event", ["send.message", "messages.upsert"])
def test_our_own_message_to_a_lid_tells_the_person_s_phone_too(event: str, alias: str) -> None:
    us = "5210000@s.whatsapp.net"
    keys = {"key_remoteJidAlt": us, "key_senderPn": us, "key_senderLid": "999999@lid", f"key_{alias}": JID}
    found = read(event, upsert(own=True, jid="123456@lid", **keys), sender=us)
    assert isinstance(found, OwnMessage)
    assert (found.address, found.aliases) == ("123456@lid", (PHONE,))


@pytest.mark.parametrize(("source", "by_api"), [("ios", False), ("android", False), ("web", True), ("unknown", True)])
def test_our_own_message_that_comes_as_an_upsert_is_by_api_unless_a_phone_wrote_it(source: str, by_api: bool) -> None:
    event = read("messages.upsert", upsert({"conversation": "Voy"}, own=True, source=source))
    assert isinstance(event, OwnMessage) and event.by_api is by_api


def test_what_a_key_says_of_us_is_no_alias_of_the_other_person() -> None:
    event = read("messages.upsert", upsert(own=True, jid="9@lid", key_remoteJidAlt="5210000@s.whatsapp.net"))
    assert isinstance(event, OwnMessage) and event.aliases == ()


# Ticks


def update(status: Any, **more: Any) -> Any:
    return {"keyId": "B1", "messageId": "db", "remoteJid": JID, "fromMe": True, "status": status, **more}


@pytest.mark.parametrize(
    ("told", "status"),
    [("SERVER_ACK", "enviado"), ("DELIVERY_ACK", "entregado"), ("READ", "leido"), ("PLAYED", "leido")],
)
def test_a_tick_is_a_status_of_the_message(told: str, status: Any) -> None:
    assert read("messages.update", update(told)) == StatusUpdate("B1", status)


def test_an_error_is_a_failure_with_its_reason() -> None:
    event = read("messages.update", update("ERROR"))
    assert isinstance(event, StatusUpdate) and event.status == "fallido" and event.reason


def test_the_first_word_belongs_to_the_person_when_whatsapp_says_463() -> None:
    event = read("messages.update", update("ERROR", messageStubParameters=["463"]))
    assert isinstance(event, StatusUpdate) and event.code == "463" and "primero" in event.reason


@pytest.mark.parametrize("told", ["PENDING", "DELETED", "EDITED", None, 3, []])
def test_a_status_that_says_nothing_is_ignored(told: Any) -> None:
    """DELETED too: 2.3 writes it for every update without a status, an edit or a vote."""
    assert isinstance(read("messages.update", update(told)), Ignored)


@pytest.mark.parametrize("more", [{"fromMe": False}, {"remoteJid": "1203630@g.us"}])
def test_a_tick_that_is_not_of_ours_is_ignored(more: Any) -> None:
    assert isinstance(read("messages.update", update("READ", **more)), Ignored)


# Edits and deletions


@pytest.mark.parametrize(
    "new",
    [{"conversation": "nuevo"}, {"extendedTextMessage": {"text": "nuevo"}}, {"imageMessage": {"caption": "nuevo"}}],
)
def test_an_edit_has_the_new_text(new: Any) -> None:
    assert read("messages.edited", {"key": {"id": "A1"}, "type": "MESSAGE_EDIT", "editedMessage": new}) == Edited(
        "A1", "nuevo"
    )


@pytest.mark.parametrize("kind", ["REVOKE", 0])
def test_a_deletion_that_comes_as_an_edit_is_one(kind: Any) -> None:
    assert read("messages.edited", {"key": {"id": "A1"}, "type": kind}) == Deleted("A1")


@pytest.mark.parametrize("data", [{}, {"key": {"id": "A1"}, "type": 5}, {"key": {"id": "A1"}, "editedMessage": {}}])
def test_another_protocol_message_is_ignored(data: Any) -> None:
    assert isinstance(read("messages.edited", data), Ignored)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("protocol", [{"editedMessage": {"conversation": "nuevo"}}, {"type": "REVOKE"}])
def test_a_change_is_whose_envelope_it_came_in_whatever_its_key_says(own: bool, protocol: Any) -> None:
    key = {"id": "A1", "fromMe": not own, "remoteJid": "5219999999999@s.whatsapp.net"}
    event = read("messages.upsert", upsert({"protocolMessage": {"key": key, **protocol}}, own=own))
    assert isinstance(event, Edited | Deleted)
    assert (event.message_id, event.own, event.address) == ("A1", own, PHONE)


def test_a_change_that_comes_without_its_envelope_is_nobody_of_ours() -> None:
    key = {"id": "A1", "fromMe": True, "remoteJid": JID}
    new = {"conversation": "nuevo"}
    assert read("messages.edited", {"key": key, "editedMessage": new}) == Edited("A1", "nuevo", False, "")


@pytest.mark.parametrize(
    ("data", "whose"),
    [
        ({"id": "A1", "remoteJid": JID}, (False, PHONE)),
        ({"id": "A1", "remoteJid": JID, "fromMe": True}, (True, PHONE)),
        ({"key": {"id": "A1"}}, (False, "")),
    ],
)
def test_a_deletion_names_the_message_and_who_deleted_it(data: Any, whose: tuple[bool, str]) -> None:
    assert read("messages.delete", data) == Deleted("A1", *whose)


@pytest.mark.parametrize("chat", ["120363025246125486@g.us", "1@newsletter", "status@broadcast"])
@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("messages.edited", {"editedMessage": {"conversation": "nuevo"}}),
        ("messages.edited", {"type": "REVOKE"}),
        ("messages.delete", {}),
    ],
)
def test_a_change_in_no_person_s_chat_is_ignored(event: str, data: dict[str, Any], chat: str) -> None:
    assert isinstance(read(event, {**data, "key": {"id": "A1", "fromMe": False, "remoteJid": chat}}), Ignored)


def test_a_deletion_in_a_group_told_without_a_key_of_its_own_is_ignored() -> None:
    assert isinstance(read("messages.delete", {"id": "A1", "remoteJid": "1@g.us", "fromMe": False}), Ignored)


# The session and the person


def test_open_is_connected() -> None:
    told = {"instance": "mesa", "state": "open", "statusReason": 200}
    assert read("connection.update", told) == ConnectionChanged(True, "WhatsApp conectado")


@pytest.mark.parametrize("state", ["connecting", "close", "refused", "OPEN", "nuevo"])
def test_any_other_state_is_not(state: str) -> None:
    event = read("connection.update", {"state": state})
    assert isinstance(event, ConnectionChanged) and not event.connected and event.detail


def test_a_session_that_whatsapp_ended_asks_for_the_qr_code() -> None:
    event = read("connection.update", {"state": "close", "statusReason": 401})
    assert isinstance(event, ConnectionChanged) and "QR" in event.detail


@pytest.mark.parametrize("event", ["qrcode.updated", "status.instance", "logout.instance", "remove.instance"])
@pytest.mark.parametrize("data", [None, {}, {"status": "closed"}])
def test_what_only_a_dead_session_tells_is_disconnected(event: str, data: Any) -> None:
    told = read(event, data)
    assert isinstance(told, ConnectionChanged) and not told.connected


@pytest.mark.parametrize(
    ("presence", "on"), [("composing", True), ("recording", True), ("paused", False), ("available", False)]
)
def test_a_person_writes(presence: str, on: bool) -> None:
    assert read("presence.update", {"id": JID, "presences": {JID: {"lastKnownPresence": presence}}}) == Typing(
        PHONE, on
    )


# What is not for us, and what cannot be read


@pytest.mark.parametrize("instance", ["otra", "", None, 5])
def test_another_instance_is_ignored(instance: Any) -> None:
    (event,) = parse({**webhook("messages.upsert", upsert()), "instance": instance}, "mesa")
    assert isinstance(event, Ignored)


@pytest.mark.parametrize("event", ["contacts.update", "chats.upsert", "call", "x" * 900])
def test_an_unknown_event_is_ignored_and_named(event: str) -> None:
    ignored = read(event, {})
    assert isinstance(ignored, Ignored) and event[:40] in ignored.reason


@pytest.mark.parametrize("payload", [None, [], "message", 5, {}, {"event": 5}, {"event": ""}])
def test_what_is_no_event_is_malformed(payload: Any) -> None:
    with pytest.raises(Malformed):
        parse(payload, "mesa")


@pytest.mark.parametrize(
    "event", ["messages.upsert", "send.message", "messages.update", "messages.delete", "connection.update"]
)
@pytest.mark.parametrize("data", [None, "texto", {}, {"key": {"id": 5}}, {"keyId": "a b"}, [5]])
def test_a_known_event_without_its_content_is_malformed(event: str, data: Any) -> None:
    with pytest.raises(Malformed):
        read(event, data)


# The ledger


def ledger_id(event: str, data: Any, instance: str = "mesa", **more: Any) -> str:
    return external_id(b"x", {**webhook(event, data, **more), "instance": instance}, "mesa")


def test_a_repeat_is_known_by_what_it_is_about_and_not_by_its_time() -> None:
    assert ledger_id("messages.upsert", upsert(), date_time="1") == ledger_id(
        "messages.upsert", upsert(), date_time="2"
    )
    assert ledger_id("messages.edited", {"a": 1}, date_time="1") == ledger_id("messages.edited", {"a": 1}, apikey="2")


def test_another_instance_s_message_of_the_same_id_is_not_ours() -> None:
    assert ledger_id("messages.upsert", upsert(), "otra") != ledger_id("messages.upsert", upsert())


def test_each_tick_of_a_message_is_another_event() -> None:
    assert len({ledger_id("messages.update", update(status)) for status in ("SERVER_ACK", "READ", "ERROR")}) == 3


def test_a_second_edit_of_a_message_is_another_event() -> None:
    edits = [{"key": {"id": "A1"}, "editedMessage": {"conversation": text}} for text in ("uno", "dos")]
    assert len({ledger_id("messages.edited", edit) for edit in edits}) == 2


@pytest.mark.parametrize("event", [("connection.update", {"state": "connecting"}), ("qrcode.updated", {"qrcode": {}})])
def test_a_session_that_repeats_itself_is_one_event_a_minute(event: tuple[str, Any]) -> None:
    with time_machine.travel(datetime(2026, 11, 22, 12, 0, tzinfo=UTC), tick=False) as clock:
        ids = set()
        for _ in range(120):
            ids.add(ledger_id(*event))
            clock.shift(1)
    assert len(ids) == 2


@pytest.mark.parametrize("state", ["open", "close"])
def test_that_a_session_opened_or_closed_is_always_news(state: str) -> None:
    assert ledger_id("connection.update", {"state": state}) != ledger_id("connection.update", {"state": state})


@pytest.mark.parametrize("state", ["x" * 999, "á\n", 5, None])
def test_a_strange_state_has_a_sane_id(state: Any) -> None:
    assert len(ledger_id("connection.update", {"state": state})) < 60


def test_secrets_are_not_kept() -> None:
    body = webhook("qrcode.updated", {"apikey": "B", "qrcode": {"base64": "C"}, "otros": [{"apiKey": "D"}]}, apikey="A")
    kept = clean(body)
    assert kept == webhook("qrcode.updated", {"otros": [{}]})
    assert body["apikey"] == "A"


def test_what_is_nested_for_ever_is_cut() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    assert "x" not in repr(clean({"data": deep}))
