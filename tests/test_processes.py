"""The main path through real processes: embedded on SQLite, and web + worker on PostgreSQL and Redis."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from tests.programs import Desk, desk, postgres_server, redis_server, stop, until

PHONE = "+5214772758198"


@pytest.fixture(scope="module", params=["embedded", "postgres+redis"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("desk")
    with ExitStack() as stack:
        settings = {}
        if request.param != "embedded":
            settings["REDIS_URL"] = stack.enter_context(redis_server(folder))
            settings["DATABASE_URL"] = stack.enter_context(postgres_server(folder))
        yield stack.enter_context(desk(folder, **settings))


@pytest.fixture
def ticket(running: Desk) -> Iterator[int]:
    """The ticket of a person who has just written."""
    running.simulate(conexion="conectado", falla="ninguna")
    until(lambda: running.get("/estado")["whatsapp"] == "conectado", 15)
    running.write(PHONE, "Mi laptop no enciende")
    yield running.ticket_of(PHONE)
    running.simulate(conexion="conectado", falla="ninguna")


def test_a_person_is_asked_and_a_technician_answers_on_their_phone(running: Desk, ticket: int) -> None:
    text = f"Ya revisamos tu equipo 👨‍👩‍👧 {uuid4()}"
    answer = running.send(ticket, text)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "enviado"
    assert answer.json()["telefono"] == PHONE
    assert running.accepted().count(text) == 1
    until(lambda: running.state_of(ticket, text) in ("entregado", "leido"), what="los ticks")


def test_what_met_a_disconnected_whatsapp_goes_out_by_itself_once_in_order_within_10_s(
    running: Desk, ticket: int
) -> None:
    texts = [f"{number} {uuid4()}" for number in range(3)]
    running.simulate(conexion="desconectado")
    for text in texts:
        answer = running.send(ticket, text)
        assert (answer.status_code, answer.json()["status"]) == (503, "en_cola"), answer.text
    running.simulate(conexion="conectado")
    began = time.monotonic()
    until(lambda: running.accepted()[-3:] == texts, 10, "los tres en orden")
    assert time.monotonic() - began < 10
    until(lambda: all(running.state_of(ticket, text) in ("entregado", "leido") for text in texts))
    assert all(running.accepted().count(text) == 1 for text in texts)


@pytest.mark.parametrize("fault", ["error_despues", "sin_id", "corta"])
def test_an_accepted_message_without_a_proof_is_504_and_then_sent_by_its_echo(
    running: Desk, ticket: int, fault: str
) -> None:
    text = f"{fault} {uuid4()}"
    running.simulate(falla=fault)
    answer = running.send(ticket, text)
    assert answer.status_code == 504, answer.text
    until(lambda: running.state_of(ticket, text) in ("enviado", "entregado", "leido"), what="el eco")
    assert running.accepted().count(text) == 1


def test_a_hanging_gateway_is_504_and_never_sends_again_by_itself(running: Desk, ticket: int) -> None:
    text = f"colgar {uuid4()}"
    running.simulate(falla="colgar")
    answer = running.send(ticket, text)
    assert (answer.status_code, answer.json()["status"]) == (504, "sin_confirmar"), answer.text
    running.simulate(falla="ninguna")
    later = f"después {uuid4()}"
    running.send(ticket, later)
    until(lambda: later in running.accepted(), 20, "el siguiente, pasada la duda")
    assert running.accepted().count(text) == 0
    assert running.state_of(ticket, text) == "sin_confirmar"


def test_an_error_before_accepting_is_504(running: Desk, ticket: int) -> None:
    text = f"error_antes {uuid4()}"
    running.simulate(falla="error_antes")
    answer = running.send(ticket, text)
    assert (answer.status_code, answer.json()["status"]) == (504, "sin_confirmar")
    seq = answer.json()["seq"]
    running.simulate(falla="ninguna")
    decided = running.post(f"/ticket/{ticket}/mensaje/{seq}/resolver", {"decision": "descartar"})
    assert decided.json()["status"] == "descartado"
    assert text not in running.accepted()


def test_a_refusal_is_422_with_its_reason(running: Desk, ticket: int) -> None:
    running.simulate(falla="rechazar")
    answer = running.send(ticket, f"rechazar {uuid4()}")
    assert (answer.status_code, answer.json()["status"]) == (422, "fallido")
    assert answer.json()["detail"]


def test_a_slow_gateway_is_200(running: Desk, ticket: int) -> None:
    running.simulate(falla="lento")
    answer = running.send(ticket, f"lento {uuid4()}")
    assert answer.status_code == 200, answer.text


def test_ctrl_c_is_obeyed_within_2_s_with_a_call_hanging_and_only_one_web_process_runs_without_redis(
    tmp_path: Path,
) -> None:
    with desk(tmp_path) as running:
        running.start("again", sys.executable, "-m", "config.serve")
        assert running.running["again"].wait(20) != 0
        assert "Ya hay un proceso web" in running.log("again")
        running.write(PHONE, "hola")
        number = running.ticket_of(PHONE)
        running.simulate(falla="colgar")
        Thread(target=running.send, args=(number, "cuelga"), daemon=True).start()
        until(lambda: running.history(number)[-1]["estado"] == "enviando")
        began = time.monotonic()
        stop(running.running["web"], signal.SIGINT)
        assert time.monotonic() - began < 2
