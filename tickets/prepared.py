"""Queries that are asked all day long: Django takes longer to write them than the database to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import QuerySet

Row = TypeVar("Row")
# Stand for numbers that are not known yet, where the query is written: the first, the second… Every column takes them.
PLACE = 2_000_000_001
# What each query was written as, for good.
written: dict[Prepared[Any], tuple[Any, ...]] = {}


class Prepared(Generic[Row]):
    """A queryset with whole numbers in it, as `Prepared(lambda ticket: Ticket.objects.filter(pk=ticket))`.

    Its SQL is written by Django once for each process. Only the numbers may differ: `make` sees none of them.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Row]]) -> None:
        self.make = make

    def __call__(self, *numbers: int) -> list[Row]:
        """What it finds with these numbers; nothing with one that no database holds."""
        if any(number >= 2**63 for number in numbers):
            return []
        if self not in written:
            written[self] = self.write(len(numbers))
        queryset, compiler, sql, params, places = written[self]
        # Threads ask at the same time: each call has objects of its own, and the connection is its thread's.
        ours, asks = twin(queryset), twin(compiler)
        ours._query = twin(queryset.query)
        ours._query.get_compiler = lambda *_, **__: asks
        filled = tuple(numbers[value - PLACE] if value in places else value for value in params)
        asks.as_sql = lambda *_, **__: (sql, filled)
        return list(ours._iterable_class(ours))

    def first(self, *numbers: int) -> Row | None:
        """The first of what it finds, if there is any."""
        return next(iter(self(*numbers)), None)

    def get(self, *numbers: int) -> Row:
        """The first of what it finds; raises DoesNotExist of the queryset's model."""
        row = self.first(*numbers)
        if row is None:
            raise self.make(*numbers).model.DoesNotExist
        return row

    def write(self, count: int) -> tuple[Any, ...]:
        """The queryset and its compiler, as patterns for each call, its SQL and parameters, and the places in them."""
        places = range(PLACE, PLACE + count)
        queryset: Any = self.make(*places)
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        compiler.get_converters = lambda _: converters
        return queryset, compiler, sql, params, places


def twin(one: Any) -> Any:
    """A shallow copy. QuerySet's own would ask the database first."""
    two = object.__new__(type(one))
    vars(two).update(vars(one))
    return two
