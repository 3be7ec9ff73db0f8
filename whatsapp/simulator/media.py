"""Files, places and contacts: kept under archivos/, told and served as WAHA does, with faults of their own."""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Extra = dict[str, Any]

# The largest body of WAHA; base64 makes a third more of a file.
LARGEST_BODY = 50 * 1024 * 1024
SLOW_S = 3.0
HUGE_BYTES = 120 * 1024 * 1024
NAME = re.compile(r"[0-9a-f]{16}\.[a-z0-9]{1,5}")
SHOWN = re.compile(r"(?:image/(?:jpeg|png|webp|gif)|video/mp4|audio/(?:ogg|mpeg|mp4))")
_MESSAGES = {
    "image": "imageMessage",
    "video": "videoMessage",
    "audio": "audioMessage",
    "document": "documentMessage",
    "sticker": "stickerMessage",
    "location": "locationMessage",
    "contact": "contactMessage",
}

# What can go wrong when the desk fetches a file.
FAULTS: dict[str, str] = {
    "ninguna": "Los archivos se entregan.",
    "no_existe": "Contesta 404: WAHA ya lo borró.",
    "error": "Contesta 500.",
    "lento": f"Tarda {SLOW_S:g} segundos.",
    "otro_tipo": "Entrega una página HTML que dice ser lo que no es.",
    "enorme": f"Entrega {HUGE_BYTES // 2**20} MB.",
    "sin_descargar": "El aviso no trae la dirección: WAHA no lo descargó, ni lo hará.",
}


class BadFile(ValueError):
    """What was given is no file; the message says why, in WAHA's words or the page's."""


@dataclass(frozen=True)
class Files:
    """The folder of the files."""

    folder: Path

    def keep(self, kind: str, mime: str, name: str, data: object) -> Extra:
        """In: base64. Out: what a message remembers of it. Raises BadFile."""
        if not isinstance(data, str):
            raise BadFile("file.data must be a string")
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise BadFile("file.data must be base64") from None
        end = re.search(r"\.([A-Za-z0-9]{1,5})$", name)
        stored = f"{secrets.token_hex(8)}.{end[1].lower() if end else 'bin'}"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / stored).write_bytes(content)
        return {"tipo": kind, "mime": mime, "nombre": name, "bytes": len(content), "archivo": stored}

    def read(self, name: str) -> bytes | None:
        """Out: the file, None when there is none."""
        path = self.folder / name
        return path.read_bytes() if NAME.fullmatch(name) and path.is_file() else None


def kind_of(mime: str) -> str:
    """In: a media type. Out: what a phone sends it as."""
    family = mime.partition("/")[0]
    if mime == "image/webp":
        return "sticker"
    return family if family in ("image", "video", "audio") else "document"


def place(latitude: object, longitude: object, name: object) -> Extra:
    """Raises BadFile."""
    for value in (latitude, longitude):
        if not isinstance(value, int | float) or isinstance(value, bool) or not -180 <= value <= 180:
            raise BadFile("latitud y longitud deben ser números.")
    return {"tipo": "location", "latitud": latitude, "longitud": longitude, "nombre": str(name or "")[:200]}


def contact(name: object, phone: object) -> Extra:
    """Raises BadFile."""
    if not isinstance(name, str) or not isinstance(phone, str) or not name.strip():
        raise BadFile("Faltan el nombre y el número del contacto.")
    return {"tipo": "contact", "nombre": name.strip()[:200], "telefono": phone.strip()[:40]}


def told(extra: Extra | None, session: str, fault: str) -> dict[str, Any]:
    """The keys of a WAMessage that say what came with it. WAHA names a host that only it may know itself by."""
    body: dict[str, Any] = {"hasMedia": False, "media": None, "location": None, "vCards": []}
    if extra is None:
        return body
    if extra["tipo"] == "location":
        where = {"latitude": str(extra["latitud"]), "longitude": str(extra["longitud"]), "description": extra["nombre"]}
        return {**body, "location": where}
    if extra["tipo"] == "contact":
        digits = re.sub(r"\D", "", extra["telefono"])
        phone = f"TEL;type=CELL;waid={digits}:{extra['telefono']}"
        return {**body, "vCards": [f"BEGIN:VCARD\nVERSION:3.0\nFN:{extra['nombre']}\n{phone}\nEND:VCARD"]}
    url = f"http://localhost:3000/api/files/{session}/{extra['archivo']}"
    media = {"url": url, "mimetype": extra["mime"], "filename": extra["nombre"] or None, "error": None}
    return {**body, "hasMedia": True, "media": None if fault == "sin_descargar" else media}


def protocol_message(extra: Extra | None, text: str) -> dict[str, Any]:
    """What NOWEB shows of WhatsApp's own message in `_data.message`."""
    if extra is None:
        return {"conversation": text}
    return {_MESSAGES[extra["tipo"]]: {"mimetype": extra.get("mime"), "fileLength": str(extra.get("bytes", 0))}}


def served_wrongly(fault: str, content: bytes) -> tuple[int, bytes]:
    """The status and body of a file under a fault."""
    if fault == "error":
        return 500, b'{"statusCode":500,"message":"Internal server error"}'
    if fault == "otro_tipo":
        return 200, b"<!doctype html><script>alert(document.cookie)</script>"
    return 200, bytes(HUGE_BYTES) if fault == "enorme" else content
