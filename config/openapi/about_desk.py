"""The desk itself: its door, its health, what changes in it."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from chat import health, metrics, streaming
from config import views
from config.openapi import bodies, shapes
from config.openapi.describing import BODY, READING, SERVER, Operation, problem, word_parameter

OPERATIONS = [
    Operation(
        views.token,
        "POST",
        "Pedir un token",
        {200: shapes.Ficha, **BODY, 429: problem("bloqueado", "Seis contraseñas equivocadas: 15 minutos."), **SERVER},
        public=True,
        request=bodies.Credenciales,
        example={"username": "tecnico", "password": "tecnico-demo"},
        answer={"token": "WzIsImY…"},
        description="Termina cuando cambia la contraseña o se desactiva la cuenta. Va en `Authorization: Token …`.",
    ),
    Operation(health.estado, "GET", "Cómo está WhatsApp", {200: shapes.EstadoDeWhatsApp, **READING}),
    Operation(
        health.salud,
        "GET",
        "Salud, para sondas",
        {
            200: shapes.Salud,
            503: OpenApiResponse(shapes.SinSalud, "Este proceso no puede leer o escribir la base de datos."),
        },
        public=True,
        description="Sin login. 503 sólo por la base de datos; lo demás es una palabra.",
    ),
    Operation(
        metrics.metrics,
        "GET",
        "Cifras para Prometheus",
        {(200, "text/plain"): OpenApiTypes.STR, **READING},
        description="Sólo supervisores; para los demás, 404.",
    ),
    Operation(
        streaming.events,
        "GET",
        "Qué cambia, mientras cambia",
        {
            (200, "text/event-stream"): OpenApiTypes.STR,
            **READING,
            503: problem("sin_vivo sin_base_de_datos", "El proceso no sirve esto."),
        },
        parameters=[
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="El último que oíste."),
            word_parameter("ultimo", "Lo mismo, para quien no puede mandar esa cabecera."),
        ],
        description="Server-Sent Events que dicen qué pedir otra vez (`ticket`, `conexion`, `todo`…), nunca contenido.",
    ),
]
