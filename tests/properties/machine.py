"""The machine: people, webhooks, time and whole send attempts in any order, over the real code.

One rule is one whole story (a send with its answer, its crash and what happens meanwhile), never a micro-step:
rules that only claim or only settle hardly ever meet in the order that shows a bug.
"""

from __future__ import annotations

import gc
import math
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from chat import echoes
from tests.properties import gateway as g
from tests.properties.desk import AS_IT_IS, BOUNCED, MENDED, Desk
from tests.properties.instruments import Instruments
from tests.properties.meanwhile import DECISIONS, DEEDS, Meanwhile
from tests.properties.rows import messages
from tests.properties.world import World, running

BATCH, STEPS = 50, 5
ECHO = 0
# A free choice is mostly a dead end: half of what is drawn should lead somewhere.
some = st.lists(st.sampled_from(DEEDS), min_size=1, max_size=3).map(tuple)
echoed = st.sampled_from([(), ("echo",)])
attempts = st.builds(
    g.Attempt,
    kind=st.sampled_from((g.ACCEPTED,) * 4 + (g.AMBIGUOUS,) * 4 + (g.REFUSED, *g.RECIPIENT) * 2 + g.KINDS),
    arrives=st.sampled_from((g.NOW, g.LATER, g.NEVER)),
    crash=st.sampled_from(("",) * 8 + g.CRASHES),
    before=st.just(()) | some,
    after=st.sampled_from([(), ("echo",), ("echo",), ("taken over",), ("taken over and decided",)]) | some,
)
doubt = st.builds(g.Attempt, st.just(g.AMBIGUOUS), st.sampled_from((g.NOW, g.LATER, g.NEVER)), after=echoed)
# What the wake-up at the end of a rule brings.
plans = st.lists(attempts, min_size=1, max_size=3)
line_first = st.sampled_from([MENDED, MENDED, MENDED, BOUNCED, BOUNCED, AS_IT_IS])
ticket = st.integers(0, 2)
contact = st.integers(0, 1)
times = st.sampled_from([0, 0, 0, 1, 2])
again = st.sampled_from([False, False, True])
which = st.integers(0, 3)
Plans = list[g.Attempt]


class Delivery(RuleBasedStateMachine):
    """One example: a desk with two conversations and three tickets."""

    world: ClassVar[World]
    gateway: ClassVar[g.ScriptedGateway]

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.world, self.gateway)
        self.gateway.meanwhile = Meanwhile(self.desk)

    def technician_sends(self, pause: float, ticket: int, texts: int, line: str, plans: Plans) -> None:
        self.world.clock.sleep(pause)
        self.desk.line_first(line)
        for _ in range(texts):
            self.desk.write(ticket)
        self.desk.drain(ticket // 2, plans)

    # Twice, because it is what the rest is about and every rule is drawn as often as any other.
    sending = {"pause": st.sampled_from([0, 5, 20]), "ticket": ticket, "texts": st.integers(1, 2)}
    sends = rule(**sending, line=line_first, plans=plans)(technician_sends)
    sends_more = rule(**sending, line=line_first, plans=plans)(technician_sends)

    @rule(seconds=st.sampled_from([1, 5, 13, 31, 70, 400]), ticket=ticket, texts=times, line=line_first, plans=plans)
    def time_passes_and_the_sweep_comes(self, seconds: float, ticket: int, texts: int, line: str, plans: Plans) -> None:
        self.desk.line_first(line)
        for _ in range(texts):
            self.desk.write(ticket)
        self.world.clock.sleep(seconds)
        self.desk.sweep(plans)

    @rule(contact=contact, text=st.sampled_from(["hola", "Eva", ""]), times=times, steps_in=again, plans=plans)
    def person_writes(self, contact: int, text: str, times: int, steps_in: bool, plans: Plans) -> None:
        """From outside, and a technician may step in while the assistant answers; without a text, our own phone."""
        if text:
            self.desk.person_writes(contact, text, times, times > 1)
        else:
            self.desk.phone_types(contact, times, times > 1)
        if steps_in:
            plans[0] = replace(plans[0], before=("write", *plans[0].before))
        self.desk.drain(contact, plans)

    @rule(
        which=which,
        news=st.permutations((ECHO, 1, 2, 3)) | st.permutations((ECHO, -1, 2)),
        times=times,
        again=again,
        plans=plans,
    )
    def gateway_tells(self, which: int, news: list[int], times: int, again: bool, plans: Plans) -> None:
        """Echoes and ticks, in any order, of the latest message accepted, of one before it or of one to come."""
        number = len(self.gateway.log) - which
        for level in news:
            if level == ECHO:
                self.desk.echo(number, times, again)
            else:
                self.desk.tick(number, level, times, again)
        self.desk.drain(which % 2, plans)

    @rule(deed=st.sampled_from(["down", "up", "pause", "resume"]), times=times, ticket=ticket, plans=plans)
    def line(self, deed: str, times: int, ticket: int, plans: Plans) -> None:
        self.desk.write(ticket)
        self.desk.line(deed, times)
        self.desk.drain(ticket // 2, plans)

    @rule(ticket=ticket, doubt=doubt, which=which, decision=st.sampled_from(DECISIONS), line=line_first, plans=plans)
    def technician_decides(
        self, ticket: int, doubt: g.Attempt, which: int, decision: str, line: str, plans: Plans
    ) -> None:
        """A send ends in doubt; somebody decides over it, or over another, or too late."""
        self.world.clock.sleep(5)
        self.desk.line_first(line)
        self.desk.write(ticket)
        self.desk.drain(ticket // 2, [doubt])
        offered = messages("state IN ('sin_confirmar', 'fallido', 'en_cola') AND role <> 'user'")
        if found := offered or messages("role <> 'user'"):
            row = found[which % len(found)]
            self.desk.decide(row, decision)
            self.desk.drain(self.world.conversations.index(row.conversation), plans)

    @rule(which=which, how=st.sampled_from(["again", "other text", "other ticket"]), ticket=ticket, plans=plans)
    def technician_posts_a_key_again(self, which: int, how: str, ticket: int, plans: Plans) -> None:
        if not self.desk.keys and not self.desk.write(ticket, uuid.UUID(int=0)):
            return
        number, key, text, pk = self.desk.keys[which % len(self.desk.keys)]
        answered = self.desk.write(ticket if how == "other ticket" else number, key, text if how == "again" else "")
        right = how == "other ticket" or answered == (pk if how == "again" else None)
        self.desk.laws.require(right, "I1 a key names two rows", pk, answered)
        self.desk.drain(number // 2, plans)

    @rule(ticket=ticket, state=st.sampled_from(["En proceso", "Cerrado", "Pendiente"]), which=which, plans=plans)
    def technician_files_and_late_messages_arrive(self, ticket: int, state: str, which: int, plans: Plans) -> None:
        self.desk.change_ticket(ticket, state)
        self.gateway.catch_up()
        if found := messages("state = 'sin_confirmar'"):
            echoes.read_back(found[which % len(found)].id)
        self.desk.drain(ticket // 2, plans)

    @invariant()
    def the_laws_hold(self) -> None:
        self.world.patience.waits = 0
        self.desk.laws.judge()

    def teardown(self) -> None:
        """Faults stop and time passes: everything ends where it should."""
        laws = self.desk.laws
        if laws.broken:
            return
        self.gateway.catch_up()
        self.desk.end()
        laws.judge_end(len(self.desk.bodies))


@contextmanager
def set_up() -> Iterator[type[Delivery]]:
    """The machine's class, in a world of its own."""
    gateway = g.ScriptedGateway()
    with running(gateway) as world, Instruments(gateway).listening():
        gateway.clock = world.clock
        yield type("Delivery", (Delivery,), {"world": world, "gateway": gateway})


def run(examples: int, *, seconds: float = math.inf, seed: int = 0, shrink: bool = True) -> int:
    """Run up to `examples` examples for about `seconds` of this process's CPU; returns how many. Raises what breaks.

    They come in batches from consecutive seeds; the same seed gives the same examples every time.
    """
    chosen = settings(
        max_examples=BATCH,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    ends, done = time.process_time() + seconds, 0
    with set_up() as machine:
        while done < examples and time.process_time() < ends:
            gc.collect()
            machine._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]
            try:
                run_state_machine_as_test(machine, settings=chosen)
            except Exception as error:
                error.add_note(f"The same again: PROPERTIES_SEED={seed}")
                raise
            done, seed = done + BATCH, seed + 1
    return done
