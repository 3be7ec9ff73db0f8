"""Files both ways, reading marks and the list of templates: what the Cloud API does besides texts."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from chat.media import LEASE
from tests.whatsapp.gateways.contract import ADDRESS, never
from tests.whatsapp.gateways.server import Answer, RawServer, hangs, http, refused_url, resets, says
from tests.whatsapp.gateways.test_cloud_api import PHONE_ID, WABA_ID, WAMID, accepted, cloud_api, error, payload
from whatsapp.gateways.base import Fetched, File, Outgoing, TemplateInfo
from whatsapp.gateways.cloud_graph import Graph
from whatsapp.gateways.events import Media
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Failure,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
    Unreachable,
)
from whatsapp.wire import Response

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8
UPLOADED = http(200, {"id": "4490709327384033"})


def in_turn(*answers: Answer | bytes) -> Answer:
    """Give each request the next of `answers`."""
    left = [says(answer) if isinstance(answer, bytes) else answer for answer in answers]

    def answer(server: RawServer, client: socket.socket) -> None:
        left.pop(0)(server, client)

    return answer


def file(kind: str = "image", mime: str = "image/jpeg", name: str = "foto.jpg") -> File:
    return File(kind, mime, name, len(JPEG), lambda: JPEG)


def send(*answers: Answer | bytes, message: Outgoing | None = None, timeout_s: float = 5) -> tuple[Result, RawServer]:
    with RawServer(in_turn(*answers)) as server:
        gateway = cloud_api(server.url, timeout_s=timeout_s)
        result = gateway.send(ADDRESS, message or Outgoing("Mira", file=file()), never)
    return result, server


# Sending a file


def test_a_file_is_uploaded_first_and_then_sent_by_its_id() -> None:
    result, server = send(UPLOADED, accepted())
    assert result == Accepted(WAMID, ADDRESS)
    upload, message = server.received
    assert upload.startswith(b"POST /v25.0/106540352242922/media HTTP/1.1\r\n")
    assert b"Authorization: Bearer EAAG0\r\n" in upload and b"Content-Type: multipart/form-data; boundary=" in upload
    assert b'name="messaging_product"\r\n\r\nwhatsapp\r\n' in upload and b'name="type"\r\n\r\nimage/jpeg\r\n' in upload
    assert b'name="file"; filename="foto.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' + JPEG + b"\r\n" in upload
    assert message.startswith(b"POST /v25.0/106540352242922/messages HTTP/1.1\r\n")
    assert message.endswith(b'"type": "image", "image": {"id": "4490709327384033", "caption": "Mira"}}')


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("video", "", b'"video": {"id": "4490709327384033"}}'),
        ("audio", "", b'"audio": {"id": "4490709327384033"}}'),
        ("sticker", "", b'"sticker": {"id": "4490709327384033"}}'),
        ("document", "La factura", b'{"id": "4490709327384033", "caption": "La factura", "filename": "f.pdf"}}'),
    ],
)
def test_each_kind_of_file_has_its_own_shape(kind: str, text: str, part: bytes) -> None:
    _, server = send(UPLOADED, accepted(), message=Outgoing(text, file=file(kind, "a/b", "f.pdf")))
    assert server.received[1].endswith(part)


@pytest.mark.parametrize(("kind", "text"), [("audio", "escucha"), ("sticker", "jaja"), ("location", ""), ("", "")])
def test_a_file_that_cannot_go_with_its_text_is_refused_unsent(kind: str, text: str) -> None:
    result, server = send(message=Outgoing(text, file=file(kind)))
    assert isinstance(result, Refused) and result.reason and server.connections == 0


@pytest.mark.parametrize("mime", ["", "image", "image/jpeg\r\nX: y", "imagen/ñ", "a/b; c"])
def test_a_type_that_is_none_is_sent_as_bytes(mime: str) -> None:
    _, server = send(UPLOADED, accepted(), message=Outgoing("", file=file(mime=mime)))
    assert (
        b'name="type"\r\n\r\napplication/octet-stream\r\n' in server.received[0] and b"X: y" not in server.received[0]
    )


def test_before_first_byte_is_called_for_the_message_and_not_for_the_upload() -> None:
    seen: list[int] = []
    with RawServer(in_turn(UPLOADED, accepted())) as server:
        gateway = cloud_api(server.url)
        gateway.send(ADDRESS, Outgoing("", file=file()), lambda: seen.append(len(server.received)))
    assert seen == [1]


def test_a_lease_that_ended_during_the_upload_stops_the_message() -> None:
    def lost() -> None:
        raise LookupError

    with RawServer(in_turn(UPLOADED, hangs)) as server:
        with pytest.raises(LookupError):
            cloud_api(server.url).send(ADDRESS, Outgoing("", file=file()), lost)
        server.close()
        assert server.received[1] == b""


@pytest.mark.parametrize(
    "answer", [resets, hangs, http(500), http(503, b"<html>"), http(200, b"{"), http(200, {}), UPLOADED[:-1], http(302)]
)
def test_an_upload_that_fails_sent_no_message(answer: Any) -> None:
    result, server = send(answer, timeout_s=0.5)
    assert isinstance(result, Unreachable) and server.connections == 1


def test_an_upload_to_nobody_is_unreachable() -> None:
    assert isinstance(cloud_api(refused_url()).send(ADDRESS, Outgoing("", file=file()), never), Unreachable)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(100, "(#100) Param file must be a file with one of the following types: audio/aac…"), Refused),
        (error(131053), Refused),
        (error(4711), Refused),
        (http(413, b"<html>"), Refused),
        (error(190, status=401), Misconfigured),
        (error(131031, status=403), Disconnected),
        (error(80007), RateLimited),
        (error(131000, status=500), Unreachable),
    ],
)
def test_an_upload_that_meta_refuses_is_judged_by_its_code(answer: bytes, kind: type[Result]) -> None:
    result, server = send(answer)
    assert isinstance(result, kind) and server.connections == 1


def test_after_the_upload_a_message_without_an_answer_is_ambiguous() -> None:
    assert isinstance(send(UPLOADED, resets)[0], Ambiguous)


# Fetching one


def metadata(url: str, **more: Any) -> bytes:
    return http(200, {"url": url, "mime_type": "image/jpeg", "sha256": "a", "file_size": "2052", "id": "77", **more})


def fetch(*answers: Answer | bytes, ref: str = "77", max_bytes: int = 4096, **media: Any) -> tuple[Any, RawServer]:
    """Fetch; «{url}» in an answer is the server's own address."""
    with RawServer(hangs) as server:
        ready = [one.replace(b"{url}", server.url.encode()) if isinstance(one, bytes) else one for one in answers]
        server._answer = in_turn(*ready)
        found = cloud_api(server.url).fetch(Media(ref, **media), max_bytes)
    return found, server


def from_here(path: str = "/x?mid=77", **more: Any) -> bytes:
    """Metadata whose address is on the server itself; its length is right whatever the port."""
    return metadata("{url}" + path, **more).replace(b"Content-Length", b"X-Length")


def test_a_file_is_asked_for_by_its_id_and_then_at_its_address_with_the_token() -> None:
    found, server = fetch(from_here(), http(200, JPEG), name="foto.jpg")
    assert found == Fetched(JPEG, "image/jpeg", "foto.jpg")
    first, second = server.received
    assert first.startswith(b"GET /v25.0/77?phone_number_id=106540352242922 HTTP/1.1\r\n")
    assert second.startswith(b"GET /x?mid=77 HTTP/1.1\r\n")
    assert all(b"Authorization: Bearer EAAG0\r\n" in each for each in (first, second))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/",
        "https://example.org/x",
        "https://evilfbsbx.com/x",
        "https://lookaside.fbsbx.com.example.org/x",
        "https://example.org/.fbsbx.com",
        "https://example.org#.fbsbx.com",
        "https://lookaside.fbsbx.com@example.org/x",
        "https://u@lookaside.fbsbx.com/x",
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:8443/x",
        "https://[::1",
        "https://lookaside.fbsbx.com:x/",
        "//lookaside.fbsbx.com/x",
    ],
)
def test_the_token_is_never_shown_to_a_server_that_is_not_metas(url: str) -> None:
    found, server = fetch(metadata(url))
    assert isinstance(found, Failure) and not found.again and server.connections == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=77",
        "https://scontent.whatsapp.net/v/t61",
        "https://mmg.fbcdn.net:443/x",
        "https://graph.facebook.com/x",
    ],
)
def test_metas_own_servers_are_metas(url: str) -> None:
    assert Graph("https://graph.example.org", "v25.0", "EAAG0", PHONE_ID, 5)._is_metas(url)


def test_a_redirect_is_followed_where_it_stays_with_meta_and_only_so_often() -> None:
    there = b"HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: /y\r\n\r\n"
    found, server = fetch(from_here(), there, http(200, JPEG))
    assert isinstance(found, Fetched) and server.received[2].startswith(b"GET /y ")
    away = b"HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: https://example.org/\r\n\r\n"
    found, server = fetch(from_here(), away)
    assert isinstance(found, Failure) and server.connections == 2
    found, server = fetch(from_here(), *[there] * 4)
    assert isinstance(found, Failure) and server.connections == 5


def test_a_file_that_is_too_large_is_not_kept_nor_asked_for_again() -> None:
    found, _ = fetch(from_here(), http(200, JPEG), max_bytes=len(JPEG) - 1)
    assert isinstance(found, Failure) and not found.again


@pytest.mark.parametrize(
    ("answers", "again"),
    [
        ([error(100, "(#100) Unsupported get request. Object with ID '77' does not exist")], False),
        ([error(131052)], True),
        ([error(131000, status=500)], True),
        ([error(190, status=401)], True),
        ([http(404, b"<html>")], True),
        ([http(200, b"[]")], False),
        ([from_here(), http(404)], True),
        ([from_here(), resets], True),
        ([resets], True),
    ],
)
def test_a_file_that_does_not_come_says_whether_to_ask_again(answers: list[Any], again: bool) -> None:
    found, _ = fetch(*answers)
    assert isinstance(found, Failure) and found.again is again and found.detail


def test_a_hostile_id_reaches_no_other_path() -> None:
    _, server = fetch(http(404), ref="../me?x=1 HTTP/1.1\r\nX: y")
    assert server.received[0].startswith(b"GET /v25.0/..%2Fme%3Fx%3D1%20HTTP%2F1.1%0D%0AX%3A%20y?phone_number_id=")


# Typing and reading


def test_typing_needs_the_persons_last_message_and_has_no_end() -> None:
    with RawServer(says(http(200, {"success": True}))) as server:
        gateway = cloud_api(server.url)
        gateway.typing(ADDRESS, on=True, message_id=None)
        gateway.typing(ADDRESS, on=False, message_id=WAMID)
        gateway.typing(ADDRESS, on=True, message_id=WAMID)
    assert server.request == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": WAMID,
        "typing_indicator": {"type": "text"},
    }


def test_the_newest_message_is_marked_as_read() -> None:
    with RawServer(says(http(200, {"success": True}))) as server:
        cloud_api(server.url).mark_read(ADDRESS, [])
        cloud_api(server.url).mark_read(ADDRESS, ["wamid.A", "wamid.B"])
    assert server.request == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.B"}


@pytest.mark.parametrize("answer", [resets, says(http(500)), says(error(131009))])
def test_a_mark_that_fails_disturbs_nobody(answer: Any) -> None:
    with RawServer(answer) as server:
        cloud_api(server.url).mark_read(ADDRESS, ["wamid.A"])
        cloud_api(server.url).typing(ADDRESS, on=True, message_id="wamid.A")


# Templates


def templates(*answers: bytes, **changes: Any) -> tuple[Any, RawServer]:
    with RawServer(in_turn(*answers)) as server:
        found = cloud_api(server.url, **changes).templates()
    return found, server


def test_all_templates_are_listed_with_what_they_say() -> None:
    found, server = templates(http(200, payload("templates")))
    assert server.received[0].startswith(f"GET /v25.0/{WABA_ID}/message_templates?fields=name,language,".encode())
    assert found[0] == TemplateInfo(
        "seguimiento",
        "es_MX",
        "APPROVED",
        "UTILITY",
        "Ticket {{1}}",
        "Hola {{1}}, ¿sigue el problema con tu {{2}}?",
        "Mesa de ayuda",
    )
    assert [one.name for one in found if one.usable] == ["seguimiento", "hello_world"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("con_foto", "encabezado"),
        ("con_enlace", "botón con variables"),
        ("codigo", "botón con variables"),
        ("con_nombres", "variables con nombre"),
        ("carrusel", "parte especial (CAROUSEL)"),
        ("catalogo", "botón especial (MPM)"),
    ],
)
def test_a_template_that_we_cannot_fill_says_why(name: str, words: str) -> None:
    found, _ = templates(http(200, payload("templates")))
    (one,) = (each for each in found if each.name == name)
    assert not one.usable and words in one.problem


def page(name: str, after: str = "") -> bytes:
    paging: dict[str, Any] = {"cursors": {"before": "A", "after": after or "Z"}}
    if after:
        paging["next"] = "https://example.org/never-asked"
    return http(200, {"data": [{"name": name, "language": "es_MX", "status": "APPROVED"}], "paging": paging})


def test_page_after_page_is_asked_for_at_our_own_address() -> None:
    found, server = templates(page("a", "MQ=="), page("b", "Mg=="), page("c"))
    assert [one.name for one in found] == ["a", "b", "c"]
    assert b"&after=MQ%3D%3D " in server.received[1] and b"&after=Mg%3D%3D " in server.received[2]


def test_a_list_without_an_end_ends() -> None:
    found, server = templates(*[page("a", "MQ==")] * 60)
    assert len(found) == server.connections == 50


@pytest.mark.parametrize("data", [None, {}, "x"])
def test_what_is_no_list_is_a_failure(data: Any) -> None:
    assert isinstance(templates(http(200, {"data": data}))[0], Failure)


@pytest.mark.parametrize("one", [None, 5, {}, {"name": "a"}, {"name": 5, "language": "es"}])
def test_what_is_no_template_is_left_out(one: Any) -> None:
    assert templates(http(200, {"data": [one]}))[0] == []


@pytest.mark.parametrize("components", [None, [None], [{}], "x", [{"type": "BUTTONS", "buttons": [None]}]])
def test_odd_components_raise_nothing(components: Any) -> None:
    listed = {"name": "a", "language": "es", "status": "APPROVED", "components": components}
    assert len(templates(http(200, {"data": [listed]}))[0]) == 1


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (error(190, status=401), "CLOUD_API_TOKEN"),
        (error(100, f"Unsupported get request. Object with ID '{WABA_ID}' does not exist"), "CLOUD_API_WABA_ID"),
        (error(200, "(#200) You do not have permission", status=403), "CLOUD_API_TOKEN"),
    ],
)
def test_a_list_that_a_setting_prevents_names_it(answer: bytes, key: str) -> None:
    found, _ = templates(answer)
    assert isinstance(found, Misconfigured) and found.key == key


def test_without_the_accounts_id_nothing_is_asked() -> None:
    found, server = templates(waba_id="")
    assert isinstance(found, Misconfigured) and found.key == "CLOUD_API_WABA_ID" and server.connections == 0


@pytest.mark.parametrize("answer", [http(500), error(131000), http(200, b"{")])
def test_a_list_that_does_not_come_is_a_failure(answer: bytes) -> None:
    assert isinstance(templates(answer)[0], Failure)


@pytest.mark.parametrize("timeout_s", [15, 90])
def test_a_download_ends_before_its_lease_however_often_meta_redirects(
    monkeypatch: pytest.MonkeyPatch, timeout_s: int
) -> None:
    now, start = [0.0], time.monotonic()
    told = Response(200, {}, b'{"url": "https://lookaside.fbsbx.com/a"}')

    def slow(*_: Any, deadline_s: float, **__: Any) -> Response:
        now[0] += deadline_s * 0.9
        return told if now[0] < timeout_s else Response(302, {"Location": "https://lookaside.fbsbx.com/b"}, b"")

    monkeypatch.setattr("whatsapp.wire.call", slow)
    monkeypatch.setattr("whatsapp.gateways.cloud_graph.time.monotonic", lambda: start + now[0])
    assert isinstance(cloud_api("https://graph.facebook.com", timeout_s=timeout_s).fetch(Media("4490"), 10), Failure)
    assert now[0] < LEASE.total_seconds() + timeout_s
    assert now[0] < timeout_s + min(4 * timeout_s, 120)
