"""Logging in: signed tokens for programs, one lock for all three doors."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from rest_framework import exceptions
from rest_framework.authentication import TokenAuthentication

LOCKED = "Demasiados intentos fallidos. Espera 15 minutos y vuelve a intentarlo."
SALT = "api-token"


def make_token(user: AbstractUser) -> str:
    """A token for "Authorization: Token …". It dies with the user's password, because it is bound to its hash."""
    return signing.dumps([user.pk, user.get_session_auth_hash()], salt=SALT)


class SignedTokenAuthentication(TokenAuthentication):
    """Checks a token of `make_token`: nothing is stored, and a changed password or a disabled user ends it."""

    def authenticate_credentials(self, key: str) -> tuple[AbstractUser, str]:
        invalid = exceptions.AuthenticationFailed("Token no válido.")
        try:
            pk, auth_hash = signing.loads(key, salt=SALT)
            user = get_user_model().objects.get(pk=pk, is_active=True)
        except (signing.BadSignature, TypeError, ValueError, get_user_model().DoesNotExist):
            raise invalid from None
        if not constant_time_compare(auth_hash, user.get_session_auth_hash()):
            raise invalid
        return user, key


def client_address(request: HttpRequest) -> str:
    """The address that the lock counts by: REMOTE_ADDR, which TrustedProxyMiddleware has settled."""
    return str(request.META.get("REMOTE_ADDR", ""))


def locked_out(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """The 429 of a locked user and address: JSON for programs, a page for people."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": LOCKED, "status": "bloqueado"}, status=429)
    return render(request, "bloqueado.html", {"mensaje": LOCKED}, status=429)
