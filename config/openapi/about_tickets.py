"""Tickets and their conversations."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer

from chat import reply_views, team_views, templates_views, views
from config.openapi import bodies, shapes
from config.openapi.describing import (
    BODY,
    LOGIN,
    OTHER_OPEN,
    READING,
    SENT,
    SERVER,
    WITH_KEY,
    WRITING,
    Operation,
    number_parameter,
    problem,
    sending,
    word_parameter,
)
from tickets import api
from tickets.models import State

EITHER = PolymorphicProxySerializer(
    "DecididoOEnviado", [shapes.Decidido, shapes.Enviado], resource_type_field_name=None
)

OPERATIONS = [
    Operation(
        api.tickets,
        "GET",
        "La tabla de tickets",
        {200: shapes.PaginaDeTickets, **READING, **BODY},
        parameters=[
            word_parameter("estado", "Su palabra exacta.", enum=State.values),
            word_parameter("tecnico", "El número de una cuenta, o `ninguno`."),
            word_parameter("telefono", "Escrito como sea; también un LID, un BSUID o `@ana`."),
            word_parameter("q", "Palabras, sin importar acentos ni mayúsculas."),
            word_parameter("cursor", "Lo trae `siguiente`."),
        ],
        description="De 50 en 50, lo más reciente primero.",
    ),
    Operation(
        views.conversation,
        "GET",
        "Leer la conversación",
        {200: shapes.Conversacion, 304: OpenApiResponse(None, "Nada cambió desde ese `ETag`."), **READING, **BODY},
        parameters=[
            number_parameter("desde", "Una `version`: sólo lo nuevo o cambiado desde entonces."),
            number_parameter("antes", "Un `seq`: los 50 anteriores."),
            number_parameter("ultimos", "Cuántos, de 1 a 200: sólo los últimos, o los últimos anteriores a `antes`."),
            OpenApiParameter(
                "If-None-Match", str, OpenApiParameter.HEADER, description="El `ETag` de la respuesta anterior."
            ),
        ],
        description="Sin parámetros, completa. `historial` va en orden de `seq`.",
    ),
    Operation(
        views.send_message,
        "POST",
        "Enviar un mensaje",
        sending(*WITH_KEY, "ventana_cerrada"),
        request=bodies.EnviarMensaje,
        example={
            "mensaje": "Ya revisamos tu equipo, tiene problema de batería",
            "clave": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        },
        answer=SENT,
        description="Espera hasta `ENVIO_ESPERA_S` segundos el resultado. Escribir en un ticket cerrado lo reabre. Con "
        "503 `en_cola` o 504 el mensaje está guardado: no lo mandes otra vez, o hazlo con la misma `clave`.",
    ),
    Operation(
        templates_views.send_template,
        "GET",
        "Las plantillas que se pueden enviar",
        {200: shapes.Plantillas, **READING},
        description="404 con un gateway sin plantillas.",
    ),
    Operation(
        templates_views.send_template,
        "POST",
        "Enviar una plantilla",
        sending(*WITH_KEY, "plantilla_no_disponible"),
        request=bodies.EnviarPlantilla,
        example={"plantilla": 3, "variables": ["Juan Pérez"]},
        answer=SENT,
        description="Lo que puede salir con la ventana de 24 horas cerrada.",
    ),
    Operation(
        views.notify,
        "GET",
        "Los mensajes predefinidos",
        {200: shapes.Predefinidos, **READING},
        description="Con los datos de este ticket puestos.",
    ),
    Operation(
        views.notify,
        "POST",
        "Enviar un mensaje predefinido",
        sending(
            "clave_con_otro_texto",
            "alguien_escribe",
            "otro_ticket_abierto",
            "descartado",
            "ya_notificado",
            "ventana_cambio",
            "ventana_cerrada",
        ),
        request=bodies.Notificar,
        example={"predefinido": 2},
        answer=SENT,
        description="`ya_notificado` si el mismo ya salió en este ticket, `alguien_escribe` si otra persona de la "
        "mesa escribe en él; con `forzar` sale.",
    ),
    Operation(
        reply_views.offer,
        "GET",
        "Las respuestas rápidas",
        {200: shapes.Respuestas, **READING},
        description="Las tuyas y las compartidas, con los datos de este ticket; las que más envías, primero. Al enviar "
        "una, di cuál en `predefinido`.",
    ),
    Operation(
        views.decide,
        "POST",
        "Decidir sobre un mensaje",
        {
            **sending("ya_cambio", "otro_ticket_abierto", "ventana_cerrada"),
            200: OpenApiResponse(EITHER, "Hecho; `reenviar` responde como enviar un mensaje."),
        },
        request=bodies.Decision,
        example={"decision": "ya_llego"},
        answer={"status": "enviado", "ticket_id": 123, "seq": 12},
        description="`ya_llego` (sin_confirmar), `reenviar` (sin_confirmar, fallido), `descartar` (sin_confirmar, "
        "en_cola). 409 `ya_cambio` si mientras tanto cambió.",
    ),
    Operation(
        views.mark_read,
        "POST",
        "Marcar como leído",
        {**WRITING, 204: OpenApiResponse(None, "Anotado.")},
        request=bodies.Leido,
        example={"hasta": 12},
        description="Los mensajes de la persona hasta ese `seq` se vieron en pantalla.",
    ),
    Operation(
        views.take,
        "POST",
        "Tomar el ticket",
        {200: shapes.SoloTicket, **LOGIN, **OTHER_OPEN, **SERVER},
        description="Queda a tu nombre; si estaba Pendiente, En proceso. Sin cuerpo.",
    ),
    Operation(
        views.change_state,
        "POST",
        "Cambiar el estado del ticket",
        {200: shapes.SoloTicket, **WRITING, **OTHER_OPEN},
        request=bodies.CambioDeEstado,
        example={"estado": "Resuelto"},
    ),
    Operation(
        team_views.write_note,
        "POST",
        "Escribir una nota interna",
        {
            200: shapes.NotaGuardada,
            **WRITING,
            409: problem("clave_con_otro_texto", "La `clave` ya se usó con otro texto."),
        },
        request=bodies.Nota,
        example={"texto": "@ana, ¿tienes una batería de estas?"},
        answer={"status": "interna", "ticket_id": 123, "seq": 13},
        description="Nunca sale a WhatsApp, no es respuesta y no reabre el ticket.",
    ),
    Operation(
        team_views.join,
        "POST",
        "Unirse al ticket",
        {200: shapes.SoloTicket, **LOGIN, **SERVER},
        description="Te enteras de él como su técnico. Sin cuerpo.",
    ),
    Operation(team_views.leave, "POST", "Salir del ticket", {200: shapes.SoloTicket, **LOGIN, **SERVER}),
    Operation(
        team_views.transfer,
        "POST",
        "Transferir el ticket",
        {200: shapes.SoloTicket, **WRITING},
        request=bodies.Transferir,
        example={"tecnico": 4, "nota": "Ya pidió una batería"},
    ),
    Operation(
        views.log,
        "GET",
        "La conversación como texto",
        {(200, "text/plain"): OpenApiTypes.STR, **READING},
    ),
]
