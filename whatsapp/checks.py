"""What `manage.py check` refuses: a gateway that production could neither call nor believe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error

from whatsapp import gateways


def check_gateway(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """The settings of the gateway in use, by its own rules."""
    found = gateways.active().problems()
    return [Error(f"{one.key} {one.detail}.", hint=f"{one.todo}.", id="whatsapp.E001") for one in found]
