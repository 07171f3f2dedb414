#!/usr/bin/python3
"""How fast one event reaches many WebSockets, beside npm's ws; and what silent ones cost.

    bench/websockets.py            # 1,000 clients, 7 turns of 100 events; 5,000 silent ones
    bench/websockets.py --short    # fewer turns of fewer events; 1,000 silent ones

Fan-out: texts that all clients have received, by the seconds from the moment at which the events
are handed over. The server gets them as requests of the simulator's, on eight connections, as each has to
be on the disk before the next of its connection is read: with one, the disk would be measured. ws is told how
many times to send one text of the same size. Both serialise a text once, nothing is compressed, and the clients are the same
program; the two take turns. The median of ours is divided by the median of theirs: the aim is 2,
at least 1.2. Latency: from handing one event over until all have it.

Memory: what the server holds more for each silent client; the aim is 4 kB, at most 8. What ws holds
is beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))
from client import Api, Wire, request  # noqa: E402
from pombo_server import Server, default_binary  # noqa: E402
from websocket import MESSAGE, Shop  # noqa: E402

CLIENTS = 1000
PRODUCERS = 8
ENV = {"POMBO_HTTP_CONNECTIONS_PER_ADDRESS": "0", "POMBO_BLOCKS_WEBSOCKET_MAX_CLIENTS": "100000",
       "POMBO_LOG_ACCESS": "false"}
AIMS = {"fan-out": (2.0, 1.2), "memory": (4.0, 8.0)}


class Program:
    """A process that is told a line and answers one."""

    def __init__(self, *command: str | Path | int):
        self.process = subprocess.Popen([str(each) for each in command], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.first = self.read()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()

    def read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a program of the benchmark has ended")
        return json.loads(line)

    def say(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def rss(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def listeners(port: int, count: int, path: str, *headers: str) -> Program:
    return Program(REPOSITORY / "build/release/bench/bench_listeners", port, count, path, *headers)


class Ours:
    name = "pombo"

    def __init__(self, server: Server):
        self.shop = Shop(Api(server, server.account("bench")), "bench")
        self.wires = [Wire(server.port) for _ in range(PRODUCERS)]
        self.number = 0
        self.clients = listeners(server.port, CLIENTS, self.shop.path, f"token: {self.shop.token}")

    def begin(self, count: int) -> None:
        target = "/api/simulator/event/" + self.shop.name
        requests: list[bytes] = []
        for _ in range(count):
            self.number += 1
            body = {"event": "message.exchange", "data": MESSAGE | {"id": f"{self.number:08}"}}
            requests.append(request("POST", target, self.shop.token, json.dumps(body).encode()))
        for i, wire in enumerate(self.wires):
            wire.send(b"".join(requests[i::PRODUCERS]))

    def end(self, count: int) -> None:
        for i in range(count):
            if self.wires[i % PRODUCERS].answer().status != 202:
                raise SystemExit("an event was not accepted")


class Theirs:
    name = "npm ws"

    def __init__(self, peer: Program, size: int):
        self.peer, self.text = peer, "x" * size
        self.clients = listeners(peer.first["port"], CLIENTS, "/")

    def begin(self, count: int) -> None:
        self.peer.say(f"{count} {self.text}")

    def end(self, count: int) -> None:
        pass


def seconds(side: Ours | Theirs, events: int) -> float:
    """Until all clients have all of them."""
    side.clients.say(f"await {events * CLIENTS}")
    began = time.monotonic_ns()
    side.begin(events)
    counted = side.clients.read()
    side.end(events)
    if counted["texts"] != events * CLIENTS:
        raise SystemExit(f"more than was sent: {counted}")
    return (counted["lastNs"] - began) / 1e9


def fan_out(server: Server, turns: int, events: int) -> float:
    ours = Ours(server)
    witness = ours.shop.open()
    ours.clients.say(f"await {CLIENTS}")
    ours.begin(1)
    size = len(witness.frame()[1])
    witness.socket.close()
    ours.clients.read()
    ours.end(1)
    with Program("node", REPOSITORY / "bench/ws_peer.mjs") as peer:
        theirs = Theirs(peer, size)
        with ours.clients, theirs.clients:
            sides, rates, single = [ours, theirs], {}, {}
            for side in sides:
                seconds(side, 10)  # to warm up
            for turn in range(turns):
                for side in sides if turn % 2 else sides[::-1]:
                    rates.setdefault(side.name, []).append(
                        events * CLIENTS / seconds(side, events))
                    single.setdefault(side.name, []).extend(seconds(side, 1) for _ in range(10))
    medians = {name: statistics.median(each) for name, each in rates.items()}
    for name, rate in medians.items():
        print(f"  {name:<8} {rate:>10,.0f} texts/s of {size} bytes to {CLIENTS} clients "
              f"({min(rates[name]):,.0f} to {max(rates[name]):,.0f}); one event to all of them "
              f"{statistics.median(single[name]) * 1e3:.1f} ms")
    return medians[ours.name] / medians[theirs.name]


def idle(server: Server, count: int) -> float:
    """kB that each of so many silent clients costs the server."""
    shop = Shop(Api(server, server.account("silent")), "silent")

    def each(rss, port: int, path: str, *headers: str) -> float:
        with listeners(port, 10, path, *headers):
            before = rss()
            with listeners(port, count, path, *headers):
                return (rss() - before) / count / 1000

    with Program("node", REPOSITORY / "bench/ws_peer.mjs") as peer:
        theirs = each(peer.rss, peer.first["port"], "/")
    ours = each(server.rss, server.port, shop.path, f"token: {shop.token}")
    print(f"  {count} silent clients: {ours:.1f} kB each, npm ws {theirs:.1f} kB")
    return ours


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    folder = Path(tempfile.mkdtemp(prefix="pombo-bench-"))
    try:
        with Server(default_binary(), folder / "a", env=ENV) as server:
            ratio = fan_out(server, 3 if short else 7, 50 if short else 100)
        with Server(default_binary(), folder / "b", env=ENV) as server:
            memory = idle(server, 1000 if short else 5000)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    good = ratio >= AIMS["fan-out"][1] and memory <= AIMS["memory"][1]
    print(f"fan-out ÷ npm ws: {ratio:.2f} "
          f"(aim {AIMS['fan-out'][0]}, at least {AIMS['fan-out'][1]})")
    print(f"memory of a silent client: {memory:.1f} kB (aim {AIMS['memory'][0]:.0f}, "
          f"at most {AIMS['memory'][1]:.0f})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
