"""Files of messages, and the ticket's picture."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from chat import media_views
from config.openapi import bodies, shapes
from config.openapi.describing import (
    LOGIN,
    READING,
    SAVED,
    SENT,
    SERVER,
    WITH_KEY,
    Operation,
    problem,
    sending,
    word_parameter,
)
from tickets import views

AWAY = problem("sin_almacen sin_base_de_datos", "`sin_almacen`: los archivos no se pueden leer ahora.")
FILE: dict[Any, Any] = {
    (200, "application/octet-stream"): OpenApiTypes.BINARY,
    (206, "application/octet-stream"): OpenApiTypes.BINARY,
    304: OpenApiResponse(None, "El mismo `ETag`."),
    416: OpenApiResponse(None, "No hay tales bytes."),
    **READING,
    503: AWAY,
}

OPERATIONS = [
    Operation(
        media_views.send_file,
        "POST",
        "Enviar un archivo",
        {
            **sending(*WITH_KEY, "ventana_cerrada"),
            503: problem(
                "en_cola sin_almacen sin_base_de_datos", "`en_cola`: guardado, sale solo y en orden.", **SAVED
            ),
            413: problem("archivo_demasiado_grande", "Más grande que lo que acepta el gateway; no se guardó."),
        },
        request={"multipart/form-data": bodies.EnviarArchivo},
        answer=SENT,
        description="Como qué sale (imagen, video, audio, documento) lo deciden su contenido y el gateway: `archivos` "
        "de la conversación dice qué acepta.",
    ),
    Operation(
        media_views.original,
        "GET",
        "El archivo de un mensaje",
        FILE,
        parameters=[
            word_parameter("descargar", "Con él, siempre como descarga."),
            OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="Un rango, como `bytes=0-1023`."),
        ],
        description="Con el tipo de su contenido si es seguro mostrarlo; si no, como descarga.",
    ),
    Operation(media_views.small, "GET", "La miniatura de una imagen", FILE),
    Operation(
        media_views.fetch_again,
        "POST",
        "Descargar otra vez",
        {
            202: shapes.Reintento,
            **LOGIN,
            409: problem("ya_cambio", "No espera otro intento, o no se puede."),
            **SERVER,
        },
        description="Para un archivo de la persona que no se pudo descargar.",
    ),
    Operation(
        views.evidence,
        "GET",
        "La foto de evidencia",
        {(200, "image/*"): OpenApiTypes.BINARY, (200, "application/octet-stream"): OpenApiTypes.BINARY, **READING},
    ),
]
