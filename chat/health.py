"""How this process and what it depends on are doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from chat.llm import budget, endpoint
from chat.models import IS_OPEN, Delivery, Message, Worker
from chat.runtime import SWEEP_S, process_name
from tickets.access import can_work
from whatsapp import connection

SILENT_AFTER = timedelta(seconds=6 * SWEEP_S)


@api_view(["GET", "HEAD"])
@authentication_classes([])
@permission_classes([])
def salud(request: Request) -> Response:
    """GET /salud: 503 only when this process cannot read and write the database; all else is a word in the body."""
    try:
        Worker.objects.update_or_create(name=Worker.PROBE, defaults={"seen": timezone.now()})
        words = {
            "base_de_datos": "ok",
            "broker": broker(),
            "worker": "ok" if worker_alive() else "sin señal",
            "whatsapp": "conectado" if connection.current().connected else "desconectado",
        }
    except DatabaseError:
        return Response({"status": "error", "base_de_datos": "sin lectura o escritura"}, status=503)
    well = words["broker"] != "sin conexión" and words["worker"] == "ok" and words["whatsapp"] == "conectado"
    return Response({"status": "ok" if well else "degradado", **words})


def broker() -> str:
    """Whether Redis answers within half a second; without REDIS_URL none is needed."""
    if not settings.REDIS_URL:
        return "no se usa"
    import redis  # a tenth of a start, and most desks have none

    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
            client.ping()
    except redis.RedisError:
        return "sin conexión"
    return "ok"


def worker_alive() -> bool:
    """Whether any process that sends has swept lately."""
    return Worker.senders().filter(seen__gt=timezone.now() - SILENT_AFTER).exists()


def note_streams(count: int) -> None:
    """The sign of life of this process as one that keeps `count` open pages up to date. One query."""
    now = {"seen": timezone.now(), "streams": count}
    Worker.objects.update_or_create(name=f"vivo:{process_name()}", defaults=now)


@api_view(["GET"])
def estado(request: Request) -> Response:
    """GET /estado: what the desk's header says of WhatsApp."""
    if not can_work(request.user):
        return Response({"detail": "No encontrado.", "status": "no_encontrado"}, status=404)
    row = connection.current()
    body: dict[str, Any] = {
        "whatsapp": "conectado" if row.connected else "desconectado",
        "desde": row.since.isoformat(timespec="seconds"),
        "detalle": row.detail,
        "pausa": row.paused and row.paused.isoformat(timespec="seconds"),
        "motivo_pausa": row.paused_why,
        "en_cola": Message.objects.filter(IS_OPEN, state=Delivery.QUEUED).count(),
    }
    if endpoint.configured():
        body["asistente"] = budget.words()
    return Response(body)
