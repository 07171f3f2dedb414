#!/usr/bin/python3
"""What the compiler's hardening costs: requests per second of the processor's time, with and without.

    bench/hardening.py --plain build/plain/pombo            # scripts/bench hardening builds both
    bench/hardening.py --plain build/plain/pombo --short

Two servers run side by side, the release and one that was built with POMBO_HARDEN=OFF, and are asked
in turn for as many requests: A-B, B-A, ... What counts is the time that the server was on a processor,
not how long it took; on a machine that is busy with other things that time is worth less, so the turns
are short and many. Libraries of the distribution are hardened in both.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from run import BODY, REPOSITORY, only_status, pairs_of, program, spread
from pombo_server import Server, default_binary

CLIENTS = 16
AIM = 0.97


def processor_seconds(pid: int) -> float:
    """Of all threads of a process, those that have ended among them."""
    return time.clock_gettime(~pid << 3 | 2)  # what clock_getcpuclockid() answers on Linux


class Side:
    """A server and how often it has been asked."""

    def __init__(self, binary: Path, folder: Path, tools: Path):
        self.server = Server(binary, folder, None, {
            "POMBO_LOG_LEVEL": "warn", "POMBO_AUDIT_FILE": str(folder / "audit.log")})
        self.token = self.server.account("bench")
        self.load, self.body = tools / "bench_load", folder / "body.json"
        self.body.write_text(json.dumps(BODY))
        self.runs = 0

    def create(self, count: int) -> dict:
        self.runs += 1
        return self.measured(count, 201, "create", "--body", self.body, "--prefix",
                             f"run{self.runs}")

    def get(self, count: int) -> dict:
        return self.measured(count, 200, "get", "--path",
                             "/api/instance/list?instanceName=run1-5")

    def measured(self, count: int, status: int, mode: str, *options: object) -> dict:
        before = processor_seconds(self.server.pid)
        only_status(program([self.load, mode, "--port", self.server.port, "--token", self.token,
                             "--clients", CLIENTS, "--count", count, *options]), status)
        return {"requestsPerSecond": count / (processor_seconds(self.server.pid) - before)}


def ratio_of(rates: list[float], others: list[float]) -> dict:
    """The median of the pairs, and by how much it may be off: its standard error."""
    ratios = [a / b for a, b in zip(rates, others)]
    lower, middle, upper = statistics.quantiles(ratios, n=4)
    deviation = (upper - lower) / 1.349  # which a few wild ones do not disturb
    return {"median": middle, "error": 1.253 * deviation / len(ratios) ** 0.5}


def measure(hardened: Side, plain: Side, what: str, pairs: int, count: int) -> dict:
    measured = pairs_of(pairs, lambda: getattr(hardened, what)(count),
                        lambda: getattr(plain, what)(count))
    rates = [[side["requestsPerSecond"] for side in both] for both in zip(*measured)]
    return {"ratio": ratio_of(*rates), "hardened": spread(rates[0]),
            "plain": spread(rates[1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="100 pairs instead of 400")
    parser.add_argument("--binary", type=Path, default=default_binary())
    parser.add_argument("--plain", type=Path, required=True, help="built with POMBO_HARDEN=OFF")
    options = parser.parse_args()
    pairs = 101 if options.short else 401  # the first only warms up

    folder = REPOSITORY / "build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="hardening-", dir=folder))
    tools = options.binary.resolve().parent / "bench"
    report = {}
    try:
        sides = [Side(binary.resolve(), work / name, tools)
                 for name, binary in (("hardened", options.binary), ("plain", options.plain))]
        with sides[0].server, sides[1].server:
            for what, count in (("create", 100), ("get", 1000)):
                report[what] = found = measure(*sides, what, pairs, count)
                ratio = found["ratio"]
                print(f"{what:>7}: {found['hardened']['median']:.0f} a second of the processor, "
                      f"{found['plain']['median']:.0f} without: {ratio['median']:.3f} "
                      f"± {ratio['error']:.3f}   (aim {AIM})", flush=True)
    finally:
        shutil.rmtree(work)
    file = folder / "hardening.json"
    file.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{file.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
