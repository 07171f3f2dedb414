#!/usr/bin/python3
"""A receiver of webhooks in a process of its own, which notes what it got before it answers.

    with Witness(folder / "received.jsonl") as witness:
        witness.url("flaky", "shop", "crm")    # what a webhook is to be configured with
        witness.sync()                         # all that was sent to it by now is in its ledger
        for receipt in read_receipts(witness.ledger): ...

The first segment of a path says how it behaves: `ok` answers 204; `flaky` refuses the first attempt
of one event in sixteen with 500; `broken` answers 500; `hang` never answers; `drip` sends a byte of
its answer a second. The rest of the path, usually instance/label, is whose it is.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, NamedTuple

from synced_ledger import SyncedLedger

FLAKY = 16
DRIP = b"HTTP/1.1 204 No Content\r\nX-Slow: " + b"x" * 1000
SYNC = "/sync"
REASONS = {204: "No Content", 500: "Internal Server Error", 200: "OK"}


class Receipt(NamedTuple):
    """A line of the ledger. `status` is what was answered then, 0 when nothing was."""
    at: int           # nanoseconds of the machine's monotonic clock
    path: str
    id: str           # webhook-id
    attempt: int
    status: int
    signed_at: int    # webhook-timestamp
    chat: str
    message: str


def read_receipts(ledger: Path) -> Iterator[Receipt]:
    with ledger.open() as lines:
        for line in lines:
            yield Receipt(*json.loads(line))


class Witness:
    """Starts the process, and ends it."""

    def __init__(self, ledger: Path, durable: bool = True):
        self.ledger = ledger
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(ledger), "durable" if durable else "quick"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        told = self.process.stdout.readline()
        if not told:
            raise RuntimeError("the witness did not start")
        self.port = int(told)

    def __enter__(self) -> Witness:
        return self

    def __exit__(self, *_) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def url(self, behaviour: str, *owner: str) -> str:
        return "/".join([f"http://127.0.0.1:{self.port}", behaviour, *owner])

    def sync(self) -> int:
        """The time by which all that had been sent to it before is in the ledger."""
        return int(self._get(SYNC))

    def last(self, behaviour: str, *owner: str) -> dict | None:
        """headers (names in lower case) and body of the last request to that URL, if any."""
        return json.loads(self._get("/".join(["", behaviour, *owner])))

    def _get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()


class Connection(asyncio.Protocol):
    """One request after the other; a client that pipelines is none of ours."""

    def __init__(self, ledger: SyncedLedger, last: dict[str, dict]):
        self._ledger, self._last = ledger, last
        self._unread = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        head, found, rest = self._unread.partition(b"\r\n\r\n")
        if not found:
            return
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in
                   (line.partition(": ") for line in lines)}
        size = int(headers.get("content-length", 0))
        if len(rest) < size:
            return
        self._unread = rest[size:]
        method, path, _ = request.split(" ")
        if method == "GET":
            self._tell(path)
        else:
            self._receive(path, headers, rest[:size])

    def _tell(self, path: str) -> None:
        if path == SYNC:
            # What was readable when this was is read in this turn and written in the next.
            soon = asyncio.get_running_loop().call_soon
            soon(soon, soon, lambda: self._answer(200, str(time.monotonic_ns()).encode()))
            return
        self._answer(200, json.dumps(self._last.get(path)).encode())

    def _receive(self, path: str, headers: dict[str, str], body: bytes) -> None:
        at = time.monotonic_ns()
        behaviour = path.split("/")[1]
        attempt, event = int(headers["x-pombo-attempt"]), headers["webhook-id"]
        status = {"ok": 204, "broken": 500}.get(behaviour, 0)
        if behaviour == "flaky":
            unlucky = attempt == 1 and int(event[-6:], 16) % FLAKY == 0
            status = 500 if unlucky else 204
        data = json.loads(body)["data"]
        self._last[path] = {"headers": headers, "body": body.decode()}
        receipt = Receipt(at, path, event, attempt, status, int(headers["webhook-timestamp"]),
                          data.get("chat", {}).get("jid", ""), data.get("id", ""))
        if status:
            self._ledger.add(receipt, lambda: self._answer(status))
        elif behaviour == "drip":
            self._ledger.add(receipt, lambda: self._drip(0))
        else:
            self._ledger.add(receipt, lambda: None)

    def _answer(self, status: int, body: bytes = b"") -> None:
        size = b"" if status == 204 else b"Content-Length: %d\r\n" % len(body)
        self._transport.write(b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (status, REASONS[status].encode(),
                                                               size, body))

    def _drip(self, sent: int) -> None:
        if not self._transport.is_closing():
            self._transport.write(DRIP[sent:sent + 1])
            asyncio.get_running_loop().call_later(1, self._drip, sent + 1)


async def serve(path: Path, durable: bool) -> None:
    ledger, last = SyncedLedger(path, durable), {}
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(ledger, last), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2] == "durable"))
