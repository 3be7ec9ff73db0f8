"""Ports for the programs that tests start."""

from __future__ import annotations

import fcntl
import random
import socket

from tests.prepared import shared

# Below those that the system gives to whoever wants any: one of them may be another's before our program listens.
FIRST, LAST = 10_100, 32_000


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses, and that nobody else in this test run is told."""
    with (shared() / "ports").open("a+") as told:
        fcntl.flock(told, fcntl.LOCK_EX)
        told.seek(0)
        port = int(told.read() or random.randrange(FIRST, LAST))
        while True:
            port = port + 1 if port < LAST else FIRST
            if is_free(port):
                break
        told.truncate(0)
        told.write(str(port))
        return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
