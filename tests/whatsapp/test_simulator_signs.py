"""The simulator shows what the desk types and reads, and tells it when a person types: as our adapter sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whatsapp.test_simulator import HMAC_KEY, JUAN, KEY, Desk, Phones, until
from whatsapp.gateways.base import Outgoing
from whatsapp.gateways.events import Typing
from whatsapp.gateways.waha import Waha

PERSON = JUAN.removesuffix("@c.us")


@pytest.fixture
def desk() -> Iterator[Desk]:
    started = Desk()
    yield started
    started.close()


@pytest.fixture
def phones(tmp_path: Path, desk: Desk) -> Iterator[Phones]:
    started = Phones(tmp_path, desk.url)
    yield started
    started.server.stop()


@pytest.fixture
def waha(phones: Phones) -> Waha:
    return Waha(phones.url, KEY, "default", HMAC_KEY, 5)


def types(phones: Phones, on: bool = True) -> None:
    body = {"telefono": JUAN, "escribiendo": on}
    assert phones.post("/simulador/escribe", body).status_code == 204


def ticks(phones: Phones) -> list[int]:
    return [message["palomitas"] for message in phones.screen()["mensajes"] if message["propio"]]


def test_a_phone_shows_that_the_desk_types_until_it_says_otherwise(phones: Phones, waha: Waha) -> None:
    waha.typing(PERSON, on=True, message_id=None)
    assert phones.screen()["escribiendo"] is True
    waha.typing(PERSON, on=False, message_id=None)
    assert phones.screen()["escribiendo"] is False


def test_a_message_ends_the_typing_that_announced_it(phones: Phones, waha: Waha) -> None:
    waha.typing(PERSON, on=True, message_id=None)
    waha.send(PERSON, Outgoing("Ya quedó"), lambda: None)
    assert phones.screen()["escribiendo"] is False


def test_the_desk_is_told_that_a_person_types_once_it_watches_them(phones: Phones, desk: Desk, waha: Waha) -> None:
    types(phones)
    waha.watch(PERSON)
    types(phones)
    types(phones, on=False)
    bodies = until(lambda: found if len(found := desk.events("presence.update")) == 2 else None)
    assert [waha.parse(body) for body in bodies] == [[Typing(PERSON, True)], [Typing(PERSON, False)]]


def test_the_person_sees_which_of_their_messages_the_desk_read(phones: Phones, desk: Desk, waha: Waha) -> None:
    ids = [phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": text}).json()["id"] for text in "abc"]
    until(lambda: ticks(phones) == [2, 2, 2])
    waha.mark_read(PERSON, [ids[0].split("_")[2], ids[1].split("_")[2]])
    assert ticks(phones) == [3, 3, 2]
    phones.post("/api/sendSeen", {"session": "default", "chatId": JUAN})
    assert ticks(phones) == [3, 3, 3]


def test_typing_that_is_neither_on_nor_off_is_refused(phones: Phones) -> None:
    answer = phones.post("/simulador/escribe", {"telefono": JUAN, "escribiendo": "sí"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "escribiendo debe ser true o false.")
