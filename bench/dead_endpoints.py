#!/usr/bin/python3
"""What endpoints that are dead do to those that live, measured with and without them at once.

    bench/dead_endpoints.py            # 10,000 dead ones beside 100, with 10 messages a second each
    bench/dead_endpoints.py --short    # a tenth of the dead, a fifth of the others

A quarter of the dead refuse connections, a quarter accept and say nothing, a quarter answer a byte
a second and a quarter answer 500. A second server, beside the one that has them, has as many living
ones and gets the same messages: it shows what the machine was like meanwhile. A message takes from
the moment at which it is injected to that at which the receiver has it. Its p50 and p99 with the
dead ones are divided by those without; the aim is 1.25, at most 2. That nothing is lost, and no
thread is spent on an endpoint, must hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from hoarders import percentile

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))
from client import Api  # noqa: E402
from pombo_server import Server, default_binary  # noqa: E402
from producers import Connection, chat_of, message  # noqa: E402
from witness import Witness, read_receipts  # noqa: E402

KINDS = ["refused", "hang", "drip", "broken"]
LABELS = 20                # of an instance of dead endpoints
LIVE_EVERY, DEAD_EVERY = 0.1, 10.0  # seconds between two messages
THREADS_ALLOWED = 8        # more than before, whatever the endpoints do


@dataclass
class Injection:
    """Messages each at its time, or as soon as the one before is answered."""
    port: int
    token: str
    sent: dict[tuple[str, str], int] = field(default_factory=dict)  # (chat, message id) -> at
    accepted: set[tuple[str, str]] = field(default_factory=set)

    async def into(self, chats: dict[str, str], every: float, seconds: float) -> None:
        """`chats` by the instance, each of which has one."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._one(name, chat, every, every * n / len(chats), end)
                               for n, (name, chat) in enumerate(chats.items())))

    async def _one(self, name: str, chat: str, every: float, offset: float, end: float) -> None:
        connection = None
        due = time.monotonic() + offset
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            due += every
            if not connection:
                connection = Connection(*await asyncio.open_connection("127.0.0.1", self.port))
            data = message(chat, len(self.sent))
            key = chat, data["id"]
            self.sent[key] = time.monotonic_ns()
            status, answer = await connection.post(f"/api/simulator/event/{name}", self.token,
                                                   {"event": "message.exchange", "data": data})
            if status != 202:
                raise SystemExit(f"not accepted: {status} {answer}")
            self.accepted.add(key)
            if every > 1:  # the server does not keep what is idle for long
                connection.close()
                connection = None
        if connection:
            connection.close()


class Watch:
    """The most memory (MiB) and threads that a server had; it is looked at all the time."""

    def __init__(self, server: Server):
        self.server, self.memory, self.threads = server, 0.0, 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        self._thread.join()

    def look(self) -> Watch:
        """Once."""
        self.memory = max(self.memory, self.server.rss() / 2**20)
        tasks = Path(f"/proc/{self.server.pid}/task")
        self.threads = max(self.threads, len(list(tasks.iterdir())))
        return self

    def _run(self) -> None:
        while not self._done.wait(0.5):
            self.look()


class Side:
    """A server with its endpoints: by instance, the chat of its messages."""

    def __init__(self, server: Server, live: dict[str, str], dead: dict[str, str]):
        self.server, self.live, self.dead = server, live, dead
        self.token = server.account("bench")
        self.api = Api(server, self.token)

    def configure(self, witness: Witness, refusing: int) -> None:
        def make(name: str) -> None:
            self.api.created(name, connector="simulator")
            kinds = KINDS * (LABELS // len(KINDS)) if name in self.dead else ["ok"]
            for number, kind in enumerate(kinds):
                url = f"http://127.0.0.1:{refusing}/" if kind == "refused" \
                    else witness.url(kind, name, str(number))
                reply = self.api.call("POST", f"/api/events/webhook/{name}",
                                      {"label": f"{kind}-{number}", "enabled": True, "url": url})
                if reply.status != 200:
                    raise SystemExit(f"not configured: {reply}")

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(make, [*self.live, *self.dead]))

    async def inject(self, injection: Injection, seconds: float) -> None:
        await asyncio.gather(injection.into(self.live, LIVE_EVERY, seconds),
                             injection.into(self.dead, DEAD_EVERY, seconds))

    def attempts(self) -> dict[str, int]:
        """By kind of endpoint; those that have ended."""
        counts: dict[str, int] = {}
        for label, attempts in self.server.store.query(
                "SELECT q.destination, sum(d.attempts) FROM delivery d JOIN delivery_queue q "
                "ON q.id = d.queue GROUP BY q.destination"):
            kind = label.rpartition("-")[0]
            counts[kind] = counts.get(kind, 0) + int(attempts)
        return counts

    def delete(self) -> None:
        with ThreadPoolExecutor(16) as pool:
            for reply in pool.map(lambda name: self.api.delete(name), self.dead):
                if reply.status != 200:
                    raise SystemExit(f"not deleted: {reply}")


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path, witness: Witness):
        self.witness = witness
        self.seconds = 40 if options.short else 120
        living, dying = (20, 1000) if options.short else (100, 10_000)
        dead = {f"dead-{n}": chat_of(10_000 + n) for n in range(dying // LABELS)}
        env = {"POMBO_EGRESS_ALLOW": "127.0.0.1", "POMBO_LOG_LEVEL": "error",
               "POMBO_HTTP_CONNECTIONS_PER_ADDRESS": "0",  # all of ours come from one
               "POMBO_BLOCKS_WEBHOOK_MAX_ENABLED": str(LABELS)}
        self.crowded, self.quiet = (
            Side(Server(options.binary, folder / name, env=env),
                 {f"{name}-{n}": chat_of(first + n) for n in range(living)}, some)
            for name, first, some in (("crowded", 0, dead), ("quiet", 1000, {})))

    def run(self) -> dict:
        sides = [self.crowded, self.quiet]
        with self.crowded.server, self.quiet.server, socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # it does not listen, so it refuses
            for side in sides:
                side.configure(self.witness, nobody.getsockname()[1])
            injections = [Injection(side.server.port, side.token) for side in sides]
            before = Watch(self.crowded.server).look()
            with Watch(self.crowded.server) as crowd:
                asyncio.run(self._inject(sides, injections))
            arrived = self._arrived(sides, injections)
            attempts = self.crowded.attempts()
            began = time.monotonic()
            self.crowded.delete()
            deleting = time.monotonic() - began
            after = Watch(self.crowded.server).look()
            for side in sides:
                if side.server.stop() != 0:
                    raise SystemExit("a server did not stop cleanly")
        with_them, without = ([(arrived[key] - at) / 1e6 for key, at in injection.sent.items()
                               if key[0] in side.live.values() and key in arrived]
                              for side, injection in zip(sides, injections))
        found = {part: {"with": percentile(with_them, at), "without": percentile(without, at),
                        "ratio": percentile(with_them, at) / percentile(without, at)}
                 for part, at in (("p50", 0.5), ("p99", 0.99))}
        live = attempts.pop("ok")
        return {"dead": len(self.crowded.dead) * LABELS, "live": len(self.crowded.live),
                "milliseconds": found,
                "messages": {"with": len(with_them), "without": len(without)},
                "lost": len(self._wanted(sides, injections) - arrived.keys()),
                "attempts": attempts | {"live": live},
                "deadShare": sum(attempts.values()) / (live + sum(attempts.values())),
                "memoryMiB": {"before": before.memory, "with": crowd.memory,
                              "after": after.memory},
                "threads": {"before": before.threads, "with": crowd.threads},
                "deletingSeconds": deleting}

    async def _inject(self, sides: list[Side], injections: list[Injection]) -> None:
        await asyncio.gather(*(side.inject(injection, self.seconds)
                               for side, injection in zip(sides, injections)))

    @staticmethod
    def _wanted(sides: list[Side], injections: list[Injection]) -> set[tuple[str, str]]:
        """What was accepted for the living."""
        living = {chat for side in sides for chat in side.live.values()}
        return {key for each in injections for key in each.accepted if key[0] in living}

    def _arrived(self, sides: list[Side],
                 injections: list[Injection]) -> dict[tuple[str, str], int]:
        """When each message arrived; the living are healthy, so all of theirs have a minute."""
        wanted = self._wanted(sides, injections)
        end = time.monotonic() + 60
        while True:
            self.witness.sync()
            arrived: dict[tuple[str, str], int] = {}
            for each in read_receipts(self.witness.ledger):
                arrived.setdefault((each.chat, each.message), each.at)
            if wanted <= arrived.keys() or time.monotonic() > end:
                return arrived
            time.sleep(0.5)


def show(found: dict) -> None:
    print(f"{found['dead']} dead endpoints beside {found['live']} that live: "
          f"{found['messages']['with']} messages with them, {found['messages']['without']} "
          f"without, {found['lost']} lost")
    for part, each in found["milliseconds"].items():
        print(f"   {part} {each['with']:.2f} ms with them ÷ {each['without']:.2f} ms without = "
              f"{each['ratio']:.2f}   (aim 1.25, at most 2)")
    memory, threads = found["memoryMiB"], found["threads"]
    print(f"   {found['deadShare']:.0%} of the attempts were theirs: {found['attempts']}\n"
          f"   memory {memory['before']:.1f} MiB before, {memory['with']:.1f} with them, "
          f"{memory['after']:.1f} after; threads {threads['before']} before, {threads['with']} "
          f"with them; deleted in {found['deletingSeconds']:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="about a minute")
    parser.add_argument("--binary", type=Path, default=default_binary())
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    folder = REPOSITORY / "build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="dead-", dir=folder))
    try:
        with Witness(work / "received.jsonl", durable=False) as witness:
            found = Bench(options, work, witness).run()
    finally:
        shutil.rmtree(work)
    show(found)
    file = folder / "dead_endpoints.json"
    file.write_text(json.dumps(found, indent=2) + "\n")
    print(f"\n{file.relative_to(REPOSITORY)}")
    if found["lost"]:
        raise SystemExit("something that was accepted was not delivered")
    if found["threads"]["with"] > found["threads"]["before"] + THREADS_ALLOWED:
        raise SystemExit("dead endpoints cost threads")


if __name__ == "__main__":
    main()
