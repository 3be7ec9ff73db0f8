"""/avisos: what a technician wants to be told, and what there is to tell."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from chat import alerts, push_keys
from chat.alert_models import AlertSettings
from chat.compose import InvalidText
from chat.errors import explained
from chat.push_views import check_at_work, this_device
from chat.views import body_of, person
from tickets.access import can_work

SWITCHES = {"sonido": "sound", "navegador": "browser", "texto": "text"}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """GET /avisos: the page."""
    if not can_work(request.user):
        return render(request, "tickets/sin_acceso.html", status=404)
    wishes = AlertSettings.of(person(request))
    context = {
        "deseos": wishes,
        "cuales": AlertSettings.Scope.choices,
        "ahora": timezone.localtime(),
        "push": not push_keys.problem(),
        "clave": settings.PUSH_CLAVE_PUBLICA,
    }
    return render(request, "chat/avisos.html", context)


@api_view(["GET"])
def waiting(request: Request) -> Response:
    """GET /avisos/pendientes: the tickets with news for who asks, and how they want to hear of them now."""
    check_at_work(request)
    wishes = AlertSettings.of(person(request))
    tickets = alerts.news(person(request), wishes)
    return Response(
        {
            "cuenta": len(tickets),
            "tickets": tickets,
            "sonido": wishes.sound,
            "navegador": wishes.browser,
            "en_silencio": wishes.quiet(),
            "dispositivo": this_device(request),
            "clave": "" if push_keys.problem() else settings.PUSH_CLAVE_PUBLICA,
        }
    )


@api_view(["POST"])
@explained
def preferences(request: Request) -> Response:
    """POST /avisos/preferencias {"sonido", "navegador", "texto", "cuales", "silencio"}: what is not named stays."""
    check_at_work(request)
    # Only what was named is written: two switches moved at once are two requests.
    wishes, _ = AlertSettings.objects.update_or_create(user=person(request), defaults=changes(body_of(request)))
    return Response(entry(wishes))


def changes(body: dict[str, Any]) -> dict[str, Any]:
    """The columns that `body` names; raises InvalidText."""
    if unknown := set(body) - {*SWITCHES, "cuales", "silencio"}:
        raise InvalidText(f"No se conoce «{min(unknown)[:40]}».")
    found: dict[str, Any] = {}
    for name, column in SWITCHES.items():
        if name in body:
            found[column] = body[name]
            if not isinstance(body[name], bool):
                raise InvalidText(f"«{name}» debe ser true o false.")
    if "cuales" in body:
        found["scope"] = body["cuales"]
        if body["cuales"] not in AlertSettings.Scope.values:
            raise InvalidText(f"«cuales» debe ser uno de: {', '.join(AlertSettings.Scope.values)}.")
    if "silencio" in body:
        found["quiet_from"], found["quiet_to"] = quiet_hours(body["silencio"])
    return found


def quiet_hours(told: Any) -> tuple[time | None, time | None]:
    """{"desde": "22:00", "hasta": "07:00"}, or null for none; raises InvalidText."""
    if told is None:
        return None, None
    if not isinstance(told, dict):
        raise InvalidText("«silencio» debe tener «desde» y «hasta», o ser null.")
    ends = []
    for name in ("desde", "hasta"):
        try:
            hour, minute = str(told.get(name)).split(":")
            ends.append(time(int(hour), int(minute)))
        except ValueError:
            raise InvalidText(f"«{name}» debe ser una hora como 22:00.") from None
    if ends[0] == ends[1]:
        raise InvalidText("El silencio debe empezar y terminar a horas distintas.")
    return ends[0], ends[1]


def entry(wishes: AlertSettings) -> dict[str, Any]:
    """The wishes as /avisos/preferencias takes them."""
    silence = None
    if wishes.quiet_from and wishes.quiet_to:
        silence = {"desde": f"{wishes.quiet_from:%H:%M}", "hasta": f"{wishes.quiet_to:%H:%M}"}
    switches = {name: getattr(wishes, column) for name, column in SWITCHES.items()}
    return {**switches, "cuales": wishes.scope, "silencio": silence, "en_silencio": wishes.quiet()}
