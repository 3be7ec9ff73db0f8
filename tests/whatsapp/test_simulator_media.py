"""Files on the phones: what the desk sends, what people send, and how it is served, well and badly."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.test_simulator import JUAN, Desk, Phones, inbox, phones, until
from whatsapp.gateways import waha_media
from whatsapp.gateways.events import Inbound
from whatsapp.gateways.waha_events import parse
from whatsapp.simulator import media

FIXTURES = (inbox, phones)
JPEG = b"\xff\xd8\xff\xe0 una foto"


def file(content: bytes = JPEG, **more: Any) -> dict[str, Any]:
    return {"nombre": "falla.jpg", "tipo": "image/jpeg", "base64": base64.b64encode(content).decode(), **more}


def heard(inbox: Desk) -> Inbound:
    """What our adapter makes of the last message that the desk was told."""
    events = until(lambda: inbox.events("message.any"))
    (event,) = parse(events[-1], "default")
    assert isinstance(event, Inbound)
    return event


def test_a_person_sends_a_picture_and_the_desk_can_fetch_it(phones: Phones, inbox: Desk) -> None:
    answer = phones.post("/simulador/archivo", {"telefono": JUAN, "archivo": file(), "texto": "Mira"})
    assert answer.status_code == 201
    event = heard(inbox)
    assert (event.kind, event.text) == ("image", "Mira")
    assert event.media and event.media.mime == "image/jpeg" and event.media.name == "falla.jpg"
    assert phones.get(event.media.ref.split()[0]).content == JPEG
    assert phones.get(event.media.ref.split()[0], headers={"X-Api-Key": "otra"}).status_code == 401


def test_a_person_sends_a_place_and_a_contact(phones: Phones, inbox: Desk) -> None:
    phones.post("/simulador/ubicacion", {"telefono": JUAN, "latitud": 21.1, "longitud": -101.6, "lugar": "León"})
    assert heard(inbox).details["latitud"] == 21.1
    phones.post("/simulador/contacto", {"telefono": JUAN, "contacto": "Ana", "numero": "+52 477 111 2233"})
    until(lambda: len(inbox.events("message.any")) == 2)
    assert heard(inbox).details == {"contactos": [{"nombre": "Ana", "telefonos": ["+524771112233"]}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("archivo", {}),
        ("archivo", {"archivo": {"base64": "no es base64"}}),
        ("archivo", {"archivo": {"base64": 5}}),
        ("archivo", {"archivo": {"base64": "", "clase": "holograma"}}),
        ("ubicacion", {"latitud": "norte", "longitud": 1}),
        ("contacto", {"contacto": ""}),
    ],
)
def test_what_is_no_file_place_or_contact_is_refused(phones: Phones, path: str, body: dict[str, Any]) -> None:
    assert phones.post(f"/simulador/{path}", {"telefono": JUAN, **body}).status_code == 400


@pytest.mark.parametrize("what", ["Image", "Video", "Voice", "File"])
def test_the_desk_sends_a_file_and_it_is_on_the_phone(phones: Phones, what: str) -> None:
    sent = {"mimetype": "image/jpeg", "filename": "a.jpg", "data": base64.b64encode(JPEG).decode()}
    body = {"session": "default", "chatId": JUAN, "file": sent, "caption": "Así"}
    assert phones.post(f"/api/send{what}", body).status_code == 201
    (message,) = phones.screen()["mensajes"]
    assert (message["texto"], message["adjunto"]["nombre"]) == ("Así", "a.jpg")
    shown = phones.get(f"/simulador/archivos/{message['adjunto']['archivo']}")
    assert shown.content == JPEG and shown.headers["Content-Type"] == "image/jpeg"
    assert phones.accepted() == ["Así"]


def test_a_file_that_is_none_is_refused_as_waha_does(phones: Phones) -> None:
    for sent in (None, {}, {"mimetype": "image/jpeg"}, {"mimetype": "image/jpeg", "data": "%%"}):
        answer = phones.post("/api/sendImage", {"session": "default", "chatId": JUAN, "file": sent})
        assert answer.status_code == 400 and isinstance(answer.json()["message"], list)


def test_a_large_file_goes_through_and_a_larger_one_does_not(phones: Phones) -> None:
    sent = {"mimetype": "application/pdf", "filename": "a.pdf", "data": "A" * 4 * 2**20}
    body = {"session": "default", "chatId": JUAN, "file": sent}
    assert phones.post("/api/sendFile", body).status_code == 201
    assert waha_media.LIMITS["document"].max_bytes * 4 / 3 < media.LARGEST_BODY


@pytest.mark.parametrize("name", ["..%2F..%2Faceptados.jsonl", "no.jpg", "0123456789abcdef.jpg"])
def test_only_kept_files_are_served(phones: Phones, name: str) -> None:
    assert phones.get(f"/api/files/default/{name}").status_code == 404
    assert phones.get(f"/simulador/archivos/{name}").status_code == 404


def test_a_page_that_a_person_sent_is_only_ever_a_download(phones: Phones) -> None:
    phones.post(
        "/simulador/archivo", {"telefono": JUAN, "archivo": file(b"<script>", tipo="text/html", nombre="a.html")}
    )
    name = phones.screen()["mensajes"][0]["adjunto"]["archivo"]
    shown = phones.get(f"/simulador/archivos/{name}")
    assert shown.headers["Content-Disposition"] == "attachment"
    assert shown.headers["Content-Type"] == "application/octet-stream"


def test_every_fault_of_files(phones: Phones, inbox: Desk) -> None:
    phones.post("/simulador/archivo", {"telefono": JUAN, "archivo": file()})
    event = heard(inbox)
    assert event.media is not None
    for fault, status in (("no_existe", 404), ("error", 500), ("otro_tipo", 200), ("ninguna", 200)):
        phones.set(falla_archivos=fault)
        answer = phones.get(event.media.ref.split()[0])
        assert answer.status_code == status
        assert (answer.content == JPEG) == (fault == "ninguna")
    phones.set(falla_archivos="sin_descargar")
    phones.post("/simulador/archivo", {"telefono": JUAN, "archivo": file()})
    until(lambda: len(inbox.events("message.any")) == 2)
    told = heard(inbox).media
    assert told is not None and told.ref.startswith("mensaje:")
    assert phones.post("/simulador/estado", {"falla_archivos": "otra"}).status_code == 400


def test_files_are_there_after_a_restart(tmp_path: Path, inbox: Desk) -> None:
    first = Phones(tmp_path, inbox.url)
    first.post("/simulador/archivo", {"telefono": JUAN, "archivo": file()})
    first.server.stop()
    second = Phones(tmp_path, inbox.url)
    try:
        extra = second.screen()["mensajes"][0]["adjunto"]
        assert second.get(f"/api/files/default/{extra['archivo']}").content == JPEG
    finally:
        second.server.stop()
