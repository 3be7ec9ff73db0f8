"""A pooled connection is looked at before it is used, and PostgreSQL keeps the plans of what is asked all day long."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs import ROOT, Desk, postgres_server

BEGIN = "import django; django.setup(); from django.db import connection; import json, psycopg; "
# Another connection, to see and to end those of the pool.
OTHER = (
    "settings = connection.get_connection_params(); "
    "other = psycopg.connect(**{key: settings[key] for key in ('host', 'port', 'user', 'dbname')}, autocommit=True); "
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("postgres")
    with postgres_server(folder) as url:
        desk = Desk(folder, DATABASE_URL=url)
        desk.environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        desk.manage("migrate", "-v0")
        yield desk


def told(desk: Desk, code: str) -> Any:
    """What `code` prints as JSON, in a process of its own."""
    command = [sys.executable, "-c", BEGIN + OTHER + code]
    ended = subprocess.run(command, cwd=ROOT, env=desk.environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_connection_that_the_server_ended_is_not_borrowed(desk: Desk) -> None:
    code = (
        "connection.ensure_connection(); dead = connection.connection.info.backend_pid; connection.close(); "
        "other.execute('SELECT pg_terminate_backend(%s, 5000)', [dead]); "
        "cursor = connection.cursor(); cursor.execute('SELECT pg_backend_pid()'); "
        "print(json.dumps([dead, cursor.fetchone()[0]]))"
    )
    dead, used = told(desk, code)
    assert dead != used


def test_borrowing_one_that_is_well_asks_the_server_nothing(desk: Desk) -> None:
    code = (
        "[(connection.cursor().execute('SELECT 7'), connection.close()) for _ in range(5)]; "
        "connection.ensure_connection(); "
        "found = other.execute(\"SELECT query FROM pg_stat_activity WHERE backend_type = 'client backend' "
        'AND pid <> pg_backend_pid()"); print(json.dumps([query for [query] in found]))'
    )
    queries = told(desk, code)
    assert "SELECT 7" in queries
    assert "" not in queries  # what psycopg's own check asks


def test_a_prepared_query_is_kept_once_for_all_its_numbers(desk: Desk) -> None:
    code = (
        "from tickets.access import find_ticket; [find_ticket(number) for number in range(1, 9)]; "
        "cursor = connection.cursor(); cursor.execute('SELECT statement FROM pg_prepared_statements'); "
        "print(json.dumps(cursor.fetchall()))"
    )
    [[statement]] = told(desk, code)
    assert "tickets_ticket" in statement
