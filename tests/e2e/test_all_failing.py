"""Every block of the wire fails in one request: the instance is there, with five reasons."""

from __future__ import annotations

import time

import pytest
import zoo
from chatwoot import Silent
from client import Api
from pombo_server import Server
from shapes import BLOCKS, DEFAULTS, GROUPS, failed, not_loaded
from test_chatwoot import UNREACHABLE

FIVE = [block for block in BLOCKS if block != "settings"]


def without(block: str, field: str, **changed) -> dict:
    fields = GROUPS[block][0]
    return {name: value for name, value in fields.items() if name != field} | changed


BROKEN: dict[str, tuple[dict, str]] = {
    "proxy": (without("proxy", "proxyPort", proxyPort="65536"),
              "The 'proxyPort' field must be between 1 and 65535"),
    "webhook": (without("webhook", "webhookURL", webhookURL="ftp://93.184.216.34/"),
                "The 'webhookURL' field must be a valid http or https URL"),
    "websocket": (without("websocket", "websocketEvents", websocketEvents=["message"]),
                  "Unknown event: message"),
    "chatwoot": (without("chatwoot", "chatwootAccountId", chatwootAccountId=0),
                 "The 'chatwootAccountId' field must be between 1 and 2147483647"),
    "s3": (without("s3", "s3SecretKey"), "The 's3SecretKey' field is required"),
}


@pytest.fixture(scope="module", params=zoo.ISOLATIONS)
def server(request, tmp_path_factory):
    env = {"POMBO_PLUGINS_ISOLATION": request.param, "POMBO_EGRESS_ALLOW": "127.0.0.0/8"}
    with Server(data_dir=tmp_path_factory.mktemp("five"), env=env) as started:
        yield started


def assert_all_fail(api: Api, name: str, fields: dict, errors: dict[str, dict]) -> None:
    began = time.monotonic()
    reply = api.create(name, **fields)
    took = time.monotonic() - began
    assert reply.status == 201
    instance = reply.json["instance"]
    assert {block: instance[block] for block in FIVE} == errors
    assert instance["settings"] == DEFAULTS["settings"]
    assert took < 15  # that Chatwoot alone might take
    [listed] = api.listed(f"?instanceName={name}")
    assert {block: listed[block] for block in FIVE} == errors
    assert api.delete(name).status == 200


@pytest.mark.row("K18")
def test_each_for_its_own_reason(api, fresh):
    assert BROKEN.keys() == set(FIVE)
    fields = {name: value for each, _ in BROKEN.values() for name, value in each.items()}
    assert_all_fail(api, fresh(), fields,
                    {block: failed(block, error) for block, (_, error) in BROKEN.items()})


@pytest.mark.row("K18")
def test_with_a_chatwoot_that_is_not_there(api, fresh):
    with Silent(refusing=True) as gone:
        given = without("chatwoot", "chatwootBaseUrl", chatwootBaseUrl=gone.url)
        error = UNREACHABLE + "Couldn't connect to server"
        fields = {name: value for each, _ in BROKEN.values() for name, value in each.items()}
        assert_all_fail(api, fresh(), fields | given,
                        {block: failed(block, told) for block, (_, told) in BROKEN.items()} |
                        {"chatwoot": failed("chatwoot", error)})


@pytest.mark.row("K19")
def test_because_none_is_loaded(tmp_path):
    env = {f"POMBO_BLOCKS_{block.upper()}_ENABLED": "false" for block in FIVE}
    with Server(data_dir=tmp_path, env=env) as server:
        fields = {name: value for block in FIVE for name, value in GROUPS[block][0].items()}
        assert_all_fail(Api(server, server.account("shop")), "x", fields,
                        {block: not_loaded(block) for block in FIVE})
