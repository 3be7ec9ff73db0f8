"""Web push: what leaves for a technician's device, and who may send the desk where."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from chat import push, push_keys, runtime, tasks
from chat.alert_models import AlertSettings, PushDevice
from chat.checks import check_push
from tests.factory import make_user
from tests.fake_gateway import inbound, post_webhook
from tests.push_service import CHROME, Browser, PushService, claims, decoded, push_service
from tickets.access import GROUP_TECHNICIANS
from tickets.models import Ticket
from whatsapp import wire

pytestmark = pytest.mark.django_db

KEYS = push_keys.make_keys()
CONTACT = "mailto:soporte@example.org"


@pytest.fixture(autouse=True)
def desk_that_pushes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk has keys; what a task would do is done at once, in this thread."""
    settings.PUSH_CLAVE_PUBLICA, settings.PUSH_CLAVE_PRIVADA = KEYS
    settings.PUSH_CONTACTO = CONTACT
    settings.PUSH_LOCAL = True

    def now(function: Callable[..., Any], *args: Any) -> None:
        function(*args)

    monkeypatch.setattr(push.senders, "submit", now)
    monkeypatch.setattr(runtime.pool, "submit", now)
    monkeypatch.setattr(runtime.embedded, "is_set", lambda: True)


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as running:
        yield running


@pytest.fixture
def hear(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Callable[..., None]:
    """A person writes, and all that this causes happens."""

    def write(text: str = "No enciende", **fields: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            assert post_webhook(inbound(text, push_name="Juan Pérez", **fields)).status_code == 200

    return write


def add(client: Client, subscription: dict[str, Any], **more: Any) -> Any:
    body = {**subscription, **more}
    return client.post("/avisos/dispositivos", body, content_type="application/json", headers={"User-Agent": CHROME})


def wants(user: User, **wishes: Any) -> None:
    AlertSettings.objects.update_or_create(user=user, defaults=wishes)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# What leaves


def test_a_message_reaches_the_device_encrypted_for_it_and_signed_for_its_push_service(
    desk: Client, service: PushService, hear: Callable[..., None]
) -> None:
    browser = service.browser()
    add(desk, browser.subscription())
    hear()
    ticket = Ticket.objects.get()
    ((path, headers, body),) = service.received
    assert path == "/enviar/abc"
    assert browser.decrypt(body) == {
        "titulo": "Juan Pérez escribió",
        "cuerpo": f"Ticket #{ticket.pk}",
        "etiqueta": f"ticket-{ticket.pk}",
        "url": f"/?chat={ticket.pk}",
    }
    signed = claims(headers["Authorization"], KEYS[0])
    assert (signed["aud"], signed["sub"]) == (service.url, CONTACT)
    assert 0 < signed["exp"] - time.time() <= 24 * 3600
    assert (headers["Content-Encoding"], headers["Topic"]) == ("aes128gcm", f"ticket-{ticket.pk}")
    assert int(headers["TTL"]) > 0
    assert b"Juan" not in body
    assert PushDevice.objects.get().used


def test_the_words_leave_only_for_who_allowed_it(
    desk: Client, tecnica: User, supervisora: User, service: PushService, hear: Callable[..., None]
) -> None:
    hers, chiefs = service.browser("/ana"), service.browser("/sofia")
    add(desk, hers.subscription())
    add(logged_in(supervisora), chiefs.subscription())
    wants(supervisora, text=True)
    hear("Mi   laptop\nno enciende")
    number = f"Ticket #{Ticket.objects.get().pk}"
    assert [said["cuerpo"] for said in service.told(hers)] == [number]
    assert [said["cuerpo"] for said in service.told(chiefs)] == [f"Mi laptop no enciende · {number}"]


def test_a_ticket_of_somebody_is_pushed_to_them_alone(
    desk: Client, tecnica: User, supervisora: User, service: PushService, hear: Callable[..., None]
) -> None:
    hear()
    Ticket.objects.update(technician=supervisora, unread=0)
    add(desk, service.browser("/ana").subscription())
    add(logged_in(supervisora), service.browser("/sofia").subscription())
    hear("¿y bien?")
    assert [path for path, _, _ in service.received] == ["/sofia"]


def test_quiet_hours_keep_the_device_quiet(
    desk: Client, tecnica: User, service: PushService, hear: Callable[..., None]
) -> None:
    add(desk, service.browser().subscription())
    wants(tecnica, quiet_from="22:00", quiet_to="07:00")
    with time_machine.travel(datetime(2027, 1, 11, 5, 0, tzinfo=UTC)):  # 23:00 at the desk
        hear()
    assert service.received == []
    with time_machine.travel(datetime(2027, 1, 11, 15, 0, tzinfo=UTC)):
        hear("¿hola?")
    assert len(service.received) == 1


def test_who_is_disabled_hears_nothing_at_once_and_loses_their_devices(
    desk: Client, tecnica: User, service: PushService, hear: Callable[..., None]
) -> None:
    add(desk, service.browser().subscription())
    User.objects.update(is_active=False)
    hear()
    assert service.received == []
    tasks.purge_devices()
    assert not PushDevice.objects.exists()


def test_many_messages_in_a_row_are_one_push_until_somebody_reads(
    desk: Client, service: PushService, hear: Callable[..., None]
) -> None:
    add(desk, service.browser().subscription())
    with time_machine.travel(datetime(2027, 1, 11, 15, 0, tzinfo=UTC), tick=False) as clock:
        for _ in range(5):
            hear()
            clock.shift(20)
        assert len(service.received) == 1
        Ticket.objects.update(unread=0)
        hear("gracias")
        assert len(service.received) == 2
        clock.shift(600)
        hear("¿hola?")
    assert len(service.received) == 3


def test_what_was_read_meanwhile_is_not_pushed(desk: Client, service: PushService, hear: Callable[..., None]) -> None:
    hear()
    add(desk, service.browser().subscription())
    message = Ticket.objects.get().messages.get(role="user")
    Ticket.objects.update(unread=0)
    push.alert(message.pk)
    push.alert(999_999)
    assert service.received == []


def test_what_waited_too_long_is_not_sent_any_more(desk: Client, service: PushService) -> None:
    add(desk, service.browser().subscription())
    push.deliver(PushDevice.objects.get(), {"etiqueta": "x"}, time.monotonic() - 1)
    assert service.received == []


# What the push service answers


@pytest.mark.parametrize("status", [404, 410])
def test_a_device_that_is_gone_is_forgotten(
    desk: Client, service: PushService, hear: Callable[..., None], status: int
) -> None:
    add(desk, service.browser().subscription())
    service.status = status
    hear()
    assert not PushDevice.objects.exists()


@pytest.mark.parametrize("status", [302, 403, 429, 500])
def test_any_other_refusal_is_kept_for_its_owner_and_neither_repeated_nor_followed(
    desk: Client, service: PushService, hear: Callable[..., None], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    add(desk, service.browser().subscription())
    service.status = status
    hear()
    assert len(service.received) == 1
    (device,) = desk.get("/avisos/dispositivos").json()["dispositivos"]
    assert device["problema"] == f"El servicio de push respondió HTTP {status}."
    assert "/enviar/abc" not in caplog.text
    service.status = 201
    push.try_out(device["id"])
    assert desk.get("/avisos/dispositivos").json()["dispositivos"][0]["problema"] == ""


def test_a_push_service_that_is_away_costs_a_note_and_no_message(
    desk: Client, hear: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    add(desk, Browser("http://127.0.0.1:9/enviar/abc").subscription())
    hear()
    assert Ticket.objects.get().unread == 1
    assert PushDevice.objects.get().problem == "El servicio de push no contesta."
    assert "/enviar/abc" not in caplog.text


def test_keys_that_are_no_point_of_the_curve_are_a_note_too(desk: Client, service: PushService) -> None:
    add(desk, service.browser().subscription())
    PushDevice.objects.update(p256dh="B" + "A" * 86)
    push.try_out(PushDevice.objects.get().pk)
    assert (service.received, PushDevice.objects.get().problem) == ([], "El servicio de push no contesta.")


# Where the desk may be sent


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/abc",
        "https://localhost/abc",
        "https://127.0.0.1/abc",
        "https://10.0.0.8/abc",
        "https://[::1]/abc",
        "https://2130706433/abc",
        "https://0x7f.1/abc",
        "https://push.example.org:8443/abc",
        "https://push.example.org:abc/abc",
        "https://ana:clave@push.example.org/abc",
        "https://push.example.org/",
        "https://push.example.org/abc#fin",
        "https://push.example.org/a b",
        "https://push.example.org/á",
        "https://push.example.org/abc\r\nHost: otra",
        "https://" + "a" * 64 + ".org/abc",
        "https://push.example.org/" + "a" * 1000,
        "file:///etc/passwd",
        "//push.example.org/abc",
        "",
        7,
        None,
    ],
    ids=str,
)
def test_an_address_that_no_push_service_has_is_refused(desk: Client, settings: Settings, endpoint: Any) -> None:
    settings.PUSH_LOCAL = False
    answer = add(desk, {**Browser("").subscription(), "endpoint": endpoint})
    assert answer.status_code == 400
    assert not PushDevice.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_a_name_that_leads_into_our_network_is_not_called(
    desk: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settings.PUSH_LOCAL = False
    assert add(desk, Browser("https://push.example.org/abc").subscription()).status_code == 200
    asked: list[str] = []

    def look_up(host: str, *_: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (address, 443))]

    monkeypatch.setattr("whatsapp.attempt._look_up", look_up)
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("se conectó"))
    push.try_out(PushDevice.objects.get().pk)
    assert asked == ["push.example.org"]
    assert PushDevice.objects.get().problem == "El servicio de push no contesta."


def test_a_public_address_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []

    def refuse(_: object, address: Any) -> None:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("whatsapp.attempt._look_up", lambda *_: [(2, 1, 6, "", ("142.250.80.42", 443))])
    monkeypatch.setattr("socket.socket.connect", refuse)
    answer = wire.call("POST", "https://fcm.googleapis.com/fcm/send/x", deadline_s=2, public=True)
    assert isinstance(answer, wire.Unreachable)
    assert called == [("142.250.80.42", 443)]


@pytest.mark.parametrize(
    "keys",
    [
        None,
        {},
        {"p256dh": "x", "auth": "y"},
        {"p256dh": "A" * 87, "auth": "A" * 22},  # not a whole point
        {"p256dh": "B" + "A" * 86, "auth": "A" * 30},
        {"p256dh": 7, "auth": []},
        {"p256dh": "é" * 87, "auth": "A" * 22},
    ],
    ids=str,
)
def test_keys_of_another_shape_are_refused(desk: Client, service: PushService, keys: Any) -> None:
    answer = add(desk, {**service.browser().subscription(), "keys": keys})
    assert answer.status_code == 400
    assert not PushDevice.objects.exists()


# Whose device it is


def test_a_device_is_listed_by_a_name_one_can_read_and_says_which_is_this_one(
    desk: Client, tecnica: User, service: PushService
) -> None:
    add(desk, service.browser("/uno").subscription())
    add(logged_in(tecnica), service.browser("/dos").subscription())
    first, second = desk.get("/avisos/dispositivos").json()["dispositivos"]
    assert (first["nombre"], first["este"], second["este"]) == ("Chrome en Windows", True, False)
    assert "endpoint" not in first
    assert desk.get("/avisos/pendientes").json()["dispositivo"] == first["id"]


def test_the_same_browser_twice_is_one_device_and_the_last_to_ask_has_it(
    desk: Client, supervisora: User, service: PushService
) -> None:
    browser = service.browser()
    add(desk, browser.subscription())
    add(desk, browser.subscription())
    assert PushDevice.objects.count() == 1
    add(logged_in(supervisora), browser.subscription())
    assert PushDevice.objects.get().user == supervisora


def test_a_page_renews_its_own_device_and_adds_none_by_itself(
    desk: Client, tecnica: User, supervisora: User, service: PushService
) -> None:
    browser, later = service.browser(), service.browser("/nuevo")
    assert add(desk, browser.subscription(), renovar=True).json() == {"dispositivo": None}
    pk = add(desk, browser.subscription()).json()["dispositivo"]["id"]
    again = logged_in(tecnica)  # the session ended, and the browser was never logged out
    assert add(again, browser.subscription(), renovar=True).json()["dispositivo"]["este"]
    assert add(again, later.subscription(), renovar=True).json()["dispositivo"]["id"] == pk
    assert PushDevice.objects.get().endpoint == later.endpoint
    other = add(logged_in(supervisora), later.subscription(), renovar=True)
    assert other.json() == {"dispositivo": None}
    assert not PushDevice.objects.exists(), "Sofía sits there now, and Ana's notices do not come to her"


def test_logging_out_ends_this_device_and_no_other(desk: Client, tecnica: User, service: PushService) -> None:
    add(desk, service.browser("/uno").subscription())
    add(logged_in(tecnica), service.browser("/dos").subscription())
    desk.post("/salir")
    assert PushDevice.objects.get().endpoint.endswith("/dos")


def test_one_can_remove_and_try_ones_own_devices_only(desk: Client, supervisora: User, service: PushService) -> None:
    browser = service.browser()
    pk = add(desk, browser.subscription()).json()["dispositivo"]["id"]
    chief = logged_in(supervisora)
    for path in ("/avisos/probar", "/avisos/quitar"):
        assert chief.post(path, {"dispositivo": pk}, content_type="application/json").status_code == 404
    assert desk.post("/avisos/probar", {"dispositivo": pk}, content_type="application/json").status_code == 202
    assert service.told(browser)[0] | {"cuerpo": ""} == {
        "titulo": "Prueba de avisos",
        "cuerpo": "",
        "etiqueta": "prueba",
        "url": "/avisos",
        "siempre": True,
    }
    for body in ({}, {"dispositivo": True}, {"dispositivo": "1"}):
        assert desk.post("/avisos/quitar", body, content_type="application/json").status_code == 400
    assert desk.post("/avisos/quitar", {"dispositivo": 2**70}, content_type="application/json").status_code == 404
    assert desk.post("/avisos/quitar", {"dispositivo": pk}, content_type="application/json").status_code == 204
    assert not PushDevice.objects.exists()


def test_a_test_that_nobody_would_send_says_so(
    desk: Client, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = add(desk, service.browser().subscription()).json()["dispositivo"]["id"]
    monkeypatch.setattr(runtime.embedded, "is_set", lambda: False)
    answer = desk.post("/avisos/probar", {"dispositivo": pk}, content_type="application/json")
    assert (answer.status_code, answer.json()["status"]) == (503, "sin_worker")


def test_a_person_has_ten_devices_at_most(desk: Client, tecnica: User, service: PushService) -> None:
    for number in range(10):
        assert add(desk, service.browser(f"/{number}").subscription()).status_code == 200
    answer = add(desk, service.browser("/uno-mas").subscription())
    assert (answer.status_code, answer.json()["detail"][:12]) == (400, "Ya tienes 10")
    assert PushDevice.objects.count() == 10


def test_who_does_not_work_at_the_desk_has_no_devices(client: Client, extrana: User, service: PushService) -> None:
    client.force_login(extrana)
    assert add(client, service.browser().subscription()).status_code == 404
    assert client.get("/avisos/dispositivos").status_code == 404
    assert not PushDevice.objects.exists()


# On and off


def test_without_keys_nothing_is_pushed_woken_or_taken(
    desk: Client, service: PushService, settings: Settings, hear: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(desk, service.browser().subscription())
    settings.PUSH_CLAVE_PUBLICA = settings.PUSH_CLAVE_PRIVADA = ""
    monkeypatch.setattr(tasks.push_alert, "run", lambda *_: pytest.fail("se despertó"))
    hear()
    assert service.received == []
    answer = add(desk, service.browser("/dos").subscription())
    assert (answer.status_code, answer.json()["status"]) == (409, "push_apagado")
    assert desk.get("/avisos/pendientes").json()["clave"] == ""
    assert "no tiene configurados los avisos" in desk.get("/avisos").content.decode()
    assert check_push() == []


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"PUSH_CLAVE_PUBLICA": ""}, "PUSH_CLAVE_PUBLICA no es la de"),
        ({"PUSH_CLAVE_PUBLICA": push_keys.make_keys()[0]}, "PUSH_CLAVE_PUBLICA no es la de"),
        ({"PUSH_CLAVE_PRIVADA": ""}, "PUSH_CLAVE_PRIVADA no es una clave"),
        ({"PUSH_CLAVE_PRIVADA": "ñandú"}, "PUSH_CLAVE_PRIVADA no es una clave"),
        ({"PUSH_CLAVE_PRIVADA": KEYS[1] + KEYS[1]}, "PUSH_CLAVE_PRIVADA no es una clave"),
        ({"PUSH_CONTACTO": ""}, "PUSH_CONTACTO debe ser"),
        ({"PUSH_CONTACTO": "soporte@example.org"}, "PUSH_CONTACTO debe ser"),
    ],
    # The keys are made anew by each process that runs tests.
    ids=["no public", "another public", "no private", "no key", "too long", "no contact", "no address"],
)
def test_settings_that_leave_it_off_are_named_by_the_check(
    desk: Client, service: PushService, settings: Settings, change: dict[str, str], hint: str, hear: Callable[..., None]
) -> None:
    assert check_push() == []
    add(desk, service.browser().subscription())
    for name, value in change.items():
        setattr(settings, name, value)
    (warning,) = check_push()
    assert (warning.id, warning.msg) == ("chat.W001", "Los avisos push están apagados.")
    assert hint in str(warning.hint)
    hear()
    assert service.received == []


def test_without_its_library_the_check_says_so_and_it_is_off(
    desk: Client, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_keys, "find_spec", lambda _: None)
    push_keys.problem_of.cache_clear()
    try:
        (warning,) = check_push()
        assert warning.hint == "Falta instalar requirements-push.txt."
        assert add(desk, service.browser().subscription()).status_code == 409
    finally:
        push_keys.problem_of.cache_clear()


def test_the_command_writes_a_pair_that_works(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    call_command("claves_push", stdout=out)
    lines = dict(line.split("=", 1) for line in out.getvalue().split())
    assert list(lines) == ["PUSH_CLAVE_PUBLICA", "PUSH_CLAVE_PRIVADA"]
    assert len(decoded(lines["PUSH_CLAVE_PUBLICA"])) == 65
    for name, value in lines.items():
        setattr(settings, name, value)
    assert push_keys.problem() == ""

    def missing() -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr(push_keys, "make_keys", missing)
    with pytest.raises(CommandError, match=r"requirements-push\.txt"):
        call_command("claves_push")


# The service worker


def test_the_service_worker_is_public_reaches_the_whole_desk_and_is_asked_for_again(client: Client) -> None:
    answer = client.get("/sw.js")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Service-Worker-Allowed"] == "/"
    assert answer["Cache-Control"] == "public, no-cache"
    assert "worker-src 'self'" in answer["Content-Security-Policy"]
    assert client.get("/sw.js", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_the_manifest_and_its_pictures_are_there(client: Client) -> None:
    manifest = b"".join(client.get("/static/chat/manifest.webmanifest").streaming_content)  # type: ignore[attr-defined]
    assert b"/static/chat/icono-192.png" in manifest
    for size in (180, 192, 512):
        assert client.get(f"/static/chat/icono-{size}.png")["Content-Type"] == "image/png"


def test_technicians_of_the_same_ticket_are_told_once_each(
    desk: Client, service: PushService, hear: Callable[..., None]
) -> None:
    beto = logged_in(make_user("beto", GROUP_TECHNICIANS))
    for client, path in ((desk, "/ana"), (beto, "/beto")):
        add(client, service.browser(path).subscription())
    hear()
    assert sorted(path for path, _, _ in service.received) == ["/ana", "/beto"]
