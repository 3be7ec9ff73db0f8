"""The simulator on a real socket: what it answers, what it tells the desk, and each way in which it misbehaves."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError

from whatsapp.simulator import Options, Server, control
from whatsapp.simulator.faults import FAULTS, NOTICE_RATES
from whatsapp.simulator.webhooks import signature

JUAN = "5214772758198@c.us"
KEY = "clave-del-simulador"
HMAC_KEY = "my-secret-key"
DEADLINE_S = 10


def until(condition: Callable[[], Any]) -> Any:
    """Out: the first true answer of the condition, which must come before the deadline."""
    end = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        pause.wait(0.01)
    return value


class Desk:
    """A desk that only takes webhooks; `statuses` are its next answers, 200 when there are none left."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                status = desk.statuses.pop(0) if desk.statuses else 200
                desk.received.append(({name.lower(): value for name, value in self.headers.items()}, raw))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/webhooks/waha"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def events(self, name: str = "") -> list[dict[str, Any]]:
        bodies = [json.loads(raw) for _, raw in list(self.received)]
        return [body for body in bodies if name in ("", body["event"])]

    def acks(self, message_id: str) -> list[int]:
        return [body["payload"]["ack"] for body in self.events("message.ack") if body["payload"]["id"] == message_id]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Phones:
    """A running simulator and how a test speaks to it."""

    def __init__(self, folder: Path, webhook_url: str, **options: Any) -> None:
        quick = {"refusal_delay": 0.05, "delivered_after": 0, "read_after": 0, "slow_answer": 0.3, "retry_delay": 0.02}
        self.server = Server(
            Options(0, folder, webhook_url, api_key=KEY, hmac_key=HMAC_KEY, **{**quick, **options})
        ).start()
        self.url = self.server.url

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(self.url + path, headers={"X-Api-Key": KEY, **more.pop("headers", {})}, timeout=5, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        headers = {"X-Api-Key": KEY, **more.pop("headers", {})}
        return requests.post(self.url + path, json=body, headers=headers, timeout=5, **more)

    def send(self, text: str = "Hola", chat: str = JUAN, **more: Any) -> requests.Response:
        return self.post("/api/sendText", {"session": "default", "chatId": chat, "text": text, **more})

    def set(self, **state: Any) -> None:
        assert self.post("/simulador/estado", state).status_code == 200

    def accepted(self) -> list[str]:
        return [line["texto"] for line in self.get("/simulador/aceptados").json()["aceptados"]]

    def hanging(self) -> int:
        return int(self.get("/simulador/telefonos").json()["colgados"])

    def screen(self, chat: str = JUAN) -> dict[str, Any]:
        found = self.get("/simulador/telefonos").json()["telefonos"]
        return next((phone for phone in found if phone["chatId"] == chat), {})


def hang(phones: Phones) -> socket.socket:
    """Out: a client that sent a message and is kept waiting."""
    client = socket.create_connection(phones.server.server_address[:2], timeout=DEADLINE_S)
    head = f"POST /api/sendText HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {KEY}\r\nContent-Length: 2\r\n\r\n"
    client.sendall(head.encode() + b"{}")
    until(lambda: phones.hanging() == 1)
    return client


@pytest.fixture
def inbox() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture
def phones(tmp_path: Path, inbox: Desk) -> Iterator[Phones]:
    phones = Phones(tmp_path, inbox.url)
    yield phones
    phones.server.stop()


# Sending


def test_an_accepted_message_answers_201_with_its_wamessage(phones: Phones) -> None:
    answer = phones.send("Buenas tardes 😀")
    body = answer.json()
    assert answer.status_code == 201
    assert body["id"].startswith(f"true_{JUAN}_3EB0")
    assert (body["fromMe"], body["body"], body["from"], body["source"]) == (True, "Buenas tardes 😀", JUAN, "api")


def test_accepted_messages_are_listed_in_order(phones: Phones) -> None:
    first = phones.send("uno").json()
    phones.send("dos", chat="525512345678@c.us")
    listed = phones.get("/simulador/aceptados").json()["aceptados"]
    assert [line["texto"] for line in listed] == ["uno", "dos"]
    assert listed[0] | {"cuando": ""} == {
        "id": first["id"], "chatId": JUAN, "telefono": "+5214772758198", "texto": "uno", "cuando": "",
    }  # fmt: skip


def test_an_accepted_message_is_synced_to_disk_before_the_answer(
    phones: Phones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.readlink(f"/proc/self/fd/{number}")))
    phones.send("uno")
    file = tmp_path / "simulador" / "aceptados.jsonl"
    assert synced == [str(file)]
    assert [json.loads(line)["texto"] for line in file.read_text().splitlines()] == ["uno"]


def test_accepted_messages_and_phones_survive_a_restart(tmp_path: Path) -> None:
    before = Phones(tmp_path, "")
    before.send("de la mesa\u2028")
    before.post("/simulador/telefonos", {"telefono": "+52 55 1234 5678", "nombre": "Ana"})
    before.post("/simulador/mensaje", {"telefono": "525512345678", "texto": "de Ana"})
    until(lambda: before.screen()["mensajes"][0]["palomitas"] == 3)
    before.server.stop()
    after = Phones(tmp_path, "")
    assert after.accepted() == ["de la mesa\u2028"]
    assert after.screen()["mensajes"][0]["palomitas"] == 3
    assert after.screen("525512345678@c.us")["nombre"] == "Ana"
    assert after.screen("525512345678@c.us")["mensajes"][0]["texto"] == "de Ana"
    after.server.stop()


def test_a_half_written_last_line_is_forgotten_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    before = Phones(tmp_path, "")
    before.send("uno")
    before.server.stop()
    with (tmp_path / "simulador" / "aceptados.jsonl").open("a") as file:
        file.write('{"id": "true_52147')
    middle = Phones(tmp_path, "")
    middle.send("dos")
    middle.server.stop()
    after = Phones(tmp_path, "")
    assert after.accepted() == ["uno", "dos"]
    after.server.stop()


def test_a_lone_surrogate_neither_breaks_the_file_nor_the_page(phones: Phones) -> None:
    raw = b'{"session":"default","chatId":"%s","text":"a\\ud800b"}' % JUAN.encode()
    answer = requests.post(phones.url + "/api/sendText", data=raw, headers={"X-Api-Key": KEY}, timeout=5)
    assert answer.status_code == 201
    assert phones.get("/simulador/telefonos").status_code == 200


def test_a_number_with_and_without_the_mexican_one_is_the_same_phone(phones: Phones) -> None:
    phones.send("hola", chat="524772758198@c.us")
    assert [item["texto"] for item in phones.screen(JUAN)["mensajes"]] == ["hola"]


# Refusals


def test_a_wrong_key_is_refused(phones: Phones) -> None:
    assert phones.get("/api/sessions/default", headers={"X-Api-Key": "otra"}).status_code == 401
    assert phones.post("/api/sendText", {}, headers={"X-Api-Key": ""}).status_code == 401


def test_ping_needs_no_key(phones: Phones) -> None:
    assert requests.get(phones.url + "/ping", timeout=5).json() == {"message": "pong"}


def test_broken_json_is_refused_as_observed(phones: Phones) -> None:
    answer = requests.post(phones.url + "/api/sendText", data=b"{bad", headers={"X-Api-Key": KEY}, timeout=5)
    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": 400, "message": "Expected property name or '}' in JSON at position 1", "error": "Bad Request",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [{"chatId": None}, {"chatId": "hola"}, {"text": 5}, {"session": []}])
def test_a_wrong_field_is_refused_with_a_list_of_messages(phones: Phones, wrong: dict[str, Any]) -> None:
    answer = phones.post("/api/sendText", {"session": "default", "chatId": JUAN, "text": "a", **wrong})
    assert answer.status_code == 400
    assert len(answer.json()["message"]) == 1
    assert phones.accepted() == []


def test_a_disconnected_session_refuses_after_its_delay_exactly_as_observed(tmp_path: Path, inbox: Desk) -> None:
    phones = Phones(tmp_path, inbox.url, refusal_delay=0.3)
    phones.set(conexion="desconectado")
    began = time.monotonic()
    answer = phones.send()
    assert time.monotonic() - began >= 0.3
    assert answer.status_code == 422
    assert answer.json() == {
        "error": "Session status is not as expected. Try again later or restart the session",
        "session": "default", "status": "STARTING", "expected": ["WORKING"],
    }  # fmt: skip
    assert phones.accepted() == []
    phones.server.stop()


def test_a_connection_that_returns_within_the_delay_lets_the_message_through(tmp_path: Path) -> None:
    phones = Phones(tmp_path, "", refusal_delay=DEADLINE_S)
    phones.set(conexion="desconectado")
    answers: list[int] = []
    sending = threading.Thread(target=lambda: answers.append(phones.send().status_code))
    sending.start()
    phones.set(conexion="conectado")
    sending.join(DEADLINE_S)
    assert answers == [201]
    phones.server.stop()


def test_a_stopped_session_answers_404_until_it_is_started(phones: Phones) -> None:
    assert phones.post("/api/sessions/default/stop").json()["status"] == "STOPPED"
    answer = phones.send()
    assert answer.status_code == 404
    assert answer.json()["message"].startswith("We didn't find a session with name 'default'.\n")
    assert phones.get("/api/sessions").json() == []
    assert phones.get("/api/sessions?all=true").json()[0]["status"] == "STOPPED"
    assert phones.post("/api/sessions/default/start").json()["status"] == "WORKING"
    assert phones.send().status_code == 201


def test_starting_without_a_network_stays_starting(phones: Phones) -> None:
    phones.set(conexion="desconectado")
    assert phones.post("/api/sessions/default/restart").json()["status"] == "STARTING"


def test_an_unknown_session_is_not_found(phones: Phones) -> None:
    assert phones.get("/api/sessions/nope").json() == {
        "statusCode": 404, "message": "Session not found", "error": "Not Found",
    }  # fmt: skip


# Faults


def test_colgar_accepts_nothing_and_never_answers(phones: Phones, inbox: Desk) -> None:
    phones.set(falla="colgar")
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            phones.url + "/api/sendText",
            json={"session": "default", "chatId": JUAN, "text": "a"},
            headers={"X-Api-Key": KEY},
            timeout=0.3,
        )
    assert phones.accepted() == []


def test_colgar_lets_go_without_an_answer_when_the_fault_ends(phones: Phones) -> None:
    phones.set(falla="colgar")
    client = hang(phones)
    phones.set(falla="ninguna")
    assert client.recv(1) == b""
    client.close()
    assert phones.accepted() == []


def test_colgar_does_not_hold_up_the_shutdown(tmp_path: Path) -> None:
    phones = Phones(tmp_path, "")
    phones.set(falla="colgar")
    client = hang(phones)
    began = time.monotonic()
    phones.server.stop()
    assert time.monotonic() - began < 2
    assert client.recv(1) == b""
    client.close()


def test_colgar_ends_when_the_client_leaves(phones: Phones) -> None:
    phones.set(falla="colgar")
    hang(phones).close()
    until(lambda: phones.hanging() == 0)


def test_rechazar_is_a_validation_error_and_accepts_nothing(phones: Phones) -> None:
    phones.set(falla="rechazar")
    answer = phones.send()
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")
    assert answer.json()["message"][0].startswith("chatId must be")
    assert phones.accepted() == []


def test_error_antes_is_a_500_that_accepted_nothing(phones: Phones) -> None:
    phones.set(falla="error_antes")
    answer = phones.send()
    assert (answer.status_code, answer.json()["request"]["body"]["text"]) == (500, "Hola")
    assert phones.accepted() == []


def test_error_despues_is_a_500_that_accepted_the_message(phones: Phones) -> None:
    phones.set(falla="error_despues")
    answer = phones.send()
    assert (answer.status_code, answer.json()["statusCode"]) == (500, 500)
    assert phones.accepted() == ["Hola"]


def test_sin_id_is_an_empty_201(phones: Phones) -> None:
    phones.set(falla="sin_id")
    answer = phones.send()
    assert (answer.status_code, answer.content) == (201, b"")
    assert phones.accepted() == ["Hola"]


def test_corta_promises_more_body_than_it_sends(phones: Phones) -> None:
    phones.set(falla="corta")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        phones.send()
    assert phones.accepted() == ["Hola"]


def test_lento_accepts_at_once_and_answers_late(phones: Phones) -> None:
    phones.set(falla="lento")
    began = time.monotonic()
    assert phones.send().status_code == 201
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.accepts])
def test_a_fault_that_accepts_still_echoes_and_ticks(phones: Phones, inbox: Desk, fault: str) -> None:
    phones.set(falla=fault)

    def send() -> None:
        with contextlib.suppress(requests.RequestException):
            phones.send()

    threading.Thread(target=send, daemon=True).start()
    echo = until(lambda: inbox.events("message.any"))[0]["payload"]
    assert (echo["fromMe"], echo["source"], echo["body"]) == (True, "api", "Hola")
    assert until(lambda: len(inbox.acks(echo["id"])) == 3 and inbox.acks(echo["id"])) == [1, 2, 3]


@pytest.mark.parametrize("fault", ["reinicio_antes", "reinicio_despues"])
def test_reinicio_cuts_the_connection_without_an_answer(phones: Phones, fault: str) -> None:
    phones.set(falla=fault)
    with pytest.raises(requests.ConnectionError):
        phones.send()
    assert phones.accepted() == (["Hola"] if fault == "reinicio_despues" else [])


def test_goteo_never_finishes_though_no_read_is_slow(phones: Phones) -> None:
    phones.set(falla="goteo")
    headers = {"X-Api-Key": KEY}
    message = {"session": "default", "chatId": JUAN, "text": "Hola"}
    with requests.post(phones.url + "/api/sendText", json=message, headers=headers, timeout=1, stream=True) as answer:
        assert int(answer.headers["Content-Length"]) > 100
        pieces = answer.iter_content(1)
        assert [next(pieces), next(pieces)] == [b"{", b'"']


def test_media_cabecera_ends_inside_the_head(phones: Phones) -> None:
    phones.set(falla="media_cabecera")
    address = phones.server.server_address[:2]
    head = f"POST /api/sendText HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {KEY}\r\n"
    body = json.dumps({"session": "default", "chatId": JUAN, "text": "Hola"})
    with socket.create_connection(address, timeout=DEADLINE_S) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        raw = b"".join(iter(lambda: client.recv(4096), b""))
    assert raw == b"HTTP/1.1 201 Created\r\nContent-Ty"
    assert phones.accepted() == ["Hola"]


def test_basura_is_a_201_that_is_not_json(phones: Phones) -> None:
    phones.set(falla="basura")
    answer = phones.send()
    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_limite_is_a_429_that_says_when(phones: Phones) -> None:
    phones.set(falla="limite")
    answer = phones.send()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert phones.accepted() == []


def test_a_fault_touches_only_sends(phones: Phones) -> None:
    phones.set(falla="colgar")
    assert phones.get("/api/sessions/default").json()["status"] == "WORKING"


# Faults as rates


def answers_of(phones: Phones, count: int) -> list[int]:
    return [phones.send(str(number)).status_code for number in range(count)]


def test_rates_draw_the_same_faults_from_the_same_seed(phones: Phones) -> None:
    rates = {"tasas": {"rechazar": 0.3, "error_antes": 0.3}, "semilla": 7}
    phones.set(**rates)
    first = answers_of(phones, 30)
    phones.set(**rates)
    assert answers_of(phones, 30) == first
    assert {201, 400, 500} == set(first)


def test_a_switched_fault_is_stronger_than_rates_and_rates_end_with_an_empty_object(phones: Phones) -> None:
    phones.set(tasas={"rechazar": 1}, falla="error_antes")
    assert phones.send().status_code == 500
    phones.set(falla="ninguna")
    assert phones.send().status_code == 400
    phones.set(tasas={})
    assert phones.send().status_code == 201


def test_each_fault_of_the_notices_comes_beside_the_true_one(tmp_path: Path, inbox: Desk) -> None:
    rates = {name: 1 for name in NOTICE_RATES if name != "tarde"}
    state = json.dumps({"tasas_avisos": rates, "semilla": 3})
    phones = Phones(tmp_path, inbox.url, tellers=3, keep_calls=True)
    control.apply(phones.server.simulator, json.loads(state))
    phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": "uno"})
    until(lambda: phones.get("/simulador/telefonos").json()["avisos"]["pendientes"] == 0)
    phones.server.stop()
    good = [raw for headers, raw in inbox.received if headers["x-webhook-hmac"] == signature(raw, HMAC_KEY)]
    written = [raw for raw in good if b'"uno"' in raw and len(raw) < 10_000]
    assert 2 <= len(written) <= 11
    assert len(set(written)) == 1


def test_calls_are_noted_with_their_fault_when_asked(tmp_path: Path) -> None:
    phones = Phones(tmp_path, "", keep_calls=True)
    phones.set(tasas={"limite": 1})
    phones.send("uno")
    phones.get("/api/sessions/default")
    phones.server.stop()
    lines = [json.loads(line) for line in (tmp_path / "simulador" / "llamadas.jsonl").read_text().splitlines()]
    assert [(line["que"], line.get("texto"), line.get("falla")) for line in lines] == [
        ("envio", "uno", "limite"),
        ("estado", None, None),
    ]


# What the desk is told


def test_every_send_is_echoed_and_then_ticked_in_order(phones: Phones, inbox: Desk) -> None:
    message_id = phones.send().json()["id"]
    until(lambda: len(inbox.acks(message_id)) == 3)
    told = [(event["event"], event["payload"].get("ack")) for event in inbox.events()]
    assert [pair for pair in told if pair[0] != "session.status"] == [
        ("message.any", 0),
        ("message.ack", 1),
        ("message.ack", 2),
        ("message.ack", 3),
    ]


def test_a_phone_that_does_not_read_alone_ticks_read_when_it_is_opened(phones: Phones, inbox: Desk) -> None:
    phones.set(leer_solo=False)
    message_id = phones.send().json()["id"]
    until(lambda: phones.screen()["mensajes"][0]["palomitas"] == 2)
    assert phones.post("/simulador/leido", {"telefono": JUAN}).status_code == 204
    assert until(lambda: len(inbox.acks(message_id)) == 3 and inbox.acks(message_id)) == [1, 2, 3]


def test_a_tick_is_told_once_even_if_the_phone_was_opened_before_it_reads_alone(tmp_path: Path, inbox: Desk) -> None:
    phones = Phones(tmp_path, inbox.url, read_after=0.2)
    first = phones.send("uno").json()["id"]
    until(lambda: phones.screen()["mensajes"][0]["palomitas"] == 2)
    phones.post("/simulador/leido", {"telefono": JUAN})
    second = phones.send("dos").json()["id"]
    until(lambda: 3 in inbox.acks(second))
    assert inbox.acks(first) == [1, 2, 3]
    phones.server.stop()


def test_the_signature_is_wahas_own() -> None:
    assert signature(b'{"event":"message","session":"default","engine":"WEBJS"}', HMAC_KEY) == (
        "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
        "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
    )


def test_a_webhook_carries_wahas_headers_and_envelope(phones: Phones, inbox: Desk) -> None:
    phones.send("ñandú")
    until(lambda: inbox.events("message.ack"))
    headers, raw = inbox.received[0]
    assert headers["x-webhook-hmac"] == signature(raw, HMAC_KEY)
    assert headers["x-webhook-hmac-algorithm"] == "sha512"
    assert headers["x-webhook-request-id"]
    assert headers["x-webhook-timestamp"].isdecimal()
    assert headers["user-agent"].startswith("WAHA/")
    event = json.loads(raw)
    assert event["id"].startswith("evt_") and len(event["id"]) == 30
    assert {"timestamp", "event", "session", "me", "payload", "environment", "engine"} <= set(event)


@pytest.mark.parametrize(
    ("typed", "chat"),
    [("+52 1 477 275 8198", JUAN), ("5214772758198", JUAN), ("123456789@lid", "123456789@lid")],
)
def test_what_a_person_writes_reaches_the_desk(phones: Phones, inbox: Desk, typed: str, chat: str) -> None:
    answer = phones.post("/simulador/mensaje", {"telefono": typed, "texto": "No enciende", "nombre": "Juan P."})
    payload = until(lambda: inbox.events("message.any"))[0]["payload"]
    assert answer.status_code == 201
    assert payload["id"] == answer.json()["id"] and payload["id"].startswith(f"false_{chat}_")
    assert (payload["fromMe"], payload["from"], payload["body"]) == (False, chat, "No enciende")
    assert payload["_data"]["pushName"] == "Juan P."


@pytest.mark.parametrize(
    "body", [{}, {"telefono": "12", "texto": "a"}, {"telefono": JUAN, "texto": " "}, {"telefono": JUAN}]
)
def test_a_person_without_phone_or_text_is_refused_in_spanish(phones: Phones, body: dict[str, Any]) -> None:
    answer = phones.post("/simulador/mensaje", body)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(("El teléfono", "Falta"))


def test_what_is_written_while_disconnected_arrives_after_the_connection_is_back(phones: Phones, inbox: Desk) -> None:
    phones.set(conexion="desconectado")
    for text in ("uno", "dos"):
        phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": text})
    assert [item["palomitas"] for item in phones.screen()["mensajes"]] == [0, 0]
    phones.set(conexion="conectado")
    until(lambda: len(inbox.events("message.any")) == 2)
    told = [event["payload"].get("status") or event["payload"]["body"] for event in inbox.events()]
    assert told == ["WORKING", "STARTING", "WORKING", "uno", "dos"]


def test_a_change_of_the_session_is_told_once(phones: Phones, inbox: Desk) -> None:
    phones.set(conexion="desconectado")
    phones.set(conexion="desconectado")
    phones.set(conexion="conectado")
    events = until(lambda: len(inbox.events("session.status")) == 3 and inbox.events("session.status"))
    assert [event["payload"]["status"] for event in events] == ["WORKING", "STARTING", "WORKING"]
    assert [entry["status"] for entry in events[-1]["payload"]["statuses"]] == ["WORKING", "STARTING", "WORKING"]


def test_a_webhook_that_fails_is_repeated_unchanged_and_in_order(tmp_path: Path, inbox: Desk) -> None:
    inbox.statuses = [503, 500]
    phones = Phones(tmp_path, inbox.url)
    phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": "uno"})
    until(lambda: inbox.events("message.any"))
    raws = [raw for _, raw in inbox.received]
    assert raws[0] == raws[1] == raws[2] != raws[3]
    phones.server.stop()


def test_a_webhook_the_desk_never_takes_does_not_block_the_others_for_ever(tmp_path: Path, inbox: Desk) -> None:
    inbox.statuses = [400, 400]
    phones = Phones(tmp_path, inbox.url, retry_attempts=2)
    phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": "uno"})
    until(lambda: inbox.events("message.any"))
    notices = until(lambda: phones.get("/simulador/telefonos").json()["avisos"])
    assert notices["perdidos"] == 1
    phones.server.stop()


def test_a_desk_that_is_away_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    away = Desk()
    away.close()
    phones = Phones(tmp_path, away.url, retry_attempts=1000)
    phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": "uno"})
    until(lambda: phones.get("/simulador/telefonos").json()["avisos"]["problema"] == "La mesa no contesta")
    back = Desk(away.port)
    until(lambda: back.events("message.any"))
    until(lambda: phones.screen()["mensajes"][0]["palomitas"] == 2)
    phones.server.stop()
    back.close()


def test_what_the_desk_never_took_is_told_again_after_a_restart(tmp_path: Path, inbox: Desk) -> None:
    before = Phones(tmp_path, "http://127.0.0.1:9/", retry_attempts=1)
    written = before.post("/simulador/mensaje", {"telefono": JUAN, "texto": "uno"}).json()
    before.server.stop()
    after = Phones(tmp_path, inbox.url)
    assert until(lambda: inbox.events("message.any"))[0]["payload"]["id"] == written["id"]
    after.server.stop()


def test_repeated_notices_arrive_twice_and_identical(phones: Phones, inbox: Desk) -> None:
    phones.set(avisos="repetidos")
    phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": "uno"})
    until(lambda: len(inbox.events("message.any")) == 2)
    first, second = inbox.events("message.any")
    assert first == second


def test_shuffled_notices_arrive_last_first(phones: Phones, inbox: Desk) -> None:
    until(lambda: inbox.events("session.status"))
    phones.set(avisos="desordenados")
    for text in ("uno", "dos"):
        phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": text})
    until(lambda: len(inbox.events("message.any")) == 2)
    assert [event["payload"]["body"] for event in inbox.events("message.any")] == ["dos", "uno"]


# Reading back


def test_a_conversation_can_be_read_back_newest_first(phones: Phones) -> None:
    phones.post("/simulador/mensaje", {"telefono": JUAN, "texto": "de Juan"})
    sent = phones.send("de la mesa").json()
    read = phones.get("/api/default/chats/5214772758198%40c.us/messages?limit=5").json()
    assert [item["body"] for item in read] == ["de la mesa", "de Juan"]
    mine = phones.get(f"/api/default/chats/{JUAN}/messages?filter.fromMe=true").json()
    assert [item["id"] for item in mine] == [sent["id"]]


def test_one_message_can_be_read_back_with_its_ack(phones: Phones) -> None:
    message_id = phones.send().json()["id"]
    path = f"/api/default/chats/{JUAN}/messages/"
    until(lambda: phones.get(path + message_id).json()["ackName"] == "READ")
    assert phones.get(path + message_id.split("_")[2]).json()["id"] == message_id
    assert phones.get(path + "3EB0NADA").status_code == 404


def test_a_number_exists_when_it_is_well_formed(phones: Phones) -> None:
    path = "/api/contacts/check-exists?session=default&phone="
    assert phones.get(path + "5214772758198").json() == {"numberExists": True, "chatId": JUAN}
    assert phones.get(path + "12").json() == {"numberExists": False}


# Control and page


def test_the_state_can_be_read_as_it_was_set(phones: Phones) -> None:
    phones.set(conexion="desconectado", falla="lento", avisos="repetidos", leer_solo=False)
    state = phones.get("/simulador/estado").json()
    assert (state["conexion"], state["sesion"], state["falla"]) == ("desconectado", "STARTING", "lento")
    assert (state["avisos"], state["leer_solo"]) == ("repetidos", False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"conexion": "si"},
        {"falla": []},
        {"avisos": 1},
        {"leer_solo": "no"},
        {"otra": 1},
        {"tasas": {"rechazar": 2}},
        {"tasas": {"nada": 0.1}},
        {"tasas": {"rechazar": 0.6, "lento": 0.6}},
        {"tasas": []},
        {"tasas_avisos": {"rechazar": 0.1}},
        {"semilla": "a"},
    ],
)
def test_a_wrong_state_is_refused_and_nothing_changes(phones: Phones, wrong: dict[str, Any]) -> None:
    before = phones.get("/simulador/estado").json()
    answer = phones.post("/simulador/estado", {"falla": "lento", **wrong})
    assert answer.status_code == 400 and answer.json()["detail"]
    assert phones.get("/simulador/estado").json() == before


def test_two_phones_are_ready_on_the_first_start(phones: Phones) -> None:
    names = [phone["nombre"] for phone in phones.get("/simulador/telefonos").json()["telefonos"]]
    assert names == ["Juan Pérez", "María López"]


def test_polling_an_unchanged_screen_costs_nothing(phones: Phones, inbox: Desk) -> None:
    until(lambda: phones.get("/simulador/telefonos").json()["avisos"]["pendientes"] == 0)
    tag = phones.get("/simulador/telefonos").headers["ETag"]
    again = phones.get("/simulador/telefonos", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    phones.send()
    assert phones.get("/simulador/telefonos", headers={"If-None-Match": tag}).status_code == 200


def test_the_page_allows_nothing_inline(phones: Phones) -> None:
    page = phones.get("/")
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<style" not in page.text and " style=" not in page.text and "<script>" not in page.text


@pytest.mark.parametrize("name", ["simulador.css", "simulador.js", "telefonos.js", "dom.js", "favicon.svg"])
def test_the_pages_files_are_served(phones: Phones, name: str) -> None:
    assert phones.get(f"/{name}").status_code == 200
    assert "innerHTML" not in phones.get(f"/{name}").text


def test_nothing_else_is_served(phones: Phones) -> None:
    assert phones.get("/../options.py").status_code == 404
    assert phones.get("/static/index.html").status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_name_is_refused(phones: Phones, host: str) -> None:
    assert phones.get("/simulador/aceptados", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_post_from_another_site_is_refused(phones: Phones, origin: str) -> None:
    answer = phones.post("/simulador/estado", {"falla": "lento"}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert phones.get("/simulador/estado").json()["falla"] == "ninguna"


def test_the_pages_own_post_is_taken(phones: Phones) -> None:
    assert phones.post("/simulador/estado", {}, headers={"Origin": phones.url}).status_code == 200


def test_it_listens_on_the_loopback_only(phones: Phones) -> None:
    assert phones.server.server_address[0] == "127.0.0.1"


def test_a_body_that_is_too_large_is_refused(phones: Phones) -> None:
    assert phones.post("/simulador/mensaje", {"texto": "a" * 1_000_001}).status_code == 413


# As a process


def test_it_runs_without_django_and_stops_on_sigterm(tmp_path: Path) -> None:
    program = "import sys, whatsapp.simulator.__main__ as m; assert 'django' not in sys.modules; m.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "--port", "0", "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[4]
        assert requests.get(url + "ping", timeout=5).status_code == 200
    finally:
        process.terminate()
    assert process.wait(DEADLINE_S) == 0


def test_a_taken_port_is_said_in_words(phones: Phones, tmp_path: Path) -> None:
    port = str(phones.server.server_address[1])
    command = [sys.executable, "-m", "whatsapp.simulator", "--port", port, "--data-dir", str(tmp_path / "otro")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    assert ended.returncode == 1
    assert f"puerto {port}" in ended.stderr
    assert not (tmp_path / "otro").exists()


# As a command of the desk


def test_the_command_refuses_to_run_in_production(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="solo para pruebas"):
        call_command("simulador")


def test_the_command_says_that_its_port_is_taken(settings: Any, phones: Phones) -> None:
    settings.DEBUG = True
    settings.SIMULATOR_PORT = phones.server.server_address[1]
    with pytest.raises(CommandError, match=f"El puerto {settings.SIMULATOR_PORT} está ocupado"):
        call_command("simulador")


def test_the_command_starts_with_the_desks_own_settings(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        "whatsapp.management.commands.simulador.run",
        lambda *args, **named: given.update(named, args=args),
    )
    settings.DEBUG, settings.PORT, settings.SIMULATOR_PORT, settings.DATA_DIR = True, 8123, 8124, tmp_path
    settings.WAHA_API_KEY, settings.WAHA_HMAC_KEY, settings.WAHA_SESSION = "a", "b", "c"
    call_command("simulador", "--espera-al-negar", "5")
    assert given == {
        "args": (8124, tmp_path, "http://127.0.0.1:8123/webhooks/waha"),
        "api_key": "a", "hmac_key": "b", "session": "c", "refusal_delay": 5.0,
    }  # fmt: skip
