"""A restored database starts paused, and what it believes unsent is doubtful."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from chat import compose, echoes, health, restore
from chat.models import Message, Worker
from tests.factory import make_ticket
from whatsapp import connection
from whatsapp.gateways.events import OwnMessage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_file() -> None:
    restore.heartbeat_file().unlink(missing_ok=True)


@pytest.fixture
def queued(tecnica: object) -> Message:
    return compose.write(make_ticket().pk, tecnica, compose.Draft("hola"))[0]  # type: ignore[arg-type]


def test_a_database_behind_the_last_sweep_pauses_sending_and_doubts_what_was_queued(queued: Message) -> None:
    restore.beat("uno")
    Worker.objects.update(seen=timezone.now() - timedelta(hours=1))
    restore.beat("uno")
    queued.refresh_from_db()
    assert connection.current().paused
    assert queued.state == "sin_confirmar"


def test_a_probe_or_a_page_that_comes_before_the_first_sweep_hides_no_restored_database(client: Client) -> None:
    restore.beat("uno")
    Worker.objects.update(seen=timezone.now() - timedelta(hours=1))
    client.get("/salud")
    health.note_streams(3)
    restore.beat("uno")
    assert connection.current().paused


def test_what_left_hours_after_the_backup_is_settled_by_the_gateways_memory_of_it(queued: Message) -> None:
    Message.objects.update(created=timezone.now() - timedelta(hours=5))
    restore.after_restore("prueba")
    sent_at = timezone.now() - timedelta(hours=3)
    echoes.own_message(OwnMessage("3EB0AB", queued.conversation.contact.address, "hola", True, sent_at=sent_at))
    queued.refresh_from_db()
    assert (queued.state, queued.gateway_id) == ("enviado", "3EB0AB")


def test_a_database_that_goes_on_is_not_paused(queued: Message) -> None:
    for name in ("uno", "dos", "uno"):
        restore.beat(name)
    assert not connection.current().paused


def test_a_new_database_beside_an_old_file_is_not_paused() -> None:
    restore.beat("uno")
    Worker.objects.all().delete()
    restore.beat("uno")
    assert not connection.current().paused


def test_the_command_pauses_and_says_how_many_are_doubtful(queued: Message, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("tras_restaurar")
    assert "1 mensajes" in capsys.readouterr().out
    assert connection.opened()


def test_an_older_message_that_was_sent_stays_sent(queued: Message) -> None:
    Message.objects.update(state="enviado", gateway_id="A1")
    restore.after_restore("prueba")
    queued.refresh_from_db()
    assert queued.state == "enviado"
