#!/usr/bin/python3
"""The model of a power cut is held against plain files, and against SQLite itself.

POMBO_POWER_LOSS_LIBRARY names the library; POMBO_POWER_LOSS_ROUNDS (20) the kills per SQLite mode.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path
from unittest import mock

import power_loss_apply

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = Path(os.environ.get("POMBO_POWER_LOSS_LIBRARY") or
               REPOSITORY / "build/release/tests/power_loss.so")
ROUNDS = int(os.environ.get("POMBO_POWER_LOSS_ROUNDS") or 20)
SEED = int(os.environ.get("POMBO_POWER_LOSS_SEED") or random.randrange(2**32))


class PowerLoss(unittest.TestCase):
    def setUp(self) -> None:
        self.assertTrue(LIBRARY.exists(), f"{LIBRARY} is not built")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.file = self.folder / "data"
        self.journals = self.folder / "journal"
        self.journals.mkdir()

    def start(self, program: str, *arguments: object) -> subprocess.Popen:
        env = os.environ | {"LD_PRELOAD": str(LIBRARY), "POMBO_POWER_LOSS_PREFIX": str(self.file),
                            "POMBO_POWER_LOSS_JOURNAL": str(self.journals)}
        return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), self.file,
                                 *map(str, arguments)], env=env, stdout=subprocess.PIPE)

    def run_and_die(self, program: str, *arguments: object) -> None:
        """Runs a program that ends itself by SIGKILL."""
        with self.start("import os, signal, sys\npath = sys.argv[1]\n" + textwrap.dedent(program) +
                        "\nos.kill(os.getpid(), signal.SIGKILL)\n", *arguments) as child:
            self.assertEqual(child.wait(), -signal.SIGKILL)

    def cut(self, seed: int) -> bytes:
        power_loss_apply.cut_power(self.file, self.journals, random.Random(seed))
        return self.file.read_bytes()

    def records(self) -> list[power_loss_apply.Record]:
        return power_loss_apply.read_journal(self.journals / "data")

    def test_synced_bytes_survive_and_unsynced_ones_may_not(self) -> None:
        program = """
            fd = os.open(path, os.O_RDWR | os.O_CREAT)
            os.pwrite(fd, b"s" * 8192, 0)
            os.fsync(fd)
            os.pwrite(fd, b"1" * 2048, 1024)
            os.pwrite(fd, b"2" * 2048, 2048)
        """
        seen = set()
        for seed in range(60):
            self.file.unlink(missing_ok=True)
            self.run_and_die(program)
            left = self.cut(seed)
            self.assertEqual(len(left), 8192)
            self.assertEqual(left[:1024] + left[4096:], b"s" * 5120, f"seed {seed}")
            for at in range(0, 8192, 512):
                self.assertEqual(len(set(left[at:at + 512])), 1, "a sector is whole or not there")
            # The later write is never hidden by the earlier one.
            self.assertNotIn(ord("2"), left[1024:2048])
            seen.add(bytes(left[1024:4096:512]))
        self.assertIn(b"ssssss", seen)
        self.assertGreater(len(seen), 10)

    def test_what_was_synced_is_never_lost(self) -> None:
        for sync in ("fsync", "fdatasync"):
            self.file.unlink(missing_ok=True)
            self.run_and_die(f"""
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.write(fd, b"abc"); os.writev(fd, [b"de", b"f"])
                os.ftruncate(fd, 1000)
                other = os.open(path, os.O_RDWR)
                os.{sync}(other)
            """)
            self.assertEqual(self.cut(1), b"abcdef" + bytes(994))

    def test_a_removed_file_leaves_nothing_to_undo(self) -> None:
        self.run_and_die("""
            fd = os.open(path, os.O_RDWR | os.O_CREAT)
            os.write(fd, b"old")
            os.unlink(path)
            os.write(fd, b"unseen")
            new = os.open(path, os.O_RDWR | os.O_CREAT)
            os.write(new, b"new"); os.fsync(new)
            os.write(fd, b"unseen")
        """)
        self.assertEqual(self.cut(1), b"new")

    def test_a_journal_survives_into_the_next_process(self) -> None:
        self.run_and_die("fd = os.open(path, os.O_RDWR | os.O_CREAT); os.write(fd, b'one')")
        with (self.journals / "data").open("ab") as journal:
            journal.write(b"1PWL")  # a record that a kill cut short
        self.run_and_die("fd = os.open(path, os.O_RDWR); os.pwrite(fd, b'two', 3)")
        self.assertEqual([record.after for record in self.records()], [b"one", b"two"])

    def test_other_files_and_shared_memory_are_left_alone(self) -> None:
        self.run_and_die("""
            for name in (path + "-shm", os.path.dirname(path) + "/other"):
                os.write(os.open(name, os.O_RDWR | os.O_CREAT), b"kept")
        """)
        self.assertEqual(list(self.journals.iterdir()), [])
        power_loss_apply.cut_power(self.file, self.journals, random.Random(1))
        self.assertEqual((self.folder / "other").read_bytes(), b"kept")
        self.assertFalse((self.folder / "data-shm").exists())

    def test_every_record_can_be_undone_and_played_again(self) -> None:
        """Random programs: all dropped is the last sync, all kept is what the process had."""
        program = """
            import random
            rng = random.Random(int(sys.argv[2]))
            fd = os.open(path, os.O_RDWR | os.O_CREAT)
            def snapshot(name):
                with open(os.path.dirname(path) + "/" + name, "wb") as out:
                    out.write(os.pread(fd, 1 << 20, 0))
            snapshot("synced")
            for _ in range(rng.randint(1, 60)):
                data = rng.randbytes(rng.randint(1, 5000))
                does = rng.randrange(8)
                if does < 4: os.pwrite(fd, data, rng.randrange(20000))
                elif does == 4: os.lseek(fd, rng.randrange(20000), 0); os.write(fd, data)
                elif does == 5: os.ftruncate(fd, rng.randrange(20000))
                elif does == 6: os.posix_fallocate(fd, rng.randrange(20000), len(data))
                elif rng.random() < 0.5: os.fsync(fd); snapshot("synced")
            snapshot("last")
        """
        for seed in range(40):
            for keep, expected in ((False, "synced"), (True, "last")):
                self.file.unlink(missing_ok=True)
                self.run_and_die(program, SEED + seed)
                with mock.patch.object(power_loss_apply, "plan",
                                       lambda records, _: ([keep] * len(records), None)):
                    self.cut(seed)
                self.assertEqual(self.file.read_bytes(), (self.folder / expected).read_bytes(),
                                 f"seed {SEED + seed}")

    def sqlite_losses(self, synchronous: str, rounds: int) -> int:
        """Kills a writer at random moments; returns how many acknowledged rows were gone."""
        program = """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=" + sys.argv[2])
            db.execute("PRAGMA wal_autocheckpoint=50")
            db.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, body TEXT UNIQUE)")
            first = int(sys.argv[3])
            for n in range(first, first + 100000):
                db.execute("INSERT INTO t VALUES (?, ?)", (n, str(n) * 200))
                print(n, flush=True)
        """
        rng = random.Random(SEED)
        acknowledged: set[int] = set()
        lost, next_id = 0, 0
        for _ in range(rounds):
            with self.start(program, synchronous, next_id) as child:
                enough = rng.randint(1, 150)
                for line in child.stdout:
                    acknowledged.add(int(line))
                    enough -= 1
                    if enough == 0:
                        child.kill()  # and read on: what it had printed counts
            next_id += 100000
            power_loss_apply.cut_power(self.file, self.journals, rng)
            with sqlite3.connect(self.file) as db:
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                there = {row[0] for row in db.execute("SELECT id FROM t")}
            db.close()
            lost += len(acknowledged - there)
            acknowledged &= there
        return lost

    def test_sqlite_full_loses_nothing(self) -> None:
        self.assertEqual(self.sqlite_losses("FULL", ROUNDS), 0, f"seed {SEED}")

    def test_sqlite_normal_loses_what_it_acknowledged(self) -> None:
        self.assertGreater(self.sqlite_losses("NORMAL", ROUNDS), 0, f"seed {SEED}")


if __name__ == "__main__":
    unittest.main()
