#!/usr/bin/python3
"""Measures webhook deliveries against the least that they can cost, and prints ratios.

    bench/deliveries.py --short
    bench/deliveries.py --only rate

- rate: signed deliveries a second ÷ what a bare loop of libcurl sends to the same receiver
  (bench_delivery_floor), with bodies of the same size, over as many paths as there are labels, and as
  many in flight as the labels may have, 64 at most. Events cost an HTTP request to inject, which is
  not what is measured. So a receiver (bench_sink) holds its answers while events are accepted by
  /api/simulator/event, until some thousand deliveries wait on the disk; then it answers, and the clock
  runs from there to the last request. A delivery is read, made, signed, sent, answered and settled
  within that time; accepting its event is not in it, and what was held at the moment of the release is
  not counted. None may be lost or sent twice. Rows: 64 instances with a label each, then one label.
- latency: from the 202 for an event to the arrival of its request, on an idle server, and from the
  moment at which the event was sent. The 202 and the request leave at the same time, so the first may
  be negative.
- start: a server that is killed with a million deliveries waiting, and started again: seconds from
  the launch of the process to the first request, and resident memory then and afterwards.

The rate is the median of pairs run A-B, B-A, ...; the first pair only warms up. The result is also
written to build/bench/deliveries.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))
sys.path.insert(0, str(REPOSITORY / "bench"))
from pombo_server import Server, default_binary  # noqa: E402
from run import environment, only_status, pairs_of, program, spread  # noqa: E402

CONFIG = "blocks:\n  webhook: {}\n  simulator: {}\n"
SECRET = "Bearer 0192f1d0111172228333444455556666"
PERSON = {"jid": "551198888@C@@s.whatsapp.net", "lid": None, "name": "Ana"}
EVENT = {"event": "message.exchange", "data": {
    "id": "3EB0-@N@", "direction": "incoming", "timestamp": "2026-11-21T12:00:00Z",
    "chat": PERSON | {"type": "private"}, "sender": PERSON, "recipient": {},
    "message": {"type": "text", "content": "Good morning. Are you open today, and until when?",
                "source": "", "isEdit": False, "media": None, "context": None, "edit": None,
                "location": None, "contact": None, "reaction": None, "interactive": None}}}
# The spec's time for an answer: whatever is held longer is tried again.
HELD_SECONDS = 12
IN_FLIGHT = 8  # of one label
PATIENCE_SECONDS = 120


class Sink:
    """bench_sink, which says what it was asked."""

    def __init__(self, tool: Path, ledger: Path, *options: str):
        self.ledger = ledger
        self.process = subprocess.Popen([tool, "--ledger", ledger, *options], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()

    def ask(self, order: str) -> dict:
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], PATIENCE_SECONDS)[0]:
            raise SystemExit(f"{order}: in vain, the ledger has {len(self.ledger.read_bytes())} B")
        return json.loads(self.process.stdout.readline())

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.port}/label/{number}"

    def lines(self) -> list[list[str]]:
        """Nanoseconds, id, attempt and path of every request so far."""
        self.ask("count")  # which writes the ledger out
        return [line.split() for line in self.ledger.read_text().splitlines()]


class Deliveries:
    def __init__(self, options: argparse.Namespace, work: Path):
        self.binary = options.binary.resolve()
        self.tools = options.tools or self.binary.parent / "bench"
        self.pairs, self.seconds = (3, 3.0) if options.short else (7, 6.0)
        self.waiting = options.waiting or (50_000 if options.short else 1_000_000)
        self.rounds = 100 if options.short else 1000
        self.work = work
        self.config = work / "bench.yaml"
        self.config.write_text(CONFIG)
        self.event = work / "event.json"
        self.event.write_text(json.dumps(EVENT))
        self.runs = 0

    def sink(self, *options: str) -> Sink:
        self.runs += 1
        return Sink(self.tools / "bench_sink", self.work / f"ledger{self.runs}", *options)

    def server(self) -> Server:
        folder = self.work / f"run{self.runs}"
        return Server(self.binary, folder, self.config, {
            "POMBO_EGRESS_ALLOW": "127.0.0.1", "POMBO_LOG_LEVEL": "warn",
            "POMBO_AUDIT_FILE": str(folder / "audit.log")})

    def create(self, server: Server, token: str, sink: Sink, labels: int) -> None:
        """Instances bench-0, bench-1, ..., each with a webhook of its own."""
        for number in range(labels):
            status, answer = call(server, token, "/api/instance/new", {
                "name": f"bench-{number}", "connector": "simulator", "webhookEnabled": True,
                "webhookURL": sink.url(number), "webhookAuthorization": SECRET})
            if status != 201 or answer.get("warnings"):
                raise SystemExit(f"no instance: {status} {answer}")

    def inject(self, server: Server, token: str, labels: int, *options: object) -> dict:
        return only_status(program([
            self.tools / "bench_load", "create", "--port", server.port, "--token", token, "--path",
            "/api/simulator/event/bench-@I@", "--spread", labels, "--body", self.event, "--clients",
            64, *options]), 202)

    # How many ---------------------------------------------------------------------------------

    def rate(self, labels: int) -> dict:
        body_bytes = 0

        def ours() -> dict:
            nonlocal body_bytes
            with self.sink("--held") as sink:
                server = self.server()
                token = server.account("bench")
                with server:
                    self.create(server, token, sink, labels)
                    began = time.monotonic()
                    accepted = self.inject(server, token, labels, "--seconds", self.seconds)
                    if time.monotonic() - began > HELD_SECONDS:
                        raise SystemExit("events were accepted too slowly to be held")
                    held = sink.ask("release")
                    done = sink.ask(f"await {accepted['requests']}")
                    self.verify(sink, accepted["requests"])
            body_bytes = round(done["bodyBytes"] / done["requests"])
            return {"deliveriesPerSecond": (done["requests"] - held["requests"]) /
                    (done["lastNs"] - held["nowNs"]) * 1e9,
                    "acceptedPerSecond": accepted["requestsPerSecond"],
                    "deliveries": done["requests"], "held": held["requests"]}

        def floor() -> dict:
            with self.sink() as sink:
                return program([
                    self.tools / "bench_delivery_floor", "--port", sink.port, "--paths", labels,
                    "--clients", min(64, IN_FLIGHT * labels), "--bytes", body_bytes, "--seconds",
                    self.seconds])

        measured = pairs_of(self.pairs, ours, floor)
        of = lambda at, key: spread([pair[at][key] for pair in measured])  # noqa: E731
        return {"ratio": spread([a["deliveriesPerSecond"] / b["requestsPerSecond"]
                                 for a, b in measured]),
                "ours": {key: of(0, key) for key in measured[0][0]},
                "floor": {key: of(1, key) for key in measured[0][1]}, "bodyBytes": body_bytes}

    @staticmethod
    def verify(sink: Sink, events: int) -> None:
        """Each once: nothing was held so long, or failed, that it had to be sent again."""
        ids = [line[1] for line in sink.lines()]
        if len(ids) != events or len(set(ids)) != events:
            raise SystemExit(f"{events} events, {len(ids)} requests, {len(set(ids))} ids")

    # How soon ---------------------------------------------------------------------------------

    def latency(self) -> dict:
        with self.sink() as sink:
            server = self.server()
            token = server.account("bench")
            with server:
                self.create(server, token, sink, 1)
                connection = http.client.HTTPConnection("127.0.0.1", server.port)
                times = []
                for number in range(self.rounds + 10):
                    body = self.event.read_text().replace("@N@", str(number))
                    sent = time.monotonic_ns()
                    connection.request("POST", "/api/simulator/event/bench-0",
                                       body.replace("@C@", "0000"), {"token": token})
                    answer = connection.getresponse()
                    accepted = time.monotonic_ns()
                    if answer.status != 202:
                        raise SystemExit(f"not accepted: {answer.status} {answer.read()}")
                    answer.read()
                    arrived = sink.ask(f"await {number + 1}")["lastNs"]
                    times.append((arrived - accepted, arrived - sent))
        after, whole = zip(*times[10:])
        return {"milliseconds": {"from202": percentiles(after), "fromSending": percentiles(whole)}}

    # A start with many waiting ----------------------------------------------------------------

    def start(self) -> dict:
        labels = 64
        with self.sink("--held") as sink:
            server = self.server()
            token = server.account("bench")
            with server:
                self.create(server, token, sink, labels)
                self.inject(server, token, labels, "--count", self.waiting)
                before = server.rss()
            sink.ask("reset")
            sink.ask("release")
            launched = time.monotonic_ns()
            with server:
                listening = time.monotonic_ns()
                first = sink.ask("await 1")
                then = server.rss()
                later = sink.ask(f"await {min(20_000, self.waiting // 2)}")
                afterwards = server.rss()
        mib = lambda size: round(size / 2**20, 1)  # noqa: E731
        return {"waiting": self.waiting, "toListenSeconds": (listening - launched) / 1e9,
                "toFirstSeconds": (first["firstNs"] - launched) / 1e9,
                "deliveriesPerSecond": later["requests"] / (later["lastNs"] - later["firstNs"]) * 1e9,
                "rssMiB": {"beforeTheKill": mib(before), "atTheFirst": mib(then),
                           "afterwards": mib(afterwards)}}


def call(server: Server, token: str, path: str, body: dict) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", path, json.dumps(body), {"token": token})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def percentiles(nanoseconds: tuple[int, ...]) -> dict:
    cuts = statistics.quantiles(nanoseconds, n=100, method="inclusive")
    return {"p50": round(cuts[49] / 1e6, 3), "p99": round(cuts[98] / 1e6, 3)}


def print_rate(results: dict[int, dict]) -> None:
    print("\nsigned deliveries ÷ requests of a bare libcurl loop   (aim 0.25 over 64 labels, "
          "at least 0.12)\n"
          f"{'labels':>8} {'ratio':>7} {'spread':>13} {'ours/s':>9} {'floor/s':>9} {'body':>7} "
          f"{'accepted/s':>11}")
    for labels, found in results.items():
        ratio = found["ratio"]
        print(f"{labels:>8} {ratio['median']:>7.2f} {ratio['least']:>6.2f}-{ratio['most']:<6.2f} "
              f"{found['ours']['deliveriesPerSecond']['median']:>9.0f} "
              f"{found['floor']['requestsPerSecond']['median']:>9.0f} {found['bodyBytes']:>5} B "
              f"{found['ours']['acceptedPerSecond']['median']:>11.0f}")


def print_latency(found: dict) -> None:
    print("\nan event to its request, idle, in milliseconds   (aim p50 1, p99 5; at least p99 20)")
    for words, key in (("from the 202", "from202"), ("from sending the event", "fromSending")):
        times = found["milliseconds"][key]
        print(f"{words:>26}: p50 {times['p50']:.2f}, p99 {times['p99']:.2f}")


def print_start(found: dict) -> None:
    rss = found["rssMiB"]
    print(f"\nstart with {found['waiting']} deliveries waiting   (a million: aim 2 s and 150 MiB, at "
          f"least 10 s)\n   listens after {found['toListenSeconds']:.2f} s, first delivery after "
          f"{found['toFirstSeconds']:.2f} s, then {found['deliveriesPerSecond']:.0f}/s\n"
          f"   resident: {rss['atTheFirst']} MiB at the first, {rss['afterwards']} afterwards, "
          f"{rss['beforeTheKill']} before the kill")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true",
                        help="3 pairs of 3 s instead of 7 of 6 s, 50,000 waiting, 100 rounds")
    parser.add_argument("--binary", type=Path, default=default_binary())
    parser.add_argument("--tools", type=Path, help="folder of bench_sink, bench_load, ...")
    parser.add_argument("--labels", type=int, nargs="+", default=[64, 1])
    parser.add_argument("--waiting", type=int, help="deliveries at the start, instead of a million")
    parser.add_argument("--only", choices=["rate", "latency", "start"], nargs="+",
                        default=["rate", "latency", "start"])
    options = parser.parse_args()

    folder = REPOSITORY / "build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the build and not in /tmp: that may be memory, and then nothing is durable.
    work = Path(tempfile.mkdtemp(prefix="work-", dir=folder))
    report: dict = {"environment": environment(), "short": options.short}
    try:
        bench = Deliveries(options, work)
        if "rate" in options.only:
            report["rate"] = {labels: bench.rate(labels) for labels in options.labels}
            print_rate(report["rate"])
        if "latency" in options.only:
            report["latency"] = bench.latency()
            print_latency(report["latency"])
        if "start" in options.only:
            report["start"] = bench.start()
            print_start(report["start"])
    finally:
        shutil.rmtree(work)
    file = folder / "deliveries.json"
    file.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{file.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
