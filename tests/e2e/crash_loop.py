#!/usr/bin/python3
"""Kills the server during creations, again and again, and holds what is left against a ledger.

    crash_loop.py --mode kill --loops 200
    crash_loop.py --mode power-loss --loops 200       # unsynced writes are dropped as well
    crash_loop.py --mode power-loss --synchronous normal --expect-loss

Each loop: concurrent clients create instances; what a 201 said goes to an fsynced ledger before it
counts; SIGKILL at a random moment; with power-loss the unsynced writes are dropped; restart; every
acknowledged instance must be there exactly as its 201 showed it and its token must open it, every
other one wholly or not at all. The last line of the output is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from pombo_server import Server, default_binary
from power_cuts import PowerCuts

CLIENTS = 16
# A list of everything grows with every loop; an account serves this many of them.
LOOPS_PER_ACCOUNT = 20
TOKENS_TRIED = 200

SETTINGS = {"autoRejectCalls": False, "callRejectMessage": "", "ignoreGroupMessages": False,
            "keepOnlineStatus": False, "autoReadMessages": False, "disableHistorySync": True,
            "ignoreStatus": False}
NO_WEBHOOK = {"enabled": False, "url": None, "events": []}
NO_WEBSOCKET = {"enabled": False, "events": [], "mediaBase64": False}

WEBHOOK = {"webhookEnabled": True, "webhookURL": "https://93.184.216.34/wa",
           "webhookByEvents": True, "webhookAuthorization": "Bearer 5e1f0c7ab2",
           "webhookEvents": ["message.exchange"]}
WEBSOCKET = {"websocketEnabled": True, "websocketMediaBase64": True}
CHOSEN = {"autoRejectCalls": True, "callRejectMessage": "Please write.", "ignoreStatus": True,
          "disableHistorySync": False}

# What a request of each kind holds besides its name.
KINDS: dict[str, dict] = {
    "plain": {},
    "webhook": WEBHOOK,
    "websocket": WEBSOCKET,
    "settings": CHOSEN,
    "all": WEBHOOK | WEBSOCKET | CHOSEN,
    # A block that fails leaves its error behind, which must last as well.
    "broken": WEBHOOK | {"webhookURL": "not a URL"} | WEBSOCKET,
}


def blocks_of(kind: str) -> dict[str, dict]:
    """The blocks that the answer to a request of this kind must show."""
    request = KINDS[kind]
    webhook, websocket = NO_WEBHOOK, NO_WEBSOCKET
    if kind == "broken":
        webhook = NO_WEBHOOK | {"status": "error",
                                "error": "The 'webhookURL' field must be a valid http or https URL"}
    elif "webhookEnabled" in request:
        webhook = {"enabled": True, "url": request["webhookURL"],
                   "events": request["webhookEvents"]}
    if "websocketEnabled" in request:
        websocket = {"enabled": True, "events": [], "mediaBase64": True}
    settings = SETTINGS | {key: value for key, value in request.items() if key in SETTINGS}
    return {"webhook": webhook, "websocket": websocket, "settings": settings}


class CrashFailure(AssertionError):
    """The server answered what it must not; not a loss, but no run to draw conclusions from."""


@dataclass
class Account:
    """A TokenAccount, what its clients have asked for and what must be there."""
    token: str
    asked: dict[str, str] = field(default_factory=dict)      # name -> kind
    known: dict[str, dict] = field(default_factory=dict)     # name -> instance as first shown


class Ledger:
    """Acknowledged creations, one JSON line each, on disk before they count."""

    def __init__(self, path: Path):
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.count = 0
        self._lock = threading.Lock()

    def add(self, instance: dict) -> None:
        os.write(self._fd, json.dumps(instance).encode() + b"\n")
        os.fdatasync(self._fd)
        with self._lock:
            self.count += 1

    def close(self) -> None:
        os.close(self._fd)


class Client:
    """One keep-alive connection."""

    def __init__(self, server: Server):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def call(self, method: str, path: str, token: str, body: dict | None = None):
        self._connection.request(method, path, json.dumps(body) if body is not None else None,
                                 {"token": token, "Content-Type": "application/json"})
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._connection.close()


class CrashLoop:
    def __init__(self, mode: str, loops: int, synchronous: str, seed: int, data_dir: Path,
                 binary: Path | None = None, expect_loss: bool = False):
        self.loops, self.seed, self.data_dir, self.expect_loss = loops, seed, data_dir, expect_loss
        self.rng = random.Random(seed)
        env = {"POMBO_STORAGE_SYNCHRONOUS": synchronous, "POMBO_LOG_LEVEL": "warn"}
        self.server = Server(binary, data_dir / "data", env=env)
        self.power = PowerCuts(self.server, data_dir / "journal", self.rng) \
            if mode == "power-loss" else None
        self.ledger = Ledger(data_dir / "ledger.jsonl")
        self.accounts: list[Account] = []
        self.lost: set[str] = set()
        self.half: list[str] = []

    def run(self) -> dict:
        done = 0
        try:
            for loop in range(self.loops):
                if loop % LOOPS_PER_ACCOUNT == 0:
                    # The first before the first start, the others beside the running server.
                    token = self.server.account(f"crash-{self.seed}-{loop}")
                    self.accounts.append(Account(token))
                if not self.server.process:
                    self.server.start()
                self._create_until_killed(loop)
                self._crash()
                if self.rng.random() < 0.2:
                    self._crash_while_starting()
                self.server.start()
                done += 1
                self._verify(self.accounts[-1:])
                if self.lost or self.half:
                    break
            if not (self.lost or self.half):
                self._verify(self.accounts)
                if self.server.stop() != 0:
                    raise CrashFailure("the server did not stop cleanly")
        finally:
            self.server.kill()
            self.ledger.close()
        return {"loops": done, "acknowledged": self.ledger.count, "lost": len(self.lost),
                "half": len(self.half),
                "droppedWrites": self.power.dropped if self.power else {}, "seed": self.seed}

    # One loop ---------------------------------------------------------------------------------

    def _create_until_killed(self, loop: int) -> None:
        account = self.accounts[-1]
        first = threading.Event()
        killing = threading.Event()
        failures: list[str] = []

        def client(number: int) -> None:
            rng = random.Random(f"{self.seed}/{loop}/{number}")
            try:
                connection = Client(self.server)
                for n in range(1_000_000):
                    name, kind = f"c{self.seed}-{loop}-{number}-{n}", rng.choice(list(KINDS))
                    account.asked[name] = kind
                    status, answer = connection.call("POST", "/api/instance/new", account.token,
                                                     {"name": name} | KINDS[kind])
                    if status != 201:
                        raise CrashFailure(f"{name}: {status} {answer}")
                    self.ledger.add(answer["instance"])
                    account.known[name] = answer["instance"]
                    first.set()
            except (OSError, http.client.HTTPException) as gone:
                if not killing.is_set():
                    failures.append(f"connection lost before the kill: {gone!r}")
            except Exception as failure:  # whatever it is, the main thread must hear of it
                failures.append(repr(failure))
            first.set()

        threads = [threading.Thread(target=client, args=[n], daemon=True) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        first.wait(60)
        time.sleep(self.rng.uniform(0.02, 0.4))
        killing.set()
        self.server.kill()
        for thread in threads:
            thread.join()
        if failures:
            raise CrashFailure(f"seed {self.seed}, loop {loop}: {failures[0]}")

    def _crash(self) -> None:
        self.server.kill()
        if self.power:
            self.power.cut()

    def _crash_while_starting(self) -> None:
        """Recovery must stand a crash too."""
        self.server.launch()
        time.sleep(self.rng.uniform(0, 0.08))
        self._crash()

    # What must hold ---------------------------------------------------------------------------

    def _verify(self, accounts: list[Account]) -> None:
        self._verify_database()
        for account in accounts:
            self._verify_account(account)
        for kind, names in (("LOST", self.lost), ("HALF", self.half)):
            for name in sorted(names)[:5]:
                print(f"{kind}: {name}", file=sys.stderr)

    def _verify_account(self, account: Account) -> None:
        client = Client(self.server)
        status, answer = client.call("GET", "/api/instance/list", account.token)
        if status == 401:  # the account itself is gone
            self.lost |= set(account.known) or {"the account"}
            return
        if status != 200:
            raise CrashFailure(f"list: {status} {answer}")
        listed = {each["name"]: each for each in answer["instances"]}
        if len(listed) != len(answer["instances"]) or answer["meta"]["total"] != len(listed):
            self.half.append(f"list is not consistent: total {answer['meta']}, {len(listed)} names")

        for name, shown in account.known.items():
            there = listed.get(name)
            if there is None:
                self.lost.add(name)
                continue
            differing = [key for key in shown if there.get(key, ...) != shown[key]]
            if differing:
                self.half.append(f"{name}: {differing} differ: 201 {shown}, list {there}")
        for name, there in listed.items():
            if name not in account.asked:
                self.half.append(f"{name} was never asked for")
                continue
            expected = blocks_of(account.asked[name]) | {"status": "disconnected"}
            wrong = [key for key in expected if there.get(key) != expected[key]]
            if wrong or not there["token"] or not there["id"]:
                self.half.append(f"{name}: {wrong} not as asked: {there}")

        fresh = [each for name, each in listed.items() if name not in account.known]
        some = self.rng.sample(list(listed.values()), min(TOKENS_TRIED, len(listed)))
        for each in fresh + some:
            status, own = client.call("GET", "/api/instance/list", each["token"])
            if status != 200 or [it["id"] for it in own["instances"]] != [each["id"]]:
                self.half.append(f"{each['name']}: its token answers {status} {own}")
        # Seen once, it has to stay, acknowledged or not.
        for each in fresh:
            account.known[each["name"]] = {key: value for key, value in each.items()
                                           if key not in ("connection", "profile")}
        client.close()

    def _verify_database(self) -> None:
        db = sqlite3.connect(f"file:{self.server.store.file}?mode=ro", uri=True)
        db.execute("BEGIN")  # all of it from one moment
        try:
            def none(what: str, sql: str) -> None:
                found = db.execute(sql).fetchall()
                if found:
                    self.half.append(f"{what}: {found[:5]}")

            check = db.execute("PRAGMA integrity_check").fetchall()
            if check != [("ok",)]:
                self.half.append(f"integrity_check: {check[:5]}")
            none("foreign_key_check", "PRAGMA foreign_key_check")
            none("provisioning", "SELECT name FROM instance WHERE status = 'provisioning'")
            none("block rows without an instance", "SELECT instance_id, block FROM block_row "
                 "WHERE instance_id NOT IN (SELECT id FROM instance)")
            none("instances counted wrongly", "SELECT a.name, a.instances, count(i.id) "
                 "FROM account a LEFT JOIN instance i ON i.account_id = a.id "
                 "GROUP BY a.id HAVING a.instances <> count(i.id)")

            # Of every account, not only the one in use: a later crash must not reach back.
            ids = dict(db.execute("SELECT name, id FROM instance"))
            for account in self.accounts:
                self.lost |= {name for name, shown in account.known.items()
                              if ids.get(name) != shown["id"]}
            # Instances of one kind hold the same: a block's row is there for all of them or none.
            shapes: dict[str, set] = defaultdict(set)
            rows: dict[str, list] = defaultdict(list)
            for owner, *row in db.execute("SELECT instance_id, block, document IS NULL, "
                                          "secrets IS NULL, error IS NULL FROM block_row"):
                rows[owner].append(tuple(row))
            for account in self.accounts:
                for name, kind in account.asked.items():
                    if name in ids:
                        shapes[kind].add(tuple(sorted(rows[ids[name]])))
            for kind, found in shapes.items():
                if len(found) != 1:
                    self.half.append(f"instances of kind {kind} hold different rows: {found}")
                if kind in ("webhook", "all") and not any(
                        block == "webhook" and secrets_missing == 0
                        for shape in found for block, _, secrets_missing, _ in shape):
                    self.half.append(f"kind {kind} has lost its webhook's secrets")
        finally:
            db.close()


def run(mode: str, loops: int, synchronous: str = "full", seed: int | None = None,
        binary: Path | None = None, expect_loss: bool = False, keep: Path | None = None) -> dict:
    """Runs the loops in a folder of its own, kept as evidence when something was lost."""
    seed = random.randrange(2**32) if seed is None else seed
    folder = Path(keep or tempfile.mkdtemp(prefix="pombo-crash-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        result = CrashLoop(mode, loops, synchronous, seed, folder, binary, expect_loss).run()
    except BaseException:
        print(f"seed {seed}; see {folder}", file=sys.stderr)
        raise
    bad = result["half"] or (result["lost"] and not expect_loss)
    if bad or keep:
        print(f"see {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return {"mode": mode, "synchronous": synchronous} | result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=["kill", "power-loss"], default="kill")
    parser.add_argument("--loops", type=int, default=200)
    parser.add_argument("--synchronous", choices=["full", "normal"], default="full")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--binary", type=Path, default=default_binary())
    parser.add_argument("--keep", type=Path, help="an empty folder for the data, kept afterwards")
    parser.add_argument("--expect-loss", action="store_true",
                        help="succeed only when an acknowledged instance was lost")
    options = parser.parse_args()
    result = run(**vars(options))
    print(json.dumps(result))
    if options.expect_loss:
        return 0 if result["lost"] else 1
    if options.mode == "power-loss" and not sum(result["droppedWrites"].values()):
        print("no write was ever dropped: nothing was shown", file=sys.stderr)
        return 1
    return 1 if result["lost"] or result["half"] else 0


if __name__ == "__main__":
    sys.exit(main())
