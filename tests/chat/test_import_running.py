"""An import while it runs: in batches, beside a desk at work, interrupted and taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.core.management.base import OutputWrapper

from chat.importing import run as running
from chat.importing import write
from chat.importing.numbers import reserve
from chat.importing.plan import Person
from chat.importing.report import Report
from chat.importing.source import Source
from chat.ledger import books
from chat.models import AuditEntry, Message
from chat.people import find_contact
from tests.factory import make_ticket
from tests.origin import Origin
from tickets.identity import identify
from tickets.models import Contact, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    """Six tickets of three people, in batches of about two."""
    monkeypatch.setattr(running, "BATCH", 2)
    made = Origin(tmp_path / "tickets.db")
    for number in range(1, 7):
        made.add(number, cliente=f"+52147700000{number % 3:02}", fecha=f"2026-02-05 09:{number:02}")
    return made


def bring(origin: Origin) -> Report:
    report, source = Report(), Source(origin.path)
    running.run(source, None, ZoneInfo("America/Mexico_City"), report, write=True, progress=lambda *_: None)
    source.close()
    return report


def test_a_batch_holds_whole_people(origin: Origin) -> None:
    report = bring(origin)
    assert (report.imported, report.people, report.closed) == (6, 3, 3)
    assert list(Ticket.objects.open().order_by("pk").values_list("pk", flat=True)) == [4, 5, 6]
    assert books().balanced


def test_ctrl_c_keeps_whole_batches_and_the_next_run_goes_on(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save, calls = write.save, []

    def interrupted(found: list[Person], conversations: Any) -> None:
        calls.append(found)
        save(found, conversations)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(write, "save", interrupted)
    with pytest.raises(SystemExit) as ended:
        call_command("importar_mesa_de_ayuda", str(origin.path))
    assert ended.value.code == 130
    printed = capsys.readouterr().out
    assert "Interrumpido: lo que ya se importó queda." in printed
    assert "Tickets importados: 2 " in printed
    assert Ticket.objects.count() == 2
    assert AuditEntry.objects.filter(act="importacion").exists()
    monkeypatch.setattr(write, "save", save)
    assert bring(origin).imported == 4
    assert books().balanced


def test_progress_is_a_bar_on_a_terminal_and_plain_lines_elsewhere(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("importar_mesa_de_ayuda", str(origin.path), "--simular")
    assert capsys.readouterr().err == "2 de 6 tickets\n4 de 6 tickets\n6 de 6 tickets\n"
    monkeypatch.setattr(OutputWrapper, "isatty", lambda self: True)
    call_command("importar_mesa_de_ayuda", str(origin.path), "--simular")
    assert capsys.readouterr().err.endswith("\r[" + "#" * 30 + "] 6 de 6 tickets\n")


def test_somebody_who_writes_for_the_first_time_meanwhile_is_one_contact(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, met = write.people, []

    def written_meanwhile(drafts: Any, contacts: Any) -> list[Person]:
        found = people(drafts, contacts)
        if not met:
            met.append(identify("5214770000001@c.us"))
            find_contact(met[0], (), "Juan")  # between looking and writing
        return found

    monkeypatch.setattr(write, "people", written_meanwhile)
    bring(origin)
    assert Contact.objects.count() == 3
    assert Contact.objects.get(push_name="Juan").tickets.count() == 2
    assert books().balanced


def test_numbers_are_reserved_before_the_first_ticket_is_written(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Ticket] = []
    bring_all = running.bring

    def beside(drafts: Any, *, write: bool) -> list[Person]:
        made.append(make_ticket())  # of the desk that is at work
        return bring_all(drafts, write=write)

    monkeypatch.setattr(running, "bring", beside)
    assert bring(origin).imported == 6
    assert len(made) == 3
    assert min(ticket.pk for ticket in made) > 6


def test_reserving_never_takes_numbers_back() -> None:
    ticket = make_ticket()
    reserve(ticket.pk + 100)
    reserve(1)
    assert make_ticket().pk == ticket.pk + 101


def test_a_run_that_finds_nothing_new_asks_a_few_questions_a_batch(
    origin: Origin, django_assert_max_num_queries: Any
) -> None:
    bring(origin)
    with django_assert_max_num_queries(40):
        bring(origin)
    assert Message.objects.filter(gateway="importado").count() == 6 * 6 + 3
