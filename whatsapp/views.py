"""The way in: size, signature, ledger, 200. See docs/delivery.md, "Receiving"."""

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from whatsapp import events, gateways
from whatsapp.gateways.base import InvalidSignature, NotConfigured
from whatsapp.models import WebhookEvent

logger = logging.getLogger(__name__)


def answer(status: int, word: str, detail: str = "") -> JsonResponse:
    return JsonResponse({"status": word, **({"detail": detail} if detail else {})}, status=status)


def body_of(request: HttpRequest, most: int) -> bytes | None:
    """The raw body, or None when it has more than `most` bytes.

    It is read past DATA_UPLOAD_MAX_MEMORY_SIZE, the limit of all other pages: a webhook may carry a picture.
    """
    told = request.headers.get("Content-Length", "")
    if told.isascii() and told.isdecimal() and int(told[:20]) > most:
        return None
    body = request.read(most + 1)
    return body if len(body) <= most else None


@login_not_required
@csrf_exempt
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, gateway: str, topic: str = "") -> HttpResponse:
    """Store a gateway's webhook and handle it; a GET is its check of our address. `topic` says nothing more than the
    body does.

    200 once it is stored (a repeat too); 401 unsigned, 404 another gateway's, 413 too large, 503 when it could not
    be stored or our secret is not set, so that the gateway tries again.
    """
    if gateway != settings.WHATSAPP_GATEWAY:
        return answer(404, "no_encontrado", "Este gateway no está en uso (WHATSAPP_GATEWAY).")
    adapter = gateways.active()
    if request.method != "POST":
        challenge = adapter.handshake(request.GET.dict())
        if challenge is None:
            return answer(403, "rechazado", "No es la comprobación de nuestro gateway.")
        return HttpResponse(challenge, content_type="text/plain")
    body = body_of(request, adapter.webhook_max_bytes)
    if body is None:
        return answer(413, "demasiado_grande", "El cuerpo es demasiado grande.")
    try:
        adapter.verify(body, request.headers)
    except InvalidSignature as error:
        logger.warning("Webhook rechazado: %s. Revisa %s aquí y en el gateway.", error, error.setting)
        return answer(401, "sin_firma", "Firma no válida.")
    except NotConfigured as error:
        logger.error("Webhook sin atender: falta %s en .env", error.setting)
        return answer(503, "sin_configurar", "El servidor no tiene configurado su secreto.")
    try:
        stored = events.store(adapter, body)
    except DatabaseError:
        logger.exception("Webhook sin guardar")
        return answer(503, "sin_guardar", "No se pudo guardar; vuelve a enviarlo.")
    for event in stored:
        if event.state == WebhookEvent.State.RECEIVED:
            events.handle(event.pk)
    return answer(200, "recibido")
