"""Every call that our adapters make of a gateway, one of each kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from whatsapp.gateways.base import File, Gateway, Outgoing, TemplateUse
from whatsapp.gateways.cloud_api import CloudApi
from whatsapp.gateways.cloud_graph import Graph
from whatsapp.gateways.events import Media
from whatsapp.gateways.evolution import Evolution
from whatsapp.gateways.waha import Waha

PHONE, LID = "5214772758198", "123456789@lid"
SINCE = datetime(2026, 11, 22, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
Call = tuple[str, Callable[[], Any]]

# A piece of the OpenAPI file's name, and how our adapter is made for a server at a URL.
GATEWAYS: dict[str, tuple[str, Callable[[str], Gateway]]] = {
    "waha": ("waha", lambda url: Waha(url, "llave", "default", "secreto", 15)),
    "evolution": ("evolution", lambda url: Evolution(url, "llave", "mesa", "secreto", 15)),
    "cloud_api": (
        "cloud",
        lambda url: CloudApi(
            Graph(url, "v23.0", "token", "106540352242922", 15),
            waba_id="102290129340398",
            app_secret="secreto",
            verify_token="secreto",
        ),
    ),
}


# A request that each file forbids: a mock that takes it would judge nothing.
FORBIDDEN: dict[str, tuple[str, dict[str, Any]]] = {
    "waha": ("/api/sendText", {"session": "default"}),
    "evolution": ("/message/sendText/mesa", {"number": PHONE}),
    "cloud_api": ("/v23.0/106540352242922/messages", {"messaging_product": "otro", "to": PHONE}),
}


def calls(gateway: Gateway) -> list[Call]:
    """What to call, each with its name for the report; only what the gateway can."""
    found: list[Call] = [
        ("estado", gateway.status),
        ("texto", lambda: send(gateway, Outgoing("Hola, ¿ya enciende?", "ref-1"))),
    ]
    if gateway.name != "cloud_api":  # which writes to numbers and BSUIDs
        found.append(("texto a un LID", lambda: send(gateway, Outgoing("Hola"), LID)))
    found.append(("existe", lambda: gateway.exists(PHONE)))
    if "media" in gateway.can:
        for kind, mime, name in FILES:
            if kind in gateway.limits:
                text = "" if kind in ("audio", "sticker") else "Mira"
                message = Outgoing(text, file=File(kind, mime, name, len(PNG), lambda: PNG))
                found.append((f"archivo: {kind}", lambda message=message: send(gateway, message)))  # type: ignore[misc]
        for ref in REFS[gateway.name]:
            found.append(("descargar", lambda ref=ref: gateway.fetch(Media(ref), 10_000)))  # type: ignore[misc]
    if "templates" in gateway.can:
        use = TemplateUse("seguimiento", "es_MX", ("Ana", "12"), ("Mesa",))
        found += [
            ("plantilla", lambda: send(gateway, Outgoing("Hola Ana", "ref-2", template=use))),
            ("plantillas", gateway.templates),
        ]
    if "typing" in gateway.can:
        found.append(("escribiendo", lambda: gateway.typing(PHONE, on=True, message_id="wamid.HBg")))
        found.append(("ya no escribe", lambda: gateway.typing(PHONE, on=False, message_id="wamid.HBg")))
    if "watch" in gateway.can:
        found.append(("quién escribe", lambda: gateway.watch(PHONE)))
    if "read_marks" in gateway.can:
        found.append(("leído", lambda: gateway.mark_read(PHONE, ["3EB0A1", "3EB0A2"])))
    if "read_back" in gateway.can:
        found.append(("releer un chat", lambda: gateway.read_back(PHONE, SINCE)))
        found.append(("chats con novedades", lambda: gateway.chats_since(SINCE)))
    if "session" in gateway.can:
        found += [("código QR", gateway.qr), ("reiniciar", gateway.restart), ("cerrar sesión", gateway.log_out)]
    return found


FILES = [
    ("image", "image/png", "a.png"),
    ("video", "video/mp4", "a.mp4"),
    ("audio", "audio/ogg", "a.ogg"),
    ("document", "application/pdf", "a.pdf"),
    ("sticker", "image/webp", "a.webp"),
]
REFS = {"waha": ["mensaje:5214772758198@c.us/3EB0A1"], "evolution": ["3EB0A1"], "cloud_api": ["4490709327384033"]}


def send(gateway: Gateway, message: Outgoing, address: str = PHONE) -> Any:
    return gateway.send(address, message, lambda: None)
