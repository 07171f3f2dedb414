"""Rows of bad input: what is sent, what it gets, and what becomes of its connection.

    ROWS = [Row("B3", "trailing comma", new(b'{"name":"x",}'), 400, "Invalid request body")]

    @each(ROWS)
    def test_bodies(row, stage):
        stage.show(row)

    def test_the_table_over_and_over(stage):
        stage.endure(ROWS)

Ids are those of document.py.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Callable

import pytest
from client import Api, Reply, Wire, assert_refused, request

NEW = "/api/instance/new"
KEEP, CLOSE = "keep", "close"
MALFORMED = (400, "Malformed request", CLOSE)
ROUNDS = 20
TAKES = 6

_numbers = itertools.count(1)

# What is sent may have to be made anew each time: names are taken once.
Maker = Callable[["Stage"], bytes]


def raw(data: bytes) -> Maker:
    """These bytes, with <token>, <instance> and <name> filled in; the last is new each time."""
    return lambda stage: stage.filled(data)


def ask(method: str, target: str, body: bytes = b"", *lines: str,
        token: str | None = None) -> Maker:
    """A request in good order; of the stage's account unless another token is given."""
    def made(stage: Stage) -> bytes:
        filled = [stage.filled(each.encode()).decode() for each in (target, *lines)]
        known = stage.token if token is None else stage.filled(token.encode()).decode()
        return request(method, filled[0], known, stage.filled(body), *filled[1:])
    return made


def new(body: bytes | dict | None = None, *lines: str, token: str | None = None) -> Maker:
    """A creation; fields get a name unless they have one."""
    if body is None or isinstance(body, dict):
        body = json.dumps({"name": "<name>"} | (body or {})).encode()
    return ask("POST", NEW, body, *lines, token=token)


@dataclass(frozen=True)
class Row:
    id: str
    what: str
    sent: Maker
    status: int
    said: str | None = None   # error.message; None: it is taken
    after: str = KEEP         # what becomes of the connection
    twin: Maker = new()       # the same done right, which succeeds


def each(rows: list[Row]):
    """Parametrizes a test over rows, so that one can be found and run by its id."""
    return pytest.mark.parametrize("row", [
        pytest.param(row, id=f"{row.id}-{row.what}", marks=pytest.mark.row(row.id))
        for row in rows])


class Stage:
    """One server, and an account there with an instance."""

    def __init__(self, api: Api):
        self.server, self.api, self.token = api.server, api, api.token
        self.instance = self.name()
        api.created(self.instance)

    @staticmethod
    def name() -> str:
        return f"n{next(_numbers)}"

    def filled(self, data: bytes) -> bytes:
        if b"<" not in data:
            return data
        data = data.replace(b"<token>", self.token.encode())
        data = data.replace(b"<instance>", self.instance.encode())
        return data.replace(b"<name>", self.name().encode()) if b"<name>" in data else data

    def wire(self, **options) -> Wire:
        return Wire(self.server.port, **({"source": self.api.source} | options))

    def show(self, row: Row) -> Reply:
        """What a row says of its bytes, and that it hurts nobody."""
        before = self.server.rows.counts()
        with self.wire() as wire:
            # Whoever reads what stands behind it as a request has been smuggled past.
            leftover = new(b'{"name":"smuggled"}')(self) if row.after == CLOSE else b""
            reply = wire.send(row.sent(self) + leftover).answer()
            assert reply.status == row.status, reply
            if row.after == CLOSE:
                assert reply.headers["Connection"] == "close"
                wire.assert_closed()
            else:
                wire.assert_kept()
        if row.said is not None:
            assert_refused(reply, row.status, row.said)
            assert self.server.rows.counts() == before, "a refused request wrote a row"
        with self.wire() as wire:
            twin = wire.send(row.twin(self)).answer()
            assert twin.status < 300, twin
        assert self.server.process.poll() is None, "the server has ended"
        return reply

    def endure(self, rows: list[Row], rounds: int = ROUNDS) -> None:
        """All that is refused, over and over: the memory stays what it is.

        Every thread of the server keeps some after the largest body that it has met, and which one
        serves a connection is the server's affair: that ends. What leaks grows each time.
        """
        refused = [row for row in rows if row.said is not None]
        sizes = []
        for _ in range(TAKES):
            self.throw(refused, rounds * len(refused))
            sizes.append(self.server.rss())
            if len(sizes) > 1 and sizes[-1] < sizes[-2] * 1.01:
                return
        pytest.fail(f"the memory grows, to {sizes} bytes")

    def throw(self, rows: list[Row], count: int) -> None:
        """`count` requests, the rows in turn, on connections that live as long as they may."""
        wire: Wire | None = None
        for row in itertools.islice(itertools.cycle(rows), count):
            wire = wire or self.wire()
            reply = wire.send(row.sent(self)).answer()
            assert reply.status == row.status, (row.id, row.what, reply)
            if row.after == CLOSE:
                wire.assert_closed()
                # No port is to wait for what may still come: there are few of them.
                wire.reset()
                wire = None
        if wire:
            wire.reset()
