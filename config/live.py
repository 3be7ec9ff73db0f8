"""The `live` process of production: one uvicorn that serves /eventos alone, behind the same origin as the web.

python -m config.live
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.asgi import Receive, Send, lifespan
from config.asgi import application as desk
from config.serve import run

PATHS = ("/eventos", "/salud")


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The desk's own application, for what this process is here for; all else is 404."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["path"] in PATHS:
        await desk(scope, receive, send)
    else:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Este proceso solo sirve /eventos.\n"})


def main() -> None:
    from django.conf import settings

    if not settings.REDIS_URL:
        sys.exit("El proceso «live» necesita REDIS_URL: sin Redis, el proceso web sirve /eventos.")
    run("config.live:application", settings.LIVE_PORT)


if __name__ == "__main__":
    main()
