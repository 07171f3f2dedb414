"""What the delivery loop would overlook, it could not show: each fault is planted and found."""

import pytest
from delivery_verdict import FAULTS, Expected, Verdict
from witness import Receipt

CHAT, PATH, OTHER = "5511@s.whatsapp.net", "/ok/shop/all", "/ok/shop/crm"
SECOND = 1_000_000_000
KILL = 100 * SECOND


def receipt(at=1.0, message="1", path=PATH, event=None, attempt=1, status=204):
    return Receipt(int(at * SECOND), path, event or f"event-{message}", attempt, status, 0, CHAT,
                   message)


def verdict(*receipts, accepted=("1", "2"), attempted=(), changed=(), in_flight=1):
    return Verdict(Expected({(CHAT, each): f"event-{each}" for each in accepted},
                            {(CHAT, each) for each in [*accepted, *attempted]}, changed,
                            {CHAT: {PATH}}, [KILL], in_flight), receipts)


BOTH = [receipt(1), receipt(2, "2")]


@pytest.mark.parametrize("fault, found", {
    "lost": verdict(receipt()),
    "lost although it was refused": verdict(receipt(), receipt(2, "2", status=500)),
    "foreign": verdict(*BOTH, receipt(3, "3")),
    "foreign to that webhook": verdict(*BOTH, receipt(3, path=OTHER)),
    "reidentified": verdict(*BOTH, receipt(3, "3"), receipt(4, "3", event="event-4"),
                            attempted=["3"]),
    "reidentified when it was injected again": verdict(*BOTH, changed=["1"]),
    "repeated": verdict(*BOTH, receipt(3)),
    "renumbered": verdict(*BOTH, receipt(101, attempt=2)),
    "flooded": verdict(*BOTH, *(receipt(101 + n) for n in range(10))),
    "disordered": verdict(*reversed(BOTH)),
    "early": verdict(receipt(1, status=500), receipt(2, "2"), receipt(4.9, attempt=2)),
}.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_it_finds(fault, found):
    assert found.faults[fault.split(" ")[0]], found.faults


def test_each_fault_has_its_test():
    marks = test_it_finds.pytestmark[0].args[1]
    assert {fault.split(" ")[0] for fault, _ in marks} == set(FAULTS)


@pytest.mark.parametrize("found", [
    verdict(*BOTH),
    verdict(*BOTH, receipt(3, "3"), attempted=["3"]),              # its 202 was lost
    verdict(*BOTH, attempted=["3"]),                               # and it was not accepted
    verdict(*BOTH, receipt(101)),                                  # repeated by a crash
    verdict(receipt(1, status=500), receipt(2, "2"), receipt(5.1, attempt=2)),
    verdict(receipt(1, status=500), receipt(2, "2"), receipt(101, status=500),
            receipt(106, attempt=2)),                              # its refusal was not recorded
    verdict(*reversed(BOTH), in_flight=2),
], ids=range(7))
def test_it_finds_nothing_else(found):
    assert found.good, found.faults


def test_duplicates_are_counted():
    found = verdict(*BOTH, receipt(101), receipt(102, "2")).summary()
    assert (found["duplicates"], found["duplicatesAfterOneKill"], found["delivered"]) == (2, 2, 2)
