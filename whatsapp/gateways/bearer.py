"""The `Authorization: Bearer` header, with which some gateways sign their webhooks."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from whatsapp.gateways.base import InvalidSignature, NotConfigured


def token(headers: Mapping[str, str], secret: str, setting: str) -> bytes:
    """The token of a webhook. Raises NotConfigured without a `secret`, InvalidSignature without a token."""
    if not secret:
        raise NotConfigured(setting)
    kind, _, given = (headers.get("Authorization") or "").strip().partition(" ")
    if kind.lower() != "bearer" or not given.strip():
        raise InvalidSignature(setting, "falta la cabecera Authorization: Bearer")
    return given.strip().encode("utf-8", "replace")


def is_secret(given: bytes, secret: str) -> bool:
    """Whether the token is the secret itself, compared in constant time."""
    return hmac.compare_digest(given, secret.encode())
