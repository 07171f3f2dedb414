#!/usr/bin/python3
"""Measures the server against its floors in one run and prints ratios, not absolute promises.

    bench/run.py --short
    bench/run.py --blocks build/bench/hello/blocks     # a folder with the blocks of tests/external

- creation ÷ raw SQLite insert of the same bytes (bench_floor), same synchronous mode, same clients;
- creation on PostgreSQL ÷ pgbench inserting the same on the same server (started by this script), same
  synchronous_commit, as many connections as clients, into the same tables: once as a single row of as
  many bytes, once as the rows that a creation is, in one transaction;
- authenticated GET of one instance ÷ GET /hello of a bare block on the same server;
- resident memory of 10,000 configured instances over none;
- answers a second when five times as many requests come as are sustained ÷ those of the peak;
- a call into a block in a process of its own ÷ the same inside, and the memory of such a process.

Each ratio is the median of pairs run A-B, B-A, ...; the first pair only warms up. The result is
also written to build/bench/<name>.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Callable

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))
from pombo_server import Server, default_binary  # noqa: E402
from postgres import BIN, Postgres  # noqa: E402

PACKAGES = ["g++-12", "libsqlite3-0", "libsoci-core4.0", "libboost1.81-dev", "libpistache0",
            "libbotan-2-19", "libprometheus-cpp-core1.0", "libspdlog1.10", "libc6", "postgresql-15"]
INSTANCES = 10_000

# What pgbench inserts for a creation: keys as it has them, an id in order of time, a name, a random
# hash, and fillers of the lengths that its own columns have.
FLOOR_KEYS = """\\set n :n + 1
\\set r random(1, 9000000000000000000)
"""
FLOOR_ID = "to_char(:n::bigint, 'FM000000000000000000000000000000') || '-' || :client_id::bigint"
FLOOR_INSTANCE = f"""INSERT INTO instance (id, account_id, name, token_hash, token_sealed, connector,
  status, created_at, updated_at) VALUES ({FLOOR_ID}, 'floor',
  'bench-' || :client_id::bigint || '-' || :n::bigint,
  md5((:r::bigint)::text) || ':' || :client_id::bigint || ':' || :n::bigint, :token, 'none',
  'disconnected', 1795257000000, 1795257000000);
"""
FLOOR_BLOCK = "INSERT INTO block_row VALUES ({id}, '{block}', {document}, {secrets}, NULL);\n"

# Every group of fields whose block this release ships, filled as a customer fills them.
BODY = {
    "name": "@N@",
    "webhookEnabled": True,
    "webhookURL": "https://93.184.216.34/integrations/whatsapp/inbound/7d1f3b52-4f3e-4f0e-8a47",
    "webhookAuthorization": "Bearer " + "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "c2VjcmV0" * 24,
    "webhookByEvents": True,
    "webhookEvents": ["message.exchange", "instance.state"],
    "webhookMediaBase64": False,
    "websocketEnabled": True,
    "websocketEvents": ["message.exchange", "instance.state"],
    "websocketMediaBase64": True,
    "autoRejectCalls": True,
    "callRejectMessage": "We do not take calls on this number. Please write to us, we answer from "
                         "nine to six, Monday to Friday.",
    "ignoreGroupMessages": True,
    "keepOnlineStatus": True,
    "autoReadMessages": False,
    "ignoreStatus": True,
    "disableHistorySync": False,
}


def program(command: list[object]) -> dict:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: {done.stderr}")
    return json.loads(done.stdout)


def only_status(result: dict, status: int) -> dict:
    if set(result["statuses"]) != {str(status)}:
        raise SystemExit(f"expected only {status}, got {result['statuses']}")
    return result


def commits_of(server: Server) -> float | None:
    with urllib.request.urlopen(server.url + "/metrics") as answer:
        found = re.search(r"^pombo_storage_commits_total(?:\{.*?\})? (\S+)",
                          answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else None


def pss_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[1])


def stored_bytes(database: Path) -> int:
    """Bytes of every value of every table but the limiter's, without SQLite's own overhead."""
    db = sqlite3.connect(database)
    total = 0
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' "
                               "AND name <> 'rate_window'").fetchall():
        columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
        lengths = "+".join(f'coalesce(length(CAST("{column}" AS BLOB)), 0)' for column in columns)
        total += db.execute(f'SELECT coalesce(sum({lengths}), 0) FROM "{table}"').fetchone()[0]
    db.close()
    return total


def floors_of(rows: dict) -> dict[str, tuple[str, dict[str, int]]]:
    """pgbench's script and the lengths of its fillers, by what it inserts."""
    fillers, script = {"token": rows["token"]}, FLOOR_INSTANCE
    for n, (block, document, secrets) in enumerate(rows["blocks"]):
        sizes = {f"d{n}": document, f"s{n}": secrets}
        fillers |= {name: size for name, size in sizes.items() if size}
        columns = [f":{name}" if size else "NULL" for name, size in sizes.items()]
        script += FLOOR_BLOCK.format(id=FLOOR_ID, block=block, document=columns[0],
                                     secrets=columns[1])
    return {"one row of as many bytes": (FLOOR_INSTANCE, {"token": sum(fillers.values())}),
            "the rows of a creation": (f"BEGIN;\n{script}COMMIT;\n", fillers)}


def spread(values: list[float]) -> dict:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def pairs_of(count: int, ours: Callable[[], dict], floor: Callable[[], dict]) -> list[tuple]:
    """A-B, B-A, ...: what drifts on the machine hits both alike. The first pair only warms up."""
    measured = []
    for pair in range(count):
        if pair % 2 == 0:
            a = ours()
            b = floor()
        else:
            b = floor()
            a = ours()
        if pair > 0:
            measured.append((a, b))
    return measured


class Bench:
    def __init__(self, options: argparse.Namespace, work: Path):
        self.binary = options.binary.resolve()
        self.tools = self.binary.parent / "bench" if not options.tools else options.tools
        self.pairs, self.seconds = (3, 2.0) if options.short else (7, 5.0)
        self.clients = options.clients
        self.blocks = options.blocks.resolve() if options.blocks else None
        self.synchronous = options.synchronous
        self.work = work
        self.body = work / "body.json"
        self.body.write_text(json.dumps(BODY))
        self.runs = 0

    def fresh_folder(self) -> Path:
        self.runs += 1
        folder = self.work / f"run{self.runs}"
        folder.mkdir()
        return folder

    def server(self, config: Path | None = None) -> Server:
        folder = self.fresh_folder()
        # The audit log in its file: on standard error this very process would have to read it.
        return Server(self.binary, folder, config, {
            "POMBO_STORAGE_SYNCHRONOUS": self.synchronous, "POMBO_LOG_LEVEL": "warn",
            "POMBO_AUDIT_FILE": str(folder / "audit.log")})

    def load(self, server: Server, mode: str, *options: object) -> dict:
        return program([self.tools / "bench_load", mode, "--port", server.port, *options])

    def create(self, server: Server, token: str, clients: int, *options: object) -> dict:
        return only_status(self.load(server, "create", "--token", token, "--body", self.body,
                                     "--clients", clients, *options), 201)

    def in_pairs(self, ours: Callable[[], dict], floor: Callable[[], dict], rate: str,
                 floor_rate: str) -> dict:
        measured = pairs_of(self.pairs, ours, floor)
        of = lambda at, key: spread([pair[at][key] for pair in measured])  # noqa: E731
        return {"ratio": spread([a[rate] / b[floor_rate] for a, b in measured]),
                "ours": {key: of(0, key) for key in (rate, "p50", "p99", "commitsPerSecond")
                         if all(pair[0].get(key) is not None for pair in measured)},
                "floor": {key: of(1, key) for key in (floor_rate, "p50", "p99", "commitsPerSecond")
                          if all(pair[1].get(key) is not None for pair in measured)}}

    # Creation ---------------------------------------------------------------------------------

    def bytes_per_creation(self) -> int:
        server = self.server()
        token = server.account("bench")
        with server:
            self.create(server, token, 1, "--count", 1)
            server.stop()
            before = stored_bytes(server.store.file)
            server.start()
            self.create(server, token, 16, "--count", 500, "--prefix", "more")
            server.stop()
        return round((stored_bytes(server.store.file) - before) / 500)

    def creation(self, clients: int, row_bytes: int) -> dict:
        def ours() -> dict:
            server = self.server()
            token = server.account("bench")
            with server:
                self.create(server, token, clients, "--count", 4 * clients, "--prefix", "warm")
                before, start = commits_of(server), time.monotonic()
                result = self.create(server, token, clients, "--seconds", self.seconds)
                took, after = time.monotonic() - start, commits_of(server)
            if before is not None and after is not None:
                result["commitsPerSecond"] = (after - before) / took
            shutil.rmtree(server.data_dir)
            return result

        def floor() -> dict:
            folder = self.fresh_folder()
            result = program([self.tools / "bench_floor", folder, "--clients", clients, "--seconds",
                              self.seconds, "--bytes", row_bytes, "--synchronous",
                              self.synchronous])
            shutil.rmtree(folder)
            return result

        return self.in_pairs(ours, floor, "requestsPerSecond", "rowsPerSecond")

    def on_postgresql(self, clients: int) -> dict[str, dict]:
        """Against two floors: one row of all the bytes, and the very rows of a creation."""
        self.work.chmod(0o711)  # the server is not root's
        with Postgres(durable=True, parent=self.work) as postgres:
            os.environ["POMBO_TEST_DATABASE"] = postgres.url
            try:
                rows = self.rows_of_creation()
                return {name: self.creation_on_postgresql(clients, postgres, *floor)
                        for name, floor in floors_of(rows).items()}
            finally:
                del os.environ["POMBO_TEST_DATABASE"]

    def rows_of_creation(self) -> dict:
        server = self.server()
        token = server.account("bench")
        with server:
            self.create(server, token, 1, "--count", 1)
        [(sealed,)] = server.store.query("SELECT length(token_sealed) FROM instance")
        return {"token": sealed, "blocks": server.store.query(
            "SELECT block, coalesce(length(document), 0), coalesce(length(secrets), 0) "
            "FROM block_row ORDER BY block")}

    def creation_on_postgresql(self, clients: int, postgres: Postgres, script: str,
                               fillers: dict[str, int]) -> dict:
        def emptied(server: Server) -> None:
            server.store.execute(f"DROP SCHEMA {server.store.schema} CASCADE", "CHECKPOINT")

        def ours() -> dict:
            server = self.server()
            token = server.account("bench")
            with server:
                self.create(server, token, clients, "--count", 4 * clients, "--prefix", "warm")
                before = commits_of(server)
                result = self.create(server, token, clients, "--seconds", self.seconds)
                result["commitsPerSecond"] = (commits_of(server) - before) / self.seconds
            emptied(server)
            return result

        def floor() -> dict:
            server = self.server()
            server.account("floor")  # for the schema: the server itself is not started
            server.store.execute("UPDATE account SET id = 'floor'", "CHECKPOINT")
            file = self.work / "floor.sql"
            file.write_text(FLOOR_KEYS + script)
            commit = "on" if self.synchronous == "full" else "off"
            values = [text for name, size in fillers.items()
                      for text in ("-D", f"{name}={'x' * size}")]
            done = subprocess.run(
                [BIN / "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T",
                 str(round(self.seconds)), "-f", file, "-D", "n=0", *values,
                 server.store.url + f"%20-csynchronous_commit%3D{commit}"],
                capture_output=True, text=True)
            found = re.search(r"^tps = (\S+)", done.stdout, re.MULTILINE)
            if done.returncode != 0 or not found:
                raise SystemExit(f"pgbench: {done.stdout}{done.stderr}")
            emptied(server)
            return {"rowsPerSecond": float(found[1])}

        return self.in_pairs(ours, floor, "requestsPerSecond", "rowsPerSecond")

    # Reading ----------------------------------------------------------------------------------

    def reading(self) -> dict[int, dict]:
        config = self.work / "hello.yaml"
        config.write_text(f"plugins:\n  path: [plugins, {json.dumps(str(self.blocks))}]\n"
                          "blocks:\n  webhook: {}\n  websocket: {}\n  hello: {}\n")
        server = self.server(config)
        token = server.account("bench")
        results = {}
        with server:
            self.create(server, token, 16, "--count", 100)
            path = "/api/instance/list?instanceName=bench-50"
            for clients in self.clients:
                def get(where: str, clients: int = clients) -> dict:
                    return only_status(self.load(
                        server, "get", "--path", where, "--token", token, "--clients", clients,
                        "--seconds", self.seconds), 200)
                results[clients] = self.in_pairs(lambda: get(path), lambda: get("/hello"),
                                                 "requestsPerSecond", "requestsPerSecond")
        return results

    # Overload ---------------------------------------------------------------------------------

    def overload(self) -> dict:
        server = Server(self.binary, self.fresh_folder(), None, {
            "POMBO_LOG_LEVEL": "warn", "POMBO_HTTP_CONNECTIONS_PER_ADDRESS": "0"})
        token = server.account("bench")
        measured = []
        with server:
            self.create(server, token, 16, "--count", 100)
            for _ in range(self.pairs):
                asked = ["get", "--path", "/api/instance/list?instanceName=bench-50", "--token",
                         token, "--seconds", self.seconds]
                peak = only_status(self.load(server, *asked, "--clients", 64), 200)
                rate = 5 * peak["requestsPerSecond"]
                found = self.load(server, *asked, "--clients", 4000, "--rate", rate)
                good = found["statuses"].get("200", 0) / found["requests"]
                measured.append({"peak": peak["requestsPerSecond"],
                                 "good": good * found["requestsPerSecond"], **found})
        ratios = [each["good"] / each["peak"] for each in measured[1:]]
        return {"ratio": spread(ratios), "runs": measured[1:]}

    # Memory -----------------------------------------------------------------------------------

    def memory(self) -> dict:
        server = self.server()
        token = server.account("bench")
        with server:
            # Threads, sessions and statements exist before the empty figure is taken.
            self.create(server, token, 64, "--count", 64, "--prefix", "warm")
            empty = pss_kib(server.pid)
            self.create(server, token, 64, "--count", INSTANCES)
            created = pss_kib(server.pid)
            server.stop()
            server.start()
            self.create(server, token, 64, "--count", 64, "--prefix", "again")
            restarted = pss_kib(server.pid)
        mib = lambda kib: round(kib / 1024, 2)  # noqa: E731
        return {"instances": INSTANCES, "emptyMiB": mib(empty), "afterCreationMiB": mib(created),
                "afterRestartMiB": mib(restarted), "creationOverEmptyMiB": mib(created - empty),
                "restartOverEmptyMiB": mib(restarted - empty)}

    def call(self) -> dict:
        return program([self.tools / "bench_call", self.binary.parent / "pombo-block-host",
                        self.blocks / "greeter.so", 20_000 if self.pairs > 3 else 5_000])


def environment() -> dict:
    def output(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
        return done.stdout.strip()
    versions = dict(line.split(" ", 1) for line in output(
        "dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES).splitlines() if " " in line)
    return {"commit": output("git", "rev-parse", "--verify", "-q", "HEAD") or None,
            "modified": bool(output("git", "status", "--porcelain")),
            "kernel": platform.release(), "cpus": os.cpu_count(), "packages": versions}


def print_table(title: str, floor_rate: str, results: dict[int, dict], aim: str) -> None:
    print(f"\n{title}   (aim {aim})")
    print(f"{'clients':>8} {'ratio':>7} {'spread':>13} {'ours/s':>9} {'floor/s':>9} "
          f"{'commits/s':>10} {'floor':>7} {'p99 us':>8} {'floor':>8}")
    for clients, result in results.items():
        ratio, ours, floor = result["ratio"], result["ours"], result["floor"]
        commits = [f"{side['commitsPerSecond']['median']:.0f}" if "commitsPerSecond" in side
                   else "-" for side in (ours, floor)]
        print(f"{clients:>8} {ratio['median']:>7.2f} {ratio['least']:>6.2f}-{ratio['most']:<6.2f} "
              f"{ours['requestsPerSecond']['median']:>9.0f} {floor[floor_rate]['median']:>9.0f} "
              f"{commits[0]:>10} {commits[1]:>7} {ours['p99']['median']:>8.0f} "
              f"{floor['p99']['median'] if 'p99' in floor else float('nan'):>8.0f}")


def print_call(call: dict) -> None:
    print(f"\na call into a block, in microseconds\n{'':>24} {'inside':>9} {'process':>9} {'p99':>9} "
          f"{'more':>9}")
    for what, words in (("health", "there and back"), ("summary", "and back and there")):
        inside, process = call["inside"][what], call["process"][what]
        print(f"{words:>24} {inside['p50']:>9.2f} {process['p50']:>9.1f} {process['p99']:>9.1f} "
              f"{process['p50'] / inside['p50']:>8.0f}x")
    print(f"{'calls/s of 16 callers':>24} {call['inside']['healthPerSecond16']:>9.0f} "
          f"{call['process']['healthPerSecond16']:>9.0f}")
    idle = call["idle"]
    print(f"   an idle process: {idle['pssKiB'] / 1024:.1f} MiB Pss, "
          f"{idle['privateDirtyKiB'] / 1024:.1f} MiB of its own")


def print_overload(found: dict) -> None:
    last = found["runs"][-1]
    print(f"\ngoodput at five times the peak ÷ the peak   (aim 0.90, at least 0.70)\n"
          f"   {found['ratio']['median']:.2f} ({found['ratio']['least']:.2f}-"
          f"{found['ratio']['most']:.2f}); the last: {last['good']:.0f}/s of {last['peak']:.0f}/s, "
          f"answers {last['statuses']}, p99 us {last['p99ByStatus']}, never sent "
          f"{last['neverSent']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="3 pairs of 2 s instead of 7 of 5 s")
    parser.add_argument("--blocks", type=Path, help="folder of the hello and greeter blocks")
    parser.add_argument("--binary", type=Path, default=default_binary())
    parser.add_argument("--tools", type=Path, help="folder of bench_floor and bench_load")
    parser.add_argument("--clients", type=int, nargs="+", default=[64, 16, 1])
    parser.add_argument("--synchronous", choices=["full", "normal"], default="full")
    parser.add_argument("--store", choices=["sqlite", "postgresql", "both"], default="both",
                        help="where creations are measured; the rest is on SQLite")
    parser.add_argument("--only", choices=["create", "get", "overload", "memory", "call"],
                        nargs="+", default=["create", "get", "overload", "memory", "call"])
    parser.add_argument("--name", default="bench", help="of the JSON file")
    options = parser.parse_args()

    folder = REPOSITORY / "build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the build and not in /tmp: that may be memory, and then there is no fsync to measure.
    work = Path(tempfile.mkdtemp(prefix="work-", dir=folder))
    report: dict = {"environment": environment(), "short": options.short,
                    "synchronous": options.synchronous}
    try:
        bench = Bench(options, work)
        if "create" in options.only and options.store != "postgresql":
            row_bytes = bench.bytes_per_creation()
            report["bytesPerCreation"] = row_bytes
            report["create"] = {c: bench.creation(c, row_bytes) for c in options.clients}
            print_table(f"creation with all blocks ÷ raw SQLite insert of {row_bytes} bytes, "
                        f"synchronous={options.synchronous}", "rowsPerSecond", report["create"],
                        "0.60 at 64 clients, at least 0.35")
        if "create" in options.only and options.store != "sqlite":
            report["createOnPostgresql"] = found = bench.on_postgresql(32)
            for floor, result in found.items():
                print_table(f"creation on PostgreSQL ÷ pgbench inserting {floor}, "
                            f"synchronous={options.synchronous}", "rowsPerSecond", {32: result},
                            "0.70, at least 0.50")
        if "get" in options.only and bench.blocks:
            report["get"] = bench.reading()
            print_table("authenticated GET of one instance ÷ GET /hello", "requestsPerSecond",
                        report["get"], "0.80, at least 0.60")
        elif "get" in options.only:
            print("\nGET ÷ hello: left out, --blocks names no folder")
        if "overload" in options.only:
            report["overload"] = bench.overload()
            print_overload(report["overload"])
        if "memory" in options.only:
            report["memory"] = memory = bench.memory()
            print(f"\nmemory (Pss) of {INSTANCES} configured instances   (aim 20 MB over empty)\n"
                  f"   empty {memory['emptyMiB']} MiB\n"
                  f"   after creation {memory['afterCreationMiB']} MiB, "
                  f"{memory['creationOverEmptyMiB']} over empty\n"
                  f"   after a restart {memory['afterRestartMiB']} MiB, "
                  f"{memory['restartOverEmptyMiB']} over empty")
        if "call" in options.only and bench.blocks:
            report["call"] = call = bench.call()
            print_call(call)
    finally:
        shutil.rmtree(work)
    file = folder / f"{options.name}.json"
    file.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{file.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
