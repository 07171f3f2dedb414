"""The audit log: who did what, on what, from where, and what came of it."""

import json
import os
import re
import stat
from pathlib import Path

import pytest
from client import Api
from pombo_server import Server, until
from shapes import CHATWOOT, URL
from test_health import metric

ADMIN_TOKEN = "canary-admin-token-of-forty-letters-4c1d"
ALL = "/api/admin/accounts"
NOBODY = "0192f1c8-0000-7000-8000-000000000000"

CANARIES = {
    "webhookAuthorization": "canary-webhook-4c1d0e", "proxyPassword": "canary-proxy-4c1d0e",
    "s3SecretKey": "canary-s3-4c1d0e", "chatwootApiToken": "canary-chatwoot-4c1d0e",
    "token": "canary-instance-4c1d0e",
}
FIELDS = CANARIES | {
    "webhookEnabled": True, "webhookURL": URL + "?key=canary-query-4c1d0e", "proxyEnabled": True,
    "proxyHost": "10.0.0.9", "proxyPort": "1080", "proxyProtocol": "http", "s3Enabled": True,
    "s3AccessKey": "canary-access-4c1d0e", "s3Bucket": "b", "s3Region": "r",
    "chatwootEnabled": True, "chatwootBaseUrl": CHATWOOT, "chatwootAccountId": 1,
}
GUESS = "canary-guess-4c1d0e"
CANARY = "canary"


def lines_in(text: str) -> list[dict]:
    return [line for line in map(json.loads, text.splitlines()) if line["scope"] == "audit"]


class Story:
    """All that is audited, done once; what was answered, and the lines about it."""

    def __init__(self, folder: Path):
        self.file = folder / "audit.log"
        env = {"POMBO_ADMIN_TOKEN": ADMIN_TOKEN, "POMBO_AUDIT_FILE": str(self.file),
               "POMBO_LOG_LEVEL": "debug"}
        self.server = server = Server(data_dir=folder, env=env)
        self.replies = {}
        self.secrets = []
        self.shell = [server.run("account", *words) for words in (
            ["create", "shell", "--origins", "https://a.example"], ["set", "shell", "--quota", "5"],
            ["rotate", "shell", "--grace", "60"], ["set", "gone", "--quota", "5"],
            ["create", "shell"], ["list"], ["delete", "shell"])]
        self.shell.append(server.run("key", "rotate"))
        with server:
            self.admin(Api(server, ADMIN_TOKEN))
            self.tokens(Api(server))
            assert server.stop() == 0
        self.secrets += [done.stdout.strip() for done in self.shell if "pmb_" in done.stdout]
        self.text = self.file.read_text()
        self.lines = lines_in(self.text)

    def do(self, name: str, api: Api, method: str, path: str, body=None):
        reply = self.replies[name] = api.call(method, path, body)
        return reply

    def admin(self, admin: Api) -> None:
        made = self.do("create", admin, "POST", ALL, {"name": "shop"}).json
        self.account = made["account"]
        one = f"{ALL}/{self.account['id']}"
        self.do("taken", admin, "POST", ALL, {"name": "shop"})
        self.do("wrong", admin, "POST", ALL, {"name": CANARY, "quota": CANARY})
        self.do("set", admin, "PUT", one, {"quota": None, "name": "renamed"})
        rotated = self.do("rotate", admin, "POST", one + "/rotate", {"graceSeconds": 5}).json
        self.do("show", admin, "GET", one)
        self.do("list", admin, "GET", ALL)
        self.do("unknown", admin, "GET", f"{ALL}/{NOBODY}")
        self.secrets += [made["token"], rotated["token"]]
        self.instances(Api(admin.server, rotated["token"]))
        self.do("refused", admin, "DELETE", one)
        self.do("delete", admin, "DELETE", one, {"force": True})

    def instances(self, api: Api) -> None:
        for name in ("all", "mine", "left"):
            fields = FIELDS if name == "all" else {}
            reply = self.do(f"new {name}", api, "POST", "/api/instance/new",
                            {"name": name} | fields)
            setattr(self, name, reply.json["instance"])
        self.do("new again", api, "POST", "/api/instance/new", {"name": "all", "token": CANARY})
        self.do("no body", api, "POST", "/api/instance/new", b'{"token": "canary-')
        own = api.as_(self.mine["token"])
        self.do("connect", own, "GET", "/api/instance/connect/mine?number=canary")
        self.do("connect none", api, "GET", "/api/instance/connect/mine")  # there is no connector
        self.do("logout", api, "DELETE", "/api/instance/logout/mine")
        self.do("not mine", own, "DELETE", "/api/instance/logout/all")
        self.do("settings", own, "GET", "/api/instance/getSettings/mine")
        self.do("end all", api, "DELETE", "/api/instance/delete/all")
        self.do("end gone", api, "DELETE", "/api/instance/delete/gone")
        self.secrets.append(self.mine["token"])
        self.secrets.append(self.left["token"])

    def tokens(self, api: Api) -> None:
        self.do("no token", api, "GET", "/api/instance/list")
        self.do("header", api.as_(GUESS), "POST", "/api/instance/new", {"name": CANARY})
        self.replies["bearer"] = api.get("/api/instance/getSettings/" + CANARY,
                                         headers={"Authorization": f"Bearer {GUESS}"})
        self.do("query", api, "GET", f"/api/instance/connect/x?token={GUESS}")
        self.do("admin", api.as_(self.mine["token"]), "GET", ALL)
        self.do("nowhere", api.as_(GUESS), "GET", f"/{CANARY}")

    def of(self, name: str) -> dict:
        """The line about what was answered then, without the time."""
        request = self.replies[name].headers["X-Request-Id"]
        [line] = [line for line in self.lines
                  if line.get("request") == request and (line["action"], name) not in
                  [("instance.delete", "delete")]]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["remote"] == "127.0.0.1"
        assert line["status"] == self.replies[name].status
        return {key: value for key, value in line.items()
                if key not in ("time", "level", "message", "scope", "request", "remote", "status")}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return Story(tmp_path_factory.mktemp("story"))


def test_what_the_admin_does(story):
    account = story.account["id"]
    admin = {"by": "admin"}
    assert story.of("create") == {"action": "account.create", "outcome": "done", "account": account,
                                  "accountName": "shop"} | admin
    for name in ("taken", "wrong"):
        assert story.of(name) == {"action": "account.create", "outcome": "refused"} | admin
    assert story.of("set") == {"action": "account.set", "outcome": "done", "account": account,
                               "accountName": "renamed"} | admin
    assert story.of("rotate") == {"action": "account.rotate", "outcome": "done",
                                  "account": account} | admin
    assert story.of("show")["action"] == "account.show"
    assert story.of("list") == {"action": "account.list", "outcome": "done"} | admin
    assert story.of("unknown") == {"action": "account.show", "outcome": "refused",
                                   "account": NOBODY} | admin
    assert story.of("refused") == {"action": "account.delete", "outcome": "refused",
                                   "account": account} | admin
    assert story.of("delete") == {"action": "account.delete", "outcome": "done",
                                  "account": account} | admin


def test_what_goes_with_an_account_is_told_one_by_one(story):
    request = story.replies["delete"].headers["X-Request-Id"]
    ends = [line for line in story.lines
            if line.get("request") == request and line["action"] == "instance.delete"]
    assert {line["instance"]: line["instanceName"] for line in ends} == \
        {story.mine["id"]: "mine", story.left["id"]: "left"}
    for line in ends:
        assert (line["by"], line["account"], line["accountName"], line["outcome"],
                line["remote"]) == ("admin", story.account["id"], "renamed", "done", "127.0.0.1")


def test_what_accounts_and_instances_do(story):
    account = {"by": "account", "account": story.account["id"], "accountName": "renamed"}
    mine = {"instance": story.mine["id"], "instanceName": "mine"}
    for name in ("all", "mine", "left"):
        assert story.of(f"new {name}") == account | {
            "action": "instance.create", "outcome": "done",
            "instance": getattr(story, name)["id"], "instanceName": name}
    for name in ("new again", "no body"):
        assert story.of(name) == account | {"action": "instance.create", "outcome": "refused"}
    assert story.of("end all") == account | {"action": "instance.delete", "outcome": "done",
                                             "instance": story.all["id"], "instanceName": "all"}
    assert story.of("end gone") == account | {"action": "instance.delete", "outcome": "refused",
                                              "instanceName": "gone"}
    assert story.of("connect") == account | mine | {"by": "instance", "action": "instance.connect",
                                                    "outcome": "refused"}
    assert story.of("connect none") == account | mine | {"action": "instance.connect",
                                                         "outcome": "failed"}
    assert story.of("logout") == account | mine | {"action": "instance.logout", "outcome": "done"}
    assert story.of("not mine")["by"] == "instance"


def test_tokens_that_were_refused(story):
    def refused(route: str, place: str) -> dict:
        return {"action": "token.failure", "outcome": "refused", "route": route, "token": place}

    assert story.of("no token") == refused("/api/instance/list", "none")
    assert story.of("header") == refused("/api/instance/new", "header token")
    assert story.of("bearer") == refused("/api/instance/getSettings/:instance",
                                         "header authorization")
    assert story.of("query") == refused("/api/instance/connect/:instance", "query")
    assert story.of("admin") == refused(ALL, "header token")


def test_nothing_else_is_told(story):
    told = {line["request"] for line in story.lines if "request" in line}
    for name in ("settings", "nowhere"):
        assert story.replies[name].headers["X-Request-Id"] not in told


def test_what_the_operator_does(story):
    lines = [line for line in story.lines if line.get("by") == "cli"]
    assert [(line["action"], line["outcome"], line.get("accountName")) for line in lines] == [
        ("account.create", "done", "shell"), ("account.set", "done", "shell"),
        ("account.rotate", "done", "shell"), ("account.set", "refused", "gone"),
        ("account.create", "refused", "shell"), ("account.delete", "done", "shell"),
        ("key.rotate", "done", None)]
    assert {line["uid"] for line in lines} == {os.getuid()}
    assert len({line["account"] for line in lines if line["outcome"] == "done"
                and line["action"] != "key.rotate"}) == 1
    # With a file for it, nothing of it is on the terminal.
    assert [done.stderr for done in story.shell if done.returncode == 0] == [""] * 6


def test_no_secret_is_told(story):
    assert story.lines
    for secret in story.secrets:
        assert len(secret) >= 20 and secret not in story.text
    assert CANARY not in story.text.lower()
    assert "pmb_" not in story.text


def test_it_is_not_among_the_logs_as_well(story):
    assert '"scope":"audit"' not in story.server.logs()
    assert stat.S_IMODE(story.file.stat().st_mode) == 0o600


# Where it goes --------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["off", "error", "debug"])
def test_without_a_file_it_is_among_the_logs(tmp_path, level):
    server = Server(data_dir=tmp_path, env={"POMBO_LOG_LEVEL": level})
    made = server.run("account", "create", "shop")
    [line] = lines_in(made.stderr)
    assert (line["action"], line["by"], line["accountName"]) == ("account.create", "cli", "shop")
    with server:
        reply = Api(server, made.stdout.strip()).create("x")
        Api(server, "wrong").list()
        server.stop()
    logged = [json.loads(each) for each in server.logs().splitlines() if each.startswith("{")]
    audit = [each for each in logged if each.get("scope") == "audit"]
    assert [each["action"] for each in audit] == ["instance.create", "token.failure"]
    assert audit[0]["request"] == reply.headers["X-Request-Id"]
    assert (len(logged) > 2) == (level == "debug")


def test_a_file_that_is_rotated_under_it(tmp_path):
    file = tmp_path / "audit.log"
    with Server(data_dir=tmp_path, env={"POMBO_AUDIT_FILE": str(file)}) as server:
        api = Api(server, server.account("shop"))
        api.created("x")
        assert until(lambda: file.read_text().count("\n") >= 2)
        file.rename(tmp_path / "audit.log.1")
        api.created("y")
        server.stop()
    assert [line["action"] for line in lines_in((tmp_path / "audit.log.1").read_text())] == \
        ["account.create", "instance.create"]
    assert [line.get("instanceName") for line in lines_in(file.read_text())] == ["y"]


def test_a_full_disk_holds_nobody_up(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_AUDIT_FILE": "/dev/full"}) as server:
        api = Api(server, server.account("shop"))
        for number in range(20):
            api.created(f"n{number}")
        assert until(lambda: metric(server, "pombo_audit_lines_lost_total") >= 20)
        assert metric(server, "pombo_audit_lines_total") == 20
        server.stop()
    told = [line for line in server.logs().splitlines() if "audit log" in line]
    assert len(told) == 1
    assert json.loads(told[0])["message"] == "The audit log cannot be written"
    assert json.loads(told[0])["level"] == "error"


def test_a_file_that_cannot_be_opened(tmp_path):
    file = tmp_path / "nowhere/audit.log"
    server = Server(data_dir=tmp_path, env={"POMBO_AUDIT_FILE": str(file)})
    for words in (["serve"], ["account", "create", "shop"]):
        done = server.run(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines()[-1] == \
            f"pombo: audit.file: cannot open {file}: No such file or directory"
    assert "shop" not in server.run("account", "list").stdout


def test_nobody_writes_more_than_the_limits_let_pass(tmp_path):
    file = tmp_path / "audit.log"
    env = {"POMBO_AUDIT_FILE": str(file), "POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "3",
           "POMBO_METRICS_ALLOW": ""}
    with Server(data_dir=tmp_path, env=env) as server:
        api = Api(server, server.account("shop", create_limit=2))
        assert [api.create("a/b").status for _ in range(9)] == [400] * 2 + [429] * 7
        assert [api.as_("wrong").list().status for _ in range(9)] == [401] * 3 + [429] * 6
        assert {api.get("/metrics").status for _ in range(9)} == {401}
        server.stop()
    assert [line["action"] for line in lines_in(file.read_text())] == \
        ["account.create"] + ["instance.create"] * 2 + ["token.failure"] * 3


def test_what_a_client_writes_is_no_line_of_its_own(tmp_path):
    file = tmp_path / "audit.log"
    with Server(data_dir=tmp_path, env={"POMBO_AUDIT_FILE": str(file)}) as server:
        api = Api(server, server.account("shop"))
        for name in ("%0a%7B%22scope%22:%22audit%22%7D", "%ff", "%00", "%22%5c", "x" * 5000):
            assert api.delete(name).status == 404
        server.stop()
    lines = lines_in(file.read_text())
    assert [line.get("instanceName") for line in lines[1:]] == \
        ['\n{"scope":"audit"}', None, None, '"\\', None]
