#!/usr/bin/python3
"""Kills the server and the program of the block whatsapp, again and again, while messages go both ways.

    whatsapp_loop.py --loops 100
    whatsapp_loop.py --loops 5 --seed 7

Each loop: an instance sends and is written to; SIGKILL of the one or of the other at a random moment;
once it is linked again, the next. In the end nothing that anybody accepted is lost, each text has gone
out under one id, whatever has arrived is told, kept and counted as sent, once, nothing is pending but what was
about to be handed over at a kill, and nobody had to scan a code again. The last line of the output is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from client import Api
from pombo_server import REPOSITORY, until

sys.path.insert(0, str(REPOSITORY / "tests/support"))

from mock_whatsapp import Mock, certificate_in  # noqa: E402
from receivers import Receiver  # noqa: E402
from whatsapp import Shop, World, built, is_alive, place_mock, programs_of  # noqa: E402

SENDERS, WRITERS = 3, 2
# A block whose process dies five times within some minutes stays in quarantine until the server starts.
MOST_CRASHES = 3
PAUSE = 0.05  # seconds, between two messages of one


class Load:
    """Messages out of an instance and into it, each with a text of its own, until it is told to stop."""

    def __init__(self, shop: Shop):
        self.shop = shop
        self.accepted: dict[str, str] = {}  # id -> text, of answers with a 200
        self.written: dict[str, str] = {}   # id -> text, that WhatsApp has
        self.unsure = 0                     # answers that say neither
        self.refused: list = []             # whatever should not have been answered
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._go, args=(work, number))
                         for work, count in ((self._send, SENDERS), (self._write, WRITERS))
                         for number in range(count)]

    def __enter__(self) -> Load:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def _go(self, work, number: int) -> None:
        count = 0
        while not self._stop.wait(PAUSE):
            count += 1
            work(f"{work.__name__[1:]} {number} {count}")

    def _send(self, text: str) -> None:
        body = {"number": self.shop.bob, "message": text}
        try:
            reply = self.shop.api.call("POST", f"/api/message/text/{self.shop.name}", body)
        except (OSError, http.client.HTTPException):
            self.unsure += 1
            return
        if reply.status == 200:
            self.accepted[reply.json["data"]["messageId"]] = text
        elif reply.status in (503, 504):
            self.unsure += 1
        else:
            self.refused.append((reply.status, reply.raw.decode()))

    def _write(self, text: str) -> None:
        sent = self.shop.mock.do("message", message={"conversation": text},
                                 **{"from": self.shop.bob, "to": self.shop.number})
        self.written[sent["id"]] = text


class Told:
    """Of each message that the webhook was told of, the ids of the events that did."""

    def __init__(self, crm: Receiver):
        self._seen, self._next = crm.seen, 0
        self._ids: dict[str, dict[str, set[str]]] = {"incoming": {}, "outgoing": {}}

    def __getitem__(self, direction: str) -> dict[str, set[str]]:
        while self._next < len(self._seen):
            event = self._seen[self._next].json
            self._next += 1
            if event["event"] == "message.exchange":
                ids = self._ids[event["data"]["direction"]]
                ids.setdefault(event["data"]["id"], set()).add(event["id"])
        return self._ids[direction]


class Loop:
    def __init__(self, loops: int, seed: int, world: World):
        self.loops, self.rng, self.world = loops, random.Random(seed), world
        self.server = world.server()
        self.shop = Shop(world, Api(self.server, self.server.account("shop")), "shop").link()
        self.told = Told(world.crm)
        self.kills = {"server": 0, "program": 0}
        self._crashes = 0

    def run(self) -> dict:
        scanned = self.shop.states.count("qr_ready")
        with Load(self.shop) as load:
            for _ in range(self.loops):
                time.sleep(self.rng.uniform(0.05, 1.5))
                self._kill()
                self._wait_until_linked(load)
        return self._verdict(load) | {
            "codes": self.shop.states.count("qr_ready") - scanned,
            "logouts": self.shop.states.count("logged_out")}

    def _kill(self) -> None:
        programs = programs_of(self.server)
        if programs and self._crashes < MOST_CRASHES and self.rng.random() < 0.5:
            os.kill(programs[0], signal.SIGKILL)
            until(lambda: not is_alive(programs[0]))
            self._crashes += 1
            self.kills["program"] += 1
            return
        self.server.kill()
        self.server.start()
        self._crashes = 0
        self.kills["server"] += 1

    def _wait_until_linked(self, load: Load) -> None:
        """Both ways: something new was sent, and something new has come."""
        sent, came = len(load.accepted), len(self.told["incoming"])
        assert until(lambda: len(load.accepted) > sent and len(self.told["incoming"]) > came), (
            self.shop.states[-5:], self.server.logs()[-3000:])

    def _inbox(self) -> dict[str, str]:
        """What Bob has read: each message once, whatever came again."""
        return {each["id"]: each["message"]["extendedTextMessage"]["text"]
                for each in self.shop.mock.inbox(self.shop.bob)}

    def _status(self, message: str) -> str:
        reply = self.shop.api.get(f"/api/chat/status/{self.shop.name}?messageId={message}")
        return reply.json.get("status", "none")

    def _by_status(self) -> dict[str, int]:
        shown = self.shop.api.get(f"/api/instance/metrics/{self.shop.name}").json["metrics"]
        return shown["messagesByStatus"]

    def _counted(self) -> int:
        """How many of what was sent is counted as such, however far it has come."""
        return sum(count for status, count in self._by_status().items()
                   if status not in ("pending", "failed"))

    def _verdict(self, load: Load) -> dict:
        self.shop.mock.do("acknowledged", phone=self.shop.number)
        until(lambda: set(load.accepted) <= set(self._inbox()))
        inbox = self._inbox()
        until(lambda: set(inbox) <= set(self.told["outgoing"]) and
              set(load.written) <= set(self.told["incoming"]))
        good = ("sent", "delivered", "read")
        until(lambda: all(self._status(each) in good for each in inbox))
        until(lambda: self._counted() == len(inbox))
        outgoing, incoming = self.told["outgoing"], self.told["incoming"]
        texts = list(inbox.values())
        # Of each sender one may have been kept, and not handed over yet, when something was killed.
        in_hands = SENDERS * sum(self.kills.values())
        return {"kills": self.kills, "accepted": len(load.accepted), "read": len(inbox),
                "written": len(load.written), "unsure": load.unsure, "refused": load.refused[:3],
                "lost_out": len(set(load.accepted) - set(inbox)),
                "lost_in": len(set(load.written) - set(incoming)),
                "repeated_texts": len(texts) - len(set(texts)),
                "untold": len(set(inbox) - set(outgoing)),
                "told_twice": sum(len(ids) > 1 for ids in [*outgoing.values(), *incoming.values()]),
                "kept_wrong": sum(self._status(each) not in good for each in inbox),
                "miscounted": self._counted() - len(inbox),
                "pending": self._by_status()["pending"],
                "left_pending": max(0, self._by_status()["pending"] - in_hands)}


BAD = ("lost_out", "lost_in", "repeated_texts", "untold", "told_twice", "kept_wrong", "miscounted",
       "left_pending", "codes", "logouts", "refused")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loops", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    began = time.monotonic()
    try:
        program = built("mock")
    except unittest.SkipTest as why:
        print(f"skipped: {why}")
        return 0
    with tempfile.TemporaryDirectory() as folder, Receiver() as crm:
        mock = Mock(certificate_in(Path(folder)))
        world = World(mock, crm, place_mock(Path(folder) / "plugins", program))
        try:
            result = Loop(given.loops, given.seed, world).run()
        finally:
            world.end()
            mock.close()
    ok = result["accepted"] > 0 and not any(result[each] for each in BAD)
    print(json.dumps({"ok": ok, "seconds": round(time.monotonic() - began)} | result))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
