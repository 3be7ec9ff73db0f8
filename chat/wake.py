"""Wake-ups: the only place that knows whether a task goes to Celery or to this process's own threads."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import Task
from django.conf import settings
from django.db import transaction

from chat import runtime

logger = logging.getLogger(__name__)

# After a failure nobody asks the broker for so long: many at once, or one after another, would each wait for it.
REST_S = 5.0
rests_until = 0.0


def wake(task: Task[Any, Any], *args: Any) -> bool:
    """Hint that `task` has work for `args` (ids); returns whether anybody was told.

    Never raises: a lost wake-up is found by the sweep.
    """
    if runtime.embedded.is_set():  # a broker that hangs must not stop who sends
        runtime.pool.submit(task.run, *args)
        return True
    if not settings.REDIS_URL:
        return False
    global rests_until
    if time.monotonic() < rests_until:
        return False
    try:
        task.apply_async(args, retry=False, expires=60)
    except Exception as error:
        rests_until = time.monotonic() + REST_S
        logger.warning("Sin aviso al worker (%s): lo encontrará el barrido", error)
        return False
    return True


def hint(task: Task[Any, Any], *args: Any) -> None:
    """`wake` on a thread of its own, for what may be lost: it costs the caller nothing, whatever the broker does."""
    runtime.courtesies.offer(wake, task, *args, waiting=100)


def wake_on_commit(task: Task[Any, Any], *args: Any) -> None:
    """`wake` once the surrounding transaction is committed."""

    def tell() -> None:
        wake(task, *args)

    transaction.on_commit(tell, robust=True)
