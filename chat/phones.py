"""Phones on log lines."""

from django.conf import settings


def logged(telefono: str) -> str:
    """`telefono` as `LOG_TELEFONOS` wants it on a log line: whole as in the seed, or "+52…8198"."""
    if settings.LOG_TELEFONOS == "completo" or len(telefono) < 8:
        return telefono
    return f"{telefono[:3]}…{telefono[-4:]}"
