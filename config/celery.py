"""The Celery application: it carries wake-ups only (the rows are the queue)."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_init, worker_shutdown, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("chat_en_vivo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Whoever publishes must not hang on a black-holed broker; a worker's BRPOP blocks by design and keeps the defaults.
app.conf.broker_transport_options = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0}


@celeryd_init.connect
def keep_worker_options(conf: Any, **_: Any) -> None:
    conf.broker_transport_options = {}


@worker_init.connect  # worker_ready comes only once there is a broker, and the sweep needs none
def start_sending(**_: Any) -> None:
    from chat import runtime

    runtime.start_sending()


@worker_shutting_down.connect
def stop_sending(**_: Any) -> None:
    from chat import runtime

    runtime.stop_sending()


@worker_shutdown.connect  # Celery has waited for its own threads only
def end_sends(**_: Any) -> None:
    from chat import runtime

    runtime.end_sends()
