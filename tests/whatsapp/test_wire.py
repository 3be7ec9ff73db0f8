"""Every case against a real socket: what the libraries say they do is not evidence."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.gateways.server import RawServer, drips, hangs, http, refused_url, resets, says
from whatsapp import attempt
from whatsapp.gateways.results import Ambiguous, Unreachable
from whatsapp.wire import MAX_BODY, Response, TooLong, call, multipart

FOREVER = 1e12  # seconds


def ask(url: str, deadline_s: float = 5, **more: Any) -> Response | Unreachable | Ambiguous:
    return call("POST", url, json={"texto": "¡hola!"}, deadline_s=deadline_s, **more)


def test_a_whole_answer_is_returned() -> None:
    with RawServer(says(http(201, {"id": "A1"}, "X-Thing: yes"))) as server:
        answer = ask(server.url + "/send", headers={"X-Api-Key": "llave"})
    assert isinstance(answer, Response)
    assert (answer.status, answer.ok, answer.json(), answer.headers["x-thing"]) == (201, True, {"id": "A1"}, "yes")
    assert server.received[0].startswith(b"POST /send HTTP/1.1\r\n")
    assert b"X-Api-Key: llave\r\n" in server.received[0]
    assert server.request == {"texto": "¡hola!"}


def test_a_chunked_answer_is_returned() -> None:
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n'
    with RawServer(says(chunked)) as server:
        answer = ask(server.url)
    assert isinstance(answer, Response) and answer.json() == {"a": 1}


def test_bytes_are_sent_as_they_are() -> None:
    with RawServer(says(http(200))) as server:
        call("POST", server.url, content=b"\0\xff", headers={"Content-Type": "image/png"}, deadline_s=5)
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert b"Content-Type: image/png" in head and body == b"\0\xff"


def test_a_form_with_a_file_is_sent_whole_even_when_it_is_large() -> None:
    picture = b"\xff" * (3 * 1024 * 1024)
    content, kind = multipart({"type": "image/png", "file": ('a"b\r\nX: y.png', picture, "image/png")})
    with RawServer(says(http(200))) as server:
        call("POST", server.url, content=content, headers={"Content-Type": kind}, deadline_s=10)
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert kind.encode() in head and body == content
    assert picture in body and b'name="type"\r\n\r\nimage/png' in body
    assert b"\nX: y" not in body


def test_every_call_has_its_own_connection() -> None:
    with RawServer(says(http(200))) as server:
        ask(server.url)
        ask(server.url)
    assert server.connections == 2


# Before the first byte: nothing left us


def test_a_refused_port_is_unreachable() -> None:
    assert isinstance(ask(refused_url()), Unreachable)


def test_an_unknown_host_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert isinstance(ask("http://no-such-host"), Unreachable)


def test_a_url_that_is_none_is_unreachable() -> None:
    assert isinstance(ask("waha:3000"), Unreachable)


def test_a_resolver_that_does_not_answer_is_unreachable_within_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(hangs) as server:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: server.stopping.wait(30))
        started = time.monotonic()
        assert isinstance(ask("http://waha", deadline_s=0.2), Unreachable)
        assert time.monotonic() - started < 3


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A listener whose queue is full: the kernel drops what knocks."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        knocking = []
        for _ in range(50):
            client = socket.socket()
            client.settimeout(0.2)
            knocking.append(client)
            try:
                client.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            pytest.skip("this kernel answers for a listener whose queue is full")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for client in knocking:
            client.close()


def test_a_connection_that_never_stands_is_unreachable_within_the_deadline(black_hole: str) -> None:
    started = time.monotonic()
    assert isinstance(ask(black_hole, deadline_s=0.3), Unreachable)
    assert time.monotonic() - started < 3


def test_a_failed_tls_handshake_is_unreachable() -> None:
    with RawServer(says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), listen_first=False) as server:
        assert isinstance(ask(server.url.replace("http:", "https:")), Unreachable)


def test_a_tls_handshake_that_hangs_is_unreachable_within_the_deadline() -> None:
    with RawServer(drips(b"", b""), listen_first=False) as server:
        started = time.monotonic()
        assert isinstance(ask(server.url.replace("http:", "https:"), deadline_s=0.3), Unreachable)
        assert time.monotonic() - started < 3


def test_what_before_first_byte_raises_is_raised_and_nothing_is_written() -> None:
    class LostLeaseError(Exception):
        pass

    def lost() -> None:
        raise LostLeaseError

    with RawServer(hangs) as server:
        with pytest.raises(LostLeaseError):
            ask(server.url, before_first_byte=lost)
        server.close()
        assert server.received == [b""]


@pytest.mark.parametrize("error", [BrokenPipeError, ConnectionResetError, TimeoutError, ssl.SSLError])
def test_an_exception_that_urllib3_swallows_is_raised_too(error: type[Exception]) -> None:
    def lost() -> None:
        raise error

    with RawServer(hangs) as server, pytest.raises(error):
        ask(server.url, before_first_byte=lost)


def test_before_first_byte_is_called_once_when_the_connection_stands() -> None:
    calls = []
    with RawServer(says(http(200))) as server:
        ask(server.url, before_first_byte=lambda: calls.append(list(server.received)))
    assert calls == [[]]


def test_before_first_byte_is_not_called_when_nobody_listens() -> None:
    calls: list[None] = []
    ask(refused_url(), before_first_byte=lambda: calls.append(None))
    assert calls == []


def test_a_process_paused_past_its_deadline_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(hangs) as server:

        def pause() -> None:
            monkeypatch.setattr(attempt, "_now", lambda: FOREVER)

        assert isinstance(ask(server.url, before_first_byte=pause), Unreachable)
        server.close()
        assert server.received == [b""]


# After it: nobody can say


def test_a_reset_before_the_answer_is_ambiguous() -> None:
    with RawServer(resets) as server:
        assert isinstance(ask(server.url), Ambiguous)


def test_a_closed_connection_without_an_answer_is_ambiguous() -> None:
    with RawServer(says(b"")) as server:
        assert isinstance(ask(server.url), Ambiguous)


def test_what_is_not_http_is_ambiguous() -> None:
    with RawServer(says(b"SSH-2.0-OpenSSH\r\n")) as server:
        assert isinstance(ask(server.url), Ambiguous)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(hangs, id="silence"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\n", b"X"), id="dripping-header"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"), id="dripping-body"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), id="dripping-body-without-length"),
        pytest.param(
            drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), id="dripping-chunks"
        ),
    ],
)
def test_no_answer_outlasts_the_deadline(answer: Any) -> None:
    with RawServer(answer) as server:
        started = time.monotonic()
        assert isinstance(ask(server.url, deadline_s=0.5), Ambiguous)
        assert 0.25 < time.monotonic() - started < 3


def test_a_request_that_nobody_reads_does_not_outlast_the_deadline() -> None:
    with RawServer(drips(b"", b""), listen_first=False) as server:
        started = time.monotonic()
        assert isinstance(call("POST", server.url, json="x" * 50_000_000, deadline_s=0.5), Ambiguous)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(http(201, {"id": "A1"}, length=1000), id="content-length"),
        pytest.param(b'HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"id"', id="within-a-chunk"),
        pytest.param(b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", id="between-chunks"),
    ],
)
def test_a_cut_answer_is_ambiguous(data: bytes) -> None:
    with RawServer(says(data)) as server:
        assert isinstance(ask(server.url), Ambiguous)


def test_an_answer_cut_within_its_headers_has_no_body() -> None:
    with RawServer(says(b"HTTP/1.1 201 Created\r\nContent-Le")) as server:
        answer = ask(server.url)
    assert isinstance(answer, Ambiguous) or answer == Response(201, answer.headers, b"")  # type: ignore[union-attr]


def test_a_body_over_the_limit_is_ambiguous() -> None:
    with RawServer(says(http(200, b" " * (MAX_BODY + 1)))) as server:
        assert isinstance(ask(server.url), Ambiguous)


def test_a_caller_who_asks_for_a_file_says_how_long_it_may_be() -> None:
    with RawServer(says(http(200, b"x" * (MAX_BODY + 1)))) as server:
        answer = ask(server.url, max_body=MAX_BODY + 1)
    assert isinstance(answer, Response) and len(answer.body) == MAX_BODY + 1
    with RawServer(says(http(200, b"x" * 11))) as server:
        assert isinstance(ask(server.url, max_body=10), TooLong)


def test_a_body_at_the_limit_is_an_answer() -> None:
    with RawServer(says(http(200, b" " * MAX_BODY))) as server:
        assert isinstance(ask(server.url), Response)


# Nothing is done behind our back


def test_a_redirect_is_not_followed() -> None:
    with RawServer(hangs) as elsewhere, RawServer(says(http(307, b"", f"Location: {elsewhere.url}"))) as server:
        answer = ask(server.url)
    assert isinstance(answer, Response) and answer.status == 307
    assert elsewhere.connections == 0


def test_a_503_is_not_tried_again() -> None:
    with RawServer(says(http(503, b"", "Retry-After: 0"))) as server:
        ask(server.url)
    assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_reset_is_not_tried_again(method: str) -> None:
    with RawServer(resets) as server:
        assert isinstance(call(method, server.url, deadline_s=5), Ambiguous)
    assert server.connections == 1


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(hangs) as proxy, RawServer(says(http(200))) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(ask(server.url), Response)
    assert proxy.connections == 0


# The answer itself


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b"1" * 10_000])
def test_a_body_that_cannot_be_read_is_no_json(body: bytes) -> None:
    assert Response(200, {}, body).json() is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("1.5", 1.5), ("0", 0.0), ("-1", None), ("nan", None), ("inf", None), ("soon", None), ("", None)],
)
def test_retry_after_is_seconds_or_nothing(header: str, seconds: float | None) -> None:
    assert Response(429, {"Retry-After": header}, b"").retry_after == seconds


# With TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    key, both = folder / "key.pem", folder / "both.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key)]
    subject = ["-out", str(both), "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make, *subject], check=True, capture_output=True)
    both.write_bytes(both.read_bytes() + key.read_bytes())
    return both


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))


def test_an_answer_comes_over_tls(tls: ssl.SSLContext, trusted: None) -> None:
    with RawServer(says(http(200, {"a": 1})), tls=tls) as server:
        answer = ask(server.url)
    assert isinstance(answer, Response) and json.loads(answer.body) == {"a": 1}


def test_a_certificate_that_nobody_vouches_for_is_unreachable(tls: ssl.SSLContext) -> None:
    with RawServer(hangs, tls=tls) as server:
        assert isinstance(ask(server.url), Unreachable)


def test_before_first_byte_comes_after_the_handshake(tls: ssl.SSLContext, trusted: None) -> None:
    def lost() -> None:
        raise LookupError

    with RawServer(hangs, tls=tls) as server:
        with pytest.raises(LookupError):
            ask(server.url, before_first_byte=lost)
        server.close()
        assert server.received == [b""]


def test_a_body_dripping_over_tls_does_not_outlast_the_deadline(tls: ssl.SSLContext, trusted: None) -> None:
    with RawServer(drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), tls=tls) as server:
        started = time.monotonic()
        assert isinstance(ask(server.url, deadline_s=0.5), Ambiguous)
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("module", ["whatsapp.wire", "whatsapp.gateways.results", "whatsapp.gateways"])
def test_it_can_be_imported_before_anything_else(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
