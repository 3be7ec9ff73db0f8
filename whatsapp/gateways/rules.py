"""What the settings of a gateway have to be: each rule answers what is wrong with a value, or None."""

from __future__ import annotations

from urllib.parse import urlsplit

from whatsapp.gateways.results import Misconfigured


def address(key: str, url: str, example: str) -> Misconfigured | None:
    """`url` names a server to call."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0:
            return None
    except ValueError:  # a port that is no number, or an address in half a bracket
        pass
    detail = "debe empezar con http:// o https:// y nombrar un servidor" if url else "está vacío"
    return Misconfigured(key, detail, f"Pon {key} en .env, por ejemplo {example}")


def header(key: str, value: str, todo: str) -> Misconfigured | None:
    """`value` can travel in a header: some visible ASCII."""
    return needed(key, value, todo) or optional_header(key, value)


def optional_header(key: str, value: str) -> Misconfigured | None:
    """`value` can travel in a header, or is empty."""
    if value.isascii() and value.isprintable():
        return None
    return Misconfigured(key, "tiene caracteres que no caben en una cabecera", f"Copia {key} otra vez en .env")


def needed(key: str, value: str, todo: str) -> Misconfigured | None:
    """`value` is not empty."""
    return None if value else Misconfigured(key, "está vacío", todo)


def broken(*found: Misconfigured | None) -> list[Misconfigured]:
    """What the rules found."""
    return [one for one in found if one]
