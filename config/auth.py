"""Logging in: signed tokens for programs, one lock for all three doors."""

import logging
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from rest_framework import exceptions
from rest_framework.authentication import TokenAuthentication
from rest_framework.request import Request

from chat import audit
from chat.audit_models import Act
from config.sessions import SAFE, memory

logger = logging.getLogger(__name__)

LOCKED = "Demasiados intentos fallidos. Espera 15 minutos y vuelve a intentarlo."
SALT = "api-token"
NAME_MAX = 150  # the longest that a user's name can be


def make_token(user: AbstractUser) -> str:
    """A token for "Authorization: Token …". It dies with the user's password, because it is bound to its hash."""
    return signing.dumps([user.pk, user.get_session_auth_hash()], salt=SALT)


class SignedTokenAuthentication(TokenAuthentication):
    """Checks a token of `make_token`: nothing is stored, and a changed password or a disabled user ends it."""

    def authenticate(self, request: Request) -> Any:
        self.from_memory = request.method in SAFE
        return super().authenticate(request)

    def authenticate_credentials(self, key: str) -> tuple[AbstractUser, str]:
        if self.from_memory and (known := memory.recall("token", key)):
            return known, key
        invalid, changes = exceptions.AuthenticationFailed("Token no válido."), memory.changes
        try:
            pk, auth_hash = signing.loads(key, salt=SALT)
            user = get_user_model().objects.get(pk=pk, is_active=True)
        except (signing.BadSignature, TypeError, ValueError, get_user_model().DoesNotExist):
            raise invalid from None
        if not constant_time_compare(auth_hash, user.get_session_auth_hash()):
            raise invalid
        memory.keep("token", key, user, changes)
        return user, key


def client_address(request: HttpRequest) -> str:
    """The address that the lock counts by: REMOTE_ADDR, which TrustedProxyMiddleware has settled."""
    return str(request.META.get("REMOTE_ADDR", ""))


def client_username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The name that the lock counts by, cut because PostgreSQL refuses what does not fit its column."""
    return str((credentials or request.POST).get("username") or "")[:NAME_MAX]


class LockHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """One count for each user and address.

    axes keeps one for each browser too and forgets each by itself, so that a lock made by two browsers would end with
    the older count, and not 15 minutes after the sixth wrong password.
    """

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **more: Any) -> None:
        if request is None:
            return
        was_locked, request.axes_user_agent = request.axes_locked_out, ""
        super().user_login_failed(sender, credentials, request, **more)
        if was_locked:
            return
        name, address = client_username(request, credentials), request.axes_ip_address
        # What is no account's name may be a password typed in the wrong place.
        known = get_user_model().objects.filter(username=name).exists()
        audit.record(Act.REFUSED, None, detail=f"Por {request.path}", name=name if known else "(cuenta que no existe)")
        if request.axes_locked_out:
            audit.record(Act.LOCKED, None, name=name if known else "(cuenta que no existe)")
            logger.warning("Acceso bloqueado 15 minutos para %r desde %s", name, address)


def locked_out(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """The 429 of a locked user and address: JSON for programs, a page for people."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": LOCKED, "status": "bloqueado"}, status=429)
    return render(request, "bloqueado.html", {"mensaje": LOCKED}, status=429)
