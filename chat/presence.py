"""Who has a ticket open now, who of them is typing, and that the person is: shared by all processes for some seconds.

Kept in Django's cache under one key for each ticket and technician, so that nobody writes back what another one
changed meanwhile. Its value is the browser tab that said it: a tab that leaves takes back only its own word. Nothing
depends on any of it; with the cache away it is unknown (docs/presence.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.cache import cache

from chat import live
from chat.history import full_name
from tickets.access import all_workers
from tickets.identity import identify
from tickets.models import Ticket
from whatsapp.events import Outcome
from whatsapp.gateways.events import Typing
from whatsapp.models import WebhookEvent

logger = logging.getLogger(__name__)

# A page says it again every 20 s, and while keys are pressed every 4 s (static/chat/presence.js).
HERE_S, TYPING_S = 45, 8
# Who typed is at it for so long after the last key, while what they wrote is neither sent nor gone.
WRITING_S = 20
TOLD_S = 24 * 3600
# Not asked again for so long once it did not answer, because each question would wait for it.
AWAY_S = 5.0
away_until = 0.0


class Unknown(Exception):
    """The cache is away."""


@contextmanager
def shared() -> Iterator[None]:
    """Around what asks the cache: raises Unknown when it does not answer, or did not a moment ago."""
    global away_until
    if time.monotonic() < away_until:
        raise Unknown
    from redis import RedisError  # a tenth of a start, and the workers need it not

    try:
        yield
    except RedisError as error:
        away_until = time.monotonic() + AWAY_S
        logger.warning("Sin presencia: Redis no contesta (%s)", error)
        raise Unknown from error


def note(ticket: int, who: int, tab: str, *, typing: bool, draft: bool, leaves: bool) -> list[dict[str, Any]]:
    """A tab of the technician `who` has the ticket open, types or has typed in it, or leaves it; returns who is there.

    Tells the pages when that list is another one than they were told last. Raises Unknown.
    """
    with shared():
        true = {here: not leaves, types_in: typing and not leaves, writes_in: (typing or draft) and not leaves}
        if over := [said(ticket, who) for said, still in true.items() if not still]:
            take_back(over, tab)
        if not leaves:
            cache.set(here(ticket, who), tab, HERE_S)
        if typing and not leaves:
            cache.set(types_in(ticket, who), tab, TYPING_S)
            cache.set(writes_in(ticket, who), tab, WRITING_S)
        return tell(ticket)


def here(ticket: int, who: int) -> str:
    return f"presencia:{ticket}:{who}"


def types_in(ticket: int, who: int) -> str:
    return f"escribe:{ticket}:{who}"


def writes_in(ticket: int, who: int) -> str:
    return f"redacta:{ticket}:{who}"


def take_back(keys: list[str], tab: str) -> None:
    """Forget which of these this tab said. Of two tabs of one person the other one says its own again."""
    if own := [key for key, by in cache.get_many(keys).items() if by == tab]:
        cache.delete_many(own)


def tell(ticket: int) -> list[dict[str, Any]]:
    """Who has the ticket open now; the pages are told when they know otherwise.

    Once more after telling: who told at the same moment may have read the list before our change, or after it.
    """
    key, now = f"presencia:{ticket}", []
    names = {one.pk: full_name(one.first_name, one.last_name, one.username) for one in all_workers()}
    keys = [key, *(key_of(ticket, pk) for pk in names for key_of in (here, types_in))]
    for _ in range(3):
        found = cache.get_many(keys)
        now = [
            {"id": pk, "nombre": name, "escribiendo": types_in(ticket, pk) in found}
            for pk, name in names.items()
            if here(ticket, pk) in found
        ]
        if found.get(key, []) == now:
            break
        cache.set(key, now, TOLD_S)
        live.announce("presencia", {"ticket": ticket, "quien": now})
    return now


def writers(ticket: int, but: int) -> list[str]:
    """The names of who else is about to answer in the ticket; nobody when that is unknown.

    One question to the cache, a second one when somebody else has the ticket open, none to the database.
    """
    try:
        with shared():
            others = [one for one in cache.get(f"presencia:{ticket}", []) if one["id"] != but]
            found = cache.get_many([writes_in(ticket, one["id"]) for one in others]) if others else {}
    except Unknown:
        return []
    return [one["nombre"] for one in others if writes_in(ticket, one["id"]) in found]


def types(ticket: int, who: int) -> bool:
    """Whether that technician is typing in the ticket, as far as anybody knows."""
    try:
        with shared():
            return cache.get(types_in(ticket, who)) is not None
    except Unknown:
        return False


def first(what: str, seconds: float, *, unknown: bool) -> bool:
    """Whether nobody in any process asked this in the last `seconds`; `unknown` when the cache is away."""
    try:
        with shared():
            return cache.add(what, 1, seconds)
    except Unknown:
        return unknown


def forget(what: str) -> None:
    """Let the next one who asks `first` be the first."""
    with suppress(Unknown), shared():
        cache.delete(what)


def person_types(event: Typing) -> Outcome:
    """Tell the pages of the person's open ticket that they write just now; nothing is kept. One question."""
    who = identify(event.address) if event.on else None
    if who:
        theirs = Ticket.objects.open().filter(contact__aliases__kind=who.kind, contact__aliases__key=who.key)
        for ticket in theirs.values_list("pk", flat=True):
            live.announce_on_commit("persona", {"ticket": ticket})
    return Outcome(WebhookEvent.State.IGNORED, "La persona escribe")
