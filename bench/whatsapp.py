#!/usr/bin/python3
"""What instances on WhatsApp cost, against the WhatsApp of the tests.

    bench/whatsapp.py            # 10, 100 and 500 instances
    bench/whatsapp.py --short    # 5 and 20

Memory: what the server and the program of the block hold (Pss) for each instance that is connected and
idle, beside what they hold without any. Reconnects: how long it takes until all are connected again
after the program, and then the server, was killed, and how many log in within one second, of which 20
are wanted at most: no storm. Messages: how many go out in a second, each until it is answered, of ten
instances together, and how many come in, each until its webhook has it; that much also depends on a
WhatsApp that is one process of Node.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "tests/e2e"), str(REPOSITORY / "tests/support")]
from client import Api  # noqa: E402
from mock_whatsapp import Mock, certificate_in  # noqa: E402
from pombo_server import Server, until  # noqa: E402
from receivers import Receiver  # noqa: E402
from whatsapp import Shop, World, built, is_alive, place_mock, programs_of  # noqa: E402

MOST_LOGINS = 20  # within a second
TALKERS, SENDERS = 10, 8
ROOM = {"memoryMb": 4096, "openFiles": 16384, "cpuSeconds": 0}
PATIENCE = 600  # seconds, for all to be connected


def pss(pid: int) -> float:
    """MB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)[1]) / 1000


class Figures:
    def __init__(self, world: World, rest: float):
        self.world, self.rest = world, rest
        self.server: Server = world.server({"process": ROOM})
        self.api = Api(self.server, self.server.account("bench"))
        self.shops: list[Shop] = []
        self.alone = self.memory()

    def program(self) -> int:
        assert until(lambda: programs_of(self.server))
        return programs_of(self.server)[0]

    def memory(self) -> tuple[float, float]:
        """Of the server and of the program, after a rest."""
        time.sleep(self.rest)
        return pss(self.server.pid), pss(self.program())

    def grow(self, count: int) -> None:
        def one(number: int) -> Shop:
            return Shop(self.world, self.api, f"shop-{number}").link()

        with ThreadPoolExecutor(8) as threads:
            self.shops += threads.map(one, range(len(self.shops), count))

    def connected(self) -> int:
        return sum(each["status"] == "connected" for each in self.api.listed())

    def tell_memory(self) -> None:
        count = len(self.shops)
        server, program = self.memory()
        for name, now, before in (("server", server, self.alone[0]), ("program", program, self.alone[1])):
            print(f"  {count:>4} instances: {name:<8} {now:7.1f} MB, without any {before:6.1f}: "
                  f"{(now - before) / count * 1000:7.0f} kB each", flush=True)

    def reconnect(self, what: str, kill) -> bool:
        self.world.mock.do("log")
        began = time.monotonic()
        kill()
        told = []

        def all_in() -> bool:
            told.extend(each["t"] for each in self.world.mock.do("log")["log"]
                        if each["event"] == "login")
            return len(told) >= len(self.shops)

        good = until(all_in, PATIENCE) and until(
            lambda: self.connected() == len(self.shops), PATIENCE)
        seconds = time.monotonic() - began
        busiest = max(Counter(each // 1000 for each in told).values(), default=0)
        print(f"  after {what}: {len(told)} logins, all connected in {seconds:.1f} s, "
              f"{busiest} in the busiest second", flush=True)
        return good and len(told) == len(self.shops) and busiest <= 2 * MOST_LOGINS

    def kill_program(self) -> None:
        pid = self.program()
        os.kill(pid, signal.SIGKILL)
        assert until(lambda: not is_alive(pid))

    def kill_server(self) -> None:
        self.server.kill()
        self.server.start()

    def messages(self, count: int) -> None:
        talkers = self.shops[:TALKERS]
        for each in talkers:
            each.send(message="to begin with")
        began = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as threads:
            list(threads.map(lambda number: talkers[number % len(talkers)].send(message=f"{number}"),
                             range(count)))
        out = count / (time.monotonic() - began)
        each = count // len(talkers)
        seen = self.world.crm.seen
        before, came = len(seen), set()

        def all_came() -> bool:
            nonlocal before
            for posted in seen[before:]:
                event = posted.json
                before += 1
                if event["event"] == "message.exchange" \
                        and event["data"]["direction"] == "incoming":
                    came.add((posted.path, event["data"]["id"]))
            return len(came) == each * len(talkers)

        began = time.monotonic()
        with ThreadPoolExecutor(len(talkers)) as threads:
            list(threads.map(lambda shop: shop.by_bob("flood", n=each), talkers))
        assert until(all_came, PATIENCE)
        into = each * len(talkers) / (time.monotonic() - began)
        print(f"  {len(talkers)} instances: {out:.0f} messages/s out, {into:.0f} in", flush=True)


def measured(world: World, short: bool) -> bool:
    figures = Figures(world, 2 if short else 20)
    for count in (5, 20) if short else (10, 100, 500):
        figures.grow(count)
        figures.tell_memory()
    good = figures.reconnect("the program was killed", figures.kill_program)
    good = figures.reconnect("the server was killed", figures.kill_server) and good
    figures.messages(200 if short else 5000)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    with tempfile.TemporaryDirectory() as folder, Receiver() as crm:
        mock = Mock(certificate_in(Path(folder)))
        world = World(mock, crm, place_mock(Path(folder) / "plugins", built("mock")))
        try:
            good = measured(world, short)
        finally:
            world.end()
            mock.close()
    print("reconnects: " + ("good" if good else f"not all, or in a storm (aim {MOST_LOGINS}/s)"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
