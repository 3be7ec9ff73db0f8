"""`manage.py importar_mesa_de_ayuda`: what a user of the origin finds here after the move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from chat import sweeping, times
from chat.ledger import books
from chat.models import AuditEntry, Conversation, Message
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway
from tests.origin import HISTORY, NUMBER, Origin
from tickets.models import Alias, Contact, Segment, Ticket

pytestmark = pytest.mark.django_db

Move = Callable[..., tuple[int, str]]


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "tickets.db")


@pytest.fixture
def move(origin: Origin, capsys: pytest.CaptureFixture[str]) -> Move:
    """Run the command on `origin`; returns its exit status and what it printed."""

    def run(*options: str, base: Path = origin.path) -> tuple[int, str]:
        status = 0
        try:
            call_command("importar_mesa_de_ayuda", str(base), *options)
        except SystemExit as ended:
            status = int(ended.code or 0)
        except CommandError as error:
            return error.returncode, str(error)
        return status, capsys.readouterr().out

    return run


def local(text: str) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(text))


def thread(ticket: int) -> list[tuple[str, str]]:
    """The bubbles of a ticket, without the note that an import begins it with."""
    rows = Message.objects.filter(ticket=ticket).exclude(kind="nota").order_by("seq")
    return [(row.role, row.text) for row in rows]


def snapshot() -> list[Any]:
    """Every row that an import writes, but the audit's."""
    tables = (Contact, Alias, Conversation, Ticket, Message, Segment)
    return [list(table.objects.order_by("pk").values_list()) for table in tables]  # type: ignore[attr-defined]


def test_the_two_endpoints_show_an_imported_ticket(origin: Origin, move: Move, desk: Client) -> None:
    origin.add(41)
    assert move()[0] == 0
    answer = desk.get("/ticket/41/conversacion").json()
    told = [(one["role"], one["content"], one["timestamp"], one["estado"]) for one in answer["historial"][1:]]
    assert told == [
        ("user", "Hola", "2026-02-05T09:00:00", "recibido"),
        ("assistant", "¿Cuál es tu nombre completo por favor?", "2026-02-05T09:00:00", "importado"),
        ("user", "Juan Pérez", "2026-02-05T09:01:00", "recibido"),
        ("user", "Mi laptop no enciende", "2026-02-05T09:02:00", "recibido"),
        ("tecnico", "Ya revisamos tu equipo", "2026-02-05T10:30:00", "importado"),
    ]
    (row,) = desk.get("/tickets").json()["tickets"]
    shown = {name: row[name] for name in row if name not in ("prioridad", "tecnico")}
    assert shown == {
        "id": 41,
        "telefono": "+5214772758198",
        "nombre": "Juan Pérez",
        "departamento": "Contabilidad",
        "tipo_equipo": "Laptop",
        "numero_activo": "ACT-0042",
        "falla": "Mi laptop no enciende",
        "categoria": "Hardware - Energía",
        "estado": "Pendiente",
        "ultima_actividad": "2026-02-05T10:30:00",
        "sin_leer": 0,
    }


def test_diagnosis_and_log_are_in_a_note_that_technicians_read(origin: Origin, move: Move, desk: Client) -> None:
    origin.add(1)
    move()
    note = desk.get("/ticket/1/conversacion").json()["historial"][0]
    assert (note["tipo"], note["estado"], note["autor"]) == ("nota", "interna", None)
    assert note["content"] == (
        "Ticket importado de la mesa de ayuda anterior.\n"
        "Diagnóstico del asistente: Pasos de diagnóstico:\n• Conecta el cargador\n"
        "Requiere técnico: sí\n"
        "Registro: ticket_001_20260205_090200.log"
    )
    log = desk.get("/ticket/1/log").content.decode()
    assert "📝 Importación [nota interna, no se envió]" in log
    assert "👨‍💻 Técnico [importado]: Ya revisamos tu equipo" in log


def test_times_are_kept_and_first_response_and_waiting_follow_from_the_history(origin: Origin, move: Move) -> None:
    origin.add(1)
    origin.add(2, cliente="+5214770000002", historial_conversacion=HISTORY[:3])
    origin.add(3, cliente="+5214770000003", estado="Resuelto")
    move()
    answered, waiting, closed = Ticket.objects.order_by("pk")
    assert answered.created == local("2026-02-05T09:02")
    assert (answered.first_response, answered.waiting_since) == (local("2026-02-05T10:30"), None)
    assert (waiting.first_response, waiting.waiting_since) == (None, datetime(2026, 2, 5, 15, 0, 0, 123456, UTC))
    assert (waiting.last_activity, waiting.last_text) == (local("2026-02-05T09:02"), "Mi laptop no enciende")
    assert (closed.resolved, closed.waiting_since) == (local("2026-02-05T10:30"), None)
    assert {ticket.unread for ticket in (answered, waiting, closed)} == {0}
    assert Conversation.objects.get(contact=waiting.contact).last_inbound == local("2026-02-05T09:02")


def test_imported_tickets_have_their_times_at_once(origin: Origin, move: Move) -> None:
    origin.add(1)
    origin.add(2, cliente="+5214770000002", estado="Cerrado")
    move()
    assert times.refresh() == 0
    assert Segment.objects.get(ticket=1, measure="primera").at == local("2026-02-05T10:30")
    assert [ticket.phase for ticket in Ticket.objects.order_by("pk")] == ["persona", "cerrado"]


def test_a_naive_time_is_of_the_zone_that_is_named(origin: Origin, move: Move) -> None:
    origin.add(1, historial_conversacion=[{"role": "user", "content": "Hola", "timestamp": "2026-02-05T09:00:00"}])
    assert move("--zona", "UTC")[0] == 0
    assert Message.objects.get(text="Hola").created == datetime(2026, 2, 5, 9, tzinfo=UTC)
    assert Ticket.objects.get().created == datetime(2026, 2, 5, 9, 2, tzinfo=UTC)
    assert move("--zona", "Marte/Olimpo") == (2, "No existe la zona horaria «Marte/Olimpo».")


def test_nothing_is_sent_and_nobody_is_told(origin: Origin, move: Move, gateway: FakeGateway) -> None:
    for number in range(1, 4):
        origin.add(number, cliente=f"+52147700000{number:02}")
    move()
    sweeping.sweep()
    assert gateway.calls == []
    assert not Message.objects.exclude(state__in=["recibido", "importado", "interna"]).exists()


def test_the_books_balance_and_count_what_was_imported_apart(
    origin: Origin, move: Move, capsys: pytest.CaptureFixture[str]
) -> None:
    origin.add(1)
    origin.add(2, historial_conversacion=HISTORY[:2])
    move()
    found = books()
    assert (found.problems, found.accepted, found.imported) == ([], 0, 3)
    call_command("cuadre")
    assert "Nuestros, importados de otra mesa: 3\n" in capsys.readouterr().out


def test_one_conversation_holds_all_tickets_of_a_person_in_the_order_of_time(origin: Origin, move: Move) -> None:
    later = [{"role": "user", "content": "Otra cosa", "timestamp": "2026-02-05T09:30:00"}]
    origin.add(1)
    origin.add(2, cliente="5214772758198@s.whatsapp.net", historial_conversacion=later, fecha="2026-02-05 09:31")
    move()
    conversation = Conversation.objects.get()
    rows = list(conversation.messages.order_by("seq"))
    assert [row.seq for row in rows] == [row.version for row in rows] == list(range(1, 11))
    assert (conversation.seq, conversation.version) == (10, 10)
    assert [row.ticket_id for row in rows] == [1, 1, 1, 1, 1, 2, 2, 2, 1, 1]
    assert [row.created for row in rows] == sorted(row.created for row in rows)


@pytest.mark.parametrize(
    "cliente",
    ["+5214772758198", "5214772758198@s.whatsapp.net", "524772758198@c.us", "+52 477 275 8198", "4772758198"],
)
def test_every_spelling_of_a_phone_is_one_person(origin: Origin, move: Move, cliente: str) -> None:
    origin.add(1)
    origin.add(2, cliente=cliente)
    assert "personas nuevas: 1" in move()[1]
    assert Alias.objects.get().key == "+524772758198"


@pytest.mark.parametrize("cliente", ["257354507501662@lid", "+257354507501662", "257354507501662@s.whatsapp.net"])
def test_a_lid_in_disguise_is_recognised(origin: Origin, move: Move, cliente: str) -> None:
    origin.add(1, cliente=cliente)
    move()
    contact = Contact.objects.get()
    assert contact.address == "257354507501662@lid"
    assert [(alias.kind, alias.key) for alias in contact.aliases.all()] == [("lid", "257354507501662@lid")]


def test_of_several_open_tickets_the_newest_stays_open_and_the_others_say_why(
    origin: Origin, move: Move, desk: Client
) -> None:
    origin.add(1, fecha="2026-02-01 09:00", historial_conversacion=[])
    origin.add(2, fecha="2026-02-03 09:00", historial_conversacion=[], estado="En Proceso")
    origin.add(3, fecha="2026-02-02 09:00", historial_conversacion=[])
    status, printed = move()
    assert (status, "tiene otro abierto: 2" in printed) == (0, True)
    assert list(Ticket.objects.order_by("pk").values_list("state", flat=True)) == ["Cerrado", "En proceso", "Cerrado"]
    assert thread(1)[-1] == ("tecnico", "Se cerró al importar: esta persona tiene abierto el ticket #2.")
    assert Ticket.objects.get(pk=1).resolved == local("2026-02-01T09:00")
    assert desk.get("/ticket/1/conversacion").json()["historial"][-1]["tipo"] == "system"


def test_the_first_version_without_history_becomes_one_message(tmp_path: Path, move: Move) -> None:
    old = Origin(tmp_path / "vieja.db", columns=("id", *Origin(tmp_path / "otra.db").columns[1:7]))
    old.add(7, cliente="5214772758198@s.whatsapp.net")
    assert move(base=old.path)[0] == 0
    assert thread(7) == [("user", "Mi laptop no enciende")]
    ticket = Ticket.objects.get(pk=7)
    assert (ticket.fault, ticket.waiting_since) == ("Mi laptop no enciende", ticket.created)
    assert Message.objects.get(kind="nota").text == "Ticket importado de la mesa de ayuda anterior."


def test_a_simulation_writes_nothing_and_prints_the_same_report(origin: Origin, move: Move) -> None:
    origin.add(1, foto_path="img.jpg")
    origin.add(2, fecha="2026-02-06 10:00", estado="Archivado")
    origin.add(3, cliente="nadie")
    before = snapshot()
    simulated = move("--simular")
    assert snapshot() == before
    assert not AuditEntry.objects.exists()
    status, printed = move()
    assert simulated == (status, f"Simulación: no se escribió nada. Así quedaría:\n{printed}")
    assert (status, Ticket.objects.count()) == (1, 2)


def test_a_second_run_adds_nothing(origin: Origin, move: Move) -> None:
    origin.add(1, foto_path="img.jpg")
    origin.add(2, fecha="2026-02-06 10:00")
    origin.add(3, cliente="257354507501662@lid", historial_conversacion="{")
    move()
    before = snapshot()
    status, printed = move()
    assert snapshot() == before
    assert (status, "Tickets importados: 0" in printed, "Ya estaban: 3" in printed) == (0, True, True)
    assert AuditEntry.objects.filter(act="importacion").count() == 1


def test_a_number_that_the_script_of_the_origin_rewrote_is_the_same_ticket(origin: Origin, move: Move) -> None:
    origin.add(1, cliente="257354507501662@lid")
    move()
    origin.run("UPDATE tickets SET cliente = '+257354507501662'")
    assert "Ya estaban: 1" in move()[1]


def test_what_the_origin_added_since_is_brought_by_the_next_run(origin: Origin, move: Move) -> None:
    origin.add(1)
    move()
    origin.say(1, "user", "Sigue sin encender", "2026-02-06T08:00:00")
    origin.add(2, cliente="+5214770000002", fecha="2026-02-06 08:05")
    status, printed = move()
    assert (status, "con líneas nuevas: 1" in printed) == (0, True)
    assert thread(1)[-1] == ("user", "Sigue sin encender")
    ticket, conversation = Ticket.objects.get(pk=1), Conversation.objects.get(contact__tickets=1)
    assert (ticket.waiting_since, ticket.last_text) == (local("2026-02-06T08:00"), "Sigue sin encender")
    assert (conversation.seq, conversation.version) == (7, 7)
    assert not times.recompute([1, 2], write=False)
    assert books().balanced


def test_a_newer_ticket_of_the_next_run_closes_the_one_that_nobody_touched(origin: Origin, move: Move) -> None:
    origin.add(1)
    move()
    origin.add(2, fecha="2026-02-06 08:05", historial_conversacion=[])
    move()
    assert list(Ticket.objects.order_by("pk").values_list("state", flat=True)) == ["Cerrado", "Pendiente"]
    assert thread(1)[-1] == ("tecnico", "Se cerró al importar: esta persona tiene abierto el ticket #2.")
    assert books().balanced


def test_a_ticket_that_the_desk_works_on_stays_as_it_is(origin: Origin, move: Move, desk: Client) -> None:
    origin.add(1)
    move()
    assert desk.post("/ticket/1/nota", {"texto": "Lo reviso yo"}, content_type="application/json").status_code == 200
    origin.say(1, "user", "¿Y?", "2026-02-06T08:00:00")
    origin.add(2, fecha="2026-02-06 08:05")
    status, printed = move()
    assert status == 1
    assert "Ya se atiende aquí: sus líneas nuevas del origen no se trajeron. (1): #1" in printed
    assert list(Ticket.objects.order_by("pk").values_list("state", flat=True)) == ["Pendiente", "Cerrado"]


def test_who_is_known_here_gets_their_tickets_and_keeps_what_the_desk_knows(origin: Origin, move: Move) -> None:
    known = make_ticket(pk=900)
    Contact.objects.filter(pk=known.contact_id).update(name="Juan P.", department="")
    origin.add(1, cliente=f"+{known.contact.address}")
    move()
    contact = Contact.objects.get()
    assert (contact.name, contact.department) == ("Juan P.", "Contabilidad")
    assert Ticket.objects.get(pk=1).state == "Cerrado"
    assert books().balanced


def test_the_next_ticket_of_the_desk_comes_after_the_largest_number(origin: Origin, move: Move) -> None:
    largest = make_ticket().pk + 1000
    origin.add(largest)
    origin.add(largest - 34, cliente="+5214770000007")
    move()
    assert make_ticket().pk == largest + 1
    move()
    assert make_ticket().pk == largest + 2


def test_numbers_that_are_others_here_are_refused_before_anything_is_written(origin: Origin, move: Move) -> None:
    make_ticket(pk=2)
    for number in (1, 2, 3):
        origin.add(number)
    before = snapshot()
    status, printed = move()
    assert (status, "con 1 de esos números: #2. No se escribió nada." in printed) == (2, True)
    assert snapshot() == before
    assert move("--simular")[0] == 2


def test_another_origin_with_the_same_numbers_is_refused(origin: Origin, move: Move, tmp_path: Path) -> None:
    origin.add(1)
    move()
    other = Origin(tmp_path / "otra.db")
    other.add(1, cliente="+5214779999999")
    status, printed = move(base=other.path)
    assert (status, "#1" in printed) == (2, True)


def test_the_import_is_in_the_audit(origin: Origin, move: Move, supervisora: User) -> None:
    origin.add(1)
    move()
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.name) == ("importacion", "consola")
    assert entry.detail == "tickets.db: 1 tickets importados, 5 líneas de conversación"


def test_an_imported_person_writes_on_into_their_open_ticket(origin: Origin, move: Move, gateway: FakeGateway) -> None:
    from chat.inbound import receive
    from whatsapp.gateways.events import Inbound

    origin.add(1)
    move()
    receive(Inbound(external_id="A1", address="5214772758198@c.us", kind="text", text="¿Ya está?"))
    ticket = Ticket.objects.get()
    assert (ticket.pk, ticket.unread, thread(1)[-1]) == (1, 1, ("user", "¿Ya está?"))
    assert not Message.objects.filter(state="en_cola").exists()  # a technician spoke: the assistant is silent
    assert NUMBER[1:] == Contact.objects.get().address
    assert not times.recompute([1], write=False)  # the origin's answer is still its first one
