"""WAHA's webhooks, in the shapes of https://waha.devlike.pro/docs/how-to/events/ and of its engines' code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from whatsapp.gateways.base import Malformed
from whatsapp.gateways.events import ConnectionChanged, Event, Ignored, Inbound, OwnMessage, StatusUpdate
from whatsapp.gateways.waha_events import parse

PHONE = "5214772758198"
ME = "5214770000000@c.us"


def read(event: str, payload: Any, session: str = "default") -> Event:
    (only,) = parse({"event": event, "session": session, "payload": payload}, "default")
    return only


def inbound(**changes: Any) -> dict[str, Any]:
    """A text as NOWEB tells it."""
    return {
        "id": f"false_{PHONE}@c.us_AAAA",
        "timestamp": 1748000000,
        "from": f"{PHONE}@c.us",
        "fromMe": False,
        "source": "app",
        "body": "No enciende",
        "to": None,
        "participant": None,
        "hasMedia": False,
        "media": None,
        "ack": 1,
        "location": None,
        "vCards": None,
        "_data": {"key": {"remoteJid": f"{PHONE}@s.whatsapp.net"}, "pushName": "Ana", "message": {"conversation": "…"}},
        **changes,
    }


def got(**changes: Any) -> Inbound:
    event = read("message", inbound(**changes))
    assert isinstance(event, Inbound)
    return event


# What people write


def test_a_text_is_an_inbound_message() -> None:
    sent_at = datetime(2025, 5, 23, 11, 33, 20, tzinfo=UTC)
    assert got() == Inbound("AAAA", PHONE, "No enciende", "text", "Ana", (), sent_at)


def test_message_and_message_any_tell_the_same_message() -> None:
    assert read("message", inbound()) == read("message.any", inbound())


def test_an_address_is_the_chat_as_seen_not_the_canonical_number() -> None:
    assert got(**{"from": "524772758198@c.us"}).address == "524772758198"


def test_a_device_is_no_part_of_an_address() -> None:
    assert got(**{"from": f"{PHONE}:12@s.whatsapp.net"}).address == PHONE


@pytest.mark.parametrize(
    "data",
    [
        {"key": {"remoteJidAlt": f"{PHONE}@s.whatsapp.net"}},
        {"key": {"senderPn": f"{PHONE}@s.whatsapp.net"}},
        {"Info": {"SenderAlt": f"{PHONE}:3@s.whatsapp.net"}},
    ],
    ids=["noweb", "noweb-before-7", "gows"],
)
def test_a_lid_is_the_address_and_its_phone_is_kept_where_it_is_told(data: Any) -> None:
    event = got(id="false_123456@lid_AAAA", **{"from": "123456@lid"}, _data=data)
    assert (event.address, event.aliases) == ("123456@lid", (PHONE,))


@pytest.mark.parametrize("data", [None, [], {}, {"key": {"remoteJidAlt": "123456@lid"}}, {"key": {"senderPn": 5}}])
def test_a_lid_without_a_phone_has_none(data: Any) -> None:
    event = got(id="false_123456@lid_AAAA", **{"from": "123456@lid"}, _data=data)
    assert (event.address, event.aliases) == ("123456@lid", ())


@pytest.mark.parametrize("data", [{"notifyName": "Ana"}, {"Info": {"PushName": "Ana"}}], ids=["webjs", "gows"])
def test_the_push_name_is_where_each_engine_puts_it(data: Any) -> None:
    assert got(_data=data).push_name == "Ana"


@pytest.mark.parametrize(
    ("timestamp", "sent_at"),
    [
        (1748000000, datetime(2025, 5, 23, 11, 33, 20, tzinfo=UTC)),
        ("1748000000", datetime(2025, 5, 23, 11, 33, 20, tzinfo=UTC)),
        (0, None),
        (-1, None),
        (9e99, None),
        (1748000000000, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        (True, None),
        ("ayer", None),
        (None, None),
        ({"low": 1}, None),
    ],
)
def test_an_absurd_time_is_none(timestamp: Any, sent_at: datetime | None) -> None:
    assert got(timestamp=timestamp).sent_at == sent_at


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"hasMedia": True, "media": {"mimetype": "image/jpeg"}}, "image"),
        ({"hasMedia": True, "media": {"mimetype": "video/mp4"}}, "video"),
        ({"hasMedia": True, "media": {"mimetype": "audio/ogg; codecs=opus"}}, "audio"),
        ({"hasMedia": True, "media": {"mimetype": "application/pdf"}}, "document"),
        ({"hasMedia": True, "media": None, "_data": {"message": {"imageMessage": {}}}}, "image"),
        ({"hasMedia": True, "media": {"mimetype": "image/webp"}, "_data": {"type": "sticker"}}, "sticker"),
        ({"hasMedia": True, "media": None, "_data": {"Message": {"stickerMessage": {}}}}, "sticker"),
        ({"hasMedia": True, "media": None, "_data": {"type": "ptt"}}, "audio"),
        ({"hasMedia": True, "media": None, "_data": None}, "unknown"),
        ({"location": {"latitude": "21.1", "longitude": "-101.7"}}, "location"),
        ({"vCards": ["BEGIN:VCARD"]}, "contact"),
        ({"body": "", "_data": {"type": "ciphertext"}}, "unknown"),
        ({"body": None, "_data": {"message": {"pollCreationMessage": {}}}}, "unknown"),
    ],
)
def test_whatever_arrives_has_a_kind(changes: dict[str, Any], kind: str) -> None:
    assert got(**changes).kind == kind


def test_a_caption_is_the_text() -> None:
    assert got(body="Mira", hasMedia=True, media={"mimetype": "image/jpeg"}).text == "Mira"


def test_a_place_is_told_by_name_and_coordinates_not_by_its_picture() -> None:
    place = {"description": "Oficina", "latitude": "21.12", "longitude": "-101.68"}
    assert got(body="/9j/4AAQSkZJRg", location=place).text == "Oficina\n21.12, -101.68"


# What we write


def test_our_own_message_sent_through_the_gateway_is_by_api() -> None:
    event = read("message.any", inbound(id=f"true_{PHONE}@c.us_BBBB", fromMe=True, source="api", body="Voy"))
    assert event == OwnMessage("BBBB", PHONE, "Voy", True, "text", datetime(2025, 5, 23, 11, 33, 20, tzinfo=UTC))


@pytest.mark.parametrize(
    "data",
    [
        {"key": {"remoteJidAlt": f"{PHONE}@s.whatsapp.net", "senderPn": "5210000@s.whatsapp.net"}},
        {"Info": {"RecipientAlt": f"{PHONE}@s.whatsapp.net", "SenderAlt": "5210000@s.whatsapp.net"}},
    ],
    ids=["NOWEB", "GOWS"],
)
def test_our_own_message_to_a_lid_tells_the_person_s_phone_too(data: Any) -> None:
    event = read("message.any", inbound(id="true_123456@lid_BBBB", fromMe=True, source="api", _data=data))
    assert isinstance(event, OwnMessage)
    assert (event.address, event.aliases) == ("123456@lid", (PHONE,))


@pytest.mark.parametrize("source", ["app", None, "API", 1])
def test_our_own_message_typed_on_the_phone_is_not(source: Any) -> None:
    event = read("message.any", inbound(fromMe=True, source=source))
    assert isinstance(event, OwnMessage) and not event.by_api


@pytest.mark.parametrize(
    "payload",
    [
        {"id": f"true_{PHONE}@c.us_BBBB", "from": ME, "to": f"{PHONE}@c.us"},
        {"id": {"_serialized": f"true_{PHONE}@c.us_BBBB"}, "from": ME, "to": f"{PHONE}@c.us"},
        {"id": {"fromMe": True, "remote": f"{PHONE}@c.us", "id": "BBBB"}, "from": ME, "to": f"{PHONE}@c.us"},
        {"id": f"true_{PHONE}@c.us_BBBB", "from": f"{PHONE}@c.us", "to": None},
        {"id": "BBBB", "from": ME, "to": f"{PHONE}@c.us"},
    ],
    ids=["webjs", "webjs-object", "webjs-2026", "noweb-and-gows", "bare-id"],
)
def test_our_own_message_is_in_the_other_person_s_chat(payload: dict[str, Any]) -> None:
    event = read("message.any", {"fromMe": True, "body": "Voy", "source": "api", **payload})
    assert isinstance(event, OwnMessage)
    assert (event.external_id, event.address) == ("BBBB", PHONE)


# Ticks


@pytest.mark.parametrize(
    ("ack", "status"), [(-1, "fallido"), (1, "enviado"), (2, "entregado"), (3, "leido"), (4, "leido")]
)
def test_a_tick_is_a_status_of_the_bare_id(ack: int, status: str) -> None:
    event = read("message.ack", {"id": "true_123456@lid_BBBB", "from": "123456@lid", "fromMe": True, "ack": ack})
    assert isinstance(event, StatusUpdate)
    assert (event.message_id, event.status, bool(event.reason)) == ("BBBB", status, status == "fallido")


@pytest.mark.parametrize("ack", [0, 5, -2, None, "3", True, 1.0, []])
def test_a_tick_that_says_nothing_new_is_ignored(ack: Any) -> None:
    assert isinstance(read("message.ack", {"id": f"true_{PHONE}@c.us_BBBB", "ack": ack}), Ignored)


def test_a_tick_whose_engine_denies_that_it_is_ours_counts_all_the_same() -> None:
    event = read("message.ack", {"id": f"true_{PHONE}@c.us_BBBB", "fromMe": False, "ack": 2})
    assert isinstance(event, StatusUpdate)


def test_a_tick_of_what_somebody_wrote_to_us_is_ignored() -> None:
    event = read("message.ack", {"id": f"false_{PHONE}@c.us_AAAA", "fromMe": False, "ack": 3})
    assert isinstance(event, Ignored)


def test_a_tick_in_a_group_is_ignored() -> None:
    event = read("message.ack", {"id": f"true_1203630@g.us_BBBB_{PHONE}@c.us", "fromMe": True, "ack": 3})
    assert isinstance(event, Ignored)


# The session


def test_working_is_connected() -> None:
    assert read("session.status", {"status": "WORKING"}) == ConnectionChanged(True, "WhatsApp conectado")


@pytest.mark.parametrize("status", ["STARTING", "SCAN_QR_CODE", "FAILED", "working", "WORKING ?"])
def test_any_other_state_is_not(status: str) -> None:
    event = read("session.status", {"status": status})
    assert isinstance(event, ConnectionChanged) and not event.connected


# What is not for us


@pytest.mark.parametrize(
    "chat", ["120363025246125486@g.us", "120363144038483540@newsletter", "status@broadcast", "0@c.us", "5@hosted"]
)
@pytest.mark.parametrize("own", [True, False])
def test_what_is_no_person_s_chat_is_ignored(chat: str, own: bool) -> None:
    event = read("message", inbound(id=f"{str(own).lower()}_{chat}_AAAA", **{"from": chat}, fromMe=own))
    assert isinstance(event, Ignored)


def test_a_group_that_hides_behind_its_member_is_ignored() -> None:
    assert isinstance(read("message", inbound(id=f"false_1203630@g.us_AAAA_{PHONE}@c.us")), Ignored)


@pytest.mark.parametrize("session", ["otra", "", None, 5])
def test_another_session_is_ignored(session: Any) -> None:
    assert isinstance(read("message", inbound(), session), Ignored)


@pytest.mark.parametrize("event", ["message.waiting", "poll.vote", "group.v2.join", "call.received", "x" * 900])
def test_an_unknown_event_is_ignored_and_named(event: str) -> None:
    ignored = read(event, {})
    assert isinstance(ignored, Ignored) and event[:40] in ignored.reason


# What cannot be read


@pytest.mark.parametrize("payload", [None, [], "message", 5, {}, {"event": 5}, {"event": ""}])
def test_what_is_no_event_is_malformed(payload: Any) -> None:
    with pytest.raises(Malformed):
        parse(payload, "default")


@pytest.mark.parametrize(
    "event",
    [
        "message",
        "message.any",
        "message.ack",
        "message.edited",
        "message.revoked",
        "message.reaction",
        "session.status",
    ],
)
@pytest.mark.parametrize("payload", [None, [], "texto", {}, {"id": 5}, {"id": "a b"}])
def test_a_known_event_without_its_content_is_malformed(event: str, payload: Any) -> None:
    with pytest.raises(Malformed):
        read(event, payload)


def test_a_message_from_nobody_is_malformed() -> None:
    with pytest.raises(Malformed):
        read("message", {"id": "AAAA", "body": "hola"})
