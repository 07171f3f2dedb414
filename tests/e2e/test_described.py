"""That `pytest --openapi` finds what it is there to find, on a server that says anything."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from chatwoot import JSON, Stubborn
from client import Api
from described import Proxies

TEXT = {"type": "string"}
DOCUMENT = {
    "openapi": "3.1.0", "info": {"title": "x", "version": "1"},
    "paths": {"/things/{name}": {"post": {
        "parameters": [{"name": "name", "in": "path", "required": True, "schema": TEXT}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {
            "type": "object", "required": ["size"],
            "properties": {"size": {"type": "integer"}, "boxWord": TEXT}}}}},
        "responses": {
            "200": {"description": "", "content": {"application/json": {"schema": {
                "type": "object", "required": ["made"], "properties": {"made": TEXT}}}}},
            "400": {"description": ""}, "501": {"description": ""}}}}}}


class Anything(Stubborn):
    """Has that description, and answers what the test wants."""

    def __init__(self):
        super().__init__(200)
        self.says(200, {"made": "yes"})

    def says(self, status: int, body) -> None:
        self._said = (status, JSON, body if isinstance(body, bytes) else json.dumps(body).encode())

    def answer(self, seen):
        if seen.path == "/openapi.json":
            return 200, JSON, json.dumps(DOCUMENT).encode()
        return super().answer(seen)


@pytest.fixture(scope="module")
def proxies():
    started = Proxies()
    yield started
    started.end()


@pytest.fixture
def ask(proxies, monkeypatch):
    """ask(status, answer, sent) is the answer, when nothing is wrong with any of it."""
    monkeypatch.setattr(Api, "proxies", proxies)
    with Anything() as server:
        port = int(server.url.rpartition(":")[2])
        api = Api(SimpleNamespace(port=port, process=server))

        def exchange(status, answer, sent, path="/things/a"):
            server.says(status, answer)
            return api.call("POST", path, sent)

        yield exchange


def test_what_is_as_described_passes_as_it_is(ask):
    raw = b'{"made" : "a", "made": "y\\u0065s", "big": 12345678901234567890}'
    reply = ask(200, raw, {"size": 1})
    assert (reply.status, reply.raw) == (200, raw)
    assert "sl-violations" not in reply.headers


@pytest.mark.parametrize("status, answer, sent", [
    (200, {"made": 1}, {"size": 1}),
    (200, {}, {"size": 1}),
    (200, b"made", {"size": 1}),
    (202, {"made": "yes"}, {"size": 1}),
    (404, {"made": "yes"}, {"size": 1}),
])
def test_an_answer_that_is_not_as_described_is_found(ask, status, answer, sent):
    with pytest.raises(AssertionError, match="not as described"):
        ask(status, answer, sent)


@pytest.mark.parametrize("sent", [{"size": "x"}, {}, None, b"[1]"])
def test_a_request_that_is_not_as_described_may_not_be_carried_out(ask, sent):
    assert ask(400, {"why": "no size"}, sent).status == 400
    assert ask(501, {"why": "later"}, sent).json == {"why": "later"}
    with pytest.raises(AssertionError, match="not as described"):
        ask(200, {"made": "yes"}, sent)


def test_a_route_that_is_not_described_may_not_be_there(ask):
    assert ask(404, {"why": "none"}, None, "/others").status == 404
    with pytest.raises(AssertionError, match="not as described"):
        ask(200, {"made": "yes"}, None, "/others")


def test_an_answer_may_say_itself_which_block_did_not_take_its_field(ask):
    sent = {"size": 1, "boxWord": 5}
    failed = {"made": "yes", "instance": {"box": {"status": "error", "error": "a string"}}}
    assert ask(200, failed, sent).status == 200
    with pytest.raises(AssertionError, match="not as described"):
        ask(200, failed | {"instance": {"other": {"status": "error", "error": "x"}}}, sent)
    with pytest.raises(AssertionError, match="not as described"):
        ask(200, failed, sent | {"size": "x"})
