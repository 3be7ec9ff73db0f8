"""What `manage.py check` refuses: a gateway that production could neither call nor believe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error


def is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number, or an address in half a bracket
        return False


def fits_a_header(secret: str) -> bool:
    """Whether it can travel in a header: some visible ASCII."""
    return bool(secret) and secret.isascii() and secret.isprintable()


def check_waha(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """WAHA's address and the secret of its webhooks, which in development have defaults."""
    if settings.WHATSAPP_GATEWAY != "waha":
        return []
    found: list[CheckMessage] = []
    if not settings.WAHA_URL:
        hint = "Pon WAHA_URL en .env, por ejemplo http://127.0.0.1:3000"
        found.append(Error("No se sabe dónde está WAHA.", hint=hint, id="whatsapp.E001"))
    elif not is_http(settings.WAHA_URL):
        hint = "WAHA_URL debe empezar con http:// o https:// y nombrar un servidor."
        found.append(Error("La dirección de WAHA no es válida.", hint=hint, id="whatsapp.E002"))
    if not settings.WAHA_HMAC_KEY:
        hint = "Pon WAHA_HMAC_KEY en .env, y la misma en WAHA (WHATSAPP_HOOK_HMAC_KEY)."
        found.append(Error("Sin clave no se puede creer ningún webhook.", hint=hint, id="whatsapp.E003"))
    return found


def check_cloud_api(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """What the Cloud API needs to be called and believed: its number, its token, and the secrets of its webhook."""
    if settings.WHATSAPP_GATEWAY != "cloud_api":
        return []
    found: list[CheckMessage] = []

    def wrong(code: int, what: str, hint: str) -> None:
        found.append(Error(what, hint=hint, id=f"whatsapp.E{code:03}"))

    if not is_http(settings.CLOUD_API_URL):
        wrong(11, "La dirección de la API de Meta no es válida.", "CLOUD_API_URL debe ser https://graph.facebook.com")
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,3}", settings.CLOUD_API_VERSION):
        wrong(12, "La versión de la API de Meta no es válida.", "CLOUD_API_VERSION debe ser como v25.0")
    token = settings.CLOUD_API_TOKEN
    if not token:
        wrong(13, "Sin token no se puede llamar a Meta.", "Pon CLOUD_API_TOKEN en .env: el de un usuario del sistema.")
    elif not (token.isascii() and token.isprintable()):
        wrong(14, "El token de Meta no es válido.", "CLOUD_API_TOKEN tiene caracteres que no caben en una cabecera.")
    if not re.fullmatch("[0-9]{1,40}", settings.CLOUD_API_PHONE_ID):
        hint = "Pon CLOUD_API_PHONE_ID en .env: el identificador del número en Meta, que no es el número."
        wrong(15, "No se sabe desde qué número se escribe.", hint)
    if not re.fullmatch("[0-9]{0,40}", settings.CLOUD_API_WABA_ID):
        hint = "CLOUD_API_WABA_ID debe ser el identificador de la cuenta en Meta: solo cifras."
        wrong(16, "La cuenta de WhatsApp no es válida.", hint)
    if not settings.CLOUD_API_APP_SECRET:
        hint = "Pon CLOUD_API_APP_SECRET en .env: la clave secreta de la aplicación en Meta."
        wrong(17, "Sin la clave de la aplicación no se puede creer ningún webhook.", hint)
    if not settings.CLOUD_API_VERIFY_TOKEN:
        hint = "Pon CLOUD_API_VERIFY_TOKEN en .env, y el mismo en Meta al dar de alta el webhook."
        wrong(18, "Meta no podría dar de alta el webhook.", hint)
    return found


def check_evolution(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Where Evolution is, with which key, as which instance, and the secret of its webhooks."""
    if settings.WHATSAPP_GATEWAY != "evolution":
        return []
    found: list[CheckMessage] = []

    def wrong(code: int, what: str, hint: str) -> None:
        found.append(Error(what, hint=hint, id=f"whatsapp.E{code:03}"))

    if not is_http(settings.EVOLUTION_URL):
        hint = "Pon EVOLUTION_URL en .env, por ejemplo http://127.0.0.1:8080"
        wrong(21, "No se sabe dónde está Evolution.", hint)
    if not fits_a_header(settings.EVOLUTION_API_KEY):
        hint = "Pon EVOLUTION_API_KEY en .env: la llave de la instancia, o la global de Evolution."
        wrong(22, "Sin llave no se puede llamar a Evolution.", hint)
    if not settings.EVOLUTION_INSTANCE:
        wrong(23, "No se sabe qué instancia de Evolution usar.", "Pon EVOLUTION_INSTANCE en .env: su nombre.")
    if not settings.EVOLUTION_WEBHOOK_SECRET:
        hint = "Pon EVOLUTION_WEBHOOK_SECRET en .env, y el mismo en el webhook de la instancia (headers)."
        wrong(24, "Sin secreto no se puede creer ningún webhook.", hint)
    return found


def check_puente(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Where the bridge is, and the token of both directions."""
    if settings.WHATSAPP_GATEWAY != "puente":
        return []
    found: list[CheckMessage] = []
    if not is_http(settings.PUENTE_URL):
        hint = "Pon PUENTE_URL en .env, por ejemplo http://127.0.0.1:9000"
        found.append(Error("No se sabe dónde está el puente.", hint=hint, id="whatsapp.E031"))
    if not fits_a_header(settings.PUENTE_TOKEN):
        hint = "Pon PUENTE_TOKEN en .env, y el mismo en el puente (API_TOKEN)."
        found.append(Error("Sin token no se puede hablar con el puente.", hint=hint, id="whatsapp.E032"))
    return found
