"""What a model says is hostile until it is one of these: strict keys, bounded texts, known categories, no links."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from chat.assistant import CATEGORY, LONGEST
from chat.llm.endpoint import json_in
from tickets.text import fold

# The model's words for the ticket's fields.
FIELDS = {
    "nombre": "name",
    "departamento": "department",
    "equipo": "equipment",
    "activo": "asset",
    "falla": "fault",
}
KEYS = {*FIELDS, "categoria", "pasos", "humano", "seguro"}
MAX_FAULT, MAX_STEPS, MAX_STEP, MAX_DRAFT = 500, 3, 200, 1500
# Where somebody could be led to: addresses, however they are written, and accounts; and telephone numbers.
LINK = re.compile(
    r"://|\bwww\b|@|\bhttps?\b|[\w-][.。][a-z]{2,24}/|\b(?:punto|dot) (?:com|net|org|mx|io)\b|\s?[.。]\s?com\b|"
    r"\w[.。](?:com|net|org|info|biz|io|co|me|ly|gl|gg|app|dev|xyz|top|site|online|shop|link|click|live|ru|cn|mx|es|us)\b"
)
NUMBER = re.compile(r"(?:\d[\s().-]{0,2}){7,}")


class InvalidAnswer(ValueError):
    """The answer breaks the schema; the message says where, without quoting it."""


@dataclass(frozen=True)
class Thought:
    """What a model makes of a person's words: `fields` by the ticket's columns, "" for what they do not tell."""

    fields: dict[str, str]
    category: str
    steps: tuple[str, ...]
    human: bool
    sure: bool


def thought_of(content: str) -> Thought:
    """The answer to `prompts.intake`; raises InvalidAnswer."""
    body = object_in(content, KEYS)
    fields = {column: line(body, key, MAX_FAULT if column == "fault" else LONGEST) for key, column in FIELDS.items()}
    category = line(body, "categoria", 60)
    if category and category not in CATEGORY:
        raise InvalidAnswer("categoria")
    return Thought(fields, category, steps_of(body["pasos"]), flag(body, "humano"), flag(body, "seguro"))


def steps_of(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_STEPS:
        raise InvalidAnswer("pasos")
    steps = tuple(one_line(step) if isinstance(step, str) else "" for step in value)
    if any(not step or len(step) > MAX_STEP or has_link(step) or NUMBER.search(step) for step in steps):
        raise InvalidAnswer("pasos")
    return steps


def draft_of(content: str, key: str, most: int, *, links: bool) -> str:
    """The one text of `{key: text}`, with its line breaks; raises InvalidAnswer. `links` may be in it, or not."""
    text = object_in(content, {key})[key]
    if not isinstance(text, str) or not (text := printable(text, keep="\n").strip()) or len(text) > most:
        raise InvalidAnswer(key)
    if not links and has_link(text):
        raise InvalidAnswer(key)
    return text


def object_in(content: str, keys: set[str]) -> dict[str, Any]:
    """The JSON object that is all of `content`, with exactly these keys."""
    body = json_in(content)
    if not isinstance(body, dict) or set(body) != keys:
        raise InvalidAnswer("claves")
    return body


def line(body: dict[str, Any], key: str, most: int) -> str:
    """A text of one line, or "" for null."""
    value = body[key]
    if value is None:
        return ""
    if not isinstance(value, str) or len(text := one_line(value)) > most:
        raise InvalidAnswer(key)
    return text


def flag(body: dict[str, Any], key: str) -> bool:
    value = body[key]
    if not isinstance(value, bool):
        raise InvalidAnswer(key)
    return value


def printable(text: str, keep: str = "") -> str:
    """`text` in its plain form, without control, format and private characters, which hide what is there."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c for c in plain if c in keep or unicodedata.category(c)[0] != "C")


def one_line(text: str) -> str:
    return " ".join(printable(text, keep="\n\t").split())


def has_link(text: str) -> bool:
    return bool(LINK.search(fold(text)))


def is_told(value: str, said: str) -> bool:
    """Whether every word of `value` is among those of `said`: then the person said it, not the model."""
    words = re.findall(r"\w+", fold(value))
    return bool(words) and set(words) <= set(re.findall(r"\w+", fold(said)))
