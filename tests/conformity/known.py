"""Where a gateway's OpenAPI file says something else than the gateway does, and why we follow the gateway.

Each row: gateway, method, a pattern of the path, a pattern of the complaint, and the reason.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Known(NamedTuple):
    gateway: str
    method: str
    path: str
    complaint: str
    reason: str


KNOWN: list[Known] = [
    Known(
        "waha",
        "POST",
        "^/api/send(Video|Voice)$",
        "file.mimetype must be object",
        "el archivo generado declara mimetype y filename como objetos solo en video y voz; en imagen y archivo, y en "
        "la documentación de WAHA, son textos",
    ),
    Known(
        "waha",
        "GET",
        "^/api/default/chats/[^/]+/messages/",
        "NO_METHOD_MATCHED",
        "WAHA 2024.10 no leía un solo mensaje; después sí (docs/how-to/chats), y sin eso falla la descarga, nada más",
    ),
    Known(
        "waha",
        "GET",
        "^/api/default/chats/overview",
        "NO_METHOD_MATCHED",
        "WAHA 2024.10 no tenía el resumen de chats; después sí (docs/how-to/chats)",
    ),
    Known(
        "evolution",
        "POST",
        "^/chat/sendPresence/",
        "required property 'options'",
        "el archivo es de la versión 1; la 2.3 pide number, presence y delay en el cuerpo mismo "
        "(src/validate/chat.schema.ts)",
    ),
    Known(
        "evolution",
        "POST",
        "^/chat/findChats/",
        "INVALID_CONTENT_TYPE",
        "el archivo no declara cuerpo; la 2.3 lee de él «where» (src/api/services/channel.service.ts, fetchChats)",
    ),
    Known(
        "evolution",
        "POST",
        "^/instance/restart/",
        "NO_METHOD_MATCHED",
        "el archivo dice PUT; la 2.3 atiende POST (src/api/routes/instance.router.ts, y visto en 2.3.6)",
    ),
    Known(
        "cloud_api",
        "GET",
        "^/v23.0/[0-9]+/message_templates",
        "NO_PATH_MATCHED",
        "las plantillas son de otra API de Meta (Business Management), que este archivo no trae",
    ),
]


def reason_for(gateway: str, method: str, path: str, complaint: str) -> Known | None:
    """The row that explains a complaint, if there is one."""
    for known in KNOWN:
        same_call = (known.gateway, known.method) == (gateway, method) and re.search(known.path, path)
        if same_call and re.search(known.complaint, complaint):
            return known
    return None
