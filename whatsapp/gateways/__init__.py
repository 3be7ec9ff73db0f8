"""The registry: one line per gateway."""

from collections.abc import Callable

from django.conf import settings

from whatsapp.gateways.base import Gateway
from whatsapp.gateways.waha import Waha


def waha() -> Gateway:
    return Waha(
        url=settings.WAHA_URL,
        api_key=settings.WAHA_API_KEY,
        session=settings.WAHA_SESSION,
        hmac_key=settings.WAHA_HMAC_KEY,
        timeout_s=settings.WHATSAPP_TIMEOUT_S,
    )


GATEWAYS: dict[str, Callable[[], Gateway]] = {"waha": waha}


def active() -> Gateway:
    """The gateway that `WHATSAPP_GATEWAY` names, with its settings as they are now."""
    return GATEWAYS[settings.WHATSAPP_GATEWAY]()
