"""The processes of Procfile.prod behind the Caddyfile, on PostgreSQL and Redis: one origin, as people reach it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests

from tests.production import BODY_MAX, PROCESSES, THREADS, Production, hanging, new_ticket, told
from tests.programs import Desk, postgres_server, redis_server, stop, until


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        redis, postgres = redis_server(folder), postgres_server(folder)
        yield {"REDIS_URL": stack.enter_context(redis), "DATABASE_URL": stack.enter_context(postgres)}


@pytest.fixture(scope="module")
def prepared(servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The proxy and the gateway run; the desk does not yet."""
    desk = Production(tmp_path_factory.mktemp("production"), **servers)
    try:
        desk.start_proxy()
        desk.prepare()
        desk.start_simulator()
        yield desk
    finally:
        desk.stop_all()


@pytest.fixture(scope="module")
def running(prepared: Production) -> Production:
    for name in PROCESSES:
        prepared.start_process(name)
    until(prepared.well, 60, f"la mesa en {prepared.folder}")
    until(lambda: prepared.http.get(f"{prepared.url}/eventos").status_code == 401, 20, "live")
    prepared.log_in()
    return prepared


def test_a_message_is_accepted_and_the_stream_says_so_at_once_while_it_stays_open(running: Production) -> None:
    ticket, text = new_ticket(running), f"Ya lo revisamos {uuid4()}"
    with closing(running.listen()) as stream:
        lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
        assert told(lines, "hola")
        answer = running.send(ticket, text)
        assert (answer.status_code, answer.json()["status"]) == (200, "enviado"), answer.text
        assert told(lines, "ticket", ticket=ticket)
    assert running.accepted().count(text) == 1


def test_the_stream_is_neither_compressed_nor_kept_and_everything_else_is_compressed(running: Production) -> None:
    with closing(running.listen()) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert "Content-Encoding" not in stream.headers
        assert stream.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    table = running.http.get(f"{running.url}/tickets", timeout=10)
    assert table.headers["Content-Encoding"] in ("gzip", "zstd")
    assert table.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_pages_come_with_their_static_files_under_names_that_are_kept_for_ever(running: Production) -> None:
    page = running.http.get(f"{running.url}/entrar", timeout=10).text
    style = next(part.split('"')[0] for part in page.split('href="') if ".css" in part)
    answer = running.http.get(f"{running.url}{style}", timeout=10)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_plain_http_is_led_to_https(running: Production) -> None:
    answer = requests.get(f"http://localhost:{running.http_port}/entrar", allow_redirects=False, timeout=10)
    assert answer.status_code in (301, 308)
    assert answer.headers["Location"] == "https://localhost/entrar"


def test_who_forges_a_forwarded_address_is_locked_all_the_same(running: Production) -> None:
    door, body = f"{running.url}/api/token", {"username": "luz", "password": "no es esta"}
    forged = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(6)]
    tries = [running.http.post(door, json=body, headers=headers, timeout=10).status_code for headers in forged]
    assert tries == [400] * 5 + [429]


def test_a_body_beyond_the_limit_is_refused_by_the_proxy(running: Production) -> None:
    statuses = [
        running.http.post(f"{running.url}/webhooks/waha", data=bytes(size), timeout=60).status_code
        for size in (BODY_MAX, BODY_MAX + 1)
    ]
    assert statuses[0] == 401, "contesta la mesa, que lo leyó: no está firmado"
    assert statuses[1] in (413, 502), "Caddy 2.6 dice 502; los nuevos, 413"


def test_a_gateway_that_hangs_takes_half_of_the_threads_and_a_restart_loses_nothing(running: Production) -> None:
    tickets = [new_ticket(running) for _ in range(THREADS // 2 + 1)]
    texts = [f"uno de muchos {uuid4()}" for _ in tickets]
    with hanging(running), ThreadPoolExecutor(len(tickets) + 1) as people:

        def hung(number: int) -> Future[requests.Response]:
            """A request that waits for its message's outcome."""
            answer = people.submit(running.send, tickets[number], texts[number])
            until(lambda: texts[number] in str(running.history(tickets[number])), what="el mensaje guardado")
            until(lambda: running.state_of(tickets[number], texts[number]) == "enviando", what="el envío")
            return answer

        waiting = [hung(number) for number in range(THREADS // 2)]
        late = running.send(tickets[-1], texts[-1])
        assert (late.status_code, late.json()["status"]) == (503, "en_cola"), late.text
        assert running.get("/tickets")["tickets"]
        assert running.history(tickets[0])
        assert not any(answer.done() for answer in waiting), "todo esto ocurrió mientras los demás esperaban"

        assert stop(running.running["web"]) == 0
        ended = [answer.result() for answer in waiting]
        assert [(one.status_code, one.json()["status"]) for one in ended] == [(504, "enviando")] * len(ended)
        while_away = people.submit(running.get, "/tickets")
        running.start_process("web")
        assert while_away.result()["tickets"], "la petición esperó en el proxy"
    until(lambda: not {"en_cola", "enviando"} & set(states(running, tickets, texts)), 60, "el destino de cada uno")
    for ticket, text in zip(tickets, texts, strict=True):
        sent = running.state_of(ticket, text) in ("enviado", "entregado", "leido")
        assert running.accepted().count(text) == int(sent), "ni repetido ni perdido sin decirlo"


def states(desk: Desk, tickets: list[int], texts: list[str]) -> list[str]:
    return [desk.state_of(ticket, text) for ticket, text in zip(tickets, texts, strict=True)]


def test_every_process_ends_by_itself_when_it_is_told_to(running: Production) -> None:
    for name in PROCESSES:
        running.running[name].send_signal(signal.SIGTERM)
    for name in PROCESSES:
        assert running.running[name].wait(20) in (0, -signal.SIGTERM), f"{name}: {running.log(name)[-500:]}"


def test_honcho_runs_the_four_and_stops_them_within_seconds(prepared: Production) -> None:
    prepared.start("honcho", "honcho", "-e", os.devnull, "-f", "Procfile.prod", "start")
    until(prepared.well, 60, "la mesa con honcho")
    prepared.log_in()
    answer = prepared.send(new_ticket(prepared), f"con honcho {uuid4()}")
    assert answer.status_code == 200, answer.text
    assert stop(prepared.running["honcho"], seconds=15) in (0, -signal.SIGTERM, 143), prepared.log("honcho")[-500:]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{prepared.port}/salud", timeout=5)


def test_a_backup_of_postgresql_brings_everything_back_and_leaves_sending_paused(
    prepared: Production, tmp_path: Path
) -> None:
    """Stopped, lost and restored; tests/test_drill.py goes on from there with a gateway."""
    prepared.manage("respaldar", str(tmp_path))
    (copy,) = tmp_path.glob("base-*.dump")
    with psycopg.connect(prepared.environment["DATABASE_URL"], autocommit=True) as database:
        before = rows(database)
        assert before["chat_message"]
        database.execute("DROP SCHEMA public CASCADE")
        database.execute("CREATE SCHEMA public")
        prepared.manage("restaurar", str(copy))
        assert rows(database) == before
        assert database.execute("SELECT paused_why FROM whatsapp_connection").fetchall() == [
            ("Se restauró un respaldo",)
        ]


def rows(database: psycopg.Connection[Any]) -> dict[str, int]:
    """How many rows each table has."""
    tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in tables}  # type: ignore[index]
