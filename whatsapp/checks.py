"""What `manage.py check` refuses: a gateway that production could neither call nor believe."""

from __future__ import annotations

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
