#!/usr/bin/python3
"""Cuts the power of a database that ran under power_loss.cpp and was then killed.

Takes every journalled file back to its last fsync, plays a random subset of the later writes again,
in order, one of them torn at sectors of 512 bytes, and removes the -shm. What was synced stays.

    power_loss_apply.py /dir/pombo.db /dir/journal --seed 7
"""

from __future__ import annotations

import argparse
import json
import os
import random
import struct
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
HEADER = struct.Struct("<IIQQQQQ")
MAGIC = 0x4C575031
WRITE, RESIZE = 1, 2


@dataclass
class Record:
    kind: int
    offset: int
    before: bytes
    after: bytes
    size_before: int
    size_after: int


def read_journal(path: Path) -> list[Record]:
    data = path.read_bytes()
    records, at = [], 0
    while at + HEADER.size <= len(data):
        magic, kind, offset, old, new, size_before, size_after = HEADER.unpack_from(data, at)
        if magic != MAGIC:
            raise ValueError(f"{path} is not a journal")
        at += HEADER.size
        if at + old + new > len(data):
            break  # killed while it was recorded: the change was not made
        records.append(Record(kind, offset, data[at:at + old], data[at + old:at + old + new],
                              size_before, size_after))
        at += old + new
    return records


def undo(fd: int, record: Record) -> None:
    os.ftruncate(fd, record.size_before)
    os.pwrite(fd, record.before, record.offset)


def redo(fd: int, record: Record) -> None:
    if record.kind == RESIZE:
        os.ftruncate(fd, record.size_after)
    else:
        os.pwrite(fd, record.after, record.offset)


def redo_torn(fd: int, record: Record, rng: random.Random) -> int:
    """Plays some sectors of one write; returns how many bytes were left out."""
    end = record.offset + len(record.after)
    cuts = [record.offset, *range(record.offset // SECTOR * SECTOR + SECTOR, end, SECTOR), end]
    dropped = 0
    for start, stop in zip(cuts, cuts[1:]):
        if rng.random() < 0.5:
            os.pwrite(fd, record.after[start - record.offset:stop - record.offset], start)
        else:
            dropped += stop - start
    return dropped


def plan(records: list[Record], rng: random.Random) -> tuple[list[bool], int | None]:
    """Which records reached the disk, each by its own luck or all up to a moment; which is torn."""
    if rng.random() < 0.3:
        reached = rng.randint(0, len(records))
        kept = [i < reached for i in range(len(records))]
    else:
        luck = rng.choice([0.0, 0.25, 0.5, 0.75, 0.95])
        kept = [rng.random() < luck for _ in records]
    writes = [i for i, record in enumerate(records) if record.kind == WRITE]
    torn = rng.choice(writes) if writes and rng.random() < 0.75 else None
    return kept, torn


def cut(file: Path, records: list[Record], rng: random.Random) -> dict[str, object]:
    """Leaves `file` as the disk might have it; `records` is all that happened since its last sync."""
    kept, torn = plan(records, rng)
    torn_bytes = 0
    fd = os.open(file, os.O_RDWR)
    try:
        for record in reversed(records):
            undo(fd, record)
        # Forward, not only backward: a kept write must win over an earlier one it overlaps.
        for i, record in enumerate(records):
            if i == torn:
                torn_bytes = redo_torn(fd, record, rng)
            elif kept[i]:
                redo(fd, record)
    finally:
        os.close(fd)
    dropped = sum(not keep for i, keep in enumerate(kept) if i != torn)
    return {"file": file.name, "unsynced": len(records), "dropped": dropped,
            "tornBytes": torn_bytes}


def cut_power(database: str | Path, journals: str | Path, rng: random.Random) -> list[dict]:
    """Applies the loss to every file of the database; removes the journals; says what was dropped."""
    database = Path(database)
    lost = []
    for journal in sorted(Path(journals).iterdir()):
        records = read_journal(journal)
        file = database.parent / journal.name
        if records and file.exists():
            lost.append(cut(file, records, rng))
        journal.unlink()
    # Shared memory does not outlive the machine.
    Path(f"{database}-shm").unlink(missing_ok=True)
    return lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("database", help="the same as POMBO_POWER_LOSS_PREFIX")
    parser.add_argument("journals", help="the same as POMBO_POWER_LOSS_JOURNAL")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    lost = cut_power(options.database, options.journals, random.Random(options.seed))
    print(json.dumps({"seed": options.seed, "lost": lost}))


if __name__ == "__main__":
    main()
