"""What the machine's rules are made of: each a thing that a person, the gateway, time or a process does."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Sequence

from chat import compose, decisions, delivery, sweeping
from tests import fake_gateway as waha
from tests.properties.gateway import Attempt, Killed, ScriptedGateway
from tests.properties.laws import Laws
from tests.properties.rows import Row, messages, rows, snapshot
from tests.properties.world import World
from tickets.models import Ticket
from whatsapp import connection, events
from whatsapp.models import WebhookEvent

MENDED, BOUNCED, AS_IT_IS = "mended", "bounced", "as it is"
CLOSED = "SELECT 1 FROM whatsapp_connection WHERE connected = 0 OR paused IS NOT NULL"


class Desk:
    """The desk of one example, at its beginning."""

    def __init__(self, world: World, gateway: ScriptedGateway) -> None:
        world.restart()
        gateway.restart()
        self.world, self.gateway = world, gateway
        self.laws = gateway.laws = Laws(world, gateway)
        self.texts = self.others = 0
        self.keys: list[tuple[int, uuid.UUID, str, int]] = []
        self.bodies: set[bytes] = set()

    # Processes

    def drain(self, side: int, plans: Sequence[Attempt] = ()) -> None:
        """Some process is woken and sends what is due, as `plans` say; it may die. Without plans it never was."""
        if plans:
            self.gateway.plans.extend(plans)
            with contextlib.suppress(Killed):
                delivery.drain(self.world.conversations[side])
            self.gateway.plans.clear()

    def other_drain(self, conversation: int) -> None:
        """Another process does, in the midst of that one."""
        with contextlib.suppress(Killed):
            delivery.drain(conversation)

    def sweep(self, plans: Sequence[Attempt] = ()) -> None:
        self.gateway.plans.extend(plans)
        with contextlib.suppress(Killed):
            sweeping.sweep()
        if not self.gateway.flights:
            self.gateway.plans.clear()

    def end(self) -> None:
        """The line is good and stays so, and the sweep comes as long as anything waits; longer than any back-off."""
        for _ in range(12):
            if not rows("SELECT 1 FROM chat_message WHERE state IN ('en_cola', 'enviando') LIMIT 1"):
                break
            self.line_first()
            self.world.clock.sleep(61)
            self.sweep()
        if rows("SELECT 1 FROM whatsapp_webhookevent WHERE state <> 'procesado' AND state <> 'ignorado' LIMIT 1"):
            self.world.clock.sleep(61)
            self.sweep()

    # People

    def write(self, number: int, key: uuid.UUID | None = None, text: str = "") -> int | None:
        """A technician's POST in the ticket `number`; the row it was answered with, or None where it was refused."""
        self.texts += 1
        text = text or f"Texto {self.texts}"
        key = key or (uuid.UUID(int=self.texts) if self.texts % 3 else None)
        before = rows("SELECT count(*) FROM chat_message")
        try:
            message, new = compose.write(self.world.tickets[number], self.world.author, compose.Draft(text, key=key))
        except compose.EXPECTED:
            self.laws.require(rows("SELECT count(*) FROM chat_message") == before, "I1 refused, and written")
            return None
        self.laws.acknowledge(message.pk, message.conversation_id, message.seq, text)
        if new and key:
            self.keys.append((number, key, text, message.pk))
        return message.pk

    def decide(self, row: Row, decision: str) -> None:
        ticket = Ticket.objects.select_related("contact").get(pk=row.ticket)
        try:
            message = decisions.decide(ticket, row.seq, decision, self.world.author)
        except (decisions.TooLate, compose.OtherTicketOpen):
            return
        (decided,) = messages("id = %s", row.id)
        self.laws.require(decided.state not in ("sin_confirmar", "en_cola"), "a decision that settles nothing", decided)
        if decision == decisions.RESEND:
            self.laws.require(row.state in ("sin_confirmar", "fallido"), "resent what was neither doubtful nor failed")
            self.laws.resends += 1
            self.laws.acknowledge(message.pk, message.conversation_id, message.seq, message.text)

    def change_ticket(self, number: int, state: str) -> None:
        ticket = Ticket.objects.select_related("contact").get(pk=self.world.tickets[number])
        technician = self.world.author if state == "En proceso" else None
        with contextlib.suppress(compose.OtherTicketOpen):
            decisions.change(ticket, state=state, technician=technician)

    # The gateway

    def line_first(self, how: str = MENDED) -> None:
        """Whoever closed the line opens it again, or the session goes down and comes back."""
        if how == BOUNCED:
            self.line("down")
        if how == BOUNCED or (how == MENDED and rows(CLOSED)):
            self.line("resume")
            self.line("up")

    def line(self, deed: str, times: int = 0) -> None:
        """The session goes down or comes back; a supervisor pauses or resumes sending."""
        if deed == "pause":
            connection.pause("prueba")
        elif deed == "resume":
            events.resume("prueba")
        else:
            self.deliver(lambda: waha.session_status("WORKING" if deed == "up" else "STOPPED"), times, times > 1)

    def person_writes(self, contact: int, text: str, times: int = 0, again: bool = False) -> None:
        phone, message_id = self.world.addresses[contact], self.new_id()
        self.deliver(lambda: waha.inbound(text, phone, message_id=message_id), times, again)

    def phone_types(self, contact: int, times: int = 0, again: bool = False) -> None:
        phone, message_id = self.world.addresses[contact], self.new_id()
        self.deliver(lambda: waha.echo("del teléfono", phone, source="app", message_id=message_id), times, again)

    def tick(self, number: int, level: int, times: int = 0, again: bool = False) -> None:
        """Of the `number`-th accepted message: one that we know, do not know yet, or that will never be."""
        message_id = self.gateway.id_of(max(number, 0))
        self.laws.ticks[message_id].add(level)
        self.deliver(lambda: waha.ack(message_id, level), times, again)

    def echo(self, which: int, times: int = 0, again: bool = False) -> None:
        """The gateway tells of a message of ours that it accepted."""
        if self.gateway.log:
            one = self.gateway.log[which % len(self.gateway.log)]
            self.laws.echoed.add(one.id)
            phone, stamp = one.flight.address, int(one.at.timestamp())
            self.deliver(lambda: waha.echo(one.flight.text, phone, message_id=one.id, timestamp=stamp), times, again)

    def new_id(self) -> str:
        """WhatsApp's id for a message that somebody else wrote: the same ones in every run of an example."""
        self.others += 1
        return f"5EC0{self.others:016X}"

    def deliver(self, make: Callable[[], bytes], times: int, again: bool) -> None:
        """A webhook, the same `times` more, and then the same news under another event's id: one effect in all."""
        body = make()
        self.post(body)
        after = snapshot() if times or again else []
        for repeat in [body] * times + [make() for _ in range(again)]:
            self.post(repeat)
            self.laws.require(snapshot() == after, "I7 an equal webhook changed something", repeat)

    def post(self, body: bytes) -> None:
        """What the webhook's view does with a signed body."""
        self.bodies.add(body)
        (event,) = events.store(self.gateway, body)
        if event.state == WebhookEvent.State.RECEIVED:
            events.handle(event.pk)
