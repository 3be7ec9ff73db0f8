"""What other processes and people do while a request is on its way."""

from __future__ import annotations

from chat import decisions
from tests.properties.desk import Desk
from tests.properties.gateway import Flight
from tests.properties.rows import messages

DECISIONS = (decisions.ARRIVED, decisions.RESEND, decisions.DISCARD)
DEEDS = (
    *(
        "taken over",
        *["taken over and decided"] * 2,
        "lease ends",
        "sleep",
        "drain",
        "sweep",
        "write",
        "person",
        "phone",
    ),
    *("echo", "tick", "early tick", "down", "up", *DECISIONS),
)


class Meanwhile:
    """Called before a request's first byte and before its answer, with what happens just then."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, deeds: tuple[str, ...], flight: Flight) -> None:
        """While `flight` is on its way, other processes and people do `deeds`, mostly in its own conversation."""
        side = self.desk.world.conversations.index(flight.conversation)
        for deed in deeds:
            if deed.startswith("taken over"):
                self.take_over(flight, decide=deed.endswith("decided"))
            elif deed in ("lease ends", "sleep"):
                self.desk.world.clock.sleep(13 if deed == "lease ends" else 3)
            elif deed == "drain":
                self.desk.other_drain(flight.conversation)
            elif deed == "sweep":
                self.desk.sweep()
            elif deed == "write":
                self.desk.write(2 * side)
            elif deed == "person":
                self.desk.person_writes(side, "¿Ya?")
            elif deed == "phone":
                self.desk.phone_types(side)
            elif deed == "echo":
                self.desk.echo(-1)
            elif deed in ("tick", "early tick"):
                self.desk.tick(len(self.desk.gateway.log) - (deed == "tick"), 2)
            elif deed in DECISIONS:
                self.decide_meanwhile(flight, deed)
            else:
                self.desk.line(deed)

    def take_over(self, flight: Flight, *, decide: bool) -> None:
        """The lease ends and another process gives the row up; somebody may decide over it; the next one is sent."""
        self.desk.world.clock.sleep(13)
        self.desk.other_drain(flight.conversation)
        if decide:
            self.decide_meanwhile(flight, decisions.ARRIVED)
        self.desk.world.clock.sleep(5)
        self.desk.other_drain(flight.conversation)

    def decide_meanwhile(self, flight: Flight, decision: str) -> None:
        """Over a doubtful message of the same conversation, or else over the one on its way, which is refused."""
        doubtful = messages("state = 'sin_confirmar' AND conversation_id = %s", flight.conversation)
        self.desk.decide((doubtful or messages("id = %s", flight.pk))[0], decision)
