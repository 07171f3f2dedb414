"""Secrets: none leaves the server but where it must, none lies about in clear."""

import json
import re
from pathlib import Path

import pytest
from client import Api, request
from pombo_server import Server
from shapes import CHATWOOT, URL

CANARIES = {
    "token": "canary-token-4c1d0e", "webhookAuthorization": "canary-webhook-4c1d0e",
    "proxyPassword": "canary-proxy-4c1d0e", "s3SecretKey": "canary-s3-4c1d0e",
    "chatwootApiToken": "canary-chatwoot-4c1d0e",
}
FIELDS = CANARIES | {
    "webhookEnabled": True, "webhookURL": URL, "websocketEnabled": True, "proxyEnabled": True,
    "proxyHost": "10.0.0.9", "proxyPort": "1080", "proxyProtocol": "http", "s3Enabled": True,
    "s3AccessKey": "AKIA", "s3Bucket": "b", "s3Region": "r", "chatwootEnabled": True,
    "chatwootBaseUrl": CHATWOOT, "chatwootAccountId": 1,
}
GUESS = "canary-guess-4c1d0e"
BROKEN = "canary-broken-4c1d0e"
QUERY = "canary-query-4c1d0e"
HOOK = "canary-hook-4c1d0e"


class Story:
    """All that can be done with secrets, what was answered, and what the server left behind."""

    def __init__(self, folder: Path):
        self.answers: list[bytes] = []
        with Server(data_dir=folder, env={"POMBO_LOG_LEVEL": "debug"}) as server:
            account_token = server.account("shop")
            account = Api(server, account_token)
            created = account.create("all", **FIELDS)
            assert created.status == 201
            made = account.created("made")["token"]
            # What is refused must not be quoted either.
            secret = {"webhookEnabled": True, "webhookURL": URL}
            self.answers += [
                account.create("bad1", **secret, webhookAuthorization=BROKEN + "\n").raw,
                account.create("bad2", **secret, webhookAuthorization=[BROKEN]).raw,
                account.create("bad3", webhookEnabled=True,
                               webhookURL=f"https://user:{BROKEN}@93.184.216.34/").raw,
                account.create("bad4", token=BROKEN + " ").raw,
                account.create("all", token=BROKEN).raw,
                account.call("POST", "/api/instance/new",
                             b'{"name":"x","webhookAuthorization":"%s",' % BROKEN.encode()).raw,
                account.as_(GUESS).list().raw,
                account.as_(None).get("/api/instance/list", headers={
                    "Authorization": f"Bearer {GUESS}"}).raw,
                account.as_(None).get(f"/api/instance/list?token={QUERY}").raw,
                account.as_(None).get(f"/nowhere?token={QUERY}&a=b&token={QUERY}").raw,
                account.as_(None).get(f"/api/instance/list?a=b&token={account_token}").raw,
                account.as_(None).get(f"/api/instance/list?token={made}").raw,
                account.get("/api/instance/getSettings/all").raw,
                account.delete("gone").raw,
            ]
            # By label: shown by the calls of that webhook, and by no other.
            hook = {"label": "crm", "enabled": True, "url": URL, "authorization": HOOK}
            shown = [account.call("POST", "/api/events/webhook/all", hook),
                     account.call("POST", "/api/events/webhook/all", hook | {"rotateSecret": True})]
            self.hooks = [reply.raw for reply in shown] + [
                account.get("/api/events/getWebhook/all").raw,
                account.get("/api/events/webhook/all?label=crm").raw]
            self.answers += [
                account.call("POST", "/api/events/webhook/all",
                             hook | {"authorization": BROKEN + "\n"}).raw,
                account.call("POST", "/api/events/webhook/all",
                             hook | {"url": f"https://user:{BROKEN}@93.184.216.34/"}).raw,
                account.call("POST", "/api/events/webhook/all", {"label": "x", "enabled": True,
                                                                 "authorization": HOOK}).raw,
                account.get("/api/events/getWebhook/made").raw, account.list().raw,
            ]
            proxy = {"enabled": True, "host": "10.0.0.9", "port": 1080, "protocol": "http",
                     "password": CANARIES["proxyPassword"]}
            bucket = {"enabled": True, "bucket": "b", "accessKey": "AKIA", "endpoint": URL,
                      "secretKey": CANARIES["s3SecretKey"]}
            for route, body in {"proxy": proxy, "s3": bucket}.items():
                reply = account.call("POST", f"/api/instance/{route}/all", body)
                assert reply.status == 200
                self.answers.append(reply.raw)
            self.answers += [account.get("/api/instance/getProxy/all").raw,
                             account.get("/api/instance/getS3/all").raw]
            keys = [reply.json["webhook"]["secret"] for reply in shown]
            # A database that fails tells what it was given, and that goes into the log.
            with server.store.refusing("INSERT", "block_row"):
                self.answers.append(account.create(
                    "bad5", **secret | {"webhookURL": f"{URL}?key={BROKEN}"},
                    webhookAuthorization=BROKEN).raw)
            with_token = {"token", "made", "account"}
            self.secrets = CANARIES | {"made": made, "account": account_token, "guess": GUESS,
                                       "broken": BROKEN, "query": QUERY, "hook": HOOK,
                                       "former key": keys[0], "key": keys[1]}
            self.own = {self.secrets[name] for name in with_token}
            self.created = created.raw
            self.metrics = Api(server).get("/metrics").raw
            self.files = server.store.contents()
            self.key = (folder / "pombo.db.key").read_text().strip()
            self.limits = Path(f"/proc/{server.pid}/limits").read_text()
            server.stop()
            self.stopped = server.store.contents()
            self.log = server.logs()


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return Story(tmp_path_factory.mktemp("story"))


def test_the_story_was_written_down(story):
    assert set(story.files) in ({"pombo.db", "pombo.db-wal", "pombo.db-shm"}, {"dump"})
    for files in (story.files, story.stopped):
        assert b"93.184.216.34" in b"".join(files.values())
    assert '"path":"/api/instance/new"' in story.log
    assert b"pombo_http_requests_total" in story.metrics
    assert len(story.key) >= 40


HOOKS = ["hook", "former key", "key"]
SECRETS = [*CANARIES, "made", "account", "guess", "broken", "query", *HOOKS]


@pytest.mark.parametrize("name", SECRETS)
def test_not_in_the_database(story, name):
    for content in [*story.files.values(), *story.stopped.values()]:
        assert story.secrets[name].encode() not in content


@pytest.mark.parametrize("name", SECRETS)
def test_not_in_the_log(story, name):
    assert story.secrets[name] not in story.log


@pytest.mark.parametrize("name", SECRETS)
def test_not_in_the_metrics(story, name):
    assert story.secrets[name].encode() not in story.metrics


@pytest.mark.parametrize("name", ["account", "guess", "broken", "query", *HOOKS,
                                  *(each for each in CANARIES if each != "token")])
def test_not_in_answers(story, name):
    for answer in [*story.answers, story.created]:
        assert story.secrets[name].encode() not in answer


def test_a_webhooks_secrets_are_shown_by_its_own_calls(story):
    for name, shown in {"hook": [1, 1, 1, 1], "former key": [1, 0, 0, 0],
                        "key": [0, 1, 1, 1]}.items():
        assert [story.secrets[name].encode() in answer for answer in story.hooks] == shown, name
    # A webhook's own, and not another's: that of the create request is in the list of all.
    other = CANARIES["webhookAuthorization"].encode()
    assert [other in answer for answer in story.hooks] == [0, 0, 1, 0]


def test_an_instances_token_is_shown_where_it_must(story):
    shown = json.loads(story.created)["instance"]["token"]
    assert shown == CANARIES["token"]


def test_the_master_key_is_in_its_file_alone(story):
    for content in [*story.files.values(), *story.stopped.values(), story.log.encode(), story.metrics]:
        assert story.key.encode() not in content


def test_the_access_log_hides_tokens_in_a_query(story):
    queries = re.findall(r'"query":"([^"]*)"', story.log)
    assert queries == ["token=***", "token=***&***&token=***", "***&token=***", "token=***",
                       "label=crm"]


def test_the_files_are_nobody_elses(tmp_path):
    server = Server(data_dir=tmp_path)
    server.account("shop")
    server.start()
    try:
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()
                 if path.name.startswith("pombo.db")}
    finally:
        server.kill()
    assert {"pombo.db", "pombo.db.key"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_there_are_no_core_dumps(story):
    assert re.search(r"^Max core file size +0 +0 ", story.limits, re.MULTILINE)


def test_an_answer_can_be_found_in_the_log(server, api, fresh):
    replies = [api.create(fresh()), api.create("a/b"), api.get("/nowhere"),
               api.as_("wrong").list()]
    ids = [reply.headers["X-Request-Id"] for reply in replies]
    assert len(set(ids)) == 4
    server.stop()
    lines = [json.loads(line) for line in server.logs().splitlines() if line.startswith("{")]
    server.start()
    found = {line["request"]: line for line in lines if line["message"] == "Request"}
    assert [found[each]["status"] for each in ids] == [201, 400, 404, 401]
    assert found[ids[0]]["method"] == "POST"
    assert found[ids[0]]["path"] == "/api/instance/new"
    assert found[ids[0]]["remote"] == "127.0.0.1"


def test_a_request_cannot_write_lines_into_the_log(server, api, wire):
    connection = wire().send(request("GET", '/x"%0a{"level":"error"}\\u000a', api.token))
    assert connection.answer().status == 404
    server.stop()
    lines = [line for line in server.logs().splitlines() if not line.startswith("listening on ")]
    server.start()
    assert lines
    for line in lines:
        assert json.loads(line)["level"] != "error"
