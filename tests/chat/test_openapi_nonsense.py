"""Nonsense that schemathesis makes of the document: never a bug of ours, and only answers that are described."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import schemathesis
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import one_of
from schemathesis import Case, GenerationMode

from chat.models import Conversation
from config.auth import make_token
from config.openapi.document import document
from tests.chat.test_openapi import conforms
from tests.factory import make_ticket
from tests.fake_gateway import FakeGateway

pytestmark = pytest.mark.django_db
SCHEMA = schemathesis.openapi.from_dict(json.loads(json.dumps(document())))
# Those that take a body or parameters; nothing can be wrong with the others but their address.
OPERATIONS = [one for one in (found.ok() for found in SCHEMA.get_all_operations()) if one.body or one.query]
SENT_ALONG = ("method", "url", "json", "data", "params", "files")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_nonsense_is_answered_as_described(operation: Any, tecnica: User, gateway: FakeGateway, inline: None) -> None:
    client = Client(headers={"Authorization": f"Token {make_token(tecnica)}"})
    ticket = make_ticket()
    Conversation.locked_for(ticket.contact).append(ticket, "tecnico", "hola", state="sin_confirmar")

    @settings(
        max_examples=12,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)))
    def ask(case: Case) -> None:
        case.path_parameters = {"ticket_id": ticket.pk, "seq": 1}  # other addresses are plain 404s
        asked = case.as_transport_kwargs(base_url="http://testserver")
        wire = requests.Request(**{name: value for name, value in asked.items() if name in SENT_ALONG}).prepare()
        kind = wire.headers.get("Content-Type", "application/json")
        response = client.generic(str(wire.method), wire.path_url, wire.body or b"", content_type=kind)
        assert conforms(response, str(wire.method), operation.path).status_code != 500

    ask()
