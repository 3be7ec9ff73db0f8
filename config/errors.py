"""What a program is told when something goes wrong: JSON with `detail` and `status`, in Spanish."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

logger = logging.getLogger(__name__)

WORDS: dict[type[Exception], tuple[str, str]] = {
    exceptions.ParseError: ("datos_no_validos", "El cuerpo no es JSON válido."),
    exceptions.NotAuthenticated: ("sin_sesion", "Inicia sesión o envía un token."),
    exceptions.MethodNotAllowed: ("metodo_no_permitido", "Método no permitido."),
    exceptions.UnsupportedMediaType: ("datos_no_validos", "Envía el cuerpo como application/json."),
    Http404: ("no_encontrado", "No encontrado."),
}


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: the same status codes, bodies of `{"detail", "status"}`, and 500 as JSON too."""
    response = exception_handler(error, context)
    if response is None:
        logger.exception("Error interno")
        detail = "Error interno. Vuelve a intentarlo; si se repite, avisa a soporte con la hora."
        response = Response({"detail": detail, "status": "error"}, status=500)
        response.exception = True
        return response
    status, detail = "rechazado", str(getattr(error, "detail", error))
    for kind, words in WORDS.items():
        if isinstance(error, kind):
            status, detail = words
            if isinstance(error, Http404) and error.args:
                detail = str(error.args[0])
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        status = "sin_permiso"
    response.data = {"detail": detail, "status": status}
    return response
