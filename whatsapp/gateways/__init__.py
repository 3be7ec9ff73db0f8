"""The registry: one line per gateway."""

from collections.abc import Callable

from django.conf import settings

from whatsapp.gateways.base import Gateway
from whatsapp.gateways.cloud_api import CloudApi
from whatsapp.gateways.cloud_graph import Graph
from whatsapp.gateways.waha import Waha


def waha() -> Gateway:
    return Waha(
        url=settings.WAHA_URL,
        api_key=settings.WAHA_API_KEY,
        session=settings.WAHA_SESSION,
        hmac_key=settings.WAHA_HMAC_KEY,
        timeout_s=settings.WHATSAPP_TIMEOUT_S,
    )


def cloud_api() -> Gateway:
    graph = Graph(
        url=settings.CLOUD_API_URL,
        version=settings.CLOUD_API_VERSION,
        token=settings.CLOUD_API_TOKEN,
        phone_id=settings.CLOUD_API_PHONE_ID,
        timeout_s=settings.WHATSAPP_TIMEOUT_S,
    )
    return CloudApi(
        graph,
        waba_id=settings.CLOUD_API_WABA_ID,
        app_secret=settings.CLOUD_API_APP_SECRET,
        verify_token=settings.CLOUD_API_VERIFY_TOKEN,
    )


GATEWAYS: dict[str, Callable[[], Gateway]] = {"waha": waha, "cloud_api": cloud_api}


def active() -> Gateway:
    """The gateway that `WHATSAPP_GATEWAY` names, with its settings as they are now."""
    return GATEWAYS[settings.WHATSAPP_GATEWAY]()
