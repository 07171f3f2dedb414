#!/usr/bin/python3
"""Starts a PostgreSQL of its own for tests: in a temporary folder, on a free port of loopback.

    with Postgres() as postgres:
        postgres.url                       # postgresql://pombo:...@127.0.0.1:PORT/pombo
    postgres.py COMMAND ARGUMENT...        # runs it with POMBO_TEST_DATABASE, and exits as it does

It needs Debian's postgresql-15 and no service. As root it runs as nobody: PostgreSQL refuses root.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(os.environ.get("PGBIN") or "/usr/lib/postgresql/15/bin")
USER = pwd.getpwnam("nobody") if os.geteuid() == 0 else None


class Postgres:
    """`durable` is how a server is run: with fsync, as a test that kills it needs it."""

    def __init__(self, durable: bool = False, settings: dict[str, str] | None = None,
                 parent: str | Path | None = None):
        self.folder = Path(tempfile.mkdtemp(prefix="pombo-postgres-", dir=parent))
        self.data = self.folder / "data"
        self.password = secrets.token_hex(12)
        self.settings = {"unix_socket_directories": "", "listen_addresses": "127.0.0.1",
                         "max_connections": "120", "log_min_messages": "fatal",
                         "fsync": "on" if durable else "off"} | (settings or {})
        self.port = 0
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> Postgres:
        if USER:
            os.chown(self.folder, USER.pw_uid, USER.pw_gid)
        secret = self.folder / "password"
        secret.write_text(self.password)
        if USER:
            os.chown(secret, USER.pw_uid, USER.pw_gid)
        # Texts are ordered as a language has it, as on most servers: a, A, b.
        self._run("initdb", "--no-sync", "--no-locale", "--locale-provider=icu",
                  "--icu-locale=en", "--encoding=UTF8", "--username=pombo",
                  "--auth=scram-sha-256", f"--pwfile={secret}", f"--pgdata={self.data}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        return self.start()

    def __exit__(self, *_) -> None:
        with contextlib.suppress(Exception):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"postgresql://pombo:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> Postgres:
        assert not self.process, "already started"
        options = [text for name, value in self.settings.items()
                   for text in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [BIN / "postgres", "-D", self.data, "-p", str(self.port), *options],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **self._as_user())
        while True:
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text()[-4000:])
            done = subprocess.run([BIN / "pg_isready", "-q", "-h", "127.0.0.1", "-p",
                                   str(self.port)], cwd=self.folder)
            if done.returncode == 0:
                return self

    def stop(self, how: str = "fast") -> None:
        """fast: sessions are ended; immediate: without a checkpoint; kill: SIGKILL for all of it."""
        if not self.process:
            return
        if how == "kill":
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.send_signal(signal.SIGINT if how == "fast" else signal.SIGQUIT)
        self.process.wait(60)
        self.process = None

    def ended(self) -> bool:
        """By itself. It can be started again."""
        if self.process and self.process.poll() is not None:
            self.process = None
        return self.process is None

    def execute(self, sql: str, url: str | None = None) -> str:
        """What psql prints: rows without a frame, columns between |."""
        done = subprocess.run([BIN / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
                               "-d", url or self.url, "-c", sql], cwd=self.folder,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip("\n")

    def _as_user(self) -> dict:
        return {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if USER else {}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([BIN / program, *arguments], cwd=self.folder, capture_output=True,
                              text=True, **self._as_user())
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")


def main() -> int:
    with Postgres() as postgres:
        environment = os.environ | {"POMBO_TEST_DATABASE": postgres.url}
        return subprocess.run(sys.argv[1:], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
