"""Blocks that take their process down: it is their own, it ends alone and comes back."""

from __future__ import annotations

import re

import pytest
import zoo
from client import Api
from test_health import metric

KILLER = {"budgetSeconds": 2, "process": {"memoryMb": 128, "callSeconds": 1}}
WELL = {"enabled": True}


def until_well(api: Api, fresh) -> dict:
    """An instance that the block has configured, once it is back."""
    while True:
        instance = api.created(fresh(), **zoo.GOOD, killerHow="well")
        if instance["killer"] == WELL:
            zoo.assert_others_work(api, instance)
            return instance
        # In the pause before it is started again.
        assert instance["killer"] == zoo.failed("The killer block is not running")


@pytest.mark.parametrize("how, end", [
    ("segv", "was killed by signal 11"),
    ("exit", "exited with status 0"),
    ("loop", "did not answer in time"),
    ("pipe", "exited with status 0"),
    ("garbage", "sent what is no frame: .*"),
    ("zeros", "sent what is no frame: .*"),
])
def test_its_process_ends_and_comes_back(start_zoo, fresh, how, end):
    server = start_zoo({"killer": KILLER}, "process")
    api = Api(server, server.account("shop"))
    before = until_well(api, fresh)
    victim = api.created(fresh(), **zoo.GOOD, killerHow=how)
    assert victim["killer"].keys() == zoo.failed("").keys()
    assert re.fullmatch(f"The killer block {end}", victim["killer"]["error"])
    zoo.assert_others_work(api, victim)

    until_well(api, fresh)
    # What it had kept is the gateway's to keep.
    [listed] = api.listed(f"?instanceName={before['name']}")
    assert listed["killer"] == WELL
    assert metric(server, "pombo_killer_crashes_total") == 1
    assert metric(server, "pombo_killer_restarts_total") == 1
    assert server.stop() == 0
    [line] = zoo.lines_of(server, "The process of the block ended", block="killer")
    assert f"The killer block {line['reason']}" == victim["killer"]["error"]


@pytest.mark.parametrize("how, shown", [
    ("memory", zoo.failed("internal error")),
    ("descriptors", WELL),
])
def test_it_takes_all_that_there_is_for_it(start_zoo, fresh, how, shown):
    server = start_zoo({"killer": KILLER}, "process")
    api = Api(server, server.account("shop"))
    greedy = api.created(fresh(), **zoo.GOOD, killerHow=how)
    assert greedy["killer"] == shown
    zoo.assert_others_work(api, greedy)
    until_well(api, fresh)


def test_it_ends_again_and_again_until_it_is_in_quarantine(start_zoo, fresh):
    server = start_zoo({"killer": KILLER}, "process")
    api = Api(server, server.account("shop"))
    for _ in range(5):
        until_well(api, fresh)
        api.created(fresh(), **zoo.GOOD, killerHow="segv")
    after = api.created(fresh(), **zoo.GOOD, killerHow="well")
    assert after["killer"] == zoo.failed(
        "The killer block is in quarantine: it was killed by signal 11")
    zoo.assert_others_work(api, after)
    assert metric(server, "pombo_killer_quarantined") == 1
    while (health := Api(server).get("/health")).status == 200:
        pass  # until it is looked at again
    reason = "in quarantine after 5 crashes: was killed by signal 11"
    assert health.json["checks"]["killer"] == f"fail: {reason}"
    listed = server.run("plugin", "list", "--server", server.url).stdout
    assert re.search(rf"^killer +1\.0\.0 +fails +process +\S+ +{reason}$", listed, re.MULTILINE)
    assert server.stop() == 0


def test_a_library_that_ends_whoever_opens_it(start_zoo, bad_blocks):
    server = start_zoo({"aborting": {}}, "process")
    [line] = zoo.lines_of(server, "Block not loaded", block="aborting")
    assert line["reason"] == \
        f"{bad_blocks}/aborting.so: The aborting block was killed by signal 6"
    api = Api(server, server.account("shop"))
    instance = api.created("x", **zoo.GOOD, abortingEnabled=True)
    assert instance["aborting"] == zoo.not_loaded("aborting")
    zoo.assert_others_work(api, instance)
