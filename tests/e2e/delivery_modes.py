"""What happens to the server while messages go through it: a class for each mode of the loop."""

from __future__ import annotations

import base64
import hmac
import random
import re
import signal
import struct
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from delivery_world import DeliveryFailure, World
from pombo_server import REPOSITORY, Server
from postgres import Postgres
from power_cuts import PowerCuts, preloaded
from store import SqliteStore

NTH = 20
DAY = 86_400


class NotHere(Exception):
    """What the mode needs is not to be had on this machine."""


@dataclass
class Mode:
    """`times`: how often it happens."""
    server: Server
    folder: Path
    rng: random.Random
    times: int
    postgres: Postgres | None
    told: dict = field(default_factory=dict)  # for the result
    refusals: ClassVar[set[int]] = set()  # what clients may see meanwhile, and then try again
    settings: ClassVar[dict[str, str]] = {}  # of PostgreSQL

    @classmethod
    def room(cls, folder: Path, until_end: ExitStack) -> Path:
        """Where a database server keeps its files."""
        return folder

    def prepare(self, until_end: ExitStack) -> None:
        """Before the server is started for the first time."""

    def run(self, world: World) -> None:
        """Ends with the server up."""
        raise NotImplementedError

    def random_moment(self) -> None:
        time.sleep(self.rng.uniform(0.02, 0.5))


class Kill(Mode):
    def run(self, world: World) -> None:
        for _ in range(self.times):
            self.random_moment()
            world.kill()
            world.start()


class Stop(Mode):
    """Stopped in good order, and started again: nothing is delivered twice."""
    refusals = {503}

    def run(self, world: World) -> None:
        for _ in range(self.times):
            self.random_moment()
            world.stop()
            world.start()


class PowerLoss(Mode):
    def prepare(self, until_end: ExitStack) -> None:
        self.power = PowerCuts(self.server, self.folder / "journal", self.rng)

    def run(self, world: World) -> None:
        for _ in range(self.times):
            self.random_moment()
            world.kill()
            self.power.cut()
            world.start()
        self.told["droppedWrites"] = self.power.dropped
        if not sum(self.power.dropped.values()):
            raise DeliveryFailure("no write was ever dropped: nothing was shown")


class Points(Mode):
    """Every one that stands in the sources; a point that is never come to is a failure."""

    def run(self, world: World) -> None:
        points = sorted({name for source in (REPOSITORY / "core/src").rglob("*.cpp")
                         for name in re.findall(r'killPoint\("([^"]+)"\)', source.read_text())})
        if not points:
            raise DeliveryFailure("there is no such point: nothing was shown")
        world.kill()
        for point in points:
            for nth in (1, *(self.rng.randint(2, NTH) for _ in range(self.times))):
                self.server.env["POMBO_KILL_AT"] = f"{point}:{nth}"
                world.start(may_end=True)
                self._await_end(point)
                world.ended()
        del self.server.env["POMBO_KILL_AT"]
        world.start()
        self.told["points"] = points

    def _await_end(self, point: str) -> None:
        if not self.server.process:  # it did not even listen
            return
        try:
            status = self.server.process.wait(60)
        except subprocess.TimeoutExpired:
            raise DeliveryFailure(f"it never came to {point}") from None
        self.server.kill()
        if status != -signal.SIGKILL:
            raise DeliveryFailure(f"{point}: ended with {status}")


class DiskFull(Mode):
    """Reading goes on, injecting is answered 503, and all is well again once there is space."""
    refusals = {503}
    # What SQLite's journal grows to before it is written back is 16 MiB.
    mebibytes: ClassVar[int] = 64

    @classmethod
    def room(cls, folder: Path, until_end: ExitStack) -> Path:
        disk = folder / "disk"
        disk.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={cls.mebibytes}m", "tmpfs",
                               disk], capture_output=True, text=True)
        if made.returncode != 0:
            raise NotHere(f"a small disk cannot be mounted here: {made.stderr.strip()}")
        until_end.callback(subprocess.run, ["umount", "--lazy", disk], check=True)
        return disk

    def prepare(self, until_end: ExitStack) -> None:
        self.server.store = SqliteStore(self.folder / "disk")
        self.server.env |= self.server.store.settings

    def run(self, world: World) -> None:
        told = world.producers.told
        for _ in range(self.times):
            world.until_accepted(200)
            ballast = self._fill()
            refused = told.refused
            world.until(lambda: told.refused > refused + 100, "503 on a full disk")
            self.when_full(world)
            ballast.unlink()
            self.when_free(world)
            world.until_accepted(200)

    def when_full(self, world: World) -> None:
        if world.api.list().status != 200:
            raise DeliveryFailure("a full disk stops reading")
        self.told["healthWhenFull"] = world.health()

    def when_free(self, world: World) -> None:
        """Nothing is to be done."""

    def _fill(self) -> Path:
        path = self.folder / "disk/ballast"
        with path.open("wb", buffering=0) as ballast:
            try:
                while ballast.write(bytes(4096)):
                    pass
            except OSError:
                return path


class DatabaseDiskFull(DiskFull):
    """PostgreSQL's disk: without room for its log it ends, and is started again when there is."""
    refusals = {500, 503}
    mebibytes = 512
    settings = {"max_wal_size": "64MB", "checkpoint_timeout": "30s"}

    def prepare(self, until_end: ExitStack) -> None:
        self.told["databaseEnded"] = 0

    def when_full(self, world: World) -> None:
        self.told["healthWhenFull"] = world.health()

    def when_free(self, world: World) -> None:
        world.until(lambda: self._stands() and world.health() == 200, "the database")

    def _stands(self) -> bool:
        if self.postgres.ended():
            self.told["databaseEnded"] += 1
            self.postgres.start()
        return True


class Database(Mode):
    """PostgreSQL stops and comes back; the server never does."""
    refusals = {500, 503}

    def run(self, world: World) -> None:
        for number in range(self.times):
            world.until_accepted(100)
            self.postgres.stop(["fast", "immediate", "kill"][number % 3])
            time.sleep(7 if number % 4 == 3 else self.rng.uniform(0, 1.5))
            self.postgres.start()
            world.until(lambda: world.health() == 200, "the database")
            world.until_accepted(100)


class Clock(Mode):
    """The wall clock is set by a day, there and back, under the server and before its start."""

    def prepare(self, until_end: ExitStack) -> None:
        self.file = self.folder / "clock"
        self.file.write_bytes(bytes(8))
        self.server.env |= {"LD_PRELOAD": str(preloaded(self.server, "clock_step")),
                            "POMBO_CLOCK_STEP": str(self.file)}

    def run(self, world: World) -> None:
        for step in [DAY, 0, -DAY, 0] * self.times:
            world.until_accepted(300)
            self._set(step)
            world.until(lambda: self._signed_by(world, step), "a signature of that day")
            world.kill()
            world.start()

    def _set(self, step: int) -> None:
        with self.file.open("r+b") as file:
            file.write(struct.pack("<q", step))

    @staticmethod
    def _signed_by(world: World, step: int) -> bool:
        """Whether the last request has a good signature, of the time that the clock shows now."""
        [name, *_] = world.names
        last = world.witness.last("ok", name, "crm")
        if not last:
            return False
        headers, body = last["headers"], last["body"]
        moment = headers["webhook-timestamp"]
        key = base64.b64decode(world.secrets[name].removeprefix("whsec_"))
        signed = hmac.digest(key, f"{headers['webhook-id']}.{moment}.{body}".encode(), "sha256")
        if headers["webhook-signature"] != "v1," + base64.b64encode(signed).decode():
            raise DeliveryFailure(f"a wrong signature: {headers}")
        return abs(int(moment) - step - time.time()) < DAY / 24


MODES = {"kill": Kill, "points": Points, "stop": Stop, "power-loss": PowerLoss,
         "disk-full": DiskFull, "database": Database, "database-disk-full": DatabaseDiskFull,
         "clock": Clock}
