"""Read marks on the person's WhatsApp: that their messages were on a technician's screen."""

from __future__ import annotations

from django.conf import settings

from chat import runtime
from chat.models import FROM_PERSON, Message
from whatsapp import connection, gateways

# In one call: a conversation that nobody opened for long is marked by its newest.
MOST = 50


def mark(ticket_id: int, seq: int, count: int) -> None:
    """Tell the person that the last `count` of their messages up to `seq` were read, where the gateway can."""
    gateway = gateways.active()
    if "read_marks" not in gateway.can or connection.opened():
        return
    theirs = Message.objects.filter(FROM_PERSON, ticket=ticket_id, seq__lte=seq, gateway_id__isnull=False)
    known = theirs.filter(gateway=settings.WHATSAPP_GATEWAY).exclude(address="").order_by("-seq")
    newest = list(known.values_list("address", "gateway_id")[: min(count, MOST)])
    by_address: dict[str, list[str]] = {}
    for address, message_id in reversed(newest):
        by_address.setdefault(address, []).append(str(message_id))
    runtime.let_go_of_database()
    for address, ids in by_address.items():
        gateway.mark_read(address, ids)
