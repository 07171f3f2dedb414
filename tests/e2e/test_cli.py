"""The command line, before the first start and beside a running server."""

import base64
import os
import re
import stat
import threading

import pytest
from client import Api, assert_refused
from pombo_server import REPOSITORY, Server
from shapes import GROUPS

TOKEN = re.compile(r"pmb_[A-Za-z0-9_-]{43}\n")


@pytest.fixture
def new_server(tmp_path):
    """A server that has not been started yet; ended with the test."""
    made: list[Server] = []

    def make(**env: str) -> Server:
        made.append(Server(data_dir=tmp_path, env=env))
        return made[-1]

    yield make
    for each in made:
        each.kill()


def said(done) -> str:
    """What a command says on standard error, less the line that the audit log has of it."""
    return "".join(line for line in done.stderr.splitlines(keepends=True)
                   if '"scope":"audit"' not in line)


def account_row(server: Server, name: str) -> list[str]:
    """NAME, ENABLED, INSTANCES, QUOTA, CREATE/MIN, GENERAL/MIN of one account."""
    listed = server.run("account", "list")
    assert listed.returncode == 0
    [row] = [line.split() for line in listed.stdout.splitlines() if line.split()[0] == name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[6])
    return row[:6]


# Words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["help"], ["--help"], ["account", "--help"],
                                   ["serve", "--help"]], ids=" ".join)
def test_help(server, words):
    done = server.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("usage:", "serve", "account create NAME", "--quota", "--create-limit",
                 "--general-limit", "account list", "account set", "account rotate", "--grace",
                 "account delete", "--origins", "plugin list", "plugin check", "key rotate",
                 "--config"):
        assert word in done.stdout


def test_the_version(server):
    done = server.run("version")
    assert done.returncode == 0
    assert re.fullmatch(r"pombo \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("words, sentence", [
    (["fly"], "'fly' is not a command"),
    (["serve", "fast"], "'fast' is one word too many"),
    (["serve", "--fast", "1"], "--fast is not an option here"),
    (["serve", "--fast"], "--fast needs a value"),
    (["account"], "what to do with accounts is missing"),
    (["account", "fly"], "account knows create, list, set, rotate and delete, not 'fly'"),
    (["account", "create"], "the name of the account is missing"),
    (["account", "create", "x", "--quota", "many"], "--quota takes a whole number, not 'many'"),
    (["account", "create", "x", "--quota", "-1"], "--quota takes a whole number, not '-1'"),
    (["account", "create", "x", "--quota", "1.5"], "--quota takes a whole number, not '1.5'"),
    (["account", "create", "x", "--create-limit", "unlimited"],
     "--create-limit takes a whole number, not 'unlimited'"),
    (["account", "create", "x", "--qouta", "1"], "--qouta is not an option here"),
    (["account", "create", "x", "y"], "'y' is one word too many"),
    (["account", "list", "x"], "'x' is one word too many"),
    (["account", "delete"], "the name of the account is missing"),
    (["plugin"], "what to do with plugins is missing"),
    (["plugin", "fly"], "plugin knows list and check, not 'fly'"),
    (["plugin", "check"], "the library is missing"),
    (["key"], "what to do with the key is missing"),
    (["key", "fly"], "key knows rotate, not 'fly'"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_wrong_usage(server, words, sentence):
    done = server.run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"pombo: {sentence}\nTry 'pombo help'.\n"


def test_no_command_at_all(server):
    done = server.run()
    assert done.returncode == 2
    assert "usage:" in done.stdout


# Accounts -------------------------------------------------------------------------------------


def test_before_the_first_start(new_server):
    server = new_server()
    done = server.run("account", "create", "shop")
    assert (done.returncode, said(done)) == (0, "")
    assert TOKEN.fullmatch(done.stdout)
    key = server.data_dir / "pombo.db.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(base64.b64decode(key.read_text(), validate=False)) == 32
    assert account_row(server, "shop") == ["shop", "yes", "0", "10", "20", "100"]

    server.start()
    assert Api(server, done.stdout.strip()).create("x").status == 201
    assert account_row(server, "shop")[2] == "1"


def test_beside_a_running_server(server, fresh):
    name = fresh("shop")
    done = server.run("account", "create", name, "--quota", "1", "--create-limit", "2",
                      "--general-limit=3")
    assert (done.returncode, said(done)) == (0, "")
    assert TOKEN.fullmatch(done.stdout)
    account = Api(server, done.stdout.strip())
    assert account.create("x").headers["X-RateLimit-Limit"] == "2"
    assert_refused(account.create("y"), 403, "Account instance quota exceeded")
    assert account.list().headers["X-RateLimit-Limit"] == "3"
    assert account_row(server, name) == [name, "yes", "1", "1", "2", "3"]


def test_an_account_is_changed_at_once(server, fresh):
    name, new_name = fresh("shop"), fresh("renamed")
    account = Api(server, server.account(name, quota=0))
    assert account.create("x").status == 403
    done = server.run("account", "set", name, "--quota", "unlimited", "--name", new_name,
                      "--create-limit", "7", "--general-limit", "8")
    assert (done.returncode, done.stdout, said(done)) == (0, "", "")
    created = account.create("x")
    assert (created.status, created.headers["X-RateLimit-Limit"]) == (201, "7")
    assert account_row(server, new_name) == [new_name, "yes", "1", "unlimited", "7", "8"]

    # What is not said stays as it is.
    server.run("account", "set", new_name, "--enabled", "false")
    assert account_row(server, new_name) == [new_name, "no", "1", "unlimited", "7", "8"]
    assert_refused(account.list(), 401, "Invalid token")


def test_a_quota_below_use_blocks_creation_only(server, fresh):
    name = fresh("shop")
    account = Api(server, server.account(name))
    account.created("x")
    account.created("y")
    assert server.run("account", "set", name, "--quota", "1").returncode == 0
    assert_refused(account.create("z"), 403, "Account instance quota exceeded")
    assert account.names() == ["x", "y"]
    account.delete("x")
    assert account.create("z").status == 403
    account.delete("y")
    assert account.create("z").status == 201


def test_a_new_token_for_an_account(server, fresh):
    name = fresh("shop")
    old = server.account(name)
    done = server.run("account", "rotate", name)
    assert done.returncode == 0
    assert TOKEN.fullmatch(done.stdout)
    assert done.stdout.strip() != old
    assert Api(server, done.stdout.strip()).list().status == 200


def test_deleting_an_account(server, fresh):
    name = fresh("shop")
    account = Api(server, server.account(name))
    account.created("x")
    done = server.run("account", "delete", name)
    assert (done.returncode, said(done)) == (1, "pombo: Account still has instances\n")
    assert account.names() == ["x"]
    account.delete("x")
    assert server.run("account", "delete", name).returncode == 0
    assert_refused(account.list(), 401, "Invalid token")
    assert name not in server.run("account", "list").stdout


@pytest.mark.parametrize("words, sentence", [
    (["create", "{name}"], "Account already exists"),
    (["create", "other", "--quota", "1000000001"],
     "The 'quota' field must be between 0 and 1000000000"),
    (["create", ""], "The 'name' field is required"),
    (["create", "a" * 101], "The 'name' field must be at most 100 characters"),
    (["create", "a\x1b[2J"], "The 'name' field contains characters that are not allowed"),
    (["create", "  "], "The 'name' field is required"),
    (["create", "x", "--origins", "https://a.example/"],
     "The 'origins' field must hold origins: scheme://host[:port], or *"),
    (["set", "gone", "--quota", "1"], "Account not found"),
    (["rotate", "gone"], "Account not found"),
    (["rotate", "{name}", "--grace", "86401"],
     "The 'graceSeconds' field must be between 0 and 86400"),
    (["delete", "gone"], "Account not found"),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None)
def test_accounts_that_cannot_be(server, fresh, words, sentence):
    name = fresh("shop")
    server.account(name)
    done = server.run("account", *[name if word == "{name}" else word for word in words])
    assert (done.returncode, done.stdout, said(done)) == (1, "", f"pombo: {sentence}\n")


# Blocks ---------------------------------------------------------------------------------------


def test_the_blocks_of_the_configuration(server):
    done = server.run("plugin", "list")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0][:3] == ["BLOCK", "VERSION", "STATE"]
    library = server.binary.parent / "plugins"
    expected = [[name, "0.1.0", "loads", str(library / f"{name}.so")]
                for name in ("proxy", "s3", "webhook", "websocket", "messages", "simulator",
                             "chatwoot")]
    expected.insert(5, ["whatsapp", "-", "disabled", "-"])
    assert [row[:3] + row[-1:] for row in rows[1:]] == expected


def test_a_library_says_what_it_is(server):
    done = server.run("plugin", "check", str(server.binary.parent / "plugins/webhook.so"))
    assert done.returncode == 0
    for word in ("webhook", "0.1.0", "webhookURL", "webhookAuthorization", "maxInFlight"):
        assert word in done.stdout
    assert done.stdout.endswith("\nok\n")


@pytest.mark.parametrize("file, reason", [
    ("/nowhere.so", "cannot be read"),
    (__file__, "not a library, so not a block"),
    ("/bin/sh", "no .pombo section, so not a block"),
])
def test_what_is_no_block(server, file, reason):
    done = server.run("plugin", "check", file)
    assert done.returncode == 1
    assert done.stderr == f"pombo: {file}: {reason}\n"


# Keys -----------------------------------------------------------------------------------------


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def sealing_keys(server: Server) -> set[str]:
    """Ids of the keys that values in the database are sealed with."""
    sealed = server.store.query("SELECT token_sealed FROM instance UNION ALL "
                                "SELECT secrets FROM block_row WHERE secrets IS NOT NULL UNION ALL "
                                "SELECT token_key FROM server")
    return {value.split(":")[0] for value, in sealed}


def assert_opens(server: Server, account: Api, names: set[str]) -> None:
    reply = account.list()
    assert "warnings" not in reply.json
    listed = {each["name"]: each for each in reply.json["instances"]}
    assert set(listed) == names
    for name in sorted(names)[:20]:
        assert Api(server, listed[name]["token"]).names() == [name]


def test_a_new_key_beside_a_busy_server(new_server):
    server = new_server().start()
    account = Api(server, server.account("shop"))
    names = {f"before-{n}" for n in range(50)}
    for name in names:
        account.created(name, **GROUPS["webhook"][0])
    key_file = server.data_dir / "pombo.db.key"
    old = key_file.read_text().strip()
    [old_id] = sealing_keys(server)

    done = threading.Event()
    made: list[list[str]] = [[], [], []]

    def create(worker: int) -> None:
        while not done.is_set() or not made[worker]:
            name = f"during-{worker}-{len(made[worker])}"
            account.created(name, **GROUPS["webhook"][0])
            made[worker].append(name)

    workers = [threading.Thread(target=create, args=[n]) for n in range(3)]
    for worker in workers:
        worker.start()
    rotated = [server.run("key", "rotate") for _ in range(2)]
    done.set()
    for worker in workers:
        worker.join()
    for each in rotated:
        assert (each.returncode, said(each)) == (0, "")
        assert re.fullmatch(r"sealed with key \w+: \d+ values\n", each.stdout)
    assert all(made)
    names |= set(sum(made, [])) | {"after"}
    account.created("after", **GROUPS["webhook"][0])

    key = key_file.read_text().strip()
    assert old not in key and len(base64.b64decode(key)) == 32
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    [new_id] = sealing_keys(server)
    assert new_id != old_id
    assert_opens(server, account, names)
    assert server.stop() == 0
    server.start()
    assert_opens(server, account, names)


def test_a_wrong_key(new_server):
    server = new_server()
    server.account("shop")
    key_file = server.data_dir / "pombo.db.key"
    right = key_file.read_text()
    key_file.write_text(new_key() + "\n")
    done = server.run("serve")
    assert done.returncode == 1
    assert "key" in done.stderr and "listening" not in done.stdout
    assert server.run("account", "create", "other").returncode == 1

    key_file.write_text(right)
    server.start()
    assert "other" not in server.run("account", "list").stdout


def test_a_key_file_that_is_missing(new_server):
    server = new_server()
    server.account("shop")
    key_file = server.data_dir / "pombo.db.key"
    key_file.unlink()
    done = server.run("serve")
    assert done.returncode == 1
    assert f"the key file {key_file} is missing" in done.stderr
    assert not key_file.exists()


@pytest.mark.parametrize("content", ["", "\n", "no base64!\n", "c2hvcnQ=\n"])
def test_a_key_file_that_holds_no_key(new_server, content):
    server = new_server()
    server.account("shop")
    key_file = server.data_dir / "pombo.db.key"
    key_file.write_text(content)
    done = server.run("serve")
    assert done.returncode == 1
    assert f"the key file {key_file} holds " in done.stderr


def test_a_key_file_that_others_can_read(new_server):
    server = new_server()
    server.account("shop")
    key_file = server.data_dir / "pombo.db.key"
    key_file.chmod(0o640)
    done = server.run("serve")
    assert done.returncode == 1
    assert f"the key file {key_file} can be read by others: chmod 600 it" in done.stderr


def test_a_key_file_elsewhere(new_server, tmp_path):
    key_file = tmp_path / "elsewhere.key"
    server = new_server(POMBO_SECURITY_KEY_FILE=str(key_file))
    server.account("shop")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert not (tmp_path / "pombo.db.key").exists()
    server.start()


def test_a_key_in_the_environment(new_server):
    old, new = new_key(), new_key()
    server = new_server(POMBO_MASTER_KEY=old)
    account = Api(server, server.account("shop"))
    assert not (server.data_dir / "pombo.db.key").exists()
    server.start()
    account.created("x", **GROUPS["webhook"][0])

    done = server.run("key", "rotate")
    assert done.returncode == 1
    assert "POMBO_MASTER_KEY=NEW,OLD" in done.stderr

    server.stop()
    server.env["POMBO_MASTER_KEY"] = f"{new},{old}"
    server.start()
    account.created("y", **GROUPS["webhook"][0])
    done = server.run("key", "rotate")
    assert done.returncode == 0
    assert "now take the old key out of POMBO_MASTER_KEY" in done.stdout
    account.created("z", **GROUPS["webhook"][0])
    assert len(sealing_keys(server)) == 1
    server.stop()

    server.env["POMBO_MASTER_KEY"] = old
    assert server.run("serve").returncode == 1
    server.env["POMBO_MASTER_KEY"] = new
    server.start()
    assert_opens(server, account, {"x", "y", "z"})
    for secret in (old, new):
        assert secret not in server.logs()


# Configuration --------------------------------------------------------------------------------


def test_without_a_configuration(tmp_path):
    server = Server(data_dir=tmp_path, config=tmp_path / "gone.yaml")
    done = server.run("serve")
    assert (done.returncode, done.stderr) == \
        (1, f"pombo: cannot read the configuration file {tmp_path / 'gone.yaml'}\n")


WRONG = {
    "unknown section": ("http:\n  listen: 127.0.0.1:0\nhtpp:\n  workers: 1\n", 3,
                        "unknown key 'htpp'"),
    "unknown key": ("http:\n  listen: 127.0.0.1:0\n  lisen: x\n", 3, "unknown key 'http.lisen'"),
    "key twice": ("http:\n  workers: 1\n  ioThreads: 1\n  workers: 2\n", 4,
                  "key 'http.workers' stands there twice"),
    "section twice": ("log:\n  level: info\nlog:\n  level: warn\n", 3,
                      "key 'log' stands there twice"),
    "unknown key of a block": ("blocks:\n  webhook:\n    maxInFlight: 2\n    maxInflight: 3\n", 4,
                               "unknown key 'blocks.webhook.maxInflight'"),
    "block twice": ("blocks:\n  webhook:\n  webhook:\n", 3, "block 'webhook' stands there twice"),
    "no name of a block": ("blocks:\n  web-hook:\n", 2,
                           "'web-hook' is no name of a block: [a-z][a-z0-9]*"),
    "no environment": ("\nadmin:\n  token: ${NOT_SET_ANYWHERE}\n", 3,
                       "the environment has no 'NOT_SET_ANYWHERE'"),
    "a list of keys": ("- http\n", 1, "the file is not a map of keys"),
}


@pytest.mark.parametrize("yaml, line, why", WRONG.values(), ids=WRONG.keys())
def test_a_mistake_in_the_configuration_is_shown_where_it_is(tmp_path, yaml, line, why):
    config = tmp_path / "pombo.yaml"
    config.write_text(yaml)
    done = Server(data_dir=tmp_path, config=config).run("serve")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"pombo: {config}:{line}: {why}\n"


@pytest.mark.parametrize("env, sentence", [
    ({"POMBO_HTTP_WORKERS": "0"}, "http: The 'workers' field must be between 1 and 1024"),
    ({"POMBO_HTTP_WORKERS": "many"}, "http: The 'workers' field must be an integer"),
    ({"POMBO_STORAGE_SYNCHRONOUS": "off"},
     "storage: The 'synchronous' field must be one of: full, normal"),
    ({"POMBO_LOG_ACCESS": "maybe"}, "log: The 'access' field must be a boolean"),
    ({"POMBO_BLOCKS_WEBHOOK_MAX_IN_FLIGHT": "65"},
     "blocks.webhook: The 'maxInFlight' field must be between 1 and 64"),
    ({"POMBO_BLOCKS_WEBHOOK_ENABLED": "maybe"},
     "blocks.webhook: The 'enabled' field must be a boolean"),
    ({"POMBO_ADMIN_TOKEN": "short"}, "admin.token must be at least 32 characters"),
    ({"POMBO_EGRESS_ALLOW": "10.0.0.0/99"},
     "egress.allow: '10.0.0.0/99' is neither a CIDR nor a host name"),
    ({"POMBO_HTTP_TRUSTED_PROXIES": "proxy"}, "http.trustedProxies: 'proxy' is not a CIDR"),
    ({"POMBO_METRICS_ALLOW": "x"}, "metrics.allow: 'x' is not a CIDR"),
    ({"POMBO_DATABASE": "mysql://x"}, "database must be sqlite:PATH or "
     "postgresql://USER:PASSWORD@HOST:PORT/NAME"),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else None)
def test_settings_that_cannot_be(new_server, env, sentence):
    done = new_server(**env).run("serve")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(sentence)
    assert "listening" not in done.stdout


def test_the_environment_fills_and_overrides_the_file(tmp_path):
    config = tmp_path / "pombo.yaml"
    config.write_text("database: sqlite:${FOLDER}/named.db\n"
                      "http:\n  listen: 203.0.113.7:1\n"
                      "limits:\n  anonymousPerMinute: ${NOT_SET:-2}\n"
                      "log:\n  level: warn\n")
    server = Server(data_dir=tmp_path, config=config, env={"FOLDER": str(tmp_path)})
    del server.env["POMBO_DATABASE"]
    with server:
        assert (tmp_path / "named.db").exists()
        stranger = Api(server, "wrong")
        assert [stranger.list().status for _ in range(3)] == [401, 401, 429]
        instance = Api(server, server.account("shop")).created("x", webhookEnabled=True)
        assert instance["webhook"]["error"] == "plugin 'webhook' is not loaded on this server"
        lines = [line for line in server.logs().splitlines() if '"level":"info"' in line]
        assert all('"scope":"audit"' in line for line in lines)


def test_the_shipped_configuration_loads_every_block_that_is_built():
    shipped = (REPOSITORY / "config/pombo.yaml").read_text()
    blocks = set(re.findall(r"^  ([a-z0-9]+):", shipped[shipped.index("\nblocks:"):], re.MULTILINE))
    assert blocks == {each.name for each in (REPOSITORY / "plugins").iterdir() if each.is_dir()}
