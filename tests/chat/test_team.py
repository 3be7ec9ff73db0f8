"""Who is in a ticket: joining, leaving, mentions in notes, and handing it over."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from chat import alerts, team
from chat.models import AuditEntry, Message, Participant
from tests.factory import make_contact, make_ticket, make_user
from tests.fake_gateway import FakeGateway, receive
from tickets.access import GROUP_TECHNICIANS
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

Told = list[tuple[str, dict[str, Any], Collection[int] | None]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the open pages were told."""
    heard: Told = []
    monkeypatch.setattr("chat.live.announce", lambda event, data, users=None: heard.append((event, data, users)))
    return heard


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make_ticket(make_contact("5214772758198"))


@pytest.fixture
def luis(db: None) -> User:
    return make_user("luis", GROUP_TECHNICIANS, first_name="Luis", last_name="Mora")


@pytest.fixture
def his(luis: User) -> Client:
    """Luis's browser."""
    client = Client()
    client.force_login(luis)
    return client


def post(client: Client, ticket: Ticket, verb: str, body: Any = None) -> HttpResponse:
    return client.post(f"/ticket/{ticket.pk}/{verb}", body or {}, content_type="application/json")


def participants(client: Client, ticket: Ticket) -> dict[str, bool]:
    """The first names of who is in the ticket, and whether a mention of them is unseen."""
    answer = client.get(f"/ticket/{ticket.pk}/conversacion").json()["ticket"]["participantes"]
    return {one["nombre"].split()[0]: one["mencion"] for one in answer}


def listed(client: Client, tab: str) -> bool:
    return '<tr role="row" data-ticket' in client.get(f"/?ver={tab}").content.decode()


def waiting(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/avisos/pendientes").json()["tickets"]
    return found


def test_who_joins_a_ticket_is_shown_in_it_has_it_among_theirs_and_hears_of_it(
    desk: Client, his: Client, luis: User, tecnica: User, ticket: Ticket, told: Told,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    Ticket.objects.filter(pk=ticket.pk).update(technician=tecnica)
    assert not listed(his, "mios")
    assert post(his, ticket, "unirme").status_code == 200
    assert participants(desk, ticket) == {"Luis": False}
    assert listed(his, "mios")
    told.clear()
    with django_capture_on_commit_callbacks(execute=True):
        receive("¿Hola?")
    assert ("aviso", {"ticket": ticket.pk}, [*sorted([tecnica.pk, luis.pk])]) in told
    assert [one["id"] for one in waiting(his)] == [ticket.pk]


def test_who_leaves_hears_no_more(desk: Client, his: Client, tecnica: User, ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(technician=tecnica, unread=1)
    for verb in ("unirme", "unirme", "salir", "salir"):
        assert post(his, ticket, verb).status_code == 200
    assert participants(desk, ticket) == {}
    assert not listed(his, "mios")
    assert waiting(his) == []
    assert alerts.concerned(ticket.pk, tecnica.pk) == [tecnica.pk]


@pytest.mark.parametrize("name", ["@luis", "@Luis.", "(@LUIS)"])
def test_a_note_that_names_a_colleague_tells_them_until_they_have_seen_it(
    desk: Client, his: Client, luis: User, ticket: Ticket, told: Told, name: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        seq = post(desk, ticket, "nota", {"texto": f"{name} ¿lo ves?"}).json()["seq"]
    assert ("aviso", {"ticket": ticket.pk}, [luis.pk]) in told
    (entry,) = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"]
    assert entry["datos"]["menciones"] == [{"id": luis.pk, "usuario": "luis", "nombre": "Luis Mora"}]
    (news,) = waiting(his)
    assert (news["id"], news["ultimo"], news["aviso"]) == (ticket.pk, seq, f"Ana Ruiz te mencionó en #{ticket.pk}")
    assert participants(desk, ticket) == {"Luis": True}
    assert listed(his, "menciones")
    assert "Menciones" not in desk.get("/").content.decode()
    post(his, ticket, "leido", {"hasta": seq})
    assert participants(desk, ticket) == {"Luis": False}
    assert not listed(his, "menciones")
    assert waiting(his) == []


def test_two_of_the_same_first_name_are_named_by_their_user_names(luis: User, tecnica: User) -> None:
    other = make_user("luis2", GROUP_TECHNICIANS, first_name="Luis")
    assert team.mentioned("@luis2 y @nadie y ana@luis.mx", tecnica) == [other]
    assert team.mentioned("@Luis", tecnica) == [luis]  # a user name
    assert team.mentioned("@ana", tecnica) == []  # oneself


@pytest.mark.parametrize("text", ["@rosa@mesa.mx", "(@Rosa@mesa.mx).", "@rosa@mesa.mx: ¿lo ves?"])
def test_a_user_name_that_is_an_email_address_is_mentioned(text: str, luis: User, tecnica: User) -> None:
    rosa = make_user("rosa@mesa.mx", GROUP_TECHNICIANS, first_name="Rosalía")
    assert team.mentioned(text, tecnica) == [rosa]


def test_who_may_not_work_here_is_not_mentioned(desk: Client, extrana: User, ticket: Ticket) -> None:
    post(desk, ticket, "nota", {"texto": "@eva mira"})
    assert not Participant.objects.exists()


def test_an_address_in_a_message_to_the_person_mentions_nobody(
    desk: Client, luis: User, ticket: Ticket, inline: None
) -> None:
    post(desk, ticket, "enviar-mensaje", {"mensaje": "Te escribe @luis"})
    assert not Participant.objects.exists()


def test_a_transfer_gives_the_ticket_tells_the_new_one_and_leaves_a_line_and_the_note(
    desk: Client, his: Client, luis: User, tecnica: User, ticket: Ticket, gateway: FakeGateway, inline: None
) -> None:
    post(desk, ticket, "tomar")
    answer = post(desk, ticket, "transferir", {"tecnico": luis.pk, "nota": "Ya tiene el equipo"})
    assert answer.json()["ticket"]["tecnico"]["nombre"] == "Luis Mora"
    rows = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"]
    assert [(row["tipo"], row["content"], row["autor"]) for row in rows] == [
        ("system", "Ana Ruiz transfirió el ticket a Luis Mora", "Ana Ruiz"),
        ("nota", "Ya tiene el equipo", "Ana Ruiz"),
    ]
    (news,) = waiting(his)
    assert news["aviso"] == f"Ana Ruiz te transfirió #{ticket.pk}"
    assert listed(his, "mios")
    assert gateway.calls == []
    entry = AuditEntry.objects.get(act="transferencia")
    assert (entry.person, entry.detail) == (tecnica, "Antes: Ana Ruiz. A: Luis Mora")


def test_whom_the_note_of_a_transfer_mentions_is_told_and_the_new_one_only_of_the_transfer(
    desk: Client, his: Client, luis: User, ticket: Ticket, told: Told,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    rosa = make_user("rosa", GROUP_TECHNICIANS)
    with django_capture_on_commit_callbacks(execute=True):
        post(desk, ticket, "transferir", {"tecnico": rosa.pk, "nota": "@rosa es tuyo, @luis lo conoce"})
    assert [users for event, _, users in told if event == "aviso"] == [[luis.pk], [rosa.pk]]
    (news,) = waiting(his)
    assert news["aviso"] == f"Ana Ruiz te mencionó en #{ticket.pk}"
    assert Participant.objects.filter(user=rosa, mention__kind="system").exists()
    note = desk.get(f"/ticket/{ticket.pk}/conversacion").json()["historial"][-1]
    assert {one["usuario"] for one in note["datos"]["menciones"]} == {"luis", "rosa"}


@pytest.mark.parametrize("to", [None, "luis", True, 0, 10**9, 2**70])
def test_a_ticket_goes_only_to_who_works_here(desk: Client, ticket: Ticket, to: Any) -> None:
    answer = post(desk, ticket, "transferir", {"tecnico": to})
    assert (answer.status_code, answer.json()["status"]) == (400, "datos_no_validos")


def test_a_ticket_is_not_transferred_to_who_has_it(desk: Client, tecnica: User, ticket: Ticket) -> None:
    post(desk, ticket, "tomar")
    assert post(desk, ticket, "transferir", {"tecnico": tecnica.pk}).status_code == 400
    assert not Message.objects.exists()
