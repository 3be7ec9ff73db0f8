"""Text as people write it: made safe to store, and folded to be found."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def fold(text: str) -> str:
    """`text` as search compares it: no case, no accents (ñ is n), every run of white space one space, no ends."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def fold_all(texts: Iterable[str]) -> list[str]:
    """Each of `texts` as `fold` has it, but with its white space: all in one piece, because one by one takes longer."""
    whole = unicodedata.normalize("NFKD", "\0".join(text.replace("\0", "") for text in texts).casefold())
    for mark in filter(unicodedata.combining, set(whole)):
        whole = whole.replace(mark, "")
    return whole.casefold().split("\0")


def clean(text: str) -> str:
    """`text` without what a database cannot store: NUL (PostgreSQL refuses it) and lone surrogates (no UTF-8)."""
    return "".join(c for c in text if c != "\0" and not "\ud800" <= c <= "\udfff")


# https://owasp.org/www-community/attacks/CSV_Injection; some spreadsheets read the full-width forms as well.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


def as_text(value: object) -> str:
    """`value` as a cell that every spreadsheet takes for text: a leading apostrophe where it would calculate.

    A phone keeps its +52 that way, instead of becoming a number in scientific notation.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text
