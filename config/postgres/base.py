"""Django's PostgreSQL, with two round trips less: for connections that are well, and for plans that are known."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg_pool import ConnectionPool


def check(borrowed: Connection[Any]) -> None:
    """Raises when a pooled connection is dead. A server that went away has closed its end: looking costs no round trip.

    Only when something waits to be read, the end of the connection or a notice, the server is asked.
    """
    look = select.poll()
    look.register(borrowed.fileno(), select.POLLIN)
    if look.poll(0):
        ConnectionPool.check_connection(borrowed)


class DatabaseWrapper(base.DatabaseWrapper):
    """Borrows from a pool that looks before it asks; within `preparing`, PostgreSQL keeps the plans of its queries."""

    prepares = False

    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None:
            pool._check = check  # Django passes one of its own, which asks each time (tests/test_postgres.py)
        return pool

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """What is asked here is sent with its parameters apart, and prepared by the server when it comes again."""
        self.prepares = True
        try:
            yield
        finally:
            self.prepares = False

    def create_cursor(self, name: str | None = None) -> Any:
        if name or not self.prepares:
            return super().create_cursor(name)
        return base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
