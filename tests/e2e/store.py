"""The database of one test server, looked into and interfered with from outside.

SQLite in the server's folder, unless POMBO_TEST_DATABASE names a PostgreSQL: then a schema of its
own there.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from postgres import BIN  # noqa: E402

# What every writing transaction of the server shares; whoever takes it alone keeps all out.
WRITING_LOCK = 7305226311


class SqliteStore:
    def __init__(self, folder: Path):
        self.file = folder / "pombo.db"
        self.url = f"sqlite:{self.file}"
        self.settings = {"POMBO_DATABASE": self.url}

    def query(self, sql: str, *values) -> list[tuple]:
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as db:
            return db.execute(sql, values).fetchall()

    def execute(self, *statements: str, values: tuple = ()) -> None:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as db:
            for sql in statements:
                db.execute(sql, values)

    @contextmanager
    def busy(self) -> Iterator:
        """While this lasts, no transaction of the server goes on. Yields what ends it early."""
        with closing(sqlite3.connect(self.file, isolation_level=None,
                                     check_same_thread=False)) as db:
            db.execute("BEGIN IMMEDIATE")
            yield lambda: db.execute("ROLLBACK")
            if db.in_transaction:
                db.execute("ROLLBACK")

    @contextmanager
    def refusing(self, what: str, table: str) -> Iterator:
        """While this lasts, INSERT (or DELETE) fails for that table."""
        self.execute(f"CREATE TRIGGER broken BEFORE {what} ON {table} "
                     "BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END")
        try:
            yield
        finally:
            self.execute("DROP TRIGGER broken")

    def contents(self) -> dict[str, bytes]:
        """All that the database keeps, as it lies on the disk."""
        return {path.name: path.read_bytes() for path in self.file.parent.iterdir()
                if path.name.startswith("pombo.db") and not path.name.endswith(".key")}


class PostgresStore:
    def __init__(self, folder: Path):
        import psycopg2  # only who asks for PostgreSQL needs it
        self._connect = psycopg2.connect
        base = os.environ["POMBO_TEST_DATABASE"]
        schema = "s" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        self.url = f"{base}?options=-csearch_path%3D{schema}"
        self.schema = schema
        self.settings = {"POMBO_DATABASE": self.url,
                         "POMBO_SECURITY_KEY_FILE": str(folder / "pombo.db.key")}
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")

    def query(self, sql: str, *values) -> list[tuple]:
        with closing(self._connect(self.url)) as db, db.cursor() as cursor:
            cursor.execute(sql.replace("?", "%s"), values)
            return cursor.fetchall()

    def execute(self, *statements: str, values: tuple = ()) -> None:
        with closing(self._connect(self.url)) as db:
            db.autocommit = True
            with db.cursor() as cursor:
                for sql in statements:
                    cursor.execute(sql.replace("?", "%s"), values)

    @contextmanager
    def busy(self) -> Iterator:
        with closing(self._connect(self.url)) as db:
            with db.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (WRITING_LOCK,))
            yield db.rollback

    @contextmanager
    def refusing(self, what: str, table: str) -> Iterator:
        self.execute("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS "
                     "$$ BEGIN RAISE EXCEPTION 'the disk is on fire'; END $$",
                     f"CREATE TRIGGER broken BEFORE {what} ON {table} "
                     "FOR EACH ROW EXECUTE FUNCTION broken()")
        try:
            yield
        finally:
            self.execute(f"DROP TRIGGER broken ON {table}", "DROP FUNCTION broken()")

    def contents(self) -> dict[str, bytes]:
        done = subprocess.run([BIN / "pg_dump", "--inserts", "-n", self.schema, "-d",
                               os.environ["POMBO_TEST_DATABASE"]], capture_output=True, check=True)
        return {"dump": done.stdout}


def store_in(folder: Path) -> SqliteStore | PostgresStore:
    return PostgresStore(folder) if os.environ.get("POMBO_TEST_DATABASE") else SqliteStore(folder)
