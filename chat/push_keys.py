"""The desk's VAPID keys: which pair it has, and why push is off where it is (RFC 8292)."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from django.conf import settings


def configured() -> bool:
    """Whether this desk means to push; whether it can is `problem`."""
    return bool(settings.PUSH_CLAVE_PRIVADA)


def problem() -> str:
    """Why nothing is pushed, in Spanish; empty when it is."""
    return problem_of(settings.PUSH_CLAVE_PUBLICA, settings.PUSH_CLAVE_PRIVADA, settings.PUSH_CONTACTO)


@lru_cache(maxsize=8)
def problem_of(public: str, private: str, contact: str) -> str:
    if not (public or private):
        return "Faltan PUSH_CLAVE_PUBLICA y PUSH_CLAVE_PRIVADA: las escribe «manage.py claves_push»."
    if find_spec("pywebpush") is None:
        return "Falta instalar requirements-push.txt."
    from py_vapid import Vapid02, VapidException

    try:
        desk = Vapid02.from_raw(private.encode())
    except ValueError:
        desk = None
    if desk is None or len(bytes_of(private)) != 32:
        return "PUSH_CLAVE_PRIVADA no es una clave: las dos las escribe «manage.py claves_push»."
    if public_key(desk.private_key) != public:
        return "PUSH_CLAVE_PUBLICA no es la de PUSH_CLAVE_PRIVADA: las dos las escribe «manage.py claves_push»."
    try:
        desk.sign({"sub": contact, "aud": "https://example.org"})
    except VapidException:
        return "PUSH_CONTACTO debe ser como mailto:soporte@example.org o https://example.org."
    return ""


def public_key(key: object) -> str:
    """The public half of a private P-256 key, as browsers want it."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    assert isinstance(key, EllipticCurvePrivateKey)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).decode().rstrip("=")


def make_keys() -> tuple[str, str]:
    """A new pair of VAPID keys, public and private. Devices that trusted another pair must be allowed again."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    key = generate_private_key(SECP256R1())
    private = key.private_numbers().private_value.to_bytes(32, "big")
    return public_key(key), urlsafe_b64encode(private).decode().rstrip("=")


def bytes_of(text: Any) -> bytes:
    """What URL-safe base64 without padding stands for; nothing for what is none."""
    if not isinstance(text, str) or not re.fullmatch(r"[\w-]{1,100}", text, re.ASCII):
        return b""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
