"""A database that went back in time: what it believes unsent may have been sent since.

Every process that sends writes the time of its last sweep in the database and then in a file in DATA_DIR. A database
whose sweeps end before the file's time was restored from a backup: sending is paused (docs/delivery.md, rule 15).
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from chat.models import Conversation, Delivery, Message, Worker
from whatsapp import connection

logger = logging.getLogger(__name__)

REASON = "La base de datos se restauró de un respaldo: este mensaje pudo haber salido después."


def after_restore(why: str) -> int:
    """Pause sending, and make doubtful all that was on its way or tried in the restored database; returns how many."""
    connection.pause(why)
    sending = Message.objects.filter(state__in=[Delivery.QUEUED, Delivery.SENDING]).order_by("seq")
    doubtful = 0
    for conversation_id in sending.values_list("conversation", flat=True).distinct().order_by("conversation"):
        with transaction.atomic():
            conversation = Conversation.locked(conversation_id)
            conversation.lease_token = conversation.lease_until = None
            conversation.save(update_fields=["lease_token", "lease_until"])
            for message in sending.filter(conversation=conversation):
                doubtful += make_doubtful(conversation, message)
    return doubtful


def make_doubtful(conversation: Conversation, message: Message) -> bool:
    """A queued row of a backup may have been sent after it: by the table it passes through `enviando`."""
    if message.state == Delivery.QUEUED:
        message.move(conversation, Delivery.SENDING, gateway=settings.WHATSAPP_GATEWAY)
    tried = message.tried or message.created  # evidence may be as old as that
    return message.move(conversation, Delivery.DOUBTFUL, reason=REASON, tried=tried, due=None, held="")


def heartbeat_file() -> Path:
    return settings.DATA_DIR / "ultimo-barrido"


def beat(name: str) -> None:
    """Write this process's sign of life, in the database and then beside it; a database that is behind is paused.

    The file is read before the database, so that another process between the two can only make the database newer.
    """
    path = heartbeat_file()
    written = parse_datetime(path.read_text()) if path.exists() else None
    newest = Worker.senders().aggregate(newest=Max("seen"))["newest"]
    if written and newest and newest < written:
        logger.error("La base de datos termina el %s y el último barrido fue el %s: es un respaldo", newest, written)
        after_restore("La base de datos parece restaurada de un respaldo")
    now = timezone.now()
    Worker.objects.update_or_create(name=name, defaults={"seen": now})
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(now.isoformat())
    fresh.replace(path)
