#!/usr/bin/python3
"""Restarts PostgreSQL under a busy server, again and again, and holds what is left against a ledger.

    restart_loop.py --loops 200
    restart_loop.py --loops 4          # what scripts/test runs

Each loop: concurrent clients create and list; the database is stopped (fast, immediate or SIGKILL)
and started again, the server never. A call may fail with the documented 500 while the database is
away, and not once it is back. At the end of each loop every acknowledged instance must be there and
its token open it, every other one wholly or not at all, and the counts must agree. The last line of
the output is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from crash_loop import KINDS, Client, blocks_of
from pombo_server import Server
from postgres import Postgres

CLIENTS = 12
WAYS = ["fast", "immediate", "kill"]
DOCUMENTED = {"Failed to create instance", "Failed to list instances", "Internal server error"}


class RestartFailure(AssertionError):
    pass


class RestartLoop:
    def __init__(self, loops: int, seed: int, folder: Path, postgres: Postgres):
        self.loops, self.seed, self.postgres = loops, seed, postgres
        self.rng = random.Random(seed)
        self.server = Server(data_dir=folder / "data", env={"POMBO_LOG_LEVEL": "warn"})
        self.token = self.server.account(f"restart-{seed}")
        self.lock = threading.Lock()   # guards what follows
        self.asked: dict[str, str] = {}
        self.known: dict[str, dict] = {}
        self.failures: list[str] = []
        self.errors = {"away": 0, "back": 0}
        self.away = threading.Event()

    def run(self) -> dict:
        with self.server:
            for loop in range(self.loops):
                self._one(loop)
                self._verify()
                if self.failures:
                    raise RestartFailure(f"seed {self.seed}, loop {loop}: {self.failures[:3]}")
            if self.server.stop() != 0:
                raise RestartFailure("the server did not stop cleanly")
        return {"loops": self.loops, "acknowledged": len(self.known), "asked": len(self.asked),
                "errorsWhileAway": self.errors["away"], "errorsOnceBack": self.errors["back"],
                "seed": self.seed}

    def _one(self, loop: int) -> None:
        done = threading.Event()
        threads = [threading.Thread(target=self._client, args=[loop, n, done]) for n in
                   range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            self._until_made(5)
            self.away.set()
            self.postgres.stop(WAYS[loop % len(WAYS)])
            # Most restarts are over before anybody's patience; some are not.
            time.sleep(7 if loop % 4 == 3 else self.rng.uniform(0, 1.5))
            if loop % 4 == 3:
                self._await_health(503)
            self.postgres.start()
            self._await_health(200)
            self.away.clear()
            self._until_made(20)
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _client(self, loop: int, number: int, done: threading.Event) -> None:
        rng = random.Random(f"{self.seed}/{loop}/{number}")
        client = Client(self.server)
        n = 0
        while not done.is_set():
            was_away = self.away.is_set()
            n += 1
            name, kind = f"r{self.seed}-{loop}-{number}-{n}", rng.choice(list(KINDS))
            try:
                if n % 4 == 0:
                    status, answer = client.call("GET", "/api/instance/list?instanceName=none",
                                                 self.token)
                    good = 404  # it has looked, and nothing has that name
                else:
                    with self.lock:
                        self.asked[name] = kind
                    status, answer = client.call("POST", "/api/instance/new", self.token,
                                                 {"name": name} | KINDS[kind])
                    good = 201
            except (OSError, http.client.HTTPException) as gone:
                with self.lock:
                    self.failures.append(f"the server hung up: {gone!r}")
                return
            with self.lock:
                if status == 201:
                    self.known[name] = answer["instance"]
                elif status != good:
                    self._count_error(status, answer, was_away or self.away.is_set())
            if status == 500:
                time.sleep(0.01)

    def _count_error(self, status: int, answer: dict, away: bool) -> None:
        self.errors["away" if away else "back"] += 1
        message = answer.get("error", {}).get("message", "")
        if status != 500 or not any(message.startswith(each) for each in DOCUMENTED):
            self.failures.append(f"not documented: {status} {answer}")
        elif not away:
            self.failures.append(f"failed although the database is there: {answer}")

    def _until_made(self, more: int) -> None:
        wanted = len(self.known) + more
        end = time.monotonic() + 60
        while len(self.known) < wanted:
            if self.failures or time.monotonic() > end:
                raise RestartFailure(f"no creation goes through: {self.failures[:3]}")
            time.sleep(0.01)

    def _await_health(self, wanted: int) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(self.server.url + "/health") as reply:
                    status, shown = reply.status, json.loads(reply.read())
            except urllib.error.HTTPError as error:
                status, shown = error.code, json.loads(error.read())
            database = shown["checks"]["db"]
            if status == wanted and (database == "ok") == (wanted == 200):
                return
            if time.monotonic() > end:
                raise RestartFailure(f"/health still says {status} {shown}")
            time.sleep(0.05)

    def _verify(self) -> None:
        store, bad = self.server.store, self.failures
        # What was given up on in the middle is taken away within seconds of the database's return.
        end = time.monotonic() + 20
        while store.query("SELECT 1 FROM instance WHERE status = 'provisioning'"):
            if time.monotonic() > end:
                return bad.append("a reservation stays")
            time.sleep(0.1)
        client = Client(self.server)
        status, answer = client.call("GET", "/api/instance/list", self.token)
        if status != 200:
            return bad.append(f"list: {status} {answer}")
        listed = {each["name"]: each for each in answer["instances"]}
        bad += [f"LOST {name}" for name in self.known if name not in listed]
        for name, shown in listed.items():
            expected = blocks_of(self.asked[name]) | {"status": "disconnected"}
            bad += [f"HALF {name}: {key}" for key in expected if shown.get(key) != expected[key]]
            if name in self.known and shown["token"] != self.known[name]["token"]:
                bad.append(f"another token: {name}")
        for each in self.rng.sample(list(listed.values()), min(30, len(listed))):
            status, own = client.call("GET", "/api/instance/list", each["token"])
            if status != 200 or [it["id"] for it in own["instances"]] != [each["id"]]:
                bad.append(f"its token does not open {each['name']}: {status}")
        [(counted, there)] = store.query(
            "SELECT (SELECT sum(instances) FROM account), (SELECT count(*) FROM instance)")
        if counted != there:
            bad.append(f"{counted} counted, {there} there")
        client.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loops", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pombo-restart-"))
    folder.chmod(0o711)  # PostgreSQL is not root's
    try:
        with Postgres(durable=True, parent=folder) as postgres:
            os.environ["POMBO_TEST_DATABASE"] = postgres.url
            result = RestartLoop(options.loops, options.seed, folder, postgres).run()
    except Exception:
        print(f"kept: {folder}", file=sys.stderr)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result))
    return 1 if result["errorsOnceBack"] else 0


if __name__ == "__main__":
    sys.exit(main())
