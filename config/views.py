"""The door for programs: a user name and password for a token."""

from typing import Any, TypeGuard

from django.contrib.auth import authenticate, user_logged_in
from rest_framework import exceptions
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from config.auth import LOCKED, NAME_MAX, make_token


def is_text(value: Any) -> TypeGuard[str]:
    """Whether `value` is text that a database takes: no NUL, no lone surrogate."""
    return isinstance(value, str) and not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def token(request: Request) -> Response:
    """POST /api/token {"username", "password"} -> {"token"}; 400 when they do not match, 429 when locked."""
    data = request.data if isinstance(request.data, dict) else {}
    username, password = data.get("username"), data.get("password")
    if not (is_text(username) and is_text(password) and len(username) <= NAME_MAX):
        raise exceptions.ValidationError("Envía «username» y «password».")
    user = authenticate(request._request, username=username, password=password)
    if user is None:
        if getattr(request._request, "axes_locked_out", False):
            return Response({"detail": LOCKED, "status": "bloqueado"}, status=429)
        raise exceptions.ValidationError("Usuario o contraseña incorrectos.")
    user_logged_in.send(sender=type(user), request=request._request, user=user)
    return Response({"token": make_token(user)})
