"""A gateway whose every attempt is data, with its own log of what it accepted: the other half of every law."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.properties.world import Clock
from whatsapp import gateways
from whatsapp.gateways.base import Ability, Gateway, Outgoing
from whatsapp.gateways.events import ConnectionChanged, Event, Inbound, OwnMessage
from whatsapp.gateways.results import (
    Accepted,
    Ambiguous,
    Disconnected,
    Misconfigured,
    RateLimited,
    Refused,
    Result,
    Unreachable,
)

ACCEPTED, AMBIGUOUS, REFUSED = "accepted", "ambiguous", "refused"
BUG_BEFORE, BUG_AFTER = "bug before", "bug after"
# What proves that nothing was sent; the first two never touch the wire.
NOT_SENT: dict[str, Result] = {
    "unreachable": Unreachable("conexión rechazada"),
    "misconfigured": Misconfigured("WAHA_API_KEY", "WAHA rechazó la llave"),
    "disconnected": Disconnected("La sesión está detenida"),
    "session limit": RateLimited("session"),
    "session limit, after": RateLimited("session", 40),
    "recipient limit": RateLimited("recipient"),
    "recipient limit, after": RateLimited("recipient", 40),
    REFUSED: Refused("Ese número no tiene WhatsApp.", "404"),
}
RECIPIENT = ("recipient limit", "recipient limit, after")
NO_WIRE = ("unreachable", "misconfigured")
KINDS = (ACCEPTED, AMBIGUOUS, BUG_BEFORE, BUG_AFTER, *NOT_SENT)
# Whether, and when, a message whose answer was lost arrives at the gateway.
NOW, LATER, NEVER = "now", "later", "never"
# Where the process dies (the machine kills it in the claim, in the settling and after it; the gateway, elsewhere).
IN_CLAIM, BEFORE_WIRE, AFTER_FIRST_BYTE, AFTER_ACCEPTED, IN_SETTLE, AFTER_SETTLE = (
    "in claim",
    "before wire",
    "after first byte",
    "after accepted",
    "in settle",
    "after settle",
)
CRASHES = (IN_CLAIM, BEFORE_WIRE, AFTER_FIRST_BYTE, AFTER_ACCEPTED, IN_SETTLE, AFTER_SETTLE)


class Killed(BaseException):
    """kill -9, at one of CRASHES: nothing catches it, and what was not committed is gone."""


@dataclass(frozen=True)
class Attempt:
    """One whole send: the answer, where the process dies, and what others do before the wire and before the answer."""

    kind: str = ACCEPTED
    arrives: str = NOW
    crash: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass
class Flight:
    """An attempt on its way: which row it is for, and what the machine has to know of it."""

    pk: int
    seq: int
    conversation: int
    token: str
    ends: float
    address: str = ""
    text: str = ""
    plan: Attempt = field(default_factory=Attempt)


@dataclass(frozen=True)
class Acceptance:
    """A message that the gateway has, in the order it got them."""

    id: str
    flight: Flight
    at: datetime


class ScriptedGateway(Gateway):
    """Answers each send by its flight's plan. The laws are told of what matters; `meanwhile` plays the others' part."""

    name = "waha"
    title = "WAHA"
    can: ClassVar[frozenset[Ability]] = frozenset({"echo", "read_back"})

    def __init__(self) -> None:
        self.real = gateways.GATEWAYS["waha"]()
        self.clock: Clock
        self.laws: Any = None
        self.meanwhile: Callable[[tuple[str, ...], Flight], None]
        self.last: Flight
        self.restart()

    def restart(self) -> None:
        self.plans: deque[Attempt] = deque()
        self.flights: list[Flight] = []
        self.pending: list[Flight] = []
        self.log: list[Acceptance] = []

    @staticmethod
    def id_of(number: int) -> str:
        """The id of the `number`-th message accepted: known beforehand, so that a tick can come before its message."""
        return f"3EB0{number:016X}"

    def send(self, address: str, message: Outgoing, before_first_byte: Callable[[], None]) -> Result:
        flight = self.flights[-1]
        flight.address, flight.text = address, message.text
        plan = flight.plan
        self.meanwhile(plan.before, flight)
        self.die(plan, BEFORE_WIRE)
        if plan.kind == BUG_BEFORE:
            raise RuntimeError("nuestro error")
        if plan.kind in NO_WIRE:
            return NOT_SENT[plan.kind]
        before_first_byte()
        self.laws.first_byte(flight)
        self.die(plan, AFTER_FIRST_BYTE, flight)
        answer = NOT_SENT.get(plan.kind)
        if answer is None:
            self.arrive(flight, NOW if plan.kind == ACCEPTED else plan.arrives)
            answer = Accepted(self.log[-1].id) if plan.kind == ACCEPTED else Ambiguous("HTTP 502")
        self.meanwhile(plan.after, flight)
        self.die(plan, AFTER_ACCEPTED)
        if plan.kind == BUG_AFTER:
            raise RuntimeError("nuestro error")
        return answer

    def die(self, plan: Attempt, point: str, flight: Flight | None = None) -> None:
        if plan.crash == point:
            if flight and plan.kind in (ACCEPTED, AMBIGUOUS, BUG_AFTER):
                self.arrive(flight, plan.arrives)
            raise Killed(point)

    def arrive(self, flight: Flight, when: str) -> None:
        if when == NOW:
            self.laws.accepted(flight)
            self.log.append(Acceptance(self.id_of(len(self.log)), flight, self.clock.now()))
        elif when == LATER:
            self.pending.append(flight)

    def catch_up(self) -> None:
        """What was on its way arrives."""
        for flight in self.pending:
            self.arrive(flight, NOW)
        self.pending.clear()

    def status(self) -> ConnectionChanged:
        return ConnectionChanged(True, "WhatsApp conectado")

    def read_back(self, address: str, since: datetime) -> list[OwnMessage | Inbound] | None:
        found = [one for one in self.log if one.flight.address == address and one.at >= since]
        return [
            OwnMessage(one.id, address, one.flight.text, True, sent_at=one.at.astimezone(UTC).replace(microsecond=0))
            for one in found
        ]

    def chats_since(self, since: datetime) -> list[str] | None:
        return list({one.flight.address: None for one in self.log if one.at >= since})

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        raise NotImplementedError

    def external_id(self, body: bytes, payload: Any) -> str:
        return self.real.external_id(body, payload)

    def parse(self, payload: Any) -> list[Event]:
        return self.real.parse(payload)
