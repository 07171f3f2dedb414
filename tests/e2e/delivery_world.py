"""A server, who injects into it, who receives from it, and what has become of it all."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Callable

from client import Api
from delivery_verdict import Expected, Verdict
from pombo_server import Server
from producers import Producers, chat_of
from witness import Witness, read_receipts

PRODUCERS = 64
INSTANCES = 4
# Label, how its receiver behaves, the events that it wants; the last wants nothing that there is.
WEBHOOKS = [("default", "flaky", []), ("crm", "ok", ["message.exchange"]),
            ("calls", "ok", ["call.update"])]
WANTING = WEBHOOKS[:2]


class DeliveryFailure(AssertionError):
    """The server did what it must not do, or there is nothing to draw conclusions from."""


class World:
    """The server runs, and is injected into, from the beginning."""

    def __init__(self, folder: Path, seed: int, server: Server, witness: Witness, in_flight: int,
                 rate: int, refusals: set[int]):
        """`rate`: messages a second, at most. `refusals`: after them a producer tries again."""
        self.server, self.witness, self.in_flight = server, witness, in_flight
        server.env |= {"POMBO_EGRESS_ALLOW": "127.0.0.1", "POMBO_LOG_LEVEL": "warn",
                       "POMBO_BLOCKS_WEBHOOK_MAX_IN_FLIGHT": str(in_flight)}
        self.boundaries: list[int] = []
        self.names = [f"shop-{number}" for number in range(INSTANCES)]
        self.secrets: dict[str, str] = {}  # of the webhooks "crm", by instance
        self.api = Api(server, server.account(f"delivery-{seed}"))
        with server:
            instances = [(name, self._configure(name)) for name in self.names]
            server.stop()  # so that all of this is on the disk, whatever is lost later
        server.start()
        self.producers = Producers(PRODUCERS, instances, folder, seed, PRODUCERS / rate, refusals)
        self.producers.resume(server.port)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_) -> None:
        self.producers.abandon()

    # Lives ------------------------------------------------------------------------------------

    def start(self, may_end: bool = False) -> None:
        """`may_end`: at a point of its own, perhaps before it listens."""
        try:
            self.server.start()
        except RuntimeError:
            if not may_end:
                raise
        else:
            self.producers.resume(self.server.port, may_end)

    def kill(self) -> None:
        self.producers.expect_end()
        self.server.kill()
        self.ended()

    def stop(self) -> None:
        """In good order. That is no boundary: it is no reason to send anything again."""
        self.producers.may_end()
        if self.server.stop() != 0:
            raise DeliveryFailure("the server did not stop cleanly")
        self.producers.expect_end()
        self.check()

    def ended(self) -> None:
        """It was killed: what it has sent is noted before anything else is sent."""
        self.producers.expect_end()
        self.boundaries.append(self.witness.sync())
        self.check()

    def check(self) -> None:
        if self.producers.told.failures:
            raise DeliveryFailure(self.producers.told.failures[0])

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > end:
                raise DeliveryFailure(f"waited in vain for {what}")
            time.sleep(0.01)

    def until_accepted(self, more: int) -> None:
        accepted = self.producers.told.accepted
        wanted = len(accepted) + more
        self.until(lambda: len(accepted) >= wanted, "messages to be accepted")

    def health(self) -> int:
        try:
            with urllib.request.urlopen(self.server.url + "/health", timeout=60) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code

    # The end ----------------------------------------------------------------------------------

    def finish(self) -> None:
        """With the server up: nothing more is injected, and in the end nothing waits or is dead."""
        self.producers.finish()
        self.check()
        unrouted = "SELECT 1 FROM event WHERE routed = 0 LIMIT 1"
        self.until(lambda: not self.server.store.query(unrouted), "the last routing")
        for name in self.names:
            self.until(lambda: not self._deliveries(name, "pending"), "the last delivery", 180)
        for name in self.names:
            if dead := self._deliveries(name, "dead"):
                raise DeliveryFailure(f"a dead letter: {dead[0]}")

    def verdict(self) -> Verdict:
        """To be asked when everything stands still."""
        self.witness.sync()
        told = self.producers.told
        wanted = {chat_of(number): {f"/{behaviour}/{self.names[number % INSTANCES]}/{label}"
                                    for label, behaviour, _ in WANTING}
                  for number in range(PRODUCERS)}
        expected = Expected(told.accepted, told.attempted, told.changed, wanted, self.boundaries,
                            self.in_flight)
        return Verdict(expected, read_receipts(self.witness.ledger))

    def _deliveries(self, name: str, status: str) -> list[dict]:
        """One of them, if there is any."""
        reply = self.api.get(f"/api/events/deliveries/{name}?status={status}&limit=1")
        if reply.status != 200:
            raise DeliveryFailure(f"deliveries: {reply}")
        return reply.json["deliveries"]

    def _configure(self, name: str) -> str:
        """Returns the instance's token."""
        token = self.api.created(name, connector="simulator")["token"]
        for label, behaviour, events in WEBHOOKS:
            reply = self.api.call("POST", f"/api/events/webhook/{name}", {
                "label": label, "enabled": True, "events": events,
                "url": self.witness.url(behaviour, name, label)})
            if reply.status != 200:
                raise DeliveryFailure(f"webhook: {reply}")
            if label == "crm":
                self.secrets[name] = reply.json["webhook"]["secret"]
        return token
