"""A server whose machine loses its power: what it had not synced is dropped after the kill."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from pathlib import Path

from pombo_server import REPOSITORY, Server

sys.path.insert(0, str(REPOSITORY / "tests/support"))
from power_loss_apply import cut_power  # noqa: E402


class PowerCuts:
    def __init__(self, server: Server, journals: Path, rng: random.Random):
        """From its next start on, `server` runs under the library that remembers its writes."""
        self._server, self._journals, self._rng = server, journals, rng
        self.dropped: Counter[str] = Counter()  # writes, by file
        journals.mkdir()
        library = preloaded(server, "power_loss")
        server.env |= {"LD_PRELOAD": str(library),
                       "POMBO_POWER_LOSS_PREFIX": str(server.store.file),
                       "POMBO_POWER_LOSS_JOURNAL": str(journals)}

    def cut(self) -> None:
        """To be called when it was killed."""
        for lost in cut_power(self._server.store.file, self._journals, self._rng):
            self.dropped[lost["file"]] += lost["dropped"] + (lost["tornBytes"] > 0)


def preloaded(server: Server, name: str) -> Path:
    """The library of that name that was built beside the server."""
    library = Path(os.environ.get(f"POMBO_{name.upper()}_LIBRARY") or
                   server.binary.parent / f"tests/{name}.so")
    if not library.exists():
        raise FileNotFoundError(f"{library} is not built")
    return library
