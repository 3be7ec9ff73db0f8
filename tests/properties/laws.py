"""The invariants of docs/delivery.md, judged from the outside: raw rows, the gateway's log, the database's witness."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from chat import ledger
from chat.delivery import Claim
from tests.properties.gateway import Flight, ScriptedGateway
from tests.properties.rows import Row, messages, rows
from tests.properties.world import World
from whatsapp.gateways.results import RateLimited

# Written again here on purpose: the application's own table may be what is wrong.
MOVES = {
    ("en_cola", "enviando"), ("en_cola", "fallido"), ("en_cola", "descartado"),
    ("enviando", "enviado"), ("enviando", "en_cola"), ("enviando", "sin_confirmar"), ("enviando", "fallido"),
    ("sin_confirmar", "enviado"), ("sin_confirmar", "entregado"), ("sin_confirmar", "leido"),
    ("sin_confirmar", "fallido"), ("sin_confirmar", "descartado"),
    ("enviado", "entregado"), ("enviado", "leido"), ("enviado", "fallido"),
    ("entregado", "leido"), ("fallido", "entregado"), ("fallido", "leido"),
}  # fmt: skip
GONE_OUT = ("enviado", "entregado", "leido")
UNDER_WAY = ("en_cola", "enviando")


class Broken(AssertionError):
    """A law was broken; its text begins with the law's name."""


class Laws:
    """What one example has seen so far, and the judgement over it."""

    def __init__(self, world: World, gateway: ScriptedGateway) -> None:
        self.world, self.gateway = world, gateway
        self.broken: Broken | None = None
        self.judged = 0  # moves of the witness
        self.accepted_rows: set[int] = set()
        self.written: set[int] = set()  # rows whose first byte has left, in whichever attempt
        self.not_before: dict[int | None, float] = {}  # by row; None is the whole session
        self.acknowledged: dict[int, tuple[Any, ...]] = {}
        self.resends = 0
        self.echoed: set[str] = set()
        self.ticks: defaultdict[str, set[int]] = defaultdict(set)

    def require(self, holds: bool, law: str, *details: Any) -> None:
        """Raises Broken, now and at every later judgement: inside a send the code under test would swallow it."""
        if not holds:
            self.broken = self.broken or Broken(law, *details)
            raise self.broken

    def acknowledge(self, pk: int, conversation: int, seq: int, text: str) -> None:
        """A client was told of this row: it is the same row for ever."""
        known = self.acknowledged.setdefault(pk, (conversation, seq, text))
        self.require(known == (conversation, seq, text), "I1 answered with another row", pk)

    # While an attempt is on its way

    def departs(self, flight: Flight, claim: Claim) -> None:
        """An attempt begins, right after its claim was committed."""
        shut = rows("SELECT 1 FROM whatsapp_connection WHERE connected = 0 OR paused IS NOT NULL")
        self.require(not shut, "I8 sent while the line is closed", flight)
        live = [one for one in self.gateway.flights if one.ends > self.world.clock.boot()]
        others = [one for one in live if one.conversation == flight.conversation]
        self.require(not others, "two send in one conversation", flight, others)
        early = max(self.not_before.get(one, 0.0) for one in (flight.pk, None)) > self.world.clock.boot()
        self.require(not early, "a limit was not respected", flight)
        waits = "conversation_id = %s AND seq < %s AND state = 'sin_confirmar' AND due > %s"
        doubtful = messages(waits, flight.conversation, flight.seq, str(self.world.clock.now().replace(tzinfo=None)))
        self.require(not doubtful, "a doubtful message holds the next ones", flight, doubtful)
        if claim.message.role == "assistant":
            spoken = rows(
                "SELECT 1 FROM chat_message WHERE ticket_id = %s AND role = 'tecnico'", claim.message.ticket_id
            )
            self.require(not spoken, "the assistant speaks after a technician", flight)

    def first_byte(self, flight: Flight) -> None:
        """The request begins to leave: only under a live lease, and with the row committed as `enviando`."""
        (row,) = messages("id = %s", flight.pk)
        self.require((row.state, row.token) == ("enviando", flight.token), "written without its claim", flight, row)
        self.require(flight.ends > self.world.clock.boot(), "written after its lease", flight)
        (lease,) = rows("SELECT lease_token FROM chat_conversation WHERE id = %s", flight.conversation)
        self.require(lease[0] == flight.token, "written under another's lease", flight)
        self.written.add(flight.pk)

    def accepted(self, flight: Flight) -> None:
        """The gateway takes a message."""
        self.require(flight.pk not in self.accepted_rows, "I2 accepted twice", flight)
        self.accepted_rows.add(flight.pk)
        earlier = messages("conversation_id = %s AND seq < %s AND role <> 'user'", flight.conversation, flight.seq)
        overtaken = [row for row in earlier if row.state in UNDER_WAY]
        self.require(not overtaken, "I3 overtook", flight, overtaken)

    def limited(self, flight: Flight, result: RateLimited) -> None:
        """The gateway asked to be left alone for a while, by the session or for one recipient."""
        (row,) = messages("id = %s", flight.pk)
        if result.scope == "session":
            self.not_before[None] = self.world.clock.boot() + (result.after or 0) - 0.01  # the database's milliseconds
        elif row.state == "en_cola":
            self.not_before[row.id] = self.world.clock.boot() + max(4.0 ** min(row.attempts, 4), result.after or 0)

    def lease_of_another(self, flight: Flight) -> Any:
        """The live lease of somebody else in this flight's conversation, if there is one."""
        (lease,) = rows("SELECT lease_token, lease_until FROM chat_conversation WHERE id = %s", flight.conversation)
        live = lease[0] and lease[1] > self.world.clock.now().replace(tzinfo=None)
        return lease if live and lease[0] != flight.token else None

    def settled(self, flight: Flight, another: Any) -> None:
        """An attempt's outcome was written: it touched no live lease but its own, and no decision of a person."""
        if another:
            self.require(self.lease_of_another(flight) == another, "settled another's lease", flight)
        moved = rows("SELECT message, old, new FROM moves WHERE rowid > %s AND settled_by IS NOT NULL", self.judged)
        self.require(not moved, "an answer undid what a person decided", flight, moved)
        self.judge_moves()

    # After every rule

    def judge_moves(self) -> None:
        found = rows(
            "SELECT rowid, message, old, new, version_before, version_after FROM moves WHERE rowid > %s", self.judged
        )
        for number, pk, old, new, before, after in found:
            self.judged = number
            self.require((old, new) in MOVES, "I5 a move outside the table", pk, old, new)
            self.require(after > before, "a change that no page is told of", pk, old, new)

    def judge(self) -> None:
        """Everything that has to hold between any two rules."""
        if self.broken:
            raise self.broken
        self.judge_moves()
        all_rows = {row.id: row for row in messages()}
        for pk, known in self.acknowledged.items():
            row = all_rows.get(pk)
            self.require(row is not None, "I1 a row is gone", pk, known)
            self.require(row[1:2] + row[3:4] + row[6:7] == known, "I1 a row was rewritten", row, known)  # type: ignore[index]
        written = [row for row in all_rows.values() if row.author]
        self.require(len(written) == len(self.acknowledged), "I1 one row per acknowledged POST", written)
        self.require(
            sum(1 for row in written if row.resends) == self.resends, "a resend that nobody asked for", written
        )
        owners = {one.id: one.flight for one in self.gateway.log}
        for row in all_rows.values():
            if row.role != "user":
                self.judge_outgoing(row, owners.get(row.gateway_id))

    def judge_outgoing(self, row: Row, owner: Flight | None) -> None:
        """One of our own rows against the gateway's log; `owner` is what the gateway knows by the row's id."""
        needless = row.state == "sin_confirmar" and row.id not in self.written
        self.require(not needless, "in doubt, and no byte has left", row)
        from_phone = row.attempts == 0 and row.gateway_id is not None
        if from_phone:
            self.require(owner is None, "our own message shown twice", row, owner)
        elif row.gateway_id is not None:
            right = owner is not None and (owner.conversation, owner.text) == (row.conversation, row.text)
            self.require(right, "bound to what it is not", row, owner)
        elif row.state in GONE_OUT:
            proved = row.settled_by or row.id in self.accepted_rows
            self.require(bool(proved), "I4 enviado, and the gateway has it not", row)

    def judge_end(self, webhooks: int) -> None:
        """Faults have stopped and time has passed; `webhooks` different ones were accepted."""
        self.judge()
        stuck = messages("state IN ('en_cola', 'enviando')")
        self.require(not stuck, "I6 stuck", stuck)
        told = {one.flight.pk for one in self.gateway.log if one.id in self.echoed}
        doubtful = messages("state = 'sin_confirmar'")
        self.require(not [row for row in doubtful if row.id in told], "doubtful against the evidence", doubtful)
        self.judge_events(webhooks, {f"conversation:{row.conversation}" for row in doubtful})
        if (len(self.gateway.log) + len(self.acknowledged)) % 5 == 0:  # as much work as all the rest of the judgement
            problems = ledger.books().problems
            self.require(not problems, "the books do not balance", problems)

    def judge_events(self, webhooks: int, may_be_awaited: set[str]) -> None:
        """Each webhook is one event; none failed, and none waits for what has come."""
        found = rows("SELECT id, state, waits_on, reason FROM whatsapp_webhookevent")
        self.require(len(found) == webhooks, "I1 one event per webhook", found)
        bound = messages("gateway_id IS NOT NULL AND role <> 'user'")
        ids = {f"message:{row.gateway_id}" for row in bound}
        for event in found:
            _, state, waits_on, _ = event
            self.require(state not in ("recibido", "error"), "an event without effect", event)
            if state == "en_espera":
                to_come = waits_on not in ids if waits_on.startswith("message:") else waits_on in may_be_awaited
                self.require(to_come, "an event waits for what has come", event)
        for row in bound:
            ticks = self.ticks.get(row.gateway_id, set())
            late = ("enviado",) if 3 not in ticks else ("enviado", "entregado", "fallido")
            self.require(not ticks & {2, 3} or row.state not in late, "a tick without effect", row, ticks)
