"""Blocks inside the gateway that do not come back: whoever asked goes on without them.

In a process of its own such a block is ended instead; see test_bad_processes.
"""

from __future__ import annotations

import zoo
from client import Api, assert_refused
from test_health import metric

STALLER = {"staller": {"budgetSeconds": 1}}
LATE = "The staller block did not answer in time"
IN_QUARANTINE = "The staller block is in quarantine: 4 of its calls have not ended"


def test_it_stalls_until_it_is_in_quarantine(start_zoo):
    server = start_zoo(STALLER, "inside", POMBO_HTTP_BUDGET_SECONDS="2")
    api = Api(server, server.account("shop"))

    def missing() -> float:
        return metric(server, "pombo_staller_calls_missing")

    configured = api.created("configure", **zoo.GOOD, stallerWhere="configure")
    assert configured["staller"] == zoo.failed(LATE)
    zoo.assert_others_work(api, configured)
    assert missing() == 1

    shown = api.created("summary", **zoo.GOOD, stallerWhere="summary")
    assert shown["staller"] == zoo.failed(LATE)
    zoo.assert_others_work(api, shown)
    assert missing() == 2

    served = api.created("route", **zoo.GOOD, stallerWhere="route")
    assert served["staller"] == {"enabled": True}
    assert_refused(api.get("/api/staller/route"), 500, "Internal server error")
    zoo.assert_others_work(api, served)
    assert missing() == 3

    api.created("forget", stallerWhere="forget")
    assert api.delete("forget").status == 200
    assert missing() == 4

    after = api.created("after", **zoo.GOOD, stallerWhere="configure")
    assert after["staller"] == zoo.failed(IN_QUARANTINE)
    zoo.assert_others_work(api, after)
    assert_refused(api.get("/api/staller/after"), 503, IN_QUARANTINE)
    assert [each["name"] for each in api.listed()] == ["after", "configure", "route", "summary"]
    assert metric(server, "pombo_staller_calls_written_off_total") == missing() == 4

    while (health := Api(server).get("/health")).status == 200:
        pass  # until it is looked at again
    assert health.json["checks"] == {"db": "ok", "staller": f"fail: {IN_QUARANTINE}"}
    assert server.stop() == 0


def test_it_stalls_when_it_is_asked_how_it_is(start_zoo):
    server = start_zoo({"staller": {"health": True}}, "inside")
    health = Api(server).get("/health")
    assert (health.status, health.json["checks"]) == (503, {"db": "ok", "staller": f"fail: {LATE}"})
    api = Api(server, server.account("shop"))
    zoo.assert_others_work(api, api.created("x", **zoo.GOOD))
