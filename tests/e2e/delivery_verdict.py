"""Holds what was received against what was accepted: sets, and nothing about how it came about.

A life is one run of the server. `boundaries` are the moments, in order, at which all that one life
had sent was noted by the witness and the next had not sent anything.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Iterable

from witness import Receipt

# The waits before the second attempt and so on, as short as chance may make them.
SHORTEST_WAITS = [0.8 * seconds for seconds in (5, 30, 120, 600, 1800)]
RETRIES_IN_FLIGHT = 4
# A queue starts nothing while this many times its in flight is answered and not yet recorded.
UNRECORDED = 4
FAULTS = ["lost", "foreign", "reidentified", "repeated", "renumbered", "flooded", "disordered",
          "early"]

Key = tuple[str, str]  # chat and message id


@dataclass
class Expected:
    accepted: dict[Key, str]        # what was answered with 202, and the event's id then
    attempted: set[Key]             # all that was injected; an answer may have been lost
    changed: list[str]              # what was given another id when it was injected again
    wanted: dict[str, set[str]]     # by chat: the paths whose webhooks want its messages
    boundaries: list[int]
    in_flight: int                  # of one webhook; 1 is strict order


@dataclass
class Delivery:
    """What is known of one event at one path."""
    life: int = -1                  # of the last receipt that was answered with 2xx
    attempt: int = 0                # its number
    tried: dict[int, int] = field(default_factory=dict)  # attempt -> when it was last received


class Verdict:
    def __init__(self, expected: Expected, receipts: Iterable[Receipt]):
        self.expected = expected
        self.faults: dict[str, list[str]] = {kind: [] for kind in FAULTS}
        self.faults["reidentified"] += expected.changed
        self.receipts = 0
        self.duplicates: Counter[tuple[int, str]] = Counter()  # by life and path
        self._ids = dict(expected.accepted)
        self._deliveries: dict[tuple[str, str], Delivery] = defaultdict(Delivery)
        self._newest: dict[tuple[str, str], int] = {}  # by path and chat
        for receipt in receipts:
            self._read(receipt)
        self._lost()
        bound = (UNRECORDED + 1) * expected.in_flight + RETRIES_IN_FLIGHT
        for (life, path), count in self.duplicates.items():
            if count > bound:
                self._fault("flooded", f"{count} duplicates at {path} after kill {life}")

    @property
    def good(self) -> bool:
        return not any(self.faults.values())

    def summary(self) -> dict:
        by_life: Counter[int] = Counter()
        for (life, _), count in self.duplicates.items():
            by_life[life] += count
        delivered = sum(each.life >= 0 for each in self._deliveries.values())
        return {"attempted": len(self.expected.attempted), "accepted": len(self.expected.accepted),
                "delivered": delivered, "receipts": self.receipts} | \
               {kind: len(found) for kind, found in self.faults.items()} | \
               {"duplicates": sum(by_life.values()),
                "duplicatesAfterOneKill": max(by_life.values(), default=0)}

    def _fault(self, kind: str, text: str) -> None:
        self.faults[kind].append(text)

    def _read(self, receipt: Receipt) -> None:
        self.receipts += 1
        key = receipt.chat, receipt.message
        if key not in self.expected.attempted or \
                receipt.path not in self.expected.wanted[receipt.chat]:
            return self._fault("foreign", str(receipt))
        if self._ids.setdefault(key, receipt.id) != receipt.id:
            self._fault("reidentified", f"{receipt}, not {self._ids[key]}")
        life = bisect(self.expected.boundaries, receipt.at)
        delivery = self._deliveries[receipt.path, receipt.id]
        if delivery.life >= 0:
            self._read_again(receipt, delivery, life)
        self._read_attempt(receipt, delivery)
        if 200 <= receipt.status < 300:
            delivery.life, delivery.attempt = life, receipt.attempt

    def _read_again(self, receipt: Receipt, delivery: Delivery, life: int) -> None:
        """It had been answered with 2xx: only a crash may be the reason."""
        self.duplicates[life, receipt.path] += 1
        if delivery.life == life:
            self._fault("repeated", str(receipt))
        if delivery.attempt != receipt.attempt:
            self._fault("renumbered", f"{receipt}, not {delivery.attempt}")

    def _read_attempt(self, receipt: Receipt, delivery: Delivery) -> None:
        before = delivery.tried.get(receipt.attempt - 1)
        if before is not None and \
                receipt.at - before < SHORTEST_WAITS[receipt.attempt - 2] * 1e9:
            self._fault("early", f"{receipt}, {(receipt.at - before) / 1e9} s after")
        if self.expected.in_flight == 1 and receipt.attempt == 1 and not delivery.tried:
            lane, number = (receipt.path, receipt.chat), int(receipt.message, 16)
            if self._newest.get(lane, -1) > number:
                self._fault("disordered", f"{receipt} after {self._newest[lane]}")
            self._newest[lane] = max(number, self._newest.get(lane, -1))
        delivery.tried[receipt.attempt] = receipt.at

    def _lost(self) -> None:
        for (chat, message), event in self.expected.accepted.items():
            for path in self.expected.wanted[chat]:
                found = self._deliveries.get((path, event))
                if not found or found.life < 0:
                    self._fault("lost", f"{event} ({chat} {message}) at {path}")
