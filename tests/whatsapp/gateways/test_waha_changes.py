"""What WAHA tells of messages that are there already, and of people: https://waha.devlike.pro/docs/how-to/events/"""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.gateways.test_waha_events import PHONE, got, inbound, read
from whatsapp.gateways.base import Malformed
from whatsapp.gateways.events import Deleted, Edited, Ignored, NumberChanged, Reaction, Typing

ACTION = f"false_{PHONE}@c.us_ACTION"
GROUP = "false_120363025246125486@g.us_ACTION_5214772758198@c.us"
OTHER = "5215511112222"


def action(**more: Any) -> dict[str, Any]:
    return {"id": ACTION, "from": f"{PHONE}@c.us", "fromMe": False, **more}


@pytest.mark.parametrize(
    "payload",
    [
        action(editedMessageId="AAAA", body="ya enciende"),
        action(editedMessageId=f"false_{PHONE}@c.us_AAAA", body="ya enciende"),
        action(id=f"false_{PHONE}@c.us_AAAA", body="ya enciende"),
        action(id={"_serialized": f"false_{PHONE}@c.us_AAAA"}, body="ya enciende"),
    ],
    ids=["documented", "serialized", "webjs", "webjs-object"],
)
def test_an_edit_names_the_message_and_not_the_act(payload: dict[str, Any]) -> None:
    assert read("message.edited", payload) == Edited("AAAA", "ya enciende", False, PHONE)


@pytest.mark.parametrize(
    "payload",
    [
        {"after": action(), "before": None, "revokedMessageId": "AAAA"},
        {"after": None, "before": None, "revokedMessageId": "AAAA"},
        {"after": action(), "before": {"id": f"false_{PHONE}@c.us_AAAA", "body": "Hi there!"}},
        {"after": action(id=f"true_{PHONE}@c.us_AAAA", fromMe=True)},
    ],
    ids=["documented", "id-alone", "of-2024", "webjs"],
)
def test_a_deletion_names_the_message_and_not_the_act(payload: dict[str, Any]) -> None:
    event = read("message.revoked", payload)
    assert isinstance(event, Deleted) and event.message_id == "AAAA"


@pytest.mark.parametrize(
    ("payload", "whose"),
    [
        ({"after": action(), "before": None, "revokedMessageId": "AAAA"}, (False, PHONE)),
        ({"after": action(id=f"true_{PHONE}@c.us_AAAA", fromMe=True)}, (True, PHONE)),
        ({"after": {"id": "X", "fromMe": True, "from": f"{OTHER}@c.us", "to": f"{PHONE}@c.us"}}, (True, PHONE)),
        ({"after": None, "before": None, "revokedMessageId": f"true_{PHONE}@c.us_AAAA"}, (True, PHONE)),
        ({"after": None, "before": None, "revokedMessageId": "AAAA"}, (False, "")),
    ],
    ids=["theirs", "ours", "ours-without-chat", "id-alone", "nothing"],
)
def test_a_deletion_says_who_did_it_and_in_whose_chat(payload: dict[str, Any], whose: tuple[bool, str]) -> None:
    event = read("message.revoked", payload)
    assert isinstance(event, Deleted) and (event.own, event.address) == whose


def test_a_change_seen_by_its_lid_tells_the_phone_too() -> None:
    told = {"id": "false_123456@lid_ACTION", "from": "123456@lid", "_data": {"key": {"senderPn": f"{PHONE}@c.us"}}}
    found = read("message.edited", action(**told, editedMessageId="AAAA", body="ya enciende"))
    assert found == Edited("AAAA", "ya enciende", False, "123456@lid", (PHONE,))


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("emoji", ["👍🏽", ""])
def test_a_reaction_names_its_message_and_whose_it_is(own: bool, emoji: str) -> None:
    payload = action(fromMe=own, reaction={"text": emoji, "messageId": f"true_{PHONE}@c.us_AAAA"})
    assert read("message.reaction", payload) == Reaction("AAAA", emoji, own, PHONE)


@pytest.mark.parametrize("text", [None, 5, [], {}])
def test_a_reaction_that_is_no_text_takes_it_away(text: Any) -> None:
    payload = action(reaction={"text": text, "messageId": "AAAA"})
    assert read("message.reaction", payload) == Reaction("AAAA", "", False, PHONE)


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("message.edited", {"id": GROUP, "editedMessageId": "AAAA", "body": "x"}),
        ("message.edited", {"id": "AAAA", "from": "120363025246125486@g.us", "body": "x"}),
        ("message.revoked", {"after": {"id": GROUP}, "revokedMessageId": "AAAA"}),
        ("message.reaction", {"id": GROUP, "reaction": {"text": "👍", "messageId": "AAAA"}}),
        ("message.reaction", {"from": "1@g.us", "reaction": {"text": "👍", "messageId": "AAAA"}}),
        ("message.reaction", {"reaction": {"text": "👍", "messageId": "true_120363025246125486@g.us_AAAA"}}),
        ("presence.update", {"id": "120363025246125486@g.us", "presences": []}),
    ],
)
def test_what_happens_in_groups_is_ignored(event: str, payload: dict[str, Any]) -> None:
    assert isinstance(read(event, payload), Ignored)


@pytest.mark.parametrize(
    ("known", "on"),
    [("typing", True), ("recording", True), ("paused", False), ("online", False), ("offline", False), (None, False)],
)
def test_presence_says_whether_the_person_writes(known: Any, on: bool) -> None:
    presences = [{"participant": f"{PHONE}@c.us", "lastKnownPresence": known, "lastSeen": None}]
    assert read("presence.update", {"id": f"{PHONE}@c.us", "presences": presences}) == Typing(PHONE, on)


@pytest.mark.parametrize("presences", [None, [], "typing", [None, 5]])
def test_presence_without_a_word_is_not_writing(presences: Any) -> None:
    assert read("presence.update", {"id": "123@lid", "presences": presences}) == Typing("123@lid", False)


def test_presence_of_nobody_is_malformed() -> None:
    with pytest.raises(Malformed):
        read("presence.update", {})


@pytest.mark.parametrize("reply", [{"id": "BBBB"}, {"id": f"true_{PHONE}@c.us_BBBB", "body": "¿Ya?"}])
def test_an_answer_says_which_message_it_answers(reply: dict[str, Any]) -> None:
    assert got(replyTo=reply).quotes == "BBBB"


@pytest.mark.parametrize("reply", [None, {}, {"id": None, "body": "¿Ya?"}, "BBBB"])
def test_an_answer_whose_engine_does_not_say_to_what_quotes_nothing(reply: Any) -> None:
    assert got(replyTo=reply).quotes is None


@pytest.mark.parametrize(
    "content",
    [
        {"_data": {"messageStubType": 42, "messageStubParameters": [f"{OTHER}@s.whatsapp.net"]}},
        {"_data": {"messageStubType": "INDIVIDUAL_CHANGE_NUMBER", "messageStubParameters": [f"{OTHER}@c.us"]}},
        {
            "_data": {
                "type": "notification_template",
                "subtype": "change_number",
                "templateParams": [f"{OTHER}@c.us", f"{PHONE}@c.us"],
            },
            "to": f"{OTHER}@c.us",
        },
    ],
    ids=["noweb", "gows", "webjs"],
)
def test_a_new_number_is_told_from_the_old_one(content: dict[str, Any]) -> None:
    assert read("message", inbound(body="", **content)) == NumberChanged(PHONE, OTHER)


@pytest.mark.parametrize("parameters", [None, [], ["x"], [f"{PHONE}@c.us"], [None, 5], "5215511112222@c.us"])
def test_a_new_number_that_is_not_told_is_ignored(parameters: Any) -> None:
    content = {"_data": {"messageStubType": 42, "messageStubParameters": parameters}}
    assert isinstance(read("message", inbound(body="", **content)), Ignored)


@pytest.mark.parametrize("kind", ["e2e_notification", "protocol", "notification"])
def test_what_whatsapp_says_of_itself_is_no_message(kind: str) -> None:
    assert isinstance(read("message", inbound(body="", _data={"type": kind})), Ignored)


@pytest.mark.parametrize("stub", [39, None, [], {}, "42"])
def test_another_notice_of_the_protocol_is_no_new_number(stub: Any) -> None:
    assert got(_data={"messageStubType": stub, "message": {"conversation": "…"}}).text == "No enciende"
