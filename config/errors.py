"""What a program is told when something goes wrong: JSON with `detail` and `status`, in Spanish."""

import logging
import sys
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import server_error as django_server_error
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from chat.media_store import StorageAway

logger = logging.getLogger(__name__)

AWAY = "La base de datos no responde: no se guardó nada. Vuelve a intentarlo en un momento."
STORAGE_AWAY = "El almacén de archivos no responde. Vuelve a intentarlo en un momento."
WORDS: dict[type[Exception], tuple[str, str]] = {
    exceptions.ParseError: ("datos_no_validos", "El cuerpo no es JSON válido."),
    exceptions.NotAuthenticated: ("sin_sesion", "Inicia sesión o envía un token."),
    exceptions.MethodNotAllowed: ("metodo_no_permitido", "Método no permitido."),
    exceptions.UnsupportedMediaType: ("datos_no_validos", "Envía el cuerpo como application/json."),
    Http404: ("no_encontrado", "No encontrado."),
}
CSRF = "Tu sesión no envió su token CSRF, o ya cambió. Recarga la página y vuelve a intentarlo."


def sentences(detail: Any) -> str:
    """The texts of an error's `detail`, which may be one, a list, or lists by field."""
    if isinstance(detail, dict):
        return " ".join(f"{field}: {sentences(texts)}" for field, texts in detail.items())
    if isinstance(detail, list):
        return " ".join(map(sentences, detail))
    return str(detail)


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: the same status codes, bodies of `{"detail", "status"}`, and 500 as JSON too."""
    if isinstance(error, RequestDataTooBig):
        error = exceptions.ValidationError("El cuerpo es demasiado grande.")
    elif isinstance(error, RecursionError):
        error = exceptions.ValidationError("El cuerpo no es JSON válido: tiene demasiados niveles.")
    response = exception_handler(error, context)
    if isinstance(error, DatabaseError | InterfaceError):
        logger.exception("Base de datos sin respuesta")
        response = Response({"detail": AWAY, "status": "sin_base_de_datos"}, status=503)
        response.exception = True
        return response
    if isinstance(error, StorageAway):
        logger.warning("%s (%s)", STORAGE_AWAY, error)
        response = Response({"detail": STORAGE_AWAY, "status": "sin_almacen"}, status=503)
        response.exception = True
        return response
    if response is None:
        logger.exception("Error interno")
        detail = "Error interno. Vuelve a intentarlo; si se repite, avisa a soporte con la hora."
        response = Response({"detail": detail, "status": "error"}, status=500)
        response.exception = True
        return response
    status, detail = "rechazado", sentences(getattr(error, "detail", error))
    for kind, words in WORDS.items():
        if isinstance(error, kind):
            status, detail = words
            if isinstance(error, Http404) and error.args:
                detail = str(error.args[0])
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        status = "sin_permiso"
        if detail.startswith("CSRF"):
            detail = CSRF
    elif isinstance(error, exceptions.ValidationError):
        status = "datos_no_validos"
    elif isinstance(error, exceptions.NotFound):
        status = "no_encontrado"
    response.data = {"detail": detail, "status": status}
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: a database that is away is 503 in words also where no view was reached, as with a session's."""
    away = isinstance(sys.exc_info()[1], DatabaseError | InterfaceError)
    logger.exception("Base de datos sin respuesta" if away else "Error interno")
    if away:
        if "text/html" not in request.headers.get("Accept", ""):
            return JsonResponse({"detail": AWAY, "status": "sin_base_de_datos"}, status=503)
        response = django_server_error(request)
        response.status_code = 503
        return response
    return django_server_error(request)
