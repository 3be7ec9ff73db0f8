"""The registry: one line per gateway."""

from collections.abc import Callable

from django.conf import settings

from whatsapp.gateways.base import Gateway
from whatsapp.gateways.cloud_api import CloudApi
from whatsapp.gateways.cloud_graph import Graph
from whatsapp.gateways.evolution import Evolution
from whatsapp.gateways.puente import Puente
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


def evolution() -> Gateway:
    return Evolution(
        url=settings.EVOLUTION_URL,
        api_key=settings.EVOLUTION_API_KEY,
        instance=settings.EVOLUTION_INSTANCE,
        webhook_secret=settings.EVOLUTION_WEBHOOK_SECRET,
        timeout_s=settings.WHATSAPP_TIMEOUT_S,
    )


def puente() -> Gateway:
    return Puente(url=settings.PUENTE_URL, token=settings.PUENTE_TOKEN, timeout_s=settings.WHATSAPP_TIMEOUT_S)


GATEWAYS: dict[str, Callable[[], Gateway]] = {
    "waha": waha,
    "cloud_api": cloud_api,
    "evolution": evolution,
    "puente": puente,
}


def active() -> Gateway:
    """The gateway that `WHATSAPP_GATEWAY` names, with its settings as they are now."""
    return GATEWAYS[settings.WHATSAPP_GATEWAY]()
