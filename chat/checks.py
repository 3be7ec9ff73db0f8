"""What `manage.py check` says of notifications that are off, and of files that have nowhere to go."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

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
