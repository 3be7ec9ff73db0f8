"""The web processes of production: WEB_PROCESSES of them, with WEB_THREADS each.

python -m config.web

Beside them runs `python -m config.live`; make run has one process for both (config/serve.py).
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
from importlib import import_module
from typing import Any

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Longer than the proxy keeps an idle connection (Caddyfile), so that none is closed under a request.
KEEP_ALIVE_S = 75
# For uploads under way; what waits for an outcome is answered at once.
GRACE_S = 8
PR_SET_PDEATHSIG = 1


def main() -> None:
    from django.conf import settings

    from config.serve import listen
    from config.wsgi import application  # noqa: F401

    if not settings.REDIS_URL:
        sys.exit("Varios procesos necesitan REDIS_URL. Sin Redis la mesa es un solo proceso: python -m config.serve")
    logging: dict[str, Any] = settings.LOGGING
    listen(settings.PORT).close()  # each process listens for itself, also beside a desk that is already there
    server = Server(
        "config.wsgi:application",
        address=str(settings.BIND),
        port=settings.PORT,
        interface=Interfaces.WSGI,
        workers=settings.WEB_PROCESSES,
        blocking_threads=settings.WEB_THREADS,
        # A thread that ends takes its connection to the database with it.
        blocking_threads_idle_timeout=600,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_S * 1000),
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_S,
        log_level=LogLevels.warning,
        log_dictconfig={**logging, "loggers": {**logging["loggers"], "_granian": {}}},
    )
    # Loaded once, with all views, and shared by all of them: a collector that never looks at it leaves it so.
    import_module(settings.ROOT_URLCONF)
    gc.collect()
    gc.freeze()
    server.serve(target_loader=begin, wrap_loader=False)


def begin() -> Any:
    """Called in each process: the desk learns how many threads it really has, and at once when it should stop."""
    from django.conf import settings

    from chat import sending
    from config.wsgi import application

    sending.set_request_threads(settings.WEB_THREADS)
    if sys.platform == "linux":  # none outlives the process that started it, whatever ended that one
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    threading.Thread(target=stop_when_told, args=(heard,), daemon=True, name="fin").start()
    return application


def stop_when_told(signals: int) -> None:
    """The server's own handlers begin to wait for the requests under way; those that wait for an outcome end here."""
    from chat import runtime

    while not {signal.SIGTERM, signal.SIGINT} & set(os.read(signals, 64)):
        pass
    runtime.stopping.set()


if __name__ == "__main__":
    main()
