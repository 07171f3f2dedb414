"""Lines that are on the disk before anybody is told; many that come together share one sync."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Callable


class SyncedLedger:
    """Of one event loop. Each line is one JSON value."""

    def __init__(self, path: Path, durable: bool = True):
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._durable = durable
        self._lines: list[bytes] = []
        self._then: list[Callable[[], None]] = []

    def add(self, value, then: Callable[[], None]) -> None:
        """`then` is called once the line is on the disk, before anything else is read."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(json.dumps(value, separators=(",", ":")).encode() + b"\n")
        self._then.append(then)

    async def added(self, value) -> None:
        """Returns when it is on the disk."""
        on_disk = asyncio.get_running_loop().create_future()
        self.add(value, lambda: on_disk.set_result(None))
        await on_disk

    def _flush(self) -> None:
        lines, then, self._lines, self._then = self._lines, self._then, [], []
        os.write(self._fd, b"".join(lines))
        if self._durable:
            os.fdatasync(self._fd)
        for each in then:
            each()

    def close(self) -> None:
        os.close(self._fd)
