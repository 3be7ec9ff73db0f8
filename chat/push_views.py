"""/avisos: the devices of a technician that are told with the desk closed, and the service worker that shows it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe
from rest_framework.decorators import api_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from chat import history, push_devices, push_keys, tasks
from chat.alert_models import PushDevice
from chat.compose import InvalidText
from chat.errors import explained, refusal
from chat.views import body_of, person
from chat.wake import wake
from tickets.access import can_work

OFF = "Este servidor no puede enviar avisos con la mesa cerrada."


def check_at_work(request: Request) -> None:
    """Http404 for who does not work at the desk."""
    if not can_work(request.user):
        raise Http404("No encontrado.")


@api_view(["GET", "POST"])
@explained
def devices(request: Request) -> Response:
    """GET /avisos/dispositivos: one's own. POST a subscription, as the browser's toJSON() says it: this one too.

    With "renovar" only what is known already is brought up to date.
    """
    check_at_work(request)
    if request.method == "GET":
        own = PushDevice.objects.filter(user=person(request))
        return Response({"dispositivos": [device_entry(device, request) for device in own]})
    if why := push_keys.problem():
        return refusal(409, "push_apagado", f"{OFF} {why}")
    body = body_of(request)
    told = push_devices.read_subscription(body)
    keep = push_devices.renew if body.get("renovar") is True else push_devices.register
    device = keep(request._request, person(request), told)
    return Response({"dispositivo": device and device_entry(device, request)})


def this_device(request: Request) -> int | None:
    """The device that the session of `request` registered."""
    known = request.session.get(push_devices.SESSION_KEY)
    return known if isinstance(known, int) else None


def device_entry(device: PushDevice, request: Request) -> dict[str, Any]:
    return {
        "id": device.pk,
        "nombre": device.name,
        "desde": history.local(device.created),
        "ultimo": device.used and history.local(device.used),
        "problema": device.problem,
        "este": device.pk == this_device(request),
    }


def own_device(request: Request) -> PushDevice:
    """The device that the body names; it must be one of who asks."""
    check_at_work(request)
    pk = body_of(request).get("dispositivo")
    if not isinstance(pk, int) or isinstance(pk, bool):
        raise InvalidText("«dispositivo» debe ser un número.")
    device = PushDevice.objects.filter(user=person(request), pk=pk).first() if pk < 2**63 else None
    if device is None:
        raise NotFound("Ese dispositivo ya no está en tu lista.")
    return device


@api_view(["POST"])
@explained
def remove(request: Request) -> Response:
    """POST /avisos/quitar {"dispositivo"}."""
    own_device(request).delete()
    return Response(status=204)


@api_view(["POST"])
@explained
def try_out(request: Request) -> Response:
    """POST /avisos/probar {"dispositivo"}: something is on its way; the list of devices says what became of it."""
    device = own_device(request)
    if why := push_keys.problem():
        return refusal(409, "push_apagado", f"{OFF} {why}")
    if not wake(tasks.push_test, device.pk):
        return refusal(503, "sin_worker", "Ahora no hay quien lo envíe. Vuelve a intentarlo en un momento.")
    return Response({"dispositivo": device_entry(device, request)}, status=202)


@login_not_required
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """GET /sw.js: what shows a push. At the root, because a worker's address is the most it can reach."""
    file = Path(__file__).parent / "static" / "chat" / "sw.js"
    headers = {"Cache-Control": "public, no-cache", "Service-Worker-Allowed": "/"}
    response = HttpResponse(file.read_bytes(), content_type="text/javascript; charset=utf-8", headers=headers)
    response["ETag"] = f'"{sha256(response.content).hexdigest()[:32]}"'
    return get_conditional_response(request, etag=response["ETag"], response=response) or response
