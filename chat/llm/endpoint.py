"""The OpenAI-compatible endpoint of ASISTENTE_*: one call within a deadline and the day's budget, or words why not.

Speaks HTTP through `whatsapp.wire`, which keeps the deadline of a whole call. Nothing of what the library says of a
failure is passed on: it may have the key in it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from chat import runtime, tallies
from chat.llm import budget
from whatsapp import wire

logger = logging.getLogger(__name__)

MAX_ANSWER = 256 * 1024
# A `usage` above it is nonsense.
MOST_TOKENS = 10_000_000
WORDS = {
    "timeout": "el modelo no contestó a tiempo",
    "unreachable": "no se pudo conectar con el modelo",
    "limited": "el modelo pide esperar (HTTP 429)",
    "error": "el modelo respondió con un error",
    "garbage": "la respuesta del modelo no se entiende",
    "invalid": "la respuesta del modelo no cumple lo pedido",
    "budget": "se agotó el presupuesto de hoy",
    "resting": "el modelo falló varias veces seguidas y se le deja descansar",
    "busy": "hay demasiadas preguntas al modelo a la vez",
    "late": "ya no había tiempo para preguntarle al modelo",
}
Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Failed:
    """No answer to be had: one of WORDS, and for the log what else is known."""

    why: str
    more: str = ""

    def __str__(self) -> str:
        return f"{WORDS[self.why]}{f' ({self.more})' if self.more else ''}"


class Rest:
    """After so many failures in a row this process leaves the endpoint alone, or everybody would wait for nothing."""

    FAILURES, SECONDS, LONGEST = 3, 60.0, 600.0

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.failures, self.until = 0, 0.0

    def resting(self) -> bool:
        return time.monotonic() < self.until

    def note(self, failed: Failed | None, retry_after: float | None = None) -> None:
        with self.lock:
            self.failures = self.failures + 1 if failed else 0
            if retry_after:
                self.until = time.monotonic() + min(retry_after, self.LONGEST)
            elif self.failures >= self.FAILURES:
                self.until, self.failures = time.monotonic() + self.SECONDS, 0


rest = Rest()


def configured() -> bool:
    """Whether there is a model to ask; nothing else of it runs without."""
    return bool(settings.ASISTENTE_URL and settings.ASISTENTE_MODELO)


def address() -> str:
    url: str = settings.ASISTENTE_URL
    return f"{url.removesuffix('/chat/completions')}/chat/completions"


def ask(purpose: str, messages: Messages, answer_tokens: int, seconds: float) -> str | Failed:
    """What the model says to `messages`, in at most `seconds` for everything; never within a transaction.

    Counted in the metrics under `purpose` when it fails; who reads the answer counts what it was worth.
    """
    found = attempt(messages, answer_tokens, min(seconds, settings.ASISTENTE_ESPERA_S))
    if isinstance(found, Failed):
        count(purpose, found.why)
        if found.why not in ("budget", "resting"):  # said once, by whoever notices
            logger.warning("El asistente no obtuvo respuesta del modelo: %s", found)
    return found


def attempt(messages: Messages, answer_tokens: int, seconds: float) -> str | Failed:
    if rest.resting():
        return Failed("resting")
    began = time.monotonic()
    reserved = sum(budget.tokens_of(message["content"]) for message in messages) + answer_tokens
    day = budget.reserve(reserved)
    if day is None:
        return Failed("budget")
    runtime.let_go_of_database()
    left = seconds - (time.monotonic() - began)
    answer = call(messages, answer_tokens, left) if left > 0 else Failed("late")
    if isinstance(answer, Failed):
        # What never reached the model, or was refused, cost nothing; all else may have, and nobody told how much.
        budget.settle(day, reserved, 0 if answer.why in ("unreachable", "limited", "error", "late") else reserved)
        return answer
    text, used = read(answer)
    budget.settle(day, reserved, reserved if used is None else used)
    return Failed("garbage") if text is None else text


def call(messages: Messages, answer_tokens: int, seconds: float) -> wire.Response | Failed:
    """One HTTP call; what it says of the endpoint's health is noted."""
    body = {"model": settings.ASISTENTE_MODELO, "messages": messages, "max_tokens": answer_tokens, "temperature": 0}
    headers = {"Authorization": f"Bearer {settings.ASISTENTE_API_KEY}"} if settings.ASISTENTE_API_KEY else {}
    answer = wire.call("POST", address(), json=body, headers=headers, deadline_s=seconds, max_body=MAX_ANSWER)
    if isinstance(answer, wire.TooLong):
        return Failed("garbage", "demasiado larga")
    if isinstance(answer, wire.Response) and answer.ok:
        rest.note(None)
        return answer
    wait = None
    if isinstance(answer, wire.Unreachable):
        failed = Failed("unreachable")
    elif isinstance(answer, wire.Ambiguous):
        failed = Failed("timeout")
    else:
        failed = Failed("limited" if answer.status == 429 else "error", f"HTTP {answer.status}")
        wait = answer.retry_after
    rest.note(failed, wait)
    return failed


def read(answer: wire.Response) -> tuple[str | None, int | None]:
    """The text of the first choice, and the tokens used; None for what is not said or is nonsense."""
    body: Any = answer.json()
    if not isinstance(body, dict):
        return None, None
    usage = body.get("usage")
    used = usage.get("total_tokens") if isinstance(usage, dict) else None
    if isinstance(used, bool) or not isinstance(used, int) or not 0 < used <= MOST_TOKENS:
        used = None
    try:
        text = body["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        text = None
    return (text if isinstance(text, str) else None), used


def json_in(text: str) -> Any:
    """The JSON value that `text` is, maybe in a code block as models like to put it; None when it is none."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text.strip("`").removeprefix("json")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def count(purpose: str, outcome: str) -> None:
    """One more call for `purpose` that ended as `outcome`; in memory."""
    tallies.notes.add({(tallies.MODEL, outcome, purpose): 1})
