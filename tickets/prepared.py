"""Queries that are asked all day long: Django takes longer to write them than the database to answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.signals import setting_changed
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.sql import UpdateQuery

Row = TypeVar("Row")
# Stand for values that are not known yet, where the query is written: the first, the second… Every column takes them.
PLACE = 2_000_000_001
Value = int | str | UUID
# What each query was written as, for good.
written: dict[Prepared[Any] | PreparedUpdate, tuple[Any, ...]] = {}


def forget(**_: Any) -> None:
    """Some were written with a setting that tests change."""
    written.clear()


setting_changed.connect(forget)


def stand_ins(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """For each of `values` one of its type, which is known again in a query's parameters."""
    return tuple(
        UUID(int=PLACE + at) if isinstance(value, UUID) else type(value)(PLACE + at) for at, value in enumerate(values)
    )


def filled(params: tuple[Any, ...], values: tuple[Value, ...]) -> tuple[Any, ...]:
    """`params` with `values` in their places; SQLite keeps a UUID as its digits."""
    places: dict[Any, Any] = {}
    for stands, value in zip(stand_ins(values), values, strict=True):
        places[stands] = value
        if isinstance(stands, UUID) and isinstance(value, UUID):
            places[stands.hex] = value.hex
    return tuple(places.get(param, param) for param in params)


def planned() -> AbstractContextManager[None]:
    """What is asked within is planned once by PostgreSQL too."""
    preparing: AbstractContextManager[None] = getattr(connection, "preparing", nullcontext)()
    return preparing


class Prepared(Generic[Row]):
    """A queryset with values in it, as `Prepared(lambda ticket: Ticket.objects.filter(pk=ticket))`.

    Its SQL is written by Django once for each process. Only the values may differ: `make` sees none of them, each is
    always of one type, and compared with its column as it is.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Row]]) -> None:
        self.make = make

    def __call__(self, *values: Value) -> list[Row]:
        """What it finds with these values; nothing with a number that no database holds."""
        if any(isinstance(value, int) and value >= 2**63 for value in values):
            return []
        if self not in written:
            written[self] = self.write(values)
        queryset, compiler, sql, params = written[self]
        # Threads ask at the same time: each call has objects of its own, and the connection is its thread's.
        ours, asks = twin(queryset), twin(compiler)
        ours._query = twin(queryset.query)
        ours._query.get_compiler = lambda *_, **__: asks
        asks.as_sql = lambda *_, **__: (sql, filled(params, values))
        with planned():
            return list(ours._iterable_class(ours))

    def first(self, *values: Value) -> Row | None:
        """The first of what it finds, if there is any."""
        return next(iter(self(*values)), None)

    def get(self, *values: Value) -> Row:
        """The first of what it finds; raises DoesNotExist of the queryset's model."""
        row = self.first(*values)
        if row is None:
            raise self.make(*values).model.DoesNotExist
        return row

    def write(self, values: tuple[Value, ...]) -> tuple[Any, ...]:
        """The queryset and its compiler, as patterns for each call, its SQL and its parameters."""
        queryset: Any = self.make(*stand_ins(values))
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        compiler.get_converters = lambda _: converters
        return queryset, compiler, sql, tuple(params)


class PreparedUpdate:
    """The same for a change: `make` gives the rows, and the columns' new values."""

    def __init__(self, make: Callable[..., tuple[QuerySet[Any, Any], dict[str, Any]]]) -> None:
        self.make = make

    def __call__(self, *values: Value) -> int:
        """How many rows it changed."""
        if self not in written:
            written[self] = self.write(values)
        sql, params = written[self]
        with transaction.mark_for_rollback_on_error(connection.alias), planned(), connection.cursor() as cursor:
            cursor.execute(sql, filled(params, values))
            changed: int = cursor.rowcount
        return changed

    def write(self, values: tuple[Value, ...]) -> tuple[Any, ...]:
        """Its SQL and its parameters."""
        rows, news = self.make(*stand_ins(values))
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(news)
        sql, params = query.get_compiler(connection=connection).as_sql()
        return sql, tuple(params)


def twin(one: Any) -> Any:
    """A shallow copy. QuerySet's own would ask the database first."""
    two = object.__new__(type(one))
    vars(two).update(vars(one))
    return two
