"""Blocks that misbehave when they are called: it is contained, told under their name, and the server
and the other blocks go on."""

from __future__ import annotations

import pytest
import zoo
from client import Api, assert_refused
from pombo_server import Server
from test_health import metric


@pytest.fixture(scope="module", params=zoo.ISOLATIONS)
def isolation(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(tmp_path_factory, external_blocks, bad_blocks, isolation):
    folder = tmp_path_factory.mktemp("zoo")
    blocks = {"thrower": {}, "snooper": {}}
    config = zoo.config(folder, [external_blocks, bad_blocks], blocks, isolation)
    with Server(data_dir=folder, config=config) as started:
        yield started


# Throwing -------------------------------------------------------------------------------------

SAID = {"error": "Thrower has thrown", "bug": "internal error", "int": "internal error",
        "own": "internal error"}
throwing = pytest.mark.parametrize("what", SAID)


def thrower(where: str, what: str) -> dict:
    return zoo.GOOD | {"throwerWhere": where, "throwerWhat": what}


@throwing
def test_it_throws_when_it_is_configured(server, api, fresh, rows, what):
    before = metric(server, "pombo_thrower_configure_failed_total")
    reply = api.create(fresh(), **thrower("configure", what))
    instance = reply.json["instance"]
    assert (reply.status, instance["thrower"]) == (201, zoo.failed(SAID[what]))
    assert "warnings" not in reply.json
    zoo.assert_others_work(api, instance)
    [listed] = api.listed(f"?instanceName={instance['name']}")
    assert listed["thrower"] == zoo.failed(SAID[what])
    assert metric(server, "pombo_thrower_configure_failed_total") == before + 1
    # What it wrote before it fell is not kept.
    assert rows.query("SELECT document, error FROM block_row WHERE instance_id = ? "
                      "AND block = 'thrower'", instance["id"]) == [(None, SAID[what])]


THROWN = {"bug": ["a secret detail"], "int": ["not a std::exception"],
          "own": ["not a std::exception"]}


@throwing
def test_what_the_log_says_of_it(start_zoo, isolation, what):
    server = start_zoo({"thrower": {}}, isolation)
    reply = Api(server, server.account("shop")).create("x", **thrower("configure", what))
    assert b"a secret detail" not in reply.raw
    server.stop()
    request = reply.headers["X-Request-Id"]
    [line] = zoo.lines_of(server, "Block not configured", request=request)
    assert (line["level"], line["block"], line["reason"], line["instance"]) == \
        ("warn", "thrower", SAID[what], reply.json["instance"]["id"])
    bugs = zoo.lines_of(server, "Bug in configure", request=request, block="thrower")
    assert [bug["exception"] for bug in bugs] == THROWN.get(what, [])


@throwing
def test_it_throws_when_it_is_shown(api, fresh, what):
    instance = api.created(fresh(), **thrower("summary", what))
    assert instance["thrower"] == zoo.failed(SAID[what])
    zoo.assert_others_work(api, instance)
    [listed] = api.listed(f"?instanceName={instance['name']}")
    assert listed["thrower"] == zoo.failed(SAID[what])
    assert listed["greeter"] == instance["greeter"]


@throwing
def test_it_throws_when_an_instance_goes(server, api, fresh, rows, what):
    instance = api.created(fresh(), **thrower("forget", what))
    before = metric(server, "pombo_thrower_forget_failed_total")
    assert api.delete(instance["name"]).status == 200
    assert metric(server, "pombo_thrower_forget_failed_total") == before + 1
    assert instance["name"] not in api.names()
    assert rows.query("SELECT count(*) FROM block_row WHERE instance_id = ?",
                      instance["id"]) == [(0,)]


@throwing
def test_it_throws_when_it_serves(api, fresh, what):
    instance = api.created(fresh(), **thrower("route", what))
    reply = api.get(f"/api/thrower/{instance['name']}")
    if what == "error":
        assert_refused(reply, 409, "Thrower has thrown")
    else:
        assert_refused(reply, 500, "Internal server error")
    zoo.assert_others_work(api, instance)


def test_it_does_not_throw(api, fresh):
    instance = api.created(fresh(), **thrower("nowhere", "error"))
    assert instance["thrower"] == {"enabled": True}
    assert api.get(f"/api/thrower/{instance['name']}").json == {"success": True}


@throwing
def test_it_throws_when_it_is_asked_how_it_is(start_zoo, isolation, what):
    server = start_zoo({"thrower": {"health": what}}, isolation)
    health = Api(server).get("/health")
    assert health.status == 503
    assert health.json["checks"] == {"db": "ok", "thrower": f"fail: {SAID[what]}"}
    assert Api(server).get("/readyz").status == 200
    api = Api(server, server.account("shop"))
    zoo.assert_others_work(api, api.created("x", **zoo.GOOD))


# Flooding the log -----------------------------------------------------------------------------

LINES = 100_000


def test_it_floods_the_log(start_zoo, isolation):
    server = start_zoo({"flooder": {}}, isolation)
    api = Api(server, server.account("shop"))
    flooded = api.created("x", **zoo.GOOD, flooderLines=LINES)
    assert "error" not in flooded["flooder"]
    zoo.assert_others_work(api, flooded)
    server.stop()

    kept = zoo.lines_of(server, "x" * 10, block="flooder")
    told = zoo.lines_of(server, "Log lines were dropped")
    assert {(line["block"], line["level"]) for line in told} == {("flooder", "warn")}
    assert len(kept) + sum(line["lines"] for line in told) == LINES
    assert 1_000 <= len(kept) < LINES / 10
    [access] = [line for line in zoo.lines_of(server, "Request") if line["status"] == 201]
    assert access["path"] == "/api/instance/new"


def test_it_writes_lines_without_end(start_zoo, isolation):
    server = start_zoo({"flooder": {}}, isolation)
    api = Api(server, server.account("shop"))
    api.created("x", **zoo.GOOD, flooderLines=1, flooderLength=10_000_000)
    server.stop()
    assert len(server.logs()) < 100_000
    [line] = zoo.lines_of(server, "x" * 1024, block="flooder")
    assert line["cutFrom"] > 10_000_000


# Other blocks' tables -------------------------------------------------------------------------


@pytest.mark.parametrize("field, sql, reason", [
    ("snooperRead", "SELECT document FROM block_row", "Table 'block_row' is not one of 'snooper_...'"),
    ("snooperRead", "SELECT instance_id, (SELECT token_hash FROM account) FROM snooper_finds",
     "Table 'account' is not one of 'snooper_...'"),
    ("snooperRead", "SELECT 1 FROM snooper_finds, greeter_rows",
     "Table 'greeter_rows' is not one of 'snooper_...'"),
    ("snooperRead", "SELECT sql FROM sqlite_master",
     "Table 'sqlite_master' is not one of 'snooper_...'"),
    ("snooperRead", "PRAGMA table_info(account)", "A block may not run 'pragma'"),
    ("snooperWrite", "DELETE FROM block_row", "Table 'block_row' is not one of 'snooper_...'"),
    ("snooperWrite", "UPDATE account SET quota = 0", "Table 'account' is not one of 'snooper_...'"),
    ("snooperWrite", "INSERT INTO snooper_finds SELECT token_hash FROM account",
     "Table 'account' is not one of 'snooper_...'"),
    ("snooperWrite", "DROP TABLE account", "A block may not run 'drop'"),
    ("snooperWrite", "ATTACH DATABASE 'x' AS snooper_x", "A block may not run 'attach'"),
])
def test_it_asks_for_tables_of_others(api, fresh, rows, field, sql, reason):
    other = api.created(fresh(), **zoo.GOOD)
    before = rows.query("SELECT * FROM account"), rows.query(
        "SELECT * FROM block_row WHERE instance_id = ? ORDER BY block", other["id"])
    instance = api.created(fresh(), **zoo.GOOD, **{field: sql})
    assert instance["snooper"] == zoo.failed(reason)
    zoo.assert_others_work(api, instance)
    assert api.delete(instance["name"]).status == 200
    assert before == (rows.query("SELECT * FROM account"), rows.query(
        "SELECT * FROM block_row WHERE instance_id = ? ORDER BY block", other["id"]))
    assert rows.query("SELECT count(*) FROM snooper_finds") == [(0,)]


def test_it_asks_for_its_own_tables(api, fresh, rows):
    assert "error" not in api.created(
        fresh(), snooperRead="SELECT instance_id FROM snooper_finds",
        snooperWrite="DELETE FROM snooper_finds WHERE instance_id = 'nobody'")["snooper"]


@pytest.mark.parametrize("sql, reason", [
    ("ALTER TABLE account ADD COLUMN snooper TEXT", "Table 'account' is not one of 'snooper_...'"),
    ("DROP TABLE instance", "Table 'instance' is not one of 'snooper_...'"),
    ("CREATE TABLE greeter_rows (x TEXT)", "Table 'greeter_rows' is not one of 'snooper_...'"),
    ("CREATE TABLE snooper_copy AS SELECT * FROM account",
     "Table 'account' is not one of 'snooper_...'"),
    ("CREATE INDEX snooper_index ON account (name)",
     "Table 'account' is not one of 'snooper_...'"),
    ("CREATE TRIGGER snooper_trigger AFTER INSERT ON account BEGIN SELECT 1; END",
     "A block may create, alter and drop tables, and create and drop indexes"),
])
def test_it_migrates_tables_of_others(start_zoo, isolation, sql, reason):
    server = start_zoo({"snooper": {"migration": sql}}, isolation)
    [line] = zoo.lines_of(server, "Block did not start")
    assert (line["block"], line["reason"]) == ("snooper", reason)
    api = Api(server, server.account("shop"))
    instance = api.created("x", **zoo.GOOD, snooperEnabled=True)
    assert instance["snooper"] == zoo.not_loaded("snooper")
    zoo.assert_others_work(api, instance)
