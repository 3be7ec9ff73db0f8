"""The web processes of production: WEB_PROCESSES of them, with WEB_THREADS each.

gunicorn -c config/gunicorn.py

Beside them runs `python -m config.live`; make run has one process for both (config/serve.py).
"""

import gc
import os
import signal
import sys
from types import FrameType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

if not settings.REDIS_URL:
    sys.exit("Varios procesos necesitan REDIS_URL. Sin Redis la mesa es un solo proceso: python -m config.serve")

wsgi_app = "config.wsgi:application"
bind = f"[{settings.BIND}]:{settings.PORT}" if settings.BIND.version == 6 else f"{settings.BIND}:{settings.PORT}"
worker_class = "gthread"
workers = settings.WEB_PROCESSES
threads = settings.WEB_THREADS
# The desk is loaded once and shared by all of them. A new release needs a restart: HUP would start the old one again.
preload_app = True
# Longer than the proxy keeps an idle connection (Caddyfile), so that none is closed under a request.
keepalive = 75
# For uploads under way; what waits for an outcome is answered at once.
graceful_timeout = 8
# Whom to believe about the client's address and scheme is TRUSTED_PROXIES' to say.
forwarded_allow_ips = ""
control_socket_disable = True
# Each process touches a file there all the time, and a disk may be slow.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
loglevel = "warning"
logging: dict[str, Any] = settings.LOGGING
logconfig_dict = {**logging, "loggers": {**logging["loggers"], "gunicorn.error": {"propagate": True}}}


def when_ready(server: Any) -> None:
    """What is loaded by now is for ever: a collector that never looks at it leaves it shared."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """The desk learns how many threads this process really has, and at once when it should stop."""
    from chat import runtime, sending

    sending.set_request_threads(worker.cfg.threads)

    def stop(number: int, frame: FrameType | None) -> None:
        runtime.stopping.set()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, stop)
    signal.siginterrupt(signal.SIGTERM, False)
