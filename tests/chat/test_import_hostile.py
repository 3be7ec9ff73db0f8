"""Importing from a tickets.db that is broken, foreign or made up: what can be brought is, and the rest is said."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.importing.moments import moment
from chat.importing.numbers import LARGEST
from chat.importing.people import picked
from chat.importing.report import Report
from chat.importing.run import read, run
from chat.importing.source import LONGEST, NotTheOrigin, Source
from chat.ledger import books
from chat.models import Message
from tests.origin import FIRST_VERSION, HISTORY, Origin
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
MEXICO = ZoneInfo("America/Mexico_City")


def bring(path: Path) -> Report:
    """Import it all; returns the report."""
    report, source = Report(), Source(path)
    run(source, None, MEXICO, report, write=True, progress=lambda *_: None)
    source.close()
    return report


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "tickets.db")


# The file


def sqlite(path: Path, *queries: str) -> Path:
    with sqlite3.connect(path) as db:
        for query in queries:
            db.execute(query)
    db.close()
    return path


def test_what_is_no_database_of_the_origin_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "texto").write_text("hola")
    (tmp_path / "vacio").touch()
    (tmp_path / "roto").write_bytes(b"SQLite format 3\0" + bytes(5000))
    cases = {
        tmp_path / "no-existe": "No such file",
        tmp_path: "Is a directory",
        tmp_path / "texto": "no es una base de datos",
        tmp_path / "vacio": "no es una base de datos",
        tmp_path / "roto": "Detén la mesa de ayuda",
        sqlite(tmp_path / "otra", "CREATE TABLE personas (id)"): "no tiene una tabla «tickets»",
        sqlite(tmp_path / "vista", "CREATE VIEW tickets AS SELECT 1 AS id, '5214772758198' AS cliente"): "no tiene",
        sqlite(tmp_path / "corta", "CREATE TABLE tickets (id INTEGER, estado TEXT)"): "le falta: cliente",
    }
    for path, words in cases.items():
        with pytest.raises(NotTheOrigin, match=words):
            Source(path)


def test_the_database_is_only_read(origin: Origin) -> None:
    origin.add(1)
    before = origin.path.read_bytes()
    bring(origin.path)
    assert origin.path.read_bytes() == before
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        Source(origin.path).db.execute("DELETE FROM tickets")


def test_the_first_version_lacks_columns(tmp_path: Path) -> None:
    old = Origin(tmp_path / "vieja.db", FIRST_VERSION)
    old.add(1, cliente="5214772758198@s.whatsapp.net")
    assert bring(old.path).imported == 1


# Rows


def test_damaged_rows_are_reported_and_skipped_and_the_others_come(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "tickets.db", "CREATE TABLE tickets (id, cliente, fecha)")
    rows: list[tuple[Any, Any]] = [
        (1, "+5214772758198"), (1, "+5214772758198"), (2, None), (3, "hola"), (4, "123@g.us"), (5, "@ana"),
        (None, "+5214772758198"), (-1, "+5214772758198"), ("x", "+5214772758198"), (2**63 - 1, "+5214772758198"),
        ("12", b"+5214770000012"),
    ]  # fmt: skip
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO tickets (id, cliente, fecha) VALUES (?, ?, '2026-02-05 09:00')", rows)
    db.close()
    report = bring(path)
    assert sorted(Ticket.objects.values_list("pk", flat=True)) == [1, 12]
    assert report.skipped == {
        "Sin un número de ticket que se pueda usar: no se importó.": ["fila 7", "fila 8", "fila 10", "fila 9"],
        "El mismo número otra vez: sólo se importó la primera fila.": ["#1"],
        "«cliente» no es un teléfono ni otra dirección de WhatsApp: no se importó.": ["#2", "#3", "#4", "#5"],
    }
    assert not report.complete
    after = Ticket.objects.create(contact=Ticket.objects.all()[0].contact, state="Cerrado").pk
    assert 12 < after < LARGEST


def test_a_history_that_is_no_list_stays_as_text_in_the_note(origin: Origin) -> None:
    broken = ["{", "[" * 100_000, '"hola"', '{"historial": []}', "no es JSON", "1" * 5000, "null"]
    for number, history in enumerate(broken, 1):
        origin.add(number, historial_conversacion=history)
    report = bring(origin.path)
    assert len(report.problems["El historial no es una lista JSON: está como texto en su nota."]) == len(broken)
    notes = list(Message.objects.filter(kind="nota").order_by("ticket").values_list("text", flat=True))
    assert [note.split("no se pudo leer: ")[1][:1000] for note in notes] == [history[:1000] for history in broken]


def test_lines_of_any_shape_are_brought_or_told(origin: Origin) -> None:
    history: list[Any] = [
        *HISTORY[:1],
        "hola",
        None,
        {},
        {"role": "system", "content": "Sesión iniciada", "timestamp": "2026-02-05T09:00:30"},
        {"role": "Técnico", "content": 42, "timestamp": "2026-02-05T09:01:00"},
        {"role": "user", "content": {"a": [1]}, "timestamp": None},
        {"role": "user", "content": "  ", "timestamp": "ayer"},
        {"role": "user", "content": "a\0b\ud800c", "timestamp": "2026-02-05T09:02:00-06:00"},
    ]
    origin.add(1, historial_conversacion=json.dumps(history), falla_detallada="", descripcion="")
    report = bring(origin.path)
    rows = Message.objects.exclude(kind="nota").order_by("seq")
    assert [(row.role, row.kind, row.text) for row in rows] == [
        ("user", "text", "Hola"),
        ("tecnico", "system", "«»: "),
        ("tecnico", "system", "«system»: Sesión iniciada"),
        ("tecnico", "text", "42"),
        ("user", "text", '{"a": [1]}'),
        ("user", "text", "(mensaje vacío)"),
        ("user", "text", "abc"),
    ]
    assert rows[4].created == rows[5].created == rows[3].created
    assert set(report.problems) == {
        "Líneas del historial que no son mensajes: no se trajeron.",
        "Líneas de un rol desconocido «»: están como líneas del sistema.",
        "Líneas de un rol desconocido «system»: están como líneas del sistema.",
        "Líneas sin hora, o con una que no se entiende: llevan la de la línea anterior.",
    }
    assert books().balanced


def test_equal_lines_are_all_kept(origin: Origin) -> None:
    origin.add(1, historial_conversacion=[HISTORY[0]] * 3)
    for _ in range(2):
        bring(origin.path)
    assert Message.objects.filter(text="Hola").count() == 3


def test_what_is_too_long_for_its_column_is_cut_and_whole_in_the_note(origin: Origin) -> None:
    origin.add(1, nombre_usuario="Ana " * 100, categoria="x" * 61)
    report = bring(origin.path)
    ticket = Ticket.objects.get()
    assert (len(ticket.name), len(ticket.category)) == (120, 60)
    assert "x" * 61 in Message.objects.get(kind="nota").text
    assert len(report.problems) == 2


def test_an_unknown_state_stays_open_and_is_told(origin: Origin) -> None:
    for number, state in enumerate(("EN PROCESO", " resuelto ", "Archivado", None), 1):
        origin.add(number, cliente=f"+52147700000{number:02}", estado=state)
    report = bring(origin.path)
    states = list(Ticket.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["En proceso", "Resuelto", "Pendiente", "Pendiente"]
    assert sorted(report.problems) == [
        "Estado desconocido «Archivado»: queda Pendiente.",
        "Estado desconocido «»: queda Pendiente.",
    ]
    assert "Estado anterior: Archivado" in Message.objects.get(ticket=3, kind="nota").text


def test_a_ticket_without_its_date_has_that_of_its_first_message_or_of_the_ticket_before(origin: Origin) -> None:
    origin.add(1)
    origin.add(2, cliente="+5214770000002", fecha=None)
    origin.add(3, cliente="+5214770000003", fecha="pronto", historial_conversacion=None)
    bring(origin.path)
    first, second, third = Ticket.objects.order_by("pk")
    assert second.created.astimezone(MEXICO).isoformat() == "2026-02-05T09:00:00.123456-06:00"
    assert third.created == first.created


def test_text_that_is_no_utf8_and_values_of_any_type_come_as_text(origin: Origin) -> None:
    origin.add(1, nombre_usuario=b"Jos\xe9", departamento=3.5, numero_activo=42, tipo_equipo=b"\0\xff")
    bring(origin.path)
    ticket = Ticket.objects.get()
    assert (ticket.name, ticket.department, ticket.asset, ticket.equipment) == ("Jos\ufffd", "3.5", "42", "\ufffd")


def test_a_row_larger_than_can_be_read_is_skipped_alone(origin: Origin) -> None:
    origin.add(1)
    origin.add(2, cliente="+5214770000002")
    origin.run("UPDATE tickets SET historial_conversacion = zeroblob(?) WHERE id = 2", LONGEST + 1)
    report = bring(origin.path)
    assert Ticket.objects.get().pk == 1
    assert list(report.skipped.values()) == [["#2"]]


# Times


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2026-02-05T10:30:00", "2026-02-05T16:30:00"),
        ("2026-02-05 10:30", "2026-02-05T16:30:00"),
        (" 2026-02-05T10:30:00.250000 ", "2026-02-05T16:30:00.250000"),
        ("2026-02-05T10:30:00Z", "2026-02-05T10:30:00"),
        ("2026-02-05T10:30:00+01:00", "2026-02-05T09:30:00"),
        ("05/02/2026 10:30", "2026-02-05T16:30:00"),
        ("2026-02-05", "2026-02-05T06:00:00"),
        ("1770287400", "2026-02-05T10:30:00"),
        ("1770287400000", "2026-02-05T10:30:00"),
        ("1770287400.5", "2026-02-05T10:30:00.500000"),
    ],
)
def test_a_moment_is_read_in_any_of_its_shapes(said: str, found: str) -> None:
    assert moment(said, MEXICO) == datetime.fromisoformat(found).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "said", ["", "ayer", "1999-01-01", "2999-01-01", "0001-01-01T00:00:00+14:00", "9999999999999", "31/31/2026", "²"]
)
def test_what_no_message_can_have_been_said_at_is_no_moment(said: str) -> None:
    assert moment(said, MEXICO) is None


# Anything

ANYTHING = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=30),
    st.text(max_size=30).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)),
    st.sampled_from(["+5214772758198", "257354507501662@lid", "2026-02-05 10:30", "Pendiente", "[[]]"]),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=10)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "timestamp"]), inner)
    ),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.tuples(st.lists(ANYTHING, min_size=16, max_size=16), st.lists(JSON, max_size=4)), max_size=3))
def test_any_row_is_brought_or_reported_and_never_stops_the_import(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[list[Any], list[Any]]]
) -> None:
    origin = Origin(tmp_path_factory.mktemp("origen") / "tickets.db")
    marks = ", ".join("?" * 17)
    for number, (values, history) in enumerate(rows, 1):
        row = [number, *values[:14], json.dumps(history), values[15]]
        if number == 1:
            row[1] = "+5214772758198"
        origin.run(f"INSERT INTO tickets VALUES ({marks})", *row)
    report, source = Report(), Source(origin.path)
    picks = picked(source, MEXICO, report)
    drafts = read(source, picks, MEXICO, report)
    assert len(drafts) + sum(map(len, report.skipped.values())) == len(rows)
    for draft in drafts.values():
        assert all(line.at <= timezone.now() + timedelta(days=1) for line in draft.lines)
        text = "".join([draft.note, *draft.columns.values(), *(line.text for line in draft.lines)])
        assert "\0" not in text
        text.encode()
    source.close()
