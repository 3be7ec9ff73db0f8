"""The simulator's phones change messages and answer them, and its account has a QR code: as our own adapter sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.test_simulator import HMAC_KEY, JUAN, KEY, Desk, Phones, until
from whatsapp.gateways.base import Outgoing
from whatsapp.gateways.events import ConnectionChanged, Deleted, Edited, Inbound, Reaction
from whatsapp.gateways.results import Accepted, Failure
from whatsapp.gateways.waha import Waha

LONG_AGO = datetime.now(UTC) - timedelta(days=1)
PERSON = JUAN.removesuffix("@c.us")


@pytest.fixture
def desk() -> Iterator[Desk]:
    started = Desk()
    yield started
    started.close()


@pytest.fixture
def phones(tmp_path: Path, desk: Desk) -> Iterator[Phones]:
    started = Phones(tmp_path, desk.url)
    yield started
    started.server.stop()


@pytest.fixture
def waha(phones: Phones) -> Waha:
    return Waha(phones.url, KEY, "default", HMAC_KEY, 5)


def post(phones: Phones, path: str, status: int = 200, **body: Any) -> Any:
    answer = phones.post(path, body)
    assert answer.status_code == status, answer.text
    return answer.json()


def told(desk: Desk, waha: Waha, event: str) -> list[Any]:
    """What the desk's adapter makes of the webhooks of this kind."""
    return [waha.parse(body)[0] for body in until(lambda: desk.events(event))]


def test_a_person_edits_deletes_and_reacts_and_the_desk_is_told(phones: Phones, desk: Desk, waha: Waha) -> None:
    written = post(phones, "/simulador/mensaje", 201, telefono=JUAN, texto="No enciende")
    bare = written["id"].split("_")[2]
    post(phones, "/simulador/cambio", id=written["id"], accion="editar", texto="Ya enciende")
    assert told(desk, waha, "message.edited") == [Edited(bare, "Ya enciende", False, PERSON)]
    post(phones, "/simulador/cambio", id=bare, accion="reaccionar", texto="👍")
    assert told(desk, waha, "message.reaction") == [Reaction(bare, "👍", False, PERSON)]
    shown = post(phones, "/simulador/cambio", id=bare, accion="eliminar")
    assert told(desk, waha, "message.revoked") == [Deleted(bare, False, PERSON)]
    assert (shown["texto"], shown["cambios"]) == (
        "Ya enciende",
        {"editado": True, "reaccion": "👍", "eliminado": True},
    )


def test_the_desk_s_own_phone_reacts_too(phones: Phones, desk: Desk, waha: Waha) -> None:
    sent = waha.send(PERSON, Outgoing("Hola"), lambda: None)
    assert isinstance(sent, Accepted) and sent.id
    post(phones, "/simulador/cambio", id=sent.id, accion="reaccionar", texto="❤️", mesa=True)
    assert told(desk, waha, "message.reaction") == [Reaction(sent.id, "❤️", True, PERSON)]


def test_an_answer_names_what_it_answers(phones: Phones, desk: Desk, waha: Waha) -> None:
    sent = waha.send(PERSON, Outgoing("¿Ya?"), lambda: None)
    assert isinstance(sent, Accepted)
    post(phones, "/simulador/respuesta", 201, telefono=JUAN, texto="Sí", responde_a=sent.id)
    answers = until(lambda: [one for one in told(desk, waha, "message.any") if isinstance(one, Inbound)])
    assert [(one.text, one.quotes) for one in answers] == [("Sí", sent.id)]


def test_what_the_desk_is_never_told_is_read_back(phones: Phones, desk: Desk, waha: Waha) -> None:
    post(phones, "/simulador/respuesta", 201, telefono=JUAN, texto="¿hay alguien?", callado=True)
    assert waha.chats_since(LONG_AGO) == [PERSON]
    (found,) = waha.read_back(PERSON, LONG_AGO) or []
    assert isinstance(found, Inbound) and found.text == "¿hay alguien?"
    assert not desk.events("message.any")


def test_changes_survive_a_restart(phones: Phones, desk: Desk, tmp_path: Path) -> None:
    written = post(phones, "/simulador/mensaje", 201, telefono=JUAN, texto="No enciende")
    post(phones, "/simulador/cambio", id=written["id"], accion="editar", texto="Ya enciende")
    phones.server.stop()
    again = Phones(tmp_path, desk.url)
    try:
        (message,) = again.get("/simulador/telefonos").json()["telefonos"][0]["mensajes"]
        assert (message["texto"], message["cambios"]) == ("Ya enciende", {"editado": True})
    finally:
        again.server.stop()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/simulador/cambio", 404, {"id": "nadie", "accion": "eliminar"}),
        ("/simulador/cambio", 400, {"id": "nadie", "accion": "quemar"}),
        ("/simulador/cambio", 400, {"id": "nadie", "accion": "editar", "texto": " "}),
        ("/simulador/respuesta", 404, {"telefono": JUAN, "texto": "Sí", "responde_a": "nadie"}),
        ("/simulador/respuesta", 400, {"telefono": "x", "texto": "Sí"}),
    ],
)
def test_what_cannot_be_is_refused(phones: Phones, path: str, status: int, body: dict[str, Any]) -> None:
    assert "detail" in post(phones, path, status, **body)


def test_logging_out_shows_a_qr_code_until_it_is_scanned(phones: Phones, waha: Waha) -> None:
    nothing = waha.qr()
    assert isinstance(nothing, Failure) and "WhatsApp conectado" in nothing.detail
    assert waha.log_out() is None
    assert waha.status() == ConnectionChanged(False, "Falta escanear el código QR de WhatsApp")
    code = waha.qr()
    assert isinstance(code, bytes) and code.startswith(b"\x89PNG")
    post(phones, "/simulador/estado", conexion="conectado")
    assert waha.status() == ConnectionChanged(True, "WhatsApp conectado")


def test_restarting_tells_the_desk_that_the_session_went_and_came(phones: Phones, desk: Desk, waha: Waha) -> None:
    assert waha.restart() is None
    until(lambda: [body["payload"]["status"] for body in desk.events("session.status")][-2:] == ["STOPPED", "WORKING"])
