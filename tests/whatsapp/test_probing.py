"""`manage.py whatsapp_probar`: each step of a set-up fails in its own words, against raw sockets and the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from tests.whatsapp.gateways.server import RawServer, http, refused_url, says
from tests.whatsapp.test_simulator import HMAC_KEY, KEY, Desk, Phones
from whatsapp.gateways.waha import Waha
from whatsapp.models import WebhookEvent

pytestmark = pytest.mark.django_db
PHONE = "+52 1 477 275 8198"


def probe(*options: str, code: int = 1, phone: str = PHONE) -> list[str]:
    """The lines it prints; it must end with this exit code."""
    out = StringIO()
    try:
        call_command("whatsapp_probar", "--telefono", phone, *options, stdout=out)
        ended: object = 0
    except SystemExit as stopped:
        ended = stopped.code
    assert ended == code, out.getvalue()
    return [line.strip() for line in out.getvalue().splitlines()]


@pytest.fixture
def phones(tmp_path: Path, settings: Settings) -> Iterator[Phones]:
    """A real set-up in which all is well but the desk's own webhook."""
    desk = Desk()
    phones = Phones(tmp_path, desk.url)
    settings.WAHA_URL, settings.WAHA_API_KEY, settings.WAHA_HMAC_KEY = phones.url, KEY, HMAC_KEY
    settings.WHATSAPP_TIMEOUT_S = 5
    settings.ALLOWED_HOSTS = ["mesa.ejemplo.mx"]
    yield phones
    phones.server.stop()
    desk.close()


@pytest.fixture
def desk(phones: Phones, settings: Settings) -> Iterator[RawServer]:
    """The running desk, which refuses what is not signed."""
    with RawServer(says(http(401, {"status": "sin_firma"}))) as server:
        settings.PORT = server.port
        yield server


def received(ago: timedelta = timedelta(minutes=5)) -> None:
    when = timezone.now() - ago
    WebhookEvent.objects.create(gateway="waha", external_id=f"{when}", body="{}", received=when)


def test_a_good_set_up_passes_every_step_and_sends_nothing(phones: Phones, desk: RawServer) -> None:
    received()
    lines = probe(code=0)
    assert [line[:4] for line in lines[:7]] == [f"{n}. ✓" for n in range(1, 8)]
    assert "el último hace 5\xa0minutos" in lines[6]
    assert "--enviar" in lines[-1]
    assert phones.accepted() == []
    assert b"Host: mesa.ejemplo.mx\r\n" in desk.received[0]


def test_with_enviar_the_message_is_sent_once(phones: Phones, desk: RawServer) -> None:
    received()
    lines = probe("--enviar", "--texto", "Hola, prueba", code=0)
    assert phones.accepted() == ["Hola, prueba"]
    assert "aceptado con el id 3EB0" in lines[-1]


@pytest.mark.parametrize("key", ["WAHA_URL", "WAHA_HMAC_KEY"])
def test_a_setting_that_is_missing_is_named(phones: Phones, settings: Settings, key: str) -> None:
    setattr(settings, key, "")
    lines = probe()
    assert lines[0].startswith("1. ✗ Ajustes de WAHA") and key in lines[1] and len(lines) == 2


def test_a_server_that_is_not_there_names_its_address(phones: Phones, settings: Settings) -> None:
    settings.WAHA_URL = refused_url()
    lines = probe()
    assert lines[1].startswith(f"2. ✗ El servidor contesta en {settings.WAHA_URL}") and "WAHA_URL" in lines[2]


def test_a_wrong_key_is_named(phones: Phones, settings: Settings) -> None:
    settings.WAHA_API_KEY = "otra"
    lines = probe()
    assert lines[2].startswith("3. ✗ La llave es aceptada") and "WAHA_API_KEY" in lines[3]


def test_a_session_that_waits_for_its_qr_code_says_where_to_scan_it(phones: Phones) -> None:
    phones.post("/api/sessions/default/logout")
    lines = probe()
    assert "4. ✗" in lines[3] and "Falta escanear el código QR" in lines[3] and "Mostrar QR" in lines[4]


def test_a_number_that_is_not_on_whatsapp_stops_it(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Waha, "exists", lambda self, address: False)
    lines = probe()
    assert lines[4].startswith("5. ✗ El número +5214772758198 está en WhatsApp: no está")


def test_a_gateway_that_cannot_say_whether_a_number_exists_does_not_stop_it(
    phones: Phones, desk: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    received()
    monkeypatch.setattr(Waha, "exists", lambda self, address: None)
    assert probe(code=0)[4].startswith("5. –")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(503, {}), "Pon WAHA_HMAC_KEY"),
        (http(404, {}), "WHATSAPP_GATEWAY"),
        (http(200, b"<html>"), "PORT"),
    ],
)
def test_a_desk_that_does_not_take_webhooks_says_why(
    phones: Phones, settings: Settings, answer: bytes, words: str
) -> None:
    with RawServer(says(answer)) as server:
        settings.PORT = server.port
        lines = probe()
    assert lines[5].startswith("6. ✗ La mesa atiende POST /webhooks/waha") and words in lines[6]


def test_a_desk_that_is_off_is_named(phones: Phones, settings: Settings) -> None:
    settings.PORT = int(refused_url().rpartition(":")[2])
    assert "Enciende la mesa" in probe()[6]


@pytest.mark.parametrize(("ago", "words"), [(None, "ninguno todavía"), (timedelta(days=3), "hace más de un día")])
def test_a_webhook_that_nobody_calls_says_what_to_set(
    phones: Phones, desk: RawServer, ago: timedelta | None, words: str
) -> None:
    if ago:
        received(ago)
    lines = probe("--enviar")
    assert lines[6].startswith("7. ✗") and words in lines[6] and "/webhooks/waha con WAHA_HMAC_KEY" in lines[7]
    assert phones.accepted() == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [("rechazar", "(400)"), ("limite", "limita los envíos"), ("error_despues", "mira el teléfono antes de repetir")],
)
def test_a_test_message_that_fails_says_what_that_means(
    phones: Phones, desk: RawServer, fault: str, words: str
) -> None:
    received()
    phones.set(falla=fault)
    lines = probe("--enviar")
    assert lines[7].startswith("8. ✗ Mensaje de prueba") and words in " ".join(lines[7:])


@pytest.mark.parametrize("phone", ["", "4772", "hola", "0044772758198123456"])
def test_a_phone_that_is_none_is_refused(phone: str) -> None:
    with pytest.raises(CommandError, match="--telefono"):
        call_command("whatsapp_probar", f"--telefono={phone}")


@pytest.mark.parametrize("gateway", ["evolution", "cloud_api", "puente"])
def test_every_gateway_s_empty_settings_are_named(settings: Settings, gateway: str) -> None:
    settings.WHATSAPP_GATEWAY = gateway
    lines = probe()
    assert lines[0].startswith("1. ✗ Ajustes de") and lines[1].startswith("→ ") and len(lines) == 2
