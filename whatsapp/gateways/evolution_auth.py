"""Who sent a webhook of Evolution: our secret as it is, or an HS256 token signed with it (its `jwt_key` option)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from whatsapp.gateways import bearer
from whatsapp.gateways.base import InvalidSignature
from whatsapp.gateways.shape import at

SETTING = "EVOLUTION_WEBHOOK_SECRET"
# Evolution makes one token per event, valid for 10 minutes, and sends that same one again with every retry: ten
# attempts, 5 s to 300 s apart with 20 % of jitter, 30 s each. Its signature proves who wrote it all the same.
RETRIES_S = 25 * 60


def verify(secret: str, headers: Mapping[str, str]) -> None:
    """Check the `Authorization` header. Raises InvalidSignature or NotConfigured.

    Neither form signs the body, so the address must be on a private network or behind TLS.
    """
    given = bearer.token(headers, secret, SETTING)
    if bearer.is_secret(given, secret):
        return
    header, dot, rest = given.partition(b".")
    claims, dot2, signature = rest.partition(b".")
    if not dot or not dot2:
        raise InvalidSignature(SETTING, "el token no es el nuestro")
    expected = hmac.new(secret.encode(), header + b"." + claims, hashlib.sha256).digest()
    if not hmac.compare_digest(expected, _decoded(signature)):
        raise InvalidSignature(SETTING, "la firma del token no es la nuestra")
    if at(_json(header), "alg") != "HS256":
        raise InvalidSignature(SETTING, "el token no es HS256")
    told = _json(claims)
    if at(told, "app") != "evolution" or at(told, "action") != "webhook":
        raise InvalidSignature(SETTING, "el token no es de un webhook de Evolution")
    expires = at(told, "exp")
    if not isinstance(expires, int | float) or not time.time() <= expires + RETRIES_S:
        raise InvalidSignature(SETTING, "el token venció hace más de lo que Evolution reintenta")


def _decoded(part: bytes) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        return b""


def _json(part: bytes) -> Any:
    try:
        return json.loads(_decoded(part))
    except (ValueError, RecursionError):
        return None
