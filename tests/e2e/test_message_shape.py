"""events.messageShape: how clients are shown messages, by a webhook and on a WebSocket."""

from __future__ import annotations

import base64
import json

import from_pypi  # noqa: F401
import pytest
from client import Api
from deliveries import Shop, message
from pombo_server import REPOSITORY, Server, until
from receivers import Receiver
from websocket import Socket

import jsonschema_rs

SERVER_ENV = {"POMBO_EVENTS_MESSAGE_SHAPE": "catalog", "POMBO_EVENTS_HISTORY": "true",
              "POMBO_EGRESS_ALLOW": "127.0.0.1"}


def examples(name: str) -> dict:
    return json.loads((REPOSITORY / f"tests/support/{name}_examples.json").read_text())


LIVE, CATALOGUE = examples("event"), examples("catalogue")
MESSAGE = LIVE["events"][0]["data"]
TYPES = list(zip(LIVE["messages"], CATALOGUE["messages"]))
MIB = 1 << 20


class Listener:
    """An instance that is heard by a webhook and on a WebSocket."""

    def __init__(self, api: Api, name: str, media: bool = False):
        self.crm = Receiver().__enter__()
        self.shop = Shop(api, name, websocketEnabled=True, websocketMediaBase64=media)
        self.shop.webhook(self.crm.url, mediaBase64=media)
        self.socket = Socket(api.server, "/ws/" + name, self.shop.token)

    def end(self) -> None:
        self.socket.socket.close()
        self.crm.__exit__()

    def both(self, data: dict, event: str = "message.exchange") -> tuple[dict, dict]:
        """The envelopes that the webhook and the WebSocket are sent of it."""
        count = len(self.crm.seen) + 1
        self.shop.happens(data, event)
        return self.crm.wait(count)[-1].json, self.socket.text()

    def hears(self, data: dict, event: str = "message.exchange") -> dict:
        """The data of it, the same on both."""
        posted, shown = self.both(data, event)
        if media := posted["data"].get("message", {}).get("media"):  # each link has its own end
            assert media["url"].startswith(self.shop.api.server.url + "/media/")
            shown["data"]["message"]["media"]["url"] = media["url"]
        assert posted == shown
        assert list(posted) == ["event", "data", "instanceData", "id", "timestamp"]
        return posted["data"]


@pytest.fixture
def listen(api, fresh):
    made: list[Listener] = []

    def new(**options) -> Listener:
        made.append(Listener(api, fresh("shop"), **options))
        return made[-1]

    yield new
    for each in made:
        each.end()


@pytest.fixture
def listener(listen):
    return listen()


@pytest.fixture(scope="module")
def described(server):
    """The problems of data, by /openapi.json."""
    document = Api(server).get("/openapi.json").json
    data = document["webhooks"]["message.exchange"]["post"]["requestBody"]["content"][
        "application/json"]["schema"]["properties"]["data"]
    validator = jsonschema_rs.validator_for(data | {"components": document["components"]})
    return lambda data: [error.message for error in validator.iter_errors(data)]


@pytest.mark.parametrize("live, expected", TYPES, ids=[live["type"] for live, _ in TYPES])
def test_every_type(listener, described, live, expected):
    heard = listener.hears(MESSAGE | {"message": live})
    assert list(heard) == ["id", "message"]
    assert list(heard["message"])[:9] == ["id", "type", "direction", "timestamp", "chat", "sender",
                                          "content", "source", "isEdit"]
    expected = CATALOGUE["common"] | expected
    if "media" in expected:  # the server's own link, and bytes for those who ask for them
        expected["media"] = {key: value for key, value in expected["media"].items()
                             if key != "base64"} | {"url": heard["message"]["media"]["url"]}
    assert heard["message"] == expected
    assert described(heard) == []


def test_the_description_is_of_this_shape(described):
    assert described(MESSAGE)


def test_other_events_are_as_they_were(listener):
    for example in LIVE["events"][1:]:
        if example["event"] != "instance.state":  # which core completes
            assert listener.hears(example["data"], example["event"]) == example["data"]
    [state] = [each for each in LIVE["events"] if each["event"] == "instance.state"]
    assert listener.hears(state["data"], state["event"])["state"] == "connected"


def test_a_message_of_a_history_says_so_where_it_did(listener):
    heard = listener.hears(message() | {"isHistory": True})
    assert heard["isHistory"] is True
    assert list(heard) == ["id", "message", "isHistory"]


def picture(size: int) -> dict:
    media = {"type": "document", "mimetype": "image/png", "mimeType": "image/png", "size": size}
    return message() | {"message": {"type": "document", "content": "", "media": media}}


def test_files_come_along_up_to_the_same_limits(listen):
    listener = listen(media=True)
    for size, posted, shown in ((1000, True, True), (5 * MIB, True, False),
                                (17 * MIB, False, False)):
        for envelope, inlined in zip(listener.both(picture(size)), (posted, shown)):
            media = envelope["data"]["message"]["media"]
            assert ("base64" in media) is inlined
            assert ("base64Omitted" in media) is not inlined
            assert not inlined or len(base64.b64decode(media["base64"])) == size
            assert None not in media.values()
            assert len(Api(listener.shop.api.server).get(
                media["url"].removeprefix(listener.shop.api.server.url)).raw) == size


def test_blocks_hear_the_live_shape(listener):
    heard = listener.hears(message("Good morning"))
    path = f"/api/chat/getMessage/{listener.shop.segment}?messageId={heard['id']}"
    assert until(lambda: listener.shop.api.get(path).status == 200)
    assert listener.shop.api.get(path).json["data"]["content"] == "Good morning"


def test_what_is_delivered_once_more_has_the_shape_of_now(tmp_path):
    env = {"POMBO_EGRESS_ALLOW": "127.0.0.1"}
    with Server(data_dir=tmp_path, env=env) as server, Receiver() as crm:
        shop = Shop(Api(server, server.account("default")), "shop")
        shop.webhook(crm.url)
        shop.happens(MESSAGE)
        [live] = crm.wait(1)
        assert live.json["data"]["message"]["content"] == "Good morning"  # by default
        assert list(live.json["data"])[:3] == ["id", "direction", "timestamp"]
        [delivery] = shop.attempted(status="delivered")
        server.stop()
        server.env["POMBO_EVENTS_MESSAGE_SHAPE"] = "catalog"
        server.start()
        assert shop.redeliver(ids=[delivery["id"]]).status < 300
        shown = crm.wait(2)[-1]
        assert shown.id == live.id
        assert shown.json["data"]["message"]["content"] == {"text": "Good morning"}
