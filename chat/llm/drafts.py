"""What a model writes for a technician: a suggested answer and a summary of a thread. Nothing here sends anything."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from chat import presence, sending
from chat.llm import endpoint, prompts
from chat.llm.answers import InvalidAnswer, draft_of
from tickets.models import Ticket

logger = logging.getLogger(__name__)

# So many in a minute of one technician.
MOST, MINUTE = 10, 60.0


@dataclass(frozen=True)
class Draft:
    """One kind of text: what it is called in the metrics, the key that the model answers with, and its bounds."""

    purpose: str
    key: str
    prompt: Callable[[Ticket], endpoint.Messages]
    characters: int
    tokens: int
    links: bool


SUGGESTION = Draft("suggestion", "sugerencia", prompts.suggestion, 1500, 500, links=False)
SUMMARY = Draft("summary", "resumen", prompts.summary, 2500, 800, links=True)


class NoDraft(Exception):
    """There is none: the HTTP status, the word and the sentence that say why."""

    def __init__(self, status: int, word: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.word, self.detail = status, word, detail


def write(draft: Draft, ticket: Ticket, who: int) -> str:
    """The text that the technician `who` asked for; raises NoDraft. Not for within a transaction."""
    if not endpoint.configured():
        raise NoDraft(404, "sin_modelo", "Esta mesa no tiene un modelo configurado.")
    under_way = f"modelo:{draft.purpose}:{ticket.pk}:{who}"
    if not presence.first(under_way, settings.ASISTENTE_ESPERA_S + 2, unknown=True):
        raise NoDraft(409, "en_camino", "El modelo todavía está con tu petición anterior. Espera un momento.")
    seats = sending.seats  # half of the threads may wait, for whatever it is
    try:
        if not any(presence.first(f"modelo:{who}:{slot}", MINUTE, unknown=True) for slot in range(MOST)):
            raise NoDraft(429, "demasiadas", f"Ya pediste {MOST} en un minuto. Espera un poco.")
        if not seats.acquire(blocking=False):
            raise NoDraft(503, "ocupado", "La mesa está muy ocupada. Inténtalo en un momento.")
        try:
            return ask(draft, ticket)
        finally:
            seats.release()
    finally:
        forget(under_way)


def ask(draft: Draft, ticket: Ticket) -> str:
    said = endpoint.ask(draft.purpose, draft.prompt(ticket), draft.tokens, settings.ASISTENTE_ESPERA_S)
    if isinstance(said, endpoint.Failed):
        raise none(said)
    try:
        text = draft_of(said, draft.key, draft.characters, links=draft.links)
    except InvalidAnswer:
        logger.warning("Se descartó la respuesta del modelo para un técnico (ticket #%s)", ticket.pk)
        endpoint.count(draft.purpose, "invalid")
        raise none(endpoint.Failed("invalid")) from None
    endpoint.count(draft.purpose, "used")
    return text


def none(failed: endpoint.Failed) -> NoDraft:
    words = endpoint.WORDS[failed.why]
    return NoDraft(503, "sin_respuesta", f"{words[0].upper()}{words[1:]}.")


def forget(under_way: str) -> None:
    """The next one may be asked for; with the cache away it forgets by itself."""
    try:
        with presence.shared():
            cache.delete(under_way)
    except presence.Unknown:
        return
