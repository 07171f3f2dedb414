"""Clients that inject messages, as a connector whose link repeats what was not acknowledged.

Each has a chat of its own, and writes into it one message after the other. What is accepted stands
in an fsynced ledger before it is counted. A lost answer is asked for again, under the same message
id; so is, now and then, what was answered long ago.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from synced_ledger import SyncedLedger

REPEATED = 0.05  # of what is injected, once more
RETRY_SECONDS = 0.02
WITH_FILE = 4  # each so many-th has a file of its own
ABSENT = dict.fromkeys(["media", "context", "edit", "location", "contact", "reaction",
                        "interactive"])


def chat_of(producer: int) -> str:
    return f"5511{producer:09}@s.whatsapp.net"


def message(chat: str, number: int) -> dict:
    """The data of a message.exchange."""
    person = {"jid": chat, "lid": None, "name": "Ana"}
    has_file = (int(chat.partition("@")[0]) + number) % WITH_FILE == 0
    media = {"type": "document", "mimetype": "image/png", "mimeType": "image/png", "size": 1000,
             "fileName": f"{chat} {number}.png"}
    return {"id": f"{number:08X}", "direction": "incoming", "timestamp": "2026-11-21T12:00:00Z",
            "chat": person | {"type": "private"}, "sender": person, "recipient": {},
            "message": {"type": "text", "content": f"Number {number}", "source": "",
                        "isEdit": False} | ABSENT |
            ({"type": "document", "media": media} if has_file else {})}


class Life:
    """Connections to one run of the server."""

    def __init__(self, port: int, may_end: bool):
        self.port, self.may_end = port, may_end

    async def connection(self) -> Connection:
        return Connection(*await asyncio.open_connection("127.0.0.1", self.port))


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer

    async def post(self, path: str, token: str, body: dict) -> tuple[int, dict]:
        content = json.dumps(body).encode()
        self._writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n"
                           "Content-Type: application/json\r\n"
                           f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return int(head.split(" ")[1]), json.loads(await self._reader.readexactly(size))

    def close(self) -> None:
        self._writer.close()


@dataclass
class Told:
    """What the producers know; read by others when they stand still."""
    attempted: set[tuple[str, str]] = field(default_factory=set)       # (chat, message id)
    accepted: dict[tuple[str, str], str] = field(default_factory=dict)  # -> event id
    changed: list[str] = field(default_factory=list)  # messages that were given a second id
    refused: int = 0
    lost_answers: int = 0
    repeated: int = 0      # on purpose
    failures: list[str] = field(default_factory=list)


class Producers:
    """`count` of them on a thread of their own; they wait while there is no server."""

    def __init__(self, count: int, instances: list[tuple[str, str]], folder: Path, seed: int,
                 pause: float, refusals: set[int]):
        """`instances`: names and tokens, taken in turn. `pause`: seconds between two messages of
        one producer, on average. `refusals`: statuses after which it tries again."""
        self.told = Told()
        self._count, self._pause, self._seed, self._refusals = count, pause, seed, refusals
        self._instances, self._folder = instances, folder
        self._life: Life | None = None
        self._resumed = asyncio.Event()
        self._done = False
        self._loop = asyncio.new_event_loop()
        self._everyone = self._loop.create_task(self._all())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def resume(self, port: int, may_end: bool = False) -> None:
        """There is a server; it may end at any time, or when expect_end() has said so."""
        self._loop.call_soon_threadsafe(self._begin, Life(port, may_end))

    def may_end(self) -> None:
        """It is about to end, and is injected into until it does."""
        self._tell(self._let_end)

    def expect_end(self) -> None:
        """It is about to be killed, or has ended; nothing more is asked of it."""
        self._tell(self._end)

    def _tell(self, what: Callable[[], None]) -> None:
        """Returns when all know."""
        known = threading.Event()
        self._loop.call_soon_threadsafe(what)
        self._loop.call_soon_threadsafe(known.set)
        while self._thread.is_alive() and not known.wait(0.1):
            pass

    def finish(self, seconds: float = 120) -> None:
        """Each ends with the message it is at; the server must be there."""
        self._done = True
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError("a message is neither accepted nor refused for good")

    def abandon(self) -> None:
        """What they are at does not matter any more."""
        self._loop.call_soon_threadsafe(self._everyone.cancel)
        self._thread.join()

    async def life(self) -> Life:
        """Of the server that there is, or the next one."""
        while not self._life:  # it may be over again before a waiter comes to know of it
            await self._resumed.wait()
        return self._life

    def _begin(self, life: Life) -> None:
        self._life = life
        self._resumed.set()

    def _let_end(self) -> None:
        if self._life:
            self._life.may_end = True

    def _end(self) -> None:
        self._let_end()
        self._life = None
        self._resumed.clear()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            try:
                self._loop.run_until_complete(self._everyone)
            except Exception as failure:  # told to the one who waits for messages
                self.told.failures.append(repr(failure))
                raise

    async def _all(self) -> None:
        self._ledger = SyncedLedger(self._folder / "accepted.jsonl")
        self._attempts = (self._folder / "attempted.txt").open("a")
        try:
            await asyncio.gather(*(self._produce(n) for n in range(self._count)))
        finally:
            self._ledger.close()
            self._attempts.close()

    async def _produce(self, producer: int) -> None:
        rng = random.Random(f"{self._seed}/{producer}")
        name, token = self._instances[producer % len(self._instances)]
        chat = chat_of(producer)
        client = Client(self, f"/api/simulator/event/{name}", token)
        for number in itertools.count():
            if self._done or self.told.failures:
                break
            await self._inject(client, chat, number)
            if rng.random() < REPEATED:
                self.told.repeated += 1
                await self._inject(client, chat, rng.randrange(number + 1))
            await asyncio.sleep(rng.uniform(0, 2 * self._pause))
        client.close()

    async def _inject(self, client: Client, chat: str, number: int) -> None:
        data = message(chat, number)
        key = chat, data["id"]
        self.told.attempted.add(key)
        self._attempts.write(" ".join(key) + "\n")
        while not self.told.failures:
            status, answer = await client.post({"event": "message.exchange", "data": data})
            if status == 202:
                await self._ledger.added([*key, answer["id"]])
                if self.told.accepted.setdefault(key, answer["id"]) != answer["id"]:
                    self.told.changed.append(f"{key}: {self.told.accepted[key]}, {answer['id']}")
                return
            if status in self._refusals:
                self.told.refused += 1
                await asyncio.sleep(RETRY_SECONDS)
            elif status:
                self.told.failures.append(f"{key}: {status} {answer}")
            else:
                self.told.lost_answers += 1
                await asyncio.sleep(RETRY_SECONDS)


class Client:
    """One producer's connection, to whichever server there is."""

    def __init__(self, producers: Producers, path: str, token: str):
        self._producers, self._path, self._token = producers, path, token
        self._life: Life | None = None
        self._connection: Connection | None = None

    async def post(self, body: dict) -> tuple[int, dict]:
        """Status and answer; 0 when the server has gone without one."""
        life = await self._producers.life()
        try:
            if self._life is not life:
                self.close()
                self._connection, self._life = await life.connection(), life
            return await self._connection.post(self._path, self._token, body)
        except (OSError, asyncio.IncompleteReadError) as gone:
            self.close()
            if not life.may_end:
                self._producers.told.failures.append(f"the server hung up: {gone!r}")
            return 0, {}

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = self._life = None
