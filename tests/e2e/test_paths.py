"""Routes that are promised. What paths may be is in bad_inputs/test_r_paths.py."""

import json

import pytest
from client import LIMIT_HEADERS, assert_refused
from pombo_server import REPOSITORY

SERVED = {"GET /api/instance/getSettings/:instance", "POST /api/instance/settings/:instance",
          "GET /api/instance/getProxy/:instance", "POST /api/instance/proxy/:instance",
          "GET /api/instance/getS3/:instance", "POST /api/instance/s3/:instance",
          "POST /api/events/webhook/:instance", "POST /api/events/webhook",
          "GET /api/events/getWebhook/:instance", "GET /api/events/webhook/:instance",
          "POST /api/events/websocket/:instance", "GET /api/events/getWebsocket/:instance",
          "POST /api/chatwoot/set/:instance", "GET /api/chatwoot/list/:instance",
          "DELETE /api/chatwoot/delete/:instance"}
PROMISED = [promise for promise
            in json.loads((REPOSITORY / "core/wire/ryze.json").read_text())["routes"]
            if promise["on"] not in SERVED]


@pytest.mark.parametrize("promise", PROMISED, ids=lambda promise: promise["on"])
def test_routes_that_are_promised(api, promise):
    method, path = promise["on"].split()
    path = path.replace(":instance", "shop").replace(":kind", "text")
    reply = api.call(method, path, {"x": 1} if method == "POST" else None)
    assert_refused(reply, 501, "Not implemented")
    assert reply.limit_headers == LIMIT_HEADERS


@pytest.mark.parametrize("path", ["/api/instance/metrics/x", "/api/instance/getS3/x"])
def test_promises_are_made_to_those_who_are_known(api, path):
    assert_refused(api.as_(None).get(path), 401, "Invalid token")
