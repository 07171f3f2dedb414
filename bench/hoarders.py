#!/usr/bin/python3
"""What a crowd of hoarders does to everybody else, measured with and without them in one run.

    bench/hoarders.py            # 10,000 half heads and more, caps on and off
    bench/hoarders.py --short    # a tenth of it, once

The crowd comes from addresses all over 127.0.0.0/8 and consists of half heads and slow bodies that
grow by a byte every ten seconds, connections that are idle after a request, and answers that nobody
reads. A fresh request is a new connection and an authenticated GET. Its p99 on the server that has
the crowd is divided by that on another one beside it, which are asked in turn; the aim is at most
2. Then the crowd goes, and memory is compared with what it was: at the end, and as it changes from
one crowd to the next, which is what a leak would show. In other parts one address brings the crowd.

Two numbers are judged where the server has its caps, and the exit status is 1 when one misses its aim:
the median of the rounds' ratios, and memory at the end. What a thousand connections take, what grows
from crowd to crowd, and all of the parts without caps are only shown. So is all of --short: with as few
connections a busy machine, not the crowd, makes the p99. A fresh request that is not answered with 200,
and connections that outlive the crowd for 30 seconds, end any run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import resource
import shutil
import socket
import statistics
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))
from pombo_server import Server, default_binary  # noqa: E402

HALF_HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: "
SLOW_BODY = (b"POST /api/instance/new HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
             b'{"name": "')
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
DRIP_SECONDS = 10
AIMS = {"ratio": 2, "afterOverBefore": 1.05}  # at most


def addresses(many: bool):
    """An endless row of source addresses; all different ones, or the same."""
    number = 0
    while True:
        yield f"127.{1 + number // 60000}.{number // 240 % 250}.{1 + number % 240}" if many \
            else "127.9.9.9"
        number += 1


class Crowd:
    """Lives in a process of its own, so that its work is not in the measured times."""

    def __init__(self, port: int, kinds: dict[str, int], many: bool, token: str, large: str):
        self.port, self.kinds, self.source = port, kinds, addresses(many)
        self.unread = (f"GET {large} HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n\r\n").encode()
        self.sockets: list[socket.socket] = []
        self.dripping: list[socket.socket] = []

    def open(self) -> None:
        first = {"half heads": HALF_HEAD, "slow bodies": SLOW_BODY, "idle": WHOLE,
                 "unread answers": self.unread}
        plan = [kind for kind, count in self.kinds.items() for _ in range(count)]
        random.Random(7).shuffle(plan)
        for kind in plan:
            each = socket.socket()
            self.sockets.append(each)
            # So that an answer of some size stays with the server.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            each.bind((next(self.source), 0))
            try:
                each.connect(("127.0.0.1", self.port))
                each.sendall(first[kind])
            except OSError:
                continue  # turned away
            each.setblocking(False)
            if kind in ("half heads", "slow bodies"):
                self.dripping.append(each)

    def drip(self, seconds: float) -> None:
        """For so long each sends a byte every ten seconds, evenly spread."""
        end = time.monotonic() + seconds
        while self.dripping and time.monotonic() < end:
            began = time.monotonic()
            part = max(1, len(self.dripping) // (DRIP_SECONDS * 10))
            for each in self.dripping[:part]:
                try:
                    each.send(b"x")
                except OSError:
                    pass
            self.dripping = self.dripping[part:] + self.dripping[:part]
            time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))

    def close(self) -> None:
        for each in self.sockets:
            # Gone without a trace, or their ports would be taken for a minute.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            each.close()
        self.sockets, self.dripping = [], []


def crowd_process(pipe: Connection, *options) -> None:
    crowd = Crowd(*options)
    while True:
        if pipe.poll(0 if crowd.dripping else None):
            word = pipe.recv()
            if word == "end":
                return
            pipe.send(getattr(crowd, word)())
        crowd.drip(0.1)


class Hoarders:
    """open() and close() of a crowd, which drips meanwhile."""

    def __init__(self, *options):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=crowd_process, args=[theirs, *options],
                                               daemon=True)
        self.process.start()

    def ask(self, word: str):
        self.pipe.send(word)
        return self.pipe.recv()

    def end(self) -> None:
        self.pipe.send("end")
        self.process.join()


def fresh_request(port: int, request: bytes) -> float:
    """Milliseconds of a request on a connection of its own, which must be answered with 200."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 30) as each:
        each.sendall(request)
        answer = each.recv(65536)
        took = (time.perf_counter() - began) * 1000
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"a fresh request was answered {answer[:200]!r}")
    return took


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, round(part * (len(values) - 1)))]


def resident_kib(pid: int) -> tuple[int, int]:
    """All of it, and what is not read from files: of those, pages come in as code is first run, and
    are nobody's. Not Pss: that depends on the other server."""
    text = Path(f"/proc/{pid}/status").read_text()
    whole, own = (int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1])
                  for name in ("VmRSS", "RssAnon"))
    return whole, own


def metric(server: Server, name: str) -> float:
    with urllib.request.urlopen(server.url + "/metrics") as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*?}})? (\S+)", text,
                                                    re.MULTILINE))


def own_at_rest_kib(pid: int) -> int:
    """When it has not become less for three seconds: memory is given back by and by."""
    least, since = resident_kib(pid)[1], time.monotonic()
    while time.monotonic() - since < 3:
        time.sleep(0.25)
        if (now := resident_kib(pid)[1]) < least:
            least, since = now, time.monotonic()
    return least


def settled(server: Server, most: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while metric(server, "pombo_edge_connections_open") > most:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


class Bench:
    def __init__(self, options: argparse.Namespace, work: Path):
        self.binary, self.work = options.binary.resolve(), work
        self.rounds, self.requests = 5, 700 if options.short else 1000
        scale = 10 if options.short else 1
        self.kinds = {"half heads": 10_000 // scale, "slow bodies": 1000 // scale,
                      "idle": 500 // scale, "unread answers": 50}
        self.total = sum(self.kinds.values())

    def run(self, name: str, many: bool, per_address: int) -> dict:
        """Two servers: one has the crowd, the other shows what the machine was like meanwhile."""
        folder = self.work / name.replace(" ", "-")
        env = {"POMBO_HTTP_CONNECTIONS_PER_ADDRESS": str(per_address), "POMBO_LOG_LEVEL": "warn"}
        servers = [Server(self.binary, folder / side, env=env) for side in ("crowded", "quiet")]
        tokens = [server.account("bench") for server in servers]
        with servers[0], servers[1]:
            for server, token in zip(servers, tokens):
                for number in range(50):
                    self.create(server, token, number)
            asked = [(server.port, f"GET /api/instance/list?instanceName=shop-7 HTTP/1.1\r\n"
                      f"Host: x\r\ntoken: {token}\r\n\r\n".encode())
                     for server, token in zip(servers, tokens)]
            for server, token in zip(servers, tokens):
                self.warm(server, token)
            self.p99s(asked)
            hoarders = Hoarders(servers[0].port, self.kinds, many, tokens[0], "/api/instance/list")
            try:
                return self.measure(servers[0], asked, hoarders)
            finally:
                hoarders.end()

    @staticmethod
    def warm(server: Server, token: str) -> None:
        """Every worker has answered what the crowd will ask for, and has its memory."""
        whole = f"GET /api/instance/list HTTP/1.1\r\nHost: x\r\ntoken: {token}\r\n\r\n".encode()
        with ThreadPoolExecutor(64) as pool:
            list(pool.map(lambda _: fresh_request(server.port, whole), range(500)))

    @staticmethod
    def create(server: Server, token: str, number: int) -> None:
        body = json.dumps({"name": f"shop-{number}"}).encode()
        asked = urllib.request.Request(server.url + "/api/instance/new", body, {"token": token})
        urllib.request.urlopen(asked).close()

    def measure(self, server: Server, asked: list[tuple[int, bytes]], hoarders: Hoarders) -> dict:
        p99s, inside, peak, after = [], [], [], []
        before, (whole, _) = own_at_rest_kib(server.pid), resident_kib(server.pid)
        for _ in range(self.rounds):
            hoarders.ask("open")
            p99s.append(self.p99s(asked))
            inside.append(metric(server, "pombo_edge_connections_open") - 1)
            peak.append(resident_kib(server.pid)[1])
            hoarders.ask("close")
            if not settled(server, 1, 30):
                raise SystemExit("connections of the crowd are still there")
            after.append(own_at_rest_kib(server.pid))
        ratios = [with_them / without for with_them, without in p99s]
        thousands = max(statistics.median(inside), 1) / 1000
        return {"asked": self.total, "inside": statistics.median(inside),
                "p99ms": [statistics.median(each) for each in zip(*p99s)],
                "ratio": statistics.median(ratios), "ratios": ratios,
                "memoryKiB": {"resident": whole, "before": before, "with": peak, "after": after},
                "MiBPerThousand": (statistics.median(peak) - before) / 1024 / thousands,
                "afterOverBefore": 1 + (after[-1] - before) / whole,
                "growthOfACrowd": (after[-1] - after[0]) / (len(after) - 1) / whole,
                "refused": metric(server, "pombo_edge_connections_refused_total"),
                "evicted": metric(server, "pombo_edge_connections_evicted_total")}

    def p99s(self, asked: list[tuple[int, bytes]]) -> list[float]:
        """Of each, asked in turn: what drifts on the machine hits both alike."""
        times: list[list[float]] = [[], []]
        for number in range(self.requests):
            for each in (0, 1) if number % 2 else (1, 0):
                times[each].append(fresh_request(*asked[each]))
        return [percentile(values, 0.99) for values in times]


def show(name: str, found: dict) -> None:
    memory = found["memoryKiB"]
    print(f"\n{name}: {found['inside']:.0f} of {found['asked']} connections inside, "
          f"{found['refused']:.0f} refused, {found['evicted']:.0f} evicted in all\n"
          f"   p99 of a fresh request {found['p99ms'][0]:.2f} ms with them ÷ "
          f"{found['p99ms'][1]:.2f} ms without = {found['ratio']:.2f}   (aim {AIMS['ratio']})\n"
          f"   memory {found['MiBPerThousand']:.1f} MiB for a thousand   (aim under 10); "
          f"{memory['before'] / 1024:.1f} MiB before, {memory['with'][-1] / 1024:.1f} with, "
          f"{memory['after'][-1] / 1024:.1f} after, of {memory['resident'] / 1024:.1f} resident: "
          f"{found['afterOverBefore']:.3f}   (aim {AIMS['afterOverBefore']}), "
          f"{found['growthOfACrowd'] * 100:+.2f} % from crowd to crowd")


def missed(report: dict) -> list[str]:
    """The aims, of those parts that are judged."""
    return [f"{name}: {word} is {found[word]:.3f}, and was to be at most {most}"
            for name, found in report.items() if found["capped"]
            for word, most in AIMS.items() if found[word] > most]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a tenth of the crowd, without the parts that have no cap")
    parser.add_argument("--binary", type=Path, default=default_binary())
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    folder = REPOSITORY / "build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="hoarders-", dir=folder))
    report = {}
    try:
        bench = Bench(options, work)
        for name, many, per_address in (("many addresses", True, 256),
                                        ("many addresses, no cap", True, 0),
                                        ("one address", False, 256),
                                        ("one address, no cap", False, 0)):
            if options.short and per_address == 0:
                continue
            found = {"capped": per_address > 0} | bench.run(name, many, per_address)
            report[name] = found
            show(name, found)
    finally:
        shutil.rmtree(work)
    file = folder / "hoarders.json"
    file.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{file.relative_to(REPOSITORY)}")
    failures = [] if options.short else missed(report)
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
