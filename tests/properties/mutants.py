"""Bugs planted on purpose: each an edit of one function's source, swapped in as its code while the mutant lives.

A mutant that the machine does not catch means that the machine is too weak.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType
from typing import Any

from chat import compose, decisions, delivery, echoes, head, outcomes, references
from chat.models import MOVES, Message
from whatsapp import connection, events
from whatsapp.gateways.results import Accepted, Ambiguous, RateLimited
from whatsapp.models import Connection


@dataclass(frozen=True)
class Mutant:
    """`old` is in the source of `function` exactly once, and becomes `new`."""

    name: str
    function: Callable[..., Any]
    old: str
    new: str
    moves: tuple[tuple[str, str], ...] = ()  # allowed too, so that the table alone does not save us

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The application has this bug meanwhile, whoever imported the function from where."""
        function, allowed = plain(self.function), dict(MOVES)
        code = function.__code__
        function.__code__ = edited(function, self.old, self.new)
        for state, to in self.moves:
            MOVES[state] = MOVES.get(state, frozenset()) | {to}
        try:
            yield
        finally:
            function.__code__ = code
            MOVES.update(allowed)


def plain(function: Callable[..., Any]) -> FunctionType:
    found = function.__func__ if isinstance(function, MethodType) else function
    assert isinstance(found, FunctionType)
    return found


def edited(function: FunctionType, old: str, new: str) -> CodeType:
    """The code of `function` with one edit in its source."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"{function.__qualname__} changed: «{old}» is in it {source.count(old)} times"
    source = source[source.index("def ") :].replace(old, new)
    module = compile(source, f"<mutant of {function.__qualname__}>", "exec", __future__.annotations.compiler_flag)
    return next(code for code in module.co_consts if isinstance(code, CodeType))


def step(kind: type) -> Callable[..., Any]:
    return outcomes.next_step.dispatch(kind)


MUTANTS = [
    Mutant("retry on ambiguous", step(Ambiguous), "Delivery.DOUBTFUL", "Delivery.QUEUED"),
    Mutant(
        "overtake: a head that waits is skipped",
        head.next_message,
        "elif message.due and message.due > clock:\n            return None",
        "elif message.due and message.due > clock:\n            continue",
    ),
    Mutant("no lease check in the claim", delivery.claim, "conversation.lease_until > clock", "False"),
    Mutant(
        "lease not checked before the first byte", delivery.Claim.still_ours, "boot_time() >= self.lease_ends", "False"
    ),
    Mutant("any move allowed", Message.move, "if to in MOVES.get(self.state, ())", "if True"),
    Mutant(
        "a lower tick overwrites a higher one",
        Message.move,
        "if to in MOVES.get(self.state, ())",
        "if to in MOVES.get(self.state, ()) or (self.state, to) == ('leido', 'entregado')",
    ),
    Mutant(
        "a late answer settles whatever the state",
        outcomes.write_outcome,
        "if row.attempt == token and row.state in (Delivery.SENDING, Delivery.DOUBTFUL)",
        "if True",
    ),
    Mutant("a late answer frees another's lease", outcomes.write_outcome, "conversation.lease_token == token", "True"),
    Mutant(
        "a doubtful row is sent again",
        head.next_message,
        "if message.state == Delivery.DOUBTFUL:\n            return None",
        "if message.state == Delivery.DOUBTFUL:\n            return message",
        moves=(("sin_confirmar", "enviando"),),
    ),
    Mutant("a doubtful row holds nothing", head.concerning, " | Q(state=Delivery.DOUBTFUL, due__gt=Now())", ""),
    Mutant("a doubtful row holds for ever", head.concerning, "DOUBTFUL, due__gt=Now()", "DOUBTFUL"),
    Mutant(
        "reconnecting clears a recipient's limit",
        delivery.release,
        "queued.filter(held=Held.SESSION)",
        "queued.exclude(held='')",
    ),
    Mutant("the breaker is ignored", delivery.wait_for_line, "not line.may_send", "False"),
    Mutant("a pause is ignored", Connection.may_send.fget, " and self.paused is None", ""),  # type: ignore[attr-defined]
    Mutant("the key is ignored", compose.write, "if draft.key and", "if False and"),
    Mutant("a key's text is not compared", compose.write, "known.said == draft.text and", ""),
    Mutant("an echo is bound to any row", echoes.settle_by_echo, "filter(said, gateway=", "filter(gateway="),
    Mutant(
        "an echo does not wait for the send under way",
        echoes.own_message,
        "conversation.messages.filter(state=Delivery.SENDING).exists()",
        "False",
    ),
    Mutant(
        "an equal webhook is another event",
        events.keep,
        "gateway.external_id(body, payload)",
        "gateway.external_id(body, payload) + str(WebhookEvent.objects.count())",
    ),
    Mutant("waiting events are never woken", events.wake_waiting, "handle(pk)", "pass"),
    Mutant("an outcome wakes no event", outcomes.settle, "events.handle(event)", "pass"),
    Mutant("an early tick is dropped", references.unknown, "State.WAITING", "State.IGNORED"),
    Mutant(
        "a dead process's row is queued again",
        head.give_up_abandoned,
        "Delivery.DOUBTFUL, due=due",
        "Delivery.QUEUED, due=None",
    ),
    Mutant("a dead process's row stays as it is", head.give_up_abandoned, "row.state == Delivery.SENDING", "False"),
    Mutant("what may have left counts as not sent", head.give_up_abandoned, "message.tried is None", "True"),
    Mutant("what never left is left to a person", head.give_up_abandoned, "message.tried is None", "False"),
    Mutant("the first byte is not marked", delivery.Claim.begin_writing, "mark(self.message.pk, self.token)", "True"),
    Mutant("an earlier try's mark stays", delivery.claim, "tried=None", "tried=head.tried"),
    Mutant("the assistant speaks after a technician", head.next_message, "silenced(message.ticket_id)", "False"),
    Mutant("resending keeps the old row open", decisions.resend, "message.state == Delivery.DOUBTFUL", "False"),
    Mutant(
        "a decision is not checked",
        decisions.decide,
        "decision not in ALLOWED.get(Delivery(message.state), set())",
        "False",
    ),
    Mutant("the id of an accepted message is not kept", step(Accepted), "None if others else result.id", "None"),
    Mutant("a recipient's limit is not waited for", step(RateLimited), "max(pause, result.after or 0)", "0"),
    Mutant("the session's limit is not waited for", connection.seconds_to_wait, "line.next_send > clock", "False"),
    Mutant("a change is not told", Message.move, "conversation.bump(self.ticket_id)", "self.version"),
]
