"""A Redis and a PostgreSQL that can be killed and started again at the same address."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

import psycopg
import redis

from tests.programs import answers, free_port, need, stop, until


class RedisServer:
    """Keeps nothing on disk: killed, it forgets everything it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.program = need(shutil.which("redis-server"), "redis-server")
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)
        self.start()

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([self.program, *options], stdout=subprocess.DEVNULL)
        until(lambda: answers(self.client.ping, redis.RedisError), what="Redis")

    def kill(self) -> None:
        stop(self.process, signal.SIGKILL)

    def wipe(self) -> None:
        self.client.flushall()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Gone meanwhile, with all that it knew."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """The kernel still takes its connections; nobody ever answers on them."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class PostgresServer:
    """A cluster of its own. It refuses to run as root, so that root runs it as the user postgres."""

    def __init__(self, folder: Path) -> None:
        programs = sorted(glob("/usr/lib/postgresql/*/bin/initdb"))
        initdb = need(programs[-1] if programs else shutil.which("initdb"), "postgresql")
        self.server = str(Path(initdb).resolve().with_name("postgres"))
        self.data, self.port = folder / "postgres", free_port()
        self.data.mkdir()
        self.user: list[str] = []
        if os.geteuid() == 0:
            self.user = ["runuser", "-u", "postgres", "--"]
            shutil.chown(self.data, "postgres")
            for parent in [folder, *folder.parents]:
                if parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
        command = [*self.user, initdb, "-D", str(self.data), "-U", "desk", "-A", "trust", "-E", "UTF8"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
        self.url = f"postgres://desk@127.0.0.1:{self.port}/desk"
        self.start()
        with psycopg.connect(self.url.removesuffix("desk") + "postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE desk")

    def start(self) -> None:
        options = ["-p", str(self.port), "-c", f"unix_socket_directories={self.data}", "-c", "max_connections=300"]
        self.process = subprocess.Popen(
            [*self.user, self.server, "-D", str(self.data), *options], stderr=subprocess.DEVNULL, cwd="/"
        )
        address = self.url.removesuffix("desk") + "postgres"
        until(lambda: answers(lambda: psycopg.connect(address).close(), psycopg.OperationalError), 30, "PostgreSQL")

    def end(self, how: int = signal.SIGQUIT) -> None:
        """SIGQUIT is PostgreSQL's immediate shutdown, with recovery at the next start; SIGINT its fast one."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), how)
        self.process.wait(30)


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder)
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.end(signal.SIGINT)
