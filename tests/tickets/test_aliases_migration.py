"""The columns of old databases become aliases, and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE, AFTER = [("tickets", "0001_initial")], [("tickets", "0004_contacts_without_columns")]


def migrate(to: list[tuple[str, str]]) -> Apps:
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return executor.loader.project_state(to).apps


@pytest.fixture
def old(transactional_db: None) -> Iterator[Apps]:
    yield migrate(BEFORE)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_an_old_database_keeps_every_identity(old: Apps) -> None:
    contacts = old.get_model("tickets", "Contact").objects
    juan = contacts.create(phone="+524772758198", lid="99887766554433@lid", address="99887766554433@lid", name="Juan")
    eva = contacts.create(phone="+525511112222", address="5215511112222")
    meta = contacts.create(bsuid="MX.1349", address="MX.1349")
    old.get_model("tickets", "Ticket").objects.create(contact=meta, search_text="1 no enciende")
    new = migrate(AFTER)
    rows = new.get_model("tickets", "Alias").objects.order_by("contact", "kind")
    assert list(rows.values_list("contact", "kind", "key", "address")) == [
        (juan.pk, "lid", "99887766554433@lid", "99887766554433@lid"),
        (juan.pk, "phone", "+524772758198", "524772758198"),
        (eva.pk, "phone", "+525511112222", "5215511112222"),
        (meta.pk, "bsuid", "MX.1349", "MX.1349"),
    ]
    assert new.get_model("tickets", "Contact").objects.get(pk=juan.pk).known_as == "524772758198"
    assert new.get_model("tickets", "Contact").objects.get(pk=eva.pk).spellings == "+525511112222 5215511112222"
    assert "mx.1349" in new.get_model("tickets", "Ticket").objects.get().search_text
    back = migrate(BEFORE).get_model("tickets", "Contact").objects
    assert list(back.order_by("pk").values_list("phone", "lid", "bsuid")) == [
        ("+524772758198", "99887766554433@lid", None),
        ("+525511112222", None, None),
        (None, None, "MX.1349"),
    ]
    migrate(AFTER)
