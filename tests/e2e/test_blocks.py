"""Blocks that are missing, switched off, of somebody else, or no good."""

import json
import re
import shutil
from pathlib import Path

import pytest
from client import Api, assert_refused
from pombo_server import Server, default_binary
from shapes import DEFAULTS, GROUPS, INSTANCE_KEYS, LISTED_KEYS, not_loaded

FIELDS = GROUPS["webhook"][0] | GROUPS["websocket"][0]
NOT_LOADED = "plugin 'webhook' is not loaded on this server"


def lines_of(server: Server, message: str) -> list[dict]:
    """What a stopped server has logged."""
    lines = [json.loads(line) for line in server.logs().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] == message]


# A library that is not there ------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path):
    """A copy of the gateway whose plugins may be tampered with."""
    release = tmp_path / "release"
    shutil.copytree(default_binary().parent / "plugins", release / "plugins",
                    ignore_dangling_symlinks=True)  # the bridge, where there is no Go
    for program in ("pombo", "pombo-block-host"):
        shutil.copy(default_binary().parent / program, release / program)
    server = Server(release / "pombo", tmp_path / "data")
    yield server
    server.kill()


def plugin(server: Server, name: str) -> Path:
    return server.binary.parent / f"plugins/{name}.so"


def test_a_library_that_was_removed(copy):
    copy.start()
    account = Api(copy, copy.account("shop"))
    before = account.created("before", **FIELDS)
    copy.stop()
    plugin(copy, "webhook").unlink()
    copy.start()

    instance = account.created("during", **FIELDS)
    assert set(instance) == INSTANCE_KEYS
    assert instance["webhook"] == not_loaded("webhook")
    assert instance["websocket"] == GROUPS["websocket"][1]
    assert account.created("plain")["webhook"] == DEFAULTS["webhook"]
    assert_refused(account.get("/api/events/webhook/x"), 503, NOT_LOADED)
    assert "refused" in re.search("^webhook .*$", copy.run("plugin", "list").stdout, re.M)[0]

    copy.stop()
    [line] = lines_of(copy, "Block not loaded")
    assert line["block"] == "webhook"
    assert line["reason"] == "webhook.so is not in plugins.path"
    for each in (line["reason"], json.dumps(instance)):
        assert str(copy.binary.parent) not in each

    shutil.copy(default_binary().parent / "plugins/webhook.so", plugin(copy, "webhook"))
    copy.start()
    listed = {each["name"]: each for each in account.listed()}
    assert listed["before"]["webhook"] == before["webhook"] == GROUPS["webhook"][1]
    # What went wrong is told until it is put right.
    assert listed["during"]["webhook"] == not_loaded("webhook")
    assert listed["plain"]["webhook"] == DEFAULTS["webhook"]


@pytest.mark.row("K19")
@pytest.mark.parametrize("method, route", [("POST", "set"), ("GET", "list"), ("DELETE", "delete")])
def test_the_words_for_a_library_that_was_removed_are_the_wires(copy, method, route):
    plugin(copy, "chatwoot").unlink()
    copy.start()
    account = Api(copy, copy.account("shop"))
    assert account.created("x", **GROUPS["chatwoot"][0])["chatwoot"] == not_loaded("chatwoot")
    assert account.created("plain")["chatwoot"] == DEFAULTS["chatwoot"]
    # Known before the instance is looked up, and to nobody who has no token.
    for name in ("x", "gone"):
        assert_refused(account.call(method, f"/api/chatwoot/{route}/{name}"), 503,
                       "integration gateway not configured")
    assert_refused(account.as_("wrong").call(method, f"/api/chatwoot/{route}/x"), 401,
                   "Invalid token")


@pytest.mark.parametrize("content", [b"", b"no library", b"\x7fELF" + b"\0" * 60, None],
                         ids=["empty", "text", "half a header", "cut off"])
def test_a_library_that_is_broken(copy, content):
    library = plugin(copy, "webhook")
    library.write_bytes(library.read_bytes()[:10_000] if content is None else content)
    copy.start()
    account = Api(copy, copy.account("shop"))
    instance = account.created("x", **FIELDS)
    assert instance["webhook"] == not_loaded("webhook")
    assert instance["websocket"] == GROUPS["websocket"][1]
    assert copy.run("plugin", "check", str(library)).returncode == 1


def test_a_library_under_anothers_name(copy):
    shutil.copy(plugin(copy, "websocket"), plugin(copy, "webhook"))
    copy.start()
    account = Api(copy, copy.account("shop"))
    assert account.created("x", **FIELDS)["webhook"] == not_loaded("webhook")
    copy.stop()
    [line] = lines_of(copy, "Block not loaded")
    assert 'name is "websocket"' in line["reason"]


def test_a_block_that_is_required_and_missing(copy):
    plugin(copy, "webhook").unlink()
    copy.env["POMBO_BLOCKS_WEBHOOK_REQUIRED"] = "true"
    done = copy.run("serve")
    assert done.returncode == 1
    assert "pombo: block 'webhook' is required: webhook.so is not in plugins.path\n" in done.stderr
    assert "listening" not in done.stdout


# A block that is switched off -----------------------------------------------------------------


def test_a_block_that_is_switched_off_keeps_its_data(tmp_path):
    with Server(data_dir=tmp_path) as server:
        account = Api(server, server.account("shop"))
        account.created("before", **FIELDS)
        listed = account.listed()
        account.created("doomed", **FIELDS)
        server.stop()

        server.env["POMBO_BLOCKS_WEBHOOK_ENABLED"] = "false"
        server.start()
        assert [each["webhook"] for each in account.listed()] == [DEFAULTS["webhook"]] * 2
        assert account.created("during", **FIELDS)["webhook"] == not_loaded("webhook")
        assert_refused(account.get("/api/events/webhook/before"), 503, NOT_LOADED)
        assert_refused(account.call("POST", "/api/events/webhook/before", {}), 503, NOT_LOADED)
        assert "disabled" in re.search("^webhook .*$", server.run("plugin", "list").stdout, re.M)[0]
        for name in ("doomed", "during"):
            assert account.delete(name).status == 200
        server.stop()

        server.env["POMBO_BLOCKS_WEBHOOK_ENABLED"] = "true"
        server.start()
        assert account.listed() == listed
        assert listed[0]["webhook"] == GROUPS["webhook"][1]


# Blocks of others -----------------------------------------------------------------------------


def foreign_config(folder: Path, blocks: Path, *names: str) -> Path:
    config = folder / "pombo.yaml"
    named = "".join(f"  {name}:\n" for name in ("webhook", "websocket", *names))
    paths = f'[plugins, "{blocks}", "{blocks.parent / "bad_blocks/blocks"}"]'
    config.write_text(f'plugins:\n  path: {paths}\nblocks:\n{named}')
    return config


@pytest.fixture(scope="module")
def server(tmp_path_factory, external_blocks):
    """With greeter, which comes from elsewhere, and stale, which is too old."""
    folder = tmp_path_factory.mktemp("foreign")
    config = foreign_config(folder, external_blocks, "greeter", "stale")
    with Server(data_dir=folder, config=config) as started:
        yield started


FOREIGN_KEYS = {"greeter", "stale"}
GREETER = {"greeterEnabled": True, "greeterName": "Ana", "greeterTone": "formal"}
NO_GREETER = {"enabled": False, "name": None, "tone": None}


def test_a_block_of_others_is_like_one_of_ours(api, fresh):
    name = fresh()
    reply = api.create(name, **FIELDS, **GREETER)
    assert reply.status == 201
    assert "warnings" not in reply.json
    instance = reply.json["instance"]
    assert set(instance) == INSTANCE_KEYS | FOREIGN_KEYS
    assert instance["greeter"] == {"enabled": True, "name": "Ana", "tone": "formal"}
    assert instance["webhook"] == GROUPS["webhook"][1]
    [listed] = api.listed(f"?instanceName={name}")
    assert set(listed) == LISTED_KEYS | FOREIGN_KEYS
    assert listed["greeter"] == instance["greeter"]


@pytest.mark.parametrize("fields, shown, warnings", [
    ({}, NO_GREETER, None),
    ({"greeterEnabled": True, "greeterName": "Ana"},
     {"enabled": True, "name": "Ana", "tone": "warm"}, None),
    ({"greeterName": "Ana"}, NO_GREETER,
     ["Fields of block 'greeter' were ignored because 'greeterEnabled' is not true"]),
    (GREETER | {"greeterFoo": 1}, {"enabled": True, "name": "Ana", "tone": "formal"},
     ["Unknown field 'greeterFoo' was ignored"]),
    ({"greeterEnabled": True}, "The 'greeterName' field is required", None),
    ({"greeterEnabled": "yes"}, "The 'greeterEnabled' field must be a boolean", None),
    (GREETER | {"greeterName": "a" * 41}, "The 'greeterName' field must be at most 40 characters",
     None),
    (GREETER | {"greeterName": "a\nb"},
     "The 'greeterName' field contains characters that are not allowed", None),
    (GREETER | {"greeterTone": "rude"},
     "The 'greeterTone' field must be one of: warm, formal", None),
])
def test_the_fields_of_others_are_checked_like_ours(api, fresh, fields, shown, warnings):
    reply = api.create(fresh(), **fields)
    assert reply.status == 201
    if isinstance(shown, str):
        shown = {"enabled": False, "status": "error", "error": shown}
    assert reply.json["instance"]["greeter"] == shown
    assert reply.json.get("warnings") == warnings


def test_the_route_of_a_block_of_others(api, fresh):
    name = fresh()
    api.created(name, **GREETER)
    greeted = {"success": True, "greeting": "Good day, Ana"}
    assert api.get(f"/api/greeter/{name}").json == greeted
    assert_refused(api.call("POST", f"/api/greeter/{name}"), 405, "Method not allowed")
    plain = fresh()
    api.created(plain)
    assert_refused(api.get(f"/api/greeter/{plain}"), 404, "Greeter is not enabled")


# This is the first route that an instance's own token opens with a name in the path.


def test_who_may_ask_for_which_instance(api, new_account, fresh):
    name, other = fresh(), fresh()
    token = api.created(name, **GREETER)["token"]
    api.created(other, **GREETER)
    own = api.as_(token)
    assert own.get(f"/api/greeter/{name}").status == 200
    assert own.get(f"/api/greeter/{name}?instanceName={other}").status == 200
    foreign = [own.get(f"/api/greeter/{segment}") for segment in (other, "gone", "%00", "%ff")]
    for reply in foreign:
        assert_refused(reply, 403, "Instance token does not match the requested instance")
        assert not reply.limit_headers
        assert reply.raw == foreign[0].raw
    assert_refused(new_account().get(f"/api/greeter/{name}"), 404, "Instance not found")
    assert_refused(api.get("/api/greeter/gone"), 404, "Instance not found")
    assert_refused(api.as_("wrong").get(f"/api/greeter/{name}"), 401, "Invalid token")
    for caller in (api, own):
        assert_refused(caller.get("/api/greeter/%20"), 400, "Instance name is required")


@pytest.mark.parametrize("name, segment", [("a b", "a%20b"), ("é", "%C3%A9"), ("é", "e%CC%81"),
                                           ("日本", "%e6%97%a5%e6%9c%ac")])
def test_names_in_the_path_of_others(new_account, name, segment):
    account = new_account()
    token = account.created(name, **GREETER)["token"]
    for caller in (account, account.as_(token)):
        assert caller.get(f"/api/greeter/{segment}").status == 200


# A block of another contract ------------------------------------------------------------------

STALE_ABI = "pombo-0 libstdc++-cxx11-1 boost-1_74"


def our_abi(server: Server) -> str:
    checked = server.run("plugin", "check", str(default_binary().parent / "plugins/webhook.so"))
    return re.search(r"^abi +(.*)$", checked.stdout, re.MULTILINE)[1]


def test_a_block_of_another_contract_is_refused(api, fresh, server, bad_blocks):
    both = f'abi is "{STALE_ABI}", this gateway needs "{our_abi(server)}"'
    library = bad_blocks / "stale.so"
    done = server.run("plugin", "check", str(library))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"pombo: {library}: {both}\n")
    row = re.search("^stale .*$", server.run("plugin", "list").stdout, re.M)[0]
    assert "refused" in row and both in row

    reply = api.create(fresh(), staleEnabled=True)
    assert reply.json["instance"]["stale"] == {
        "enabled": False, "status": "error",
        "error": "plugin 'stale' is not loaded on this server"}
    server.stop()
    reasons = {line["reason"] for line in lines_of(server, "Block not loaded")}
    server.start()
    assert reasons == {f"{library}: {both}"}


def test_a_block_of_another_contract_that_is_required(tmp_path, external_blocks):
    config = foreign_config(tmp_path, external_blocks, "stale")
    config.write_text(config.read_text() + "    required: true\n")
    done = Server(data_dir=tmp_path, config=config).run("serve")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("pombo: block 'stale' is required: ")
    assert STALE_ABI in done.stderr.splitlines()[-1]


def test_all_blocks_of_others(tmp_path, external_blocks):
    listed = Server(data_dir=tmp_path, config=foreign_config(
        tmp_path, external_blocks, "greeter", "hello")).run("plugin", "list")
    rows = [line.split()[:3] for line in listed.stdout.splitlines()[1:]]
    assert rows == [["webhook", "0.1.0", "loads"], ["websocket", "0.1.0", "loads"],
                    ["greeter", "1.0.0", "loads"], ["hello", "1.0.0", "loads"]]


def test_a_block_that_configures_nothing(tmp_path, external_blocks):
    config = foreign_config(tmp_path, external_blocks, "hello")
    with Server(data_dir=tmp_path, config=config) as server:
        assert Api(server).get("/hello").json == {"message": "hello"}
        instance = Api(server, server.account("shop")).created("x")
        assert set(instance) == INSTANCE_KEYS | {"hello"}
        assert instance["hello"] == {}
