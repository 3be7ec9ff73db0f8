"""What `manage.py check` says of what is only half configured: notifications, files, the assistant's model."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from chat import push_keys


def check_push(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Push was meant to be on, and is not. Without any of its settings it is off, and that is fine."""
    meant = settings.PUSH_CLAVE_PUBLICA or settings.PUSH_CLAVE_PRIVADA
    if not meant or not (why := push_keys.problem()):
        return []
    return [Warning("Los avisos push están apagados.", hint=why, id="chat.W001")]


def check_media(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """A bucket that is only half configured, or that nothing here can speak to."""
    given = {name: getattr(settings, f"MEDIA_S3_{name}") for name in ("BUCKET", "ENDPOINT", "REGION", "KEY", "SECRET")}
    if not any(given.values()):
        return []
    found = []
    if not given["BUCKET"]:
        found.append(("Falta MEDIA_S3_BUCKET: los archivos siguen en DATA_DIR/media.", "Di cómo se llama el bucket."))
    if bool(given["KEY"]) != bool(given["SECRET"]):
        found.append(("MEDIA_S3_KEY y MEDIA_S3_SECRET van juntas.", "Pon las dos, o ninguna."))
    if given["ENDPOINT"] and not given["ENDPOINT"].startswith(("http://", "https://")):
        found.append(("MEDIA_S3_ENDPOINT debe empezar con http:// o https://.", "Déjalo vacío para Amazon."))
    if not (find_spec("storages") and find_spec("boto3")):
        found.append(("Falta lo necesario para MEDIA_S3_BUCKET.", "Instálalo: pip install -r requirements-s3.txt"))
    return [Error(why, hint=hint, id="chat.E001") for why, hint in found]


def check_model(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """A model that was meant to help the assistant and cannot be asked, or not safely. No message has the key in it."""
    url, model, key = settings.ASISTENTE_URL, settings.ASISTENTE_MODELO, settings.ASISTENTE_API_KEY
    found: list[CheckMessage] = []
    if url and not model:
        found.append(half("Falta ASISTENTE_MODELO: el asistente sigue por reglas.", "Di cómo se llama el modelo."))
    if (model or key) and not url:
        found.append(
            half("Falta ASISTENTE_URL: el asistente sigue por reglas.", "Por ejemplo http://127.0.0.1:11434/v1")
        )
    if url and not (url.startswith(("http://", "https://")) and host_of(url)):
        found.append(half("ASISTENTE_URL debe empezar con http:// o https://.", "Sin /chat/completions al final."))
    if not (key.isascii() and key.isprintable()) or " " in key:
        found.append(half("ASISTENTE_API_KEY tiene espacios o caracteres que una llave no lleva.", "Cópiala de nuevo."))
    if key and url.startswith("http://") and not own_network(url):
        why = "ASISTENTE_API_KEY y lo que escriben las personas viajarían sin cifrar."
        found.append(Warning(why, hint="Usa https:// en ASISTENTE_URL.", id="chat.W002"))
    return found


def half(why: str, hint: str) -> CheckMessage:
    return Error(why, hint=hint, id="chat.E002")


def own_network(url: str) -> bool:
    """Whether the host of `url` is this machine, or one that has no public name."""
    host = host_of(url)
    return "." not in host or host.startswith(("127.", "10.", "192.168.")) or host == "::1"


def host_of(url: str) -> str:
    """The host in `url`, or "" when there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
