"""Our typing on the person's WhatsApp: shown while a technician types, and never left on.

Runs in the process that sends, on the threads for courtesies: a gateway that hangs keeps no message waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock, Thread

from django.conf import settings

from chat import presence, runtime, window
from chat.models import FROM_PERSON, Message
from tickets.models import Ticket
from whatsapp import connection, gateways
from whatsapp.gateways.base import Gateway

# At most one call in so long for each person: WhatsApp shows it for longer, Evolution API for some seconds.
AGAIN_S = 10
# One asks a gateway to tell when a person writes; again after so long, because it forgets when it restarts.
WATCH_S = 300
LOOK_S = 1.0


@dataclass(frozen=True, eq=False)
class Shown:
    """What a person sees now: that we write. `who` types in `ticket`."""

    ticket: int
    who: int
    contact: int
    address: str


def wanted(gateway: Gateway) -> bool:
    """Whether our typing is shown at all. Where it marks messages as read too, only if those marks are wanted."""
    shows = settings.ESCRIBIENDO_EN_WHATSAPP and "typing" in gateway.can
    return shows and (settings.LEIDO_EN_WHATSAPP or not gateway.typing_marks_read)


def due(contact: int) -> bool:
    """Whether it is time to show this contact that we write; nobody else is told so for a while."""
    return wanted(gateways.active()) and presence.first(f"mostrar:{contact}", AGAIN_S, unknown=False)


def watch_due(contact: int) -> bool:
    """Whether it is time to ask the gateway to tell when this contact writes."""
    return "watch" in gateways.active().can and presence.first(f"vigilar:{contact}", WATCH_S, unknown=False)


def watch(ticket_id: int) -> None:
    """Ask to be told when the ticket's person writes."""
    ticket = Ticket.objects.select_related("contact").filter(pk=ticket_id).first()
    if ticket is None or not connection.current().connected:
        return
    gateway = gateways.active()
    address = ticket.contact.address_among(gateway.reaches)
    runtime.let_go_of_database()
    gateway.watch(address)


def show(ticket_id: int, who: int) -> None:
    """Show the ticket's person that the technician `who` types, if a message could leave now, until they stop."""
    gateway = gateways.active()
    if not wanted(gateway) or not presence.types(ticket_id, who) or connection.opened():
        return
    ticket = Ticket.objects.select_related("contact").filter(pk=ticket_id).first()
    if ticket is None or ((day := window.of_contact(ticket.contact_id)) and not day.is_open):
        return
    theirs = Message.objects.filter(FROM_PERSON, conversation__contact=ticket.contact_id)
    known = theirs.filter(gateway=settings.WHATSAPP_GATEWAY, gateway_id__isnull=False).order_by("-seq")
    last = known.values_list("gateway_id", flat=True).first()
    address = ticket.contact.address_among(gateway.reaches)
    runtime.let_go_of_database()
    # Before the call: one that has no answer may have been heard.
    keeper.keep(Shown(ticket_id, who, ticket.contact_id, address))
    presence.forget(hidden(ticket.contact_id))
    gateway.typing(address, on=True, message_id=last)


def hidden(contact: int) -> str:
    """Where processes tell each other that one of them shows it no more."""
    return f"apagar:{contact}"


def hide(shown: Shown) -> None:
    """Show no more that we write; once, however many processes showed it."""
    if not presence.first(hidden(shown.contact), AGAIN_S / 2, unknown=True) or not connection.current().connected:
        return
    runtime.let_go_of_database()
    gateways.active().typing(shown.address, on=False, message_id=None)


class Keeper:
    """Remembers what this process shows, and looks every second whether somebody still types: a tab may vanish."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.shown: dict[int, Shown] = {}
        self.watching = False

    def keep(self, shown: Shown) -> None:
        with self.lock:
            self.shown[shown.contact] = shown
            if not self.watching:
                self.watching = True
                Thread(target=self.work, daemon=True, name="escribiendo").start()

    def work(self) -> None:
        while self.look():
            runtime.stopping.wait(LOOK_S)

    def look(self) -> bool:
        """Hide what nobody types any more, and everything when the process ends; returns whether any is left."""
        stopping = runtime.stopping.is_set()
        with self.lock:
            shown = list(self.shown.values())
        for one in shown:
            if not stopping and presence.types(one.ticket, one.who):
                continue
            if runtime.courtesies.offer(hide, one) or stopping:
                with self.lock:
                    if self.shown.get(one.contact) is one:  # or it is shown anew since we looked
                        del self.shown[one.contact]
        with self.lock:
            self.watching = bool(self.shown)
            return self.watching


keeper = Keeper()
