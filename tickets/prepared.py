"""Queries that are asked all day long: Django takes longer to write them than the database to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import QuerySet

Row = TypeVar("Row")
# Stand for numbers that are not known yet, where the query is written: the first, the second… Every column takes them.
PLACE = 2_000_000_001


class Prepared(Generic[Row]):
    """A queryset with whole numbers in it, as `Prepared(lambda ticket: Ticket.objects.filter(pk=ticket))`.

    Its SQL is written by Django once for each connection. Only the numbers may differ: `make` sees none of them.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Row]]) -> None:
        self.make = make

    def __call__(self, *numbers: int) -> list[Row]:
        """What it finds with these numbers; nothing with one that no database holds."""
        if any(number >= 2**63 for number in numbers):
            return []
        # This thread's own: `connection` itself stands for all threads', and one would ask with another's numbers.
        known: dict[Prepared[Any], tuple[Any, ...]] = vars(connections[DEFAULT_DB_ALIAS]).setdefault("prepared", {})
        if self not in known:
            known[self] = self.prepare(len(numbers))
        queryset, compiler, sql, params, places = known[self]
        filled = tuple(numbers[value - PLACE] if value in places else value for value in params)
        compiler.as_sql = lambda *_, **__: (sql, filled)
        return list(queryset._iterable_class(queryset))

    def first(self, *numbers: int) -> Row | None:
        """The first of what it finds, if there is any."""
        return next(iter(self(*numbers)), None)

    def get(self, *numbers: int) -> Row:
        """The first of what it finds; raises DoesNotExist of the queryset's model."""
        row = self.first(*numbers)
        if row is None:
            raise self.make(*numbers).model.DoesNotExist
        return row

    def prepare(self, count: int) -> tuple[Any, ...]:
        """The queryset with a compiler that is used for good, its SQL and parameters, and the places in them."""
        places = range(PLACE, PLACE + count)
        queryset: Any = self.make(*places)
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        compiler.get_converters = lambda _: converters
        queryset.query.get_compiler = lambda *_, **__: compiler
        return queryset, compiler, sql, params, places
