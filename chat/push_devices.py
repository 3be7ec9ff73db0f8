"""Which devices are told with the desk closed. What a browser says of its subscription is hostile until read here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from chat.alert_models import PushDevice
from chat.compose import InvalidText
from chat.push_keys import bytes_of
from tickets.access import workers

SESSION_KEY = "dispositivo_push"
MOST_EACH = 10
LONGEST = 1000
HOST = re.compile(
    r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
# The first that occurs in the User-Agent, because most browsers also claim to be others.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Macintosh": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@dataclass(frozen=True)
class Subscription:
    """What a browser's `PushSubscription.toJSON()` says, checked."""

    endpoint: str
    p256dh: str
    auth: str


def read_subscription(body: Mapping[str, Any]) -> Subscription:
    """The subscription in `body` ({"endpoint", "keys": {"p256dh", "auth"}}); raises InvalidText."""
    endpoint, keys = body.get("endpoint"), body.get("keys")
    if not isinstance(endpoint, str) or not isinstance(keys, dict):
        raise InvalidText("Envía la suscripción del navegador: «endpoint» y «keys».")
    check_endpoint(endpoint)
    p256dh, auth = (bytes_of(keys.get(name)) for name in ("p256dh", "auth"))
    if len(p256dh) != 65 or p256dh[0] != 4 or len(auth) != 16:
        raise InvalidText("Las llaves de la suscripción no son válidas.")
    return Subscription(endpoint, keys["p256dh"], keys["auth"])


def check_endpoint(endpoint: str) -> None:
    """Raise InvalidText unless it may be a push service: HTTPS, its usual port, a name of the Internet.

    That the name leads to no machine of ours is seen at each connection (`whatsapp.wire.call`, `public`).
    """
    wrong = InvalidText("La dirección del servicio de push no es válida.")
    if len(endpoint) > LONGEST or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        raise wrong
    try:
        url = urlsplit(endpoint)
        port = url.port
    except ValueError:
        raise wrong from None
    if url.username is not None or url.password is not None or url.fragment or not url.path.strip("/"):
        raise wrong
    if settings.PUSH_LOCAL and url.scheme == "http" and url.hostname == "127.0.0.1":
        return
    if url.scheme != "https" or port not in (None, 443) or not HOST.fullmatch(url.hostname or ""):
        raise wrong


def device_name(agent: str) -> str:
    """A browser and its system by the header User-Agent: "Chrome en Windows"."""
    browser = next((name for mark, name in BROWSERS.items() if mark in agent), "Navegador")
    system = next((name for mark, name in SYSTEMS.items() if mark in agent), "")
    return f"{browser} en {system}" if system else browser


def register(request: HttpRequest, user: User, told: Subscription) -> PushDevice:
    """This browser is to be told what concerns `user`, whosever it was before."""
    if PushDevice.objects.filter(user=user).exclude(endpoint=told.endpoint).count() >= MOST_EACH:
        raise InvalidText(f"Ya tienes {MOST_EACH} dispositivos con avisos: quita uno antes.")
    PushDevice.objects.filter(endpoint=told.endpoint).exclude(user=user).delete()
    fields = {"user": user, "p256dh": told.p256dh, "auth": told.auth, "name": named(request), "problem": ""}
    device, _ = PushDevice.objects.update_or_create(endpoint=told.endpoint, defaults=fields)
    request.session[SESSION_KEY] = device.pk
    return device


def renew(request: HttpRequest, user: User, told: Subscription) -> PushDevice | None:
    """A page found `told` in its browser: take note of what changed; None when it is not a device of `user`.

    Somebody else's device ends then, because it is `user` who sits there now.
    """
    PushDevice.objects.filter(endpoint=told.endpoint).exclude(user=user).delete()
    mine = PushDevice.objects.filter(user=user)
    known = request.session.get(SESSION_KEY)
    device = mine.filter(endpoint=told.endpoint).first() or (known and mine.filter(pk=known).first()) or None
    if device is None:
        return None
    device.endpoint, device.p256dh, device.auth, device.name = told.endpoint, told.p256dh, told.auth, named(request)
    device.save(update_fields=["endpoint", "p256dh", "auth", "name"])
    request.session[SESSION_KEY] = device.pk
    return device


def named(request: HttpRequest) -> str:
    return device_name(request.headers.get("User-Agent", "")[:500])


def forget_on_logout(request: HttpRequest, user: User | None, **_: Any) -> None:
    """Django's `user_logged_out`: the device of the session that ends is told no more."""
    if user is not None and (known := request.session.get(SESSION_KEY)):
        PushDevice.objects.filter(pk=known, user=user).delete()


def purge() -> None:
    """Drop the devices of who no longer works at the desk. They are told nothing from the first moment anyway."""
    PushDevice.objects.exclude(user__in=workers().order_by().values("pk")).delete()


def reached(pk: int, endpoint: str) -> None:
    PushDevice.objects.filter(pk=pk, endpoint=endpoint).update(used=timezone.now(), problem="")


def failed(pk: int, endpoint: str, problem: str) -> None:
    PushDevice.objects.filter(pk=pk, endpoint=endpoint).update(problem=problem[:200])


def gone(pk: int, endpoint: str) -> None:
    PushDevice.objects.filter(pk=pk, endpoint=endpoint).delete()
