"""A real set-up, looked at step by step: `manage.py whatsapp_probar` prints what this finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.timesince import timesince

from whatsapp import gateways, wire
from whatsapp.gateways.base import Outgoing
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
    Unreachable,
)
from whatsapp.models import WebhookEvent

RECENT = timedelta(days=1)
DEADLINE_S = 5.0


@dataclass(frozen=True)
class Step:
    """What was looked at and what was found; `todo` says what to do when it is not `ok`. None: nobody can say."""

    title: str
    ok: bool | None
    found: str = ""
    todo: str = ""


def steps(address: str, text: str) -> Iterator[Step]:
    """The steps in their order; whoever reads them stops at the first that failed. Sends `text` unless it is empty."""
    yield settings_present()
    yield server_answers()
    yield from session_works()
    yield number_exists(address)
    yield webhook_answers()
    yield webhook_received()
    if text:
        yield sent(address, text)


def settings_present() -> Step:
    gateway = gateways.active()
    title = f"Ajustes de {gateway.title} (WHATSAPP_GATEWAY={settings.WHATSAPP_GATEWAY})"
    if found := gateway.problems():
        return Step(title, False, f"{found[0].key} {found[0].detail}", f"{found[0].todo}.")
    return Step(title, True, "completos")


def server_answers() -> Step:
    key = gateways.active().url_setting
    url = getattr(settings, key)
    title = f"El servidor contesta en {url}"
    answer = wire.call("GET", url, deadline_s=DEADLINE_S)
    if isinstance(answer, wire.Response):
        return Step(title, True, f"HTTP {answer.status}")
    return Step(title, False, answer.detail, f"Revisa {key}, y que el servidor esté encendido y se alcance desde aquí.")


def session_works() -> Iterator[Step]:
    """The key, and then the session: the gateway's state tells both."""
    gateway = gateways.active()
    status = gateway.status()
    if isinstance(status, Misconfigured):
        yield Step("La llave es aceptada", False, status.detail, f"Corrige {status.key} en .env y reinicia la mesa.")
        return
    yield Step("La llave es aceptada", True)
    todo = "Revisa la cuenta en el gateway."
    if "session" in gateway.can:
        todo = (
            "En la mesa: Administración → Conexiones → Mostrar QR, y escanéalo con el teléfono; o Reiniciar la sesión."
        )
    yield Step("La sesión de WhatsApp está conectada", status.connected, status.detail, todo)


def number_exists(address: str) -> Step:
    title = f"El número +{address} está en WhatsApp"
    found = gateways.active().exists(address)
    if found is None:
        return Step(title, None, "este gateway no lo dice")
    known = f"como {found}" if isinstance(found, str) and found != address else ""
    return Step(title, bool(found), known or ("" if found else "no está"), "Escribe el número completo, con su país.")


def webhook_answers() -> Step:
    """The running desk has to refuse an unsigned webhook: then it has its secret and speaks of this gateway."""
    name = settings.WHATSAPP_GATEWAY
    title, secret = f"La mesa atiende POST /webhooks/{name}", gateways.active().secret_setting
    url = f"http://127.0.0.1:{settings.PORT}/webhooks/{name}"
    hosts = settings.ALLOWED_HOSTS
    host = "127.0.0.1" if not hosts or {"*", "127.0.0.1"} & set(hosts) else hosts[0].lstrip(".")
    answer = wire.call("POST", url, json={}, headers={"Host": host}, deadline_s=DEADLINE_S)
    if not isinstance(answer, wire.Response):
        return Step(title, False, answer.detail, f"Enciende la mesa en este equipo, en el puerto PORT={settings.PORT}.")
    if answer.status == 503:
        return Step(title, False, "no tiene su secreto", f"Pon {secret} en .env y reinicia la mesa.")
    if answer.status == 404:
        return Step(title, False, "la mesa encendida usa otro gateway", "Reinicia la mesa: WHATSAPP_GATEWAY cambió.")
    found = "y rechaza lo que no está firmado" if answer.status == 401 else f"HTTP {answer.status}"
    return Step(title, answer.status == 401, found, "Ahí contesta otro programa: revisa PORT.")


def webhook_received() -> Step:
    """Whether anything signed came in lately; the gateway has to be told our address, and reach it."""
    name = settings.WHATSAPP_GATEWAY
    title = "Han llegado avisos del gateway"
    newest = WebhookEvent.objects.filter(gateway=name).order_by("-received").first()
    if newest and newest.received > timezone.now() - RECENT:
        return Step(title, True, f"el último hace {timesince(newest.received)}")
    found = "el último es de hace más de un día" if newest else "ninguno todavía"
    todo = (
        f"Da de alta en el gateway el webhook https://<tu mesa>/webhooks/{name} con "
        f"{gateways.active().secret_setting}, escribe al número desde otro teléfono y repite. Si el registro de la "
        "mesa dice «Webhook rechazado», el secreto no es el mismo."
    )
    return Step(title, False, found, todo)


def sent(address: str, text: str) -> Step:
    title = f"Mensaje de prueba a +{address}"
    result = gateways.active().send(address, Outgoing(text), lambda: None)
    if isinstance(result, Accepted):
        return Step(title, True, f"aceptado{f' con el id {result.id}' if result.id else ''}")
    return Step(title, False, *explained(result))


def explained(result: Result) -> tuple[str, str]:
    """What a send that was not accepted means, and what to do."""
    if isinstance(result, Refused):
        return f"{result.reason}{f' ({result.code})' if result.code else ''}", "WhatsApp no acepta este envío."
    if isinstance(result, Misconfigured):
        return result.detail, f"Corrige {result.key} en .env."
    if isinstance(result, RateLimited):
        return "el gateway limita los envíos", "Espera unos minutos y repite."
    if isinstance(result, Disconnected | Unreachable):
        return result.detail, "No salió. Repite cuando la sesión esté conectada."
    assert isinstance(result, Ambiguous)
    return result.detail, "No se sabe si salió: mira el teléfono antes de repetir."
