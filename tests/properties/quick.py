"""Django asks the same tables thousands of times: what it compiles for a plain SELECT is compiled once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db.models.sql.compiler import SQLCompiler


@contextmanager
def compiled_once() -> Iterator[None]:
    """The columns of a model without anything added, and how their values are converted: a fifth of an example."""
    selects: dict[Any, Any] = {}
    converters: dict[Any, Any] = {}
    get_select, get_converters = SQLCompiler.get_select, SQLCompiler.get_converters

    def select(self: Any, with_col_aliases: bool = False) -> Any:
        query = self.query
        added = query.select_related or query.annotation_select or query.extra_select or query.combinator
        if added or not query.default_cols or query.deferred_loading != (frozenset(), True):
            return get_select(self, with_col_aliases)
        key = (query.model, query.base_table, with_col_aliases)
        if key not in selects:
            selects[key] = get_select(self, with_col_aliases)
        columns, info, annotations = selects[key]
        return list(columns), info, dict(annotations)

    def convert(self: Any, expressions: Any) -> Any:
        columns = tuple(expressions)
        key = tuple(map(id, columns))
        if key not in converters:
            converters[key] = (get_converters(self, columns), columns)  # kept, so that no other gets their ids
        return dict(converters[key][0])

    with patch.object(SQLCompiler, "get_select", select), patch.object(SQLCompiler, "get_converters", convert):
        yield
