"""Where the machine listens in on the code under test, and where it kills it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from chat import delivery, outcomes
from chat.models import Conversation, Message
from tests.properties.gateway import AFTER_SETTLE, IN_CLAIM, IN_SETTLE, Attempt, Flight, Killed, ScriptedGateway
from whatsapp.gateways.results import RateLimited


class Instruments:
    """Wraps the steps of a send: the laws are told of each, and a plan that crashes there dies there."""

    def __init__(self, gateway: ScriptedGateway) -> None:
        self.gateway = gateway
        self.attempt, self.settle = delivery.attempt, delivery.settle
        self.move, self.waiting = Message.move, outcomes.waiting
        self.settling: Flight | None = None
        self.another: Any = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(patch.object(delivery, "attempt", self.on_attempt))
            stack.enter_context(patch.object(delivery, "settle", self.on_settle))
            stack.enter_context(patch.object(outcomes, "waiting", self.on_waiting))
            stack.enter_context(patch.object(Message, "move", lambda *args, **changes: self.on_move(*args, **changes)))
            yield

    def on_attempt(self, claim: delivery.Claim) -> Any:
        message, plans = claim.message, self.gateway.plans
        flight = Flight(
            message.pk,
            message.seq,
            message.conversation_id,
            claim.token.hex,
            claim.lease_ends,
            plan=plans.popleft() if plans else Attempt(),
        )
        self.gateway.laws.departs(flight, claim)
        self.gateway.flights.append(flight)
        try:
            return self.attempt(claim)
        finally:
            self.gateway.flights.pop()
            self.gateway.last = flight

    def on_settle(self, message: Message, token: uuid.UUID, telefono: str, result: Any) -> None:
        flight, laws = self.gateway.last, self.gateway.laws
        laws.judge_moves()  # what others did before this outcome is theirs
        self.settling, self.another = flight, laws.lease_of_another(flight)
        try:
            self.settle(message, token, telefono, result)
            assert not self.settling, "the outcome was written, and nothing here saw it"
        finally:
            self.settling = None
        if isinstance(result, RateLimited):
            laws.limited(flight, result)

    def on_move(self, message: Message, conversation: Conversation, to: str, **changes: Any) -> bool:
        moved = self.move(message, conversation, to, **changes)
        plans = self.gateway.plans
        if to == "enviando" and plans and plans[0].crash == IN_CLAIM:
            plans.popleft()
            raise Killed(IN_CLAIM)
        if self.settling and self.settling.pk == message.pk and self.settling.plan.crash == IN_SETTLE:
            raise Killed(IN_SETTLE)
        return moved

    def on_waiting(self, *waits_on: str) -> Any:
        if settling := self.settling:  # its outcome is committed; what is woken now are other people's words
            self.settling = None
            self.gateway.laws.settled(settling, self.another)
            if settling.plan.crash == AFTER_SETTLE:
                raise Killed(AFTER_SETTLE)
        return self.waiting(*waits_on)
