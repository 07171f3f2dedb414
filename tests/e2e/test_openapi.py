"""The description of the API: what is in it, and who finds nothing wrong with it."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import zoo
from chatwoot import NPM
from client import Api, assert_refused
from pombo_server import REPOSITORY, Server
from shapes import EVENTS, GROUPS

RULES = REPOSITORY / "tests/e2e/openapi_rules.yaml"


def described(server) -> dict:
    reply = Api(server).get("/openapi.json")
    assert reply.status == 200
    return reply.json


def operations(document: dict) -> dict[str, dict]:
    return {f"{method.upper()} {path}": operation for path, methods in document["paths"].items()
            for method, operation in methods.items()}


def body_of(operation: dict) -> dict:
    return operation["requestBody"]["content"]["application/json"]["schema"]


@pytest.fixture(scope="module")
def document(server) -> dict:
    return described(server)


def test_how_it_is_served(server):
    reply = Api(server).get("/openapi.json")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["X-RateLimit-Limit"] == "600"
    assert reply.json["openapi"] == "3.1.0"
    assert reply.json["servers"] == [{"url": "/"}]


def test_a_linter_finds_nothing_wrong(tmp_path, document):
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document))
    done = subprocess.run(
        ["node", NPM / "@stoplight/spectral-cli/dist/index.js", "lint", "--ruleset", RULES,
         "--fail-severity", "hint", file], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_of_operations_stay_what_they_are(document):
    """Clients are generated from them."""
    assert {each["operationId"] for each in operations(document).values()} >= {
        "postInstanceNew", "getInstanceList", "deleteInstanceDeleteByInstance",
        "postEventsWebhook", "postEventsWebhookByInstance", "getEventsGetWebhookByInstance",
        "postMessageTextByInstance", "getHealth", "getOpenapiJson"}


def test_creation_takes_the_fields_of_every_block(document):
    schema = body_of(operations(document)["POST /api/instance/new"])
    fields = {field for given, _ in GROUPS.values() for field in given}
    assert set(schema["properties"]) >= fields | {"name", "token", "connector", "webhookUrl"}
    assert schema["required"] == ["name"]
    assert schema["properties"]["proxyPassword"]["writeOnly"] is True


def test_who_may_call_and_whose_it_is(document):
    all_ = operations(document)
    assert {name: (all_[name]["x-pombo-access"], all_[name]["x-pombo-block"]) for name in (
        "GET /health", "POST /api/instance/new", "GET /api/instance/getS3/{instance}",
        "GET /api/group/list/{instance}")} == {
            "GET /health": ("open", "core"), "POST /api/instance/new": ("account", "core"),
            "GET /api/instance/getS3/{instance}": ("instance", "s3"),
            "GET /api/group/list/{instance}": ("instance", "messages")}
    assert all_["GET /health"]["security"] == []
    assert {"token": []} in all_["POST /api/instance/new"]["security"]


def test_no_secret_of_the_server_is_in_it(tmp_path):
    secret = "an-admin-token-of-more-than-32-characters"
    with Server(data_dir=tmp_path, env={"POMBO_ADMIN_TOKEN": secret}) as server:
        assert secret not in Api(server).get("/openapi.json").raw.decode()


# Other servers --------------------------------------------------------------------------------


@pytest.mark.parametrize("isolation", zoo.ISOLATIONS)
def test_what_others_serve_is_described_too(tmp_path, external_blocks, isolation):
    config = zoo.config(tmp_path, [external_blocks], {"hello": {}, "loopback": {}}, isolation)
    with Server(data_dir=tmp_path, config=config) as server:
        all_ = operations(described(server))
        hello, greeting = all_["GET /hello"], all_["GET /api/greeter/{instance}"]
        assert (hello["summary"], hello["x-pombo-block"]) == ("Says hello", "hello")
        assert (greeting["summary"], greeting["tags"]) == ("A greeting", ["greeter"])
        properties = body_of(all_["POST /api/instance/new"])["properties"]
        assert properties["greeterName"]["description"] == "Who is greeted."
        assert properties["greeterTone"]["enum"] == ["warm", "formal", "", None]


def test_a_block_that_is_not_loaded_is_described_as_that(tmp_path):
    config = tmp_path / "pombo.yaml"
    config.write_text("blocks: {webhook: , chatwoot: {enabled: false}}")
    with Server(data_dir=tmp_path, config=config) as server:
        all_ = operations(described(server))
        properties = body_of(all_["POST /api/instance/new"])["properties"]
        api = Api(server, server.account("shop"))
        assert_refused(api.get("/api/instance/getS3/x"), 503,
                       "plugin 's3' is not loaded on this server")
    assert "webhookURL" in properties and "s3Bucket" not in properties

    def why(name: str) -> str:
        return all_[name]["responses"]["503"]["description"]

    assert why("GET /api/instance/getS3/{instance}") == "`plugin 's3' is not loaded on this server`"
    assert why("POST /api/chatwoot/set/{instance}") == "`integration gateway not configured`"


@pytest.mark.direct("a server without a document")
def test_it_can_be_switched_off(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_HTTP_OPENAPI": "false"}) as server:
        for path in ("/openapi.json", "/docs", "/docs/docs.js"):
            assert_refused(Api(server).get(path), 404, "Not found")


def test_behind_a_proxy_it_says_where_the_server_is(tmp_path):
    with Server(data_dir=tmp_path,
                env={"POMBO_HTTP_BASE_URL": "https://wa.example/pombo/"}) as server:
        assert described(server)["servers"] == [{"url": "https://wa.example/pombo"}]


def test_what_is_posted_to_webhooks_is_described(document):
    assert list(document["webhooks"]) == EVENTS
    for name, item in document["webhooks"].items():
        posted = body_of(item["post"])
        assert posted["required"] == ["event", "data", "instanceData", "id", "timestamp"]
        assert posted["properties"]["event"] == {"const": name}
        schema = document["components"]["schemas"][
            posted["properties"]["data"]["$ref"].removeprefix("#/components/schemas/")]
        assert set(schema["required"]) <= set(schema["properties"])
    referred = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    for each in referred:
        found = document
        for key in each.removeprefix("#/").split("/"):
            found = found[key]
    assert "#/components/schemas/event.person" in referred
