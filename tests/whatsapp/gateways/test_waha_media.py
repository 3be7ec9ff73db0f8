"""WAHA's files: what the desk asks for, of whom, and what it sends."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.whatsapp.gateways.contract import ADDRESS, never
from tests.whatsapp.gateways.server import RawServer, hangs, http, refused_url, says
from whatsapp.gateways import waha_media
from whatsapp.gateways.base import Fetched, File, Outgoing
from whatsapp.gateways.events import Inbound, Media, OwnMessage
from whatsapp.gateways.results import Accepted, Failure
from whatsapp.gateways.waha import Waha
from whatsapp.wire import Response

SERIALIZED = f"false_{ADDRESS}@c.us_AA"
PATH = "/api/files/default/false_5214772758198@c.us_AA.jpeg"
BY_MESSAGE = f"mensaje:{ADDRESS}@c.us/{SERIALIZED}"


def waha(url: str = "http://127.0.0.1:9") -> Waha:
    return Waha(url=url, api_key="llave", session="default", hmac_key="secreto", timeout_s=5)


def got(**payload: Any) -> Inbound | OwnMessage:
    """What a webhook with these keys tells."""
    body = {"id": SERIALIZED, "from": f"{ADDRESS}@c.us", "body": "", **payload}
    (event,) = waha().parse({"event": "message", "session": "default", "payload": body})
    assert isinstance(event, Inbound | OwnMessage)
    return event


def with_file(url: Any = f"http://localhost:3000{PATH}", **media: Any) -> Media:
    media = {"url": url, "mimetype": "image/jpeg", "filename": "falla.jpg", **media}
    found = got(hasMedia=True, media=media).media
    assert found is not None
    return found


# What arrives


def test_a_file_is_known_by_its_path_and_not_by_the_host_that_waha_names() -> None:
    assert with_file() == Media(ref=f"{PATH} {BY_MESSAGE}", mime="image/jpeg", name="falla.jpg")


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.amazonaws.com/waha/AA.jpeg",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:3000/api/files/../sessions",
        "http://localhost:3000/api/files/%2e%2e/sessions",
        "http://localhost:3000/api/files/%252e%252e/sessions",
        "http://localhost:3000/api/files/a\\..\\b",
        "http://[::1",
        f"http://localhost/api/files/{'a' * 2000}",
    ],
)
def test_what_is_not_one_of_wahas_files_is_never_asked_for(url: str) -> None:
    found = with_file(url)
    assert not found.ref and "otro servidor" in found.problem


def test_a_file_that_waha_did_not_download_is_asked_for_by_its_message() -> None:
    for media in (None, {"url": None, "mimetype": "image/jpeg", "error": {"message": "no"}}):
        found = got(hasMedia=True, media=media).media
        assert found is not None and found.ref == f"mensaje:{ADDRESS}@c.us/{SERIALIZED}"


def test_a_text_has_no_file() -> None:
    assert got(body="hola").media is None


def test_what_was_sent_from_the_phone_brings_its_file_too() -> None:
    event = got(id=f"true_{ADDRESS}@c.us_BB", fromMe=True, hasMedia=True, media={"url": PATH})
    assert isinstance(event, OwnMessage) and event.media and event.media.ref.split()[0] == PATH


def test_a_place_has_its_coordinates_name_and_address() -> None:
    place = {"latitude": "21.1236", "longitude": -101.68, "description": "Oficina\nBlvd. Campestre 100"}
    expected = {"latitud": 21.1236, "longitud": -101.68, "nombre": "Oficina", "direccion": "Blvd. Campestre 100"}
    assert got(location=place).details == expected


@pytest.mark.parametrize("value", ["nan", "inf", "91", None, True, [], "1e999", "javascript:alert(1)"])
def test_a_place_that_is_nowhere_has_no_coordinates(value: Any) -> None:
    assert got(location={"latitude": value, "longitude": "1"}).details == {}


def test_contacts_have_names_and_phones_and_the_text_says_them() -> None:
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ana Ruiz\nitem1.TEL;type=CELL;waid=5214771112233:+52 1 477 111 2233\nEND:VCARD"
    event = got(vCards=[card, "basura", 5], body=card)
    assert event.details == {"contactos": [{"nombre": "Ana Ruiz", "telefonos": ["+5214771112233"]}]}
    assert event.text == "Ana Ruiz +5214771112233"


# Fetching


def fetch(answer: bytes, ref: str = PATH, max_bytes: int = 1000) -> tuple[Fetched | Failure, bytes]:
    with RawServer(says(answer)) as server:
        found = waha(server.url).fetch(Media(ref=ref), max_bytes)
    return found, server.received[0]


def test_a_file_is_fetched_with_the_key() -> None:
    found, request = fetch(http(200, b"\xff\xd8\xff", "Content-Type: image/jpeg"))
    assert found == Fetched(b"\xff\xd8\xff", "image/jpeg")
    assert request.startswith(f"GET {PATH} ".encode()) and b"X-Api-Key: llave" in request


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (http(404, {"error": {"code": 404, "key": "FILE_NOT_FOUND"}}), False),
        (http(200, b"x" * 1001), False),
        (http(500, b"no"), True),
        (http(401, b"no"), True),
        (http(200, b"abc", length=9), True),
        (http(302, b"", "Location: http://127.0.0.1:9/otro"), True),
    ],
    ids=["404", "too large", "500", "401", "cut", "redirect"],
)
def test_what_went_wrong_says_whether_to_ask_again(answer: bytes, again: bool) -> None:
    found, _ = fetch(answer)
    assert isinstance(found, Failure) and found.again is again and found.detail


def test_a_waha_that_is_away_or_hangs_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whatsapp.gateways.waha_media.FETCH_DEADLINE_S", 0.3)
    assert getattr(waha(refused_url()).fetch(Media(ref=PATH), 10), "again", None) is True
    with RawServer(hangs) as server:
        assert getattr(waha(server.url).fetch(Media(ref=PATH), 10), "again", None) is True


@pytest.mark.parametrize("ref", ["http://169.254.169.254/", "/api/sessions", "", "/api/files/../sessions"])
def test_no_reference_leads_anywhere_but_to_wahas_files(ref: str) -> None:
    with RawServer(hangs) as server:
        found = waha(server.url).fetch(Media(ref=ref), 10)
        assert isinstance(found, Failure) and not found.again
        assert server.connections == 0


def test_a_file_asked_for_by_its_message_is_downloaded_by_waha_and_then_fetched() -> None:
    answers = [http(200, {"media": {"url": f"http://otro:3000{PATH}", "filename": "a.jpg"}}), http(200, b"abc")]

    def each(server: RawServer, client: Any) -> None:
        client.sendall(answers.pop(0))

    with RawServer(each) as server:
        found = waha(server.url).fetch(Media(ref=f"mensaje:{ADDRESS}@c.us/{SERIALIZED}"), 1000)
    assert found == Fetched(b"abc", "", "a.jpg")
    asked = f"GET /api/default/chats/{ADDRESS}%40c.us/messages/false_{ADDRESS}%40c.us_AA?downloadMedia=true "
    assert server.received[0].startswith(asked.encode()) and server.received[1].startswith(f"GET {PATH} ".encode())


def test_a_file_that_waha_has_deleted_is_downloaded_by_it_again() -> None:
    answers = [
        http(404, {"error": {"code": 404, "key": "FILE_NOT_FOUND"}}),
        http(200, {"media": {"url": f"http://otro:3000{PATH}", "filename": "a.jpg"}}),
        http(200, b"abc"),
    ]
    with RawServer(lambda server, client: client.sendall(answers.pop(0))) as server:
        found = waha(server.url).fetch(with_file(), 1000)
    assert found == Fetched(b"abc", "", "a.jpg")
    paths = [request.split(b" ")[1].decode() for request in server.received]
    assert paths[0] == paths[2] == PATH and paths[1].endswith("_AA?downloadMedia=true")


def test_a_file_that_is_deleted_and_cannot_come_again_is_given_up() -> None:
    answers = [http(404, b""), http(200, {"media": {"url": PATH}}), http(404, b"")]
    with RawServer(lambda server, client: client.sendall(answers.pop(0))) as server:
        found = waha(server.url).fetch(with_file(), 1000)
    assert isinstance(found, Failure) and not found.again and not answers


def test_all_the_calls_of_a_fetch_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [0.0], list[float]()

    def slow(path: str, max_body: int, deadline_s: float) -> Response:
        asked.append(deadline_s)
        now[0] += deadline_s - 1
        return (
            Response(404, {}, b"")
            if len(asked) == 1
            else Response(200, {}, b'{"media": {"url": "%s"}}' % PATH.encode())
        )

    monkeypatch.setattr("whatsapp.gateways.waha_media.time.monotonic", lambda: now[0])
    waha_media.fetch(slow, "default", with_file().ref, 10)
    assert asked == [60, 60, 2]


def test_a_reference_never_outgrows_its_column() -> None:
    media = {"url": f"http://localhost/api/files/{'a' * 880}"}
    found = got(id="A" * 128, hasMedia=True, media=media).media
    assert found and len(found.ref) <= 1000 and "mensaje:" not in found.ref


def test_a_file_that_waha_cannot_download_is_not_asked_for_again() -> None:
    found, _ = fetch(http(200, {"hasMedia": True, "media": None}), ref=f"mensaje:{ADDRESS}@c.us/AA")
    assert isinstance(found, Failure) and not found.again and "no descargó" in found.detail


# Sending


@pytest.mark.parametrize(
    ("kind", "mime", "path", "own"),
    [
        ("image", "image/jpeg", "/api/sendImage", {"caption": "Mira"}),
        ("video", "video/mp4", "/api/sendVideo", {"caption": "Mira"}),
        ("document", "application/pdf", "/api/sendFile", {"caption": "Mira"}),
        ("audio", "audio/ogg", "/api/sendVoice", {"convert": False}),
        ("audio", "audio/mpeg", "/api/sendVoice", {"convert": True}),
    ],
)
def test_each_kind_of_file_has_its_path(kind: str, mime: str, path: str, own: dict[str, Any]) -> None:
    file = File(kind, mime, "a.bin", 3, lambda: b"abc")
    with RawServer(says(http(201, {"id": f"true_{ADDRESS}@c.us_BB"}))) as server:
        result = waha(server.url).send(ADDRESS, Outgoing("Mira", file=file), never)
    assert result == Accepted("BB", ADDRESS)
    assert server.received[0].startswith(f"POST {path} ".encode())
    data = base64.b64encode(b"abc").decode()
    assert server.request == {
        "session": "default",
        "chatId": f"{ADDRESS}@c.us",
        "file": {"mimetype": mime, "filename": "a.bin", "data": data},
        **own,
    }
