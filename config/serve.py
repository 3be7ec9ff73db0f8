"""The web process of `make run`: uvicorn, told at once when it should stop, and alone when it must be.

python -m config.serve
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from types import FrameType

import uvicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Server(uvicorn.Server):
    """Sets `runtime.stopping` in the signal itself, so that requests waiting for an outcome and streams end too."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        from chat import runtime
        from chat.hub import hub

        runtime.stopping.set()
        hub.stop()
        super().handle_exit(sig, frame)


def listen(port: int) -> socket.socket:
    """A listening socket on BIND; exits with a clear message when the port is taken."""
    from django.conf import settings

    family = socket.AF_INET6 if settings.BIND.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((str(settings.BIND), port))
    except OSError as error:
        sys.exit(f"No se puede usar el puerto {port} ({error.strerror}). Elige otro: PORT=8080 make run")
    return listener


def main() -> None:
    from django.conf import settings

    lock = (settings.DATA_DIR / "web.lock").open("w")
    if not settings.REDIS_URL:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(
                f"Ya hay un proceso web usando {settings.DATA_DIR}. Sin REDIS_URL sólo puede haber uno; "
                "detén el otro o configura REDIS_URL."
            )
    run("config.asgi:application", settings.PORT)


def run(application: str, port: int) -> None:
    """Serve `application` on `port` until a signal says stop."""
    # Whom to believe about the client's address is TRUSTED_PROXIES' to say, not uvicorn's.
    options = uvicorn.Config(application, log_config=None, timeout_graceful_shutdown=1, proxy_headers=False)
    Server(options).run(sockets=[listen(port)])


if __name__ == "__main__":
    main()
