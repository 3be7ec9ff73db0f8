"""What `manage.py check` says of notifications: the settings that leave them off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from chat import push_keys


def check_push(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Push was meant to be on, and is not. Without any of its settings it is off, and that is fine."""
    meant = settings.PUSH_CLAVE_PUBLICA or settings.PUSH_CLAVE_PRIVADA
    if not meant or not (why := push_keys.problem()):
        return []
    return [Warning("Los avisos push están apagados.", hint=why, id="chat.W001")]
