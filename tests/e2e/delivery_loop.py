#!/usr/bin/python3
"""Injects messages while the server is killed, again and again, and holds what arrived against it.

    delivery_loop.py --mode kill --times 1000         # at a random moment
    delivery_loop.py --mode points --times 3          # at each named point, first and n-th time
    delivery_loop.py --mode stop --times 20           # in good order: nothing may arrive twice
    delivery_loop.py --mode power-loss --times 200    # unsynced writes are dropped as well
    delivery_loop.py --mode power-loss --times 10 --synchronous normal --expect-loss
    delivery_loop.py --mode disk-full --times 5       # as root: the database on 64 MiB
    delivery_loop.py --mode database --times 40       # PostgreSQL stops; the server never does
    delivery_loop.py --mode database-disk-full --times 5  # as root: its disk of 512 MiB
    delivery_loop.py --mode clock --times 5           # set by a day, to and fro

64 producers note each accepted message in an fsynced ledger before it counts; the witness, in a
process of its own, notes each request in one before it answers. When nothing is pending any more:
nothing accepted is missing at a webhook that wants it; nothing arrived that was not injected; what
arrived twice did so after a crash, under the same id and number, and no more of it than may be
unrecorded; no retry came early; with --in-flight 1 first attempts came in the order of their chats.
The result is the last line of the output, and in build/delivery.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from pombo_server import REPOSITORY, Server, default_binary

sys.path.insert(0, str(REPOSITORY / "tests/support"))
from delivery_modes import MODES, NotHere  # noqa: E402
from delivery_world import World  # noqa: E402
from postgres import Postgres  # noqa: E402
from witness import Witness  # noqa: E402


def run(options: argparse.Namespace, folder: Path) -> dict:
    began = time.monotonic()
    os.environ.pop("POMBO_TEST_DATABASE", None)
    with ExitStack() as until_end:
        postgres = None
        kind = MODES[options.mode]
        room = kind.room(folder, until_end)
        if options.store == "postgresql":
            postgres = until_end.enter_context(Postgres(True, kind.settings, room))
            os.environ["POMBO_TEST_DATABASE"] = postgres.url
        server = Server(options.binary, folder / "data",
                        env={"POMBO_STORAGE_SYNCHRONOUS": options.synchronous})
        mode = kind(server, folder, random.Random(options.seed), options.times, postgres)
        mode.prepare(until_end)
        witness = until_end.enter_context(Witness(folder / "received.jsonl"))
        until_end.callback(server.kill)
        world = until_end.enter_context(World(folder, options.seed, server, witness,
                                              options.in_flight, options.rate, mode.refusals))
        mode.run(world)
        world.finish()
        world.stop()
        verdict, told = world.verdict(), world.producers.told
    for kind, found in verdict.faults.items():
        for each in found[:5]:
            print(f"{kind.upper()}: {each}", file=sys.stderr)
    return {"mode": options.mode, "store": options.store, "seed": options.seed,
            "inFlight": options.in_flight, "synchronous": options.synchronous} | \
        verdict.summary() | {"kills": len(world.boundaries), "lostAnswers": told.lost_answers,
                             "refused": told.refused, "repeatedByProducers": told.repeated} | \
        mode.told | {"good": verdict.good, "seconds": round(time.monotonic() - began, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=MODES, default="kill")
    parser.add_argument("--times", type=int, default=20, help="how often it happens")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--in-flight", type=int, default=8, help="of one webhook")
    parser.add_argument("--rate", type=int, default=600, help="messages a second, at most")
    parser.add_argument("--synchronous", choices=["full", "normal"], default="full")
    parser.add_argument("--expect-loss", action="store_true",
                        help="succeed only when an accepted message was lost")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--binary", type=Path, default=default_binary())
    options = parser.parse_args()
    if options.mode.startswith("database"):
        options.store = "postgresql"

    folder = Path(tempfile.mkdtemp(prefix="pombo-delivery-"))
    folder.chmod(0o711)  # PostgreSQL is not root's
    try:
        result = run(options, folder)
    except NotHere as reason:
        shutil.rmtree(folder)
        print(f"skipped: {reason}")
        return 0
    except BaseException:
        print(f"seed {options.seed}; see {folder}", file=sys.stderr)
        raise
    good = result["lost"] > 0 if options.expect_loss else result["good"]
    if good:
        shutil.rmtree(folder)
    else:
        print(f"seed {options.seed}; see {folder}", file=sys.stderr)
    results = REPOSITORY / "build/delivery"
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{options.mode}-{options.store}.json").write_text(json.dumps(result) + "\n")
    print(json.dumps(result))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
