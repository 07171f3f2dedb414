#!/usr/bin/env python3
"""Throws all that is refused at one server, again and again, and compares its memory.

    tests/e2e/bad_inputs/hostile_loop.py --requests 1000000

Eight clients send all rows of framing and bodies in turn, and check each answer. The most memory of
the second half may be 5 % more than that of the first: the limiter's minute comes and goes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from client import Api, together  # noqa: E402
from pombo_server import Server  # noqa: E402
from rows import Row, Stage  # noqa: E402
from rows_of_framing import REFUSED  # noqa: E402
from test_b_bodies import ROWS as BODIES  # noqa: E402

CLIENTS, PARTS = 8, 10
TABLE: list[Row] = [row for row in [*REFUSED, *BODIES] if row.said is not None]


def memory(server: Server, token: str, requests: int) -> tuple[int, int]:
    """The most bytes that the server held in the first half, and in the second."""
    # Each from an address of its own, for there are only so many ports.
    stages = [Stage(Api(server, token, f"127.0.1.{client + 1}")) for client in range(CLIENTS)]
    count, held = requests // PARTS // CLIENTS, []
    for part in range(PARTS):
        first = part * count % len(TABLE)
        rows = TABLE[first:] + TABLE[:first]
        together(CLIENTS, lambda client: stages[client].throw(rows, count), patience=None)
        held.append(server.rss())
    return max(held[:PARTS // 2]), max(held[PARTS // 2:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100_000)
    requests = parser.parse_args().requests
    with tempfile.TemporaryDirectory() as folder, \
            Server(data_dir=folder, env={"POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000",
                                         "POMBO_LOG_ACCESS": "false"}) as server:
        began = time.monotonic()
        before, after = memory(server, server.account("shop"), requests)
        alive = server.process.poll() is None
        print(f"{requests} requests of {len(TABLE)} kinds in {time.monotonic() - began:.0f} s, "
              f"memory {before >> 10} KiB, then {after >> 10} KiB ({after / before - 1:+.1%})")
        return 0 if alive and after <= before * 1.05 else 1


if __name__ == "__main__":
    sys.exit(main())
