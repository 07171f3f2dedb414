"""GET /ws/:instance by clients that others have written: npm's ws, Python's websockets, a page."""

import asyncio
import json
import subprocess

import pytest
import websockets
from browser import Page
from client import PATIENCE, Api
from pombo_server import REPOSITORY, Server
from websocket import Shop

SERVER_ENV = {"POMBO_WEBSOCKET_ORIGINS": "*"}


@pytest.fixture
def shop(api, fresh):
    made = Shop(api, fresh("shop"))
    yield made
    made.end()


def url(shop: Shop, query: str = "") -> str:
    return f"ws://127.0.0.1:{shop.api.server.port}{shop.path}{query}"


class Listener:
    """A node process."""

    def __init__(self, shop: Shop, token: str):
        self.process = subprocess.Popen(
            ["node", REPOSITORY / "tests/e2e/clients/listen.mjs", url(shop), token], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def told(self) -> dict:
        return json.loads(self.process.stdout.readline())

    def say(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture
def listen(shop):
    """listen(token) is npm's ws, listening."""
    listeners: list[Listener] = []

    def begin(token: str) -> Listener:
        listeners.append(Listener(shop, token))
        return listeners[-1]

    yield begin
    for each in listeners:
        each.end()


def test_npm_ws(shop, listen, api):
    listener = listen(shop.token)
    assert listener.told() == {"open": "permessage-deflate"}
    id = shop.publish()
    heard = listener.told()
    assert (heard["isBinary"], heard["event"]["id"]) == (False, id)
    listener.say("text")
    assert shop.publish() == listener.told()["event"]["id"]
    listener.say("ping")
    assert listener.told() == {"pong": "hi"}
    assert api.delete(shop.name).status == 200
    assert listener.told() == {"code": 1008, "reason": "token no longer valid"}


def test_npm_ws_that_closes_by_itself(listen, shop):
    listener = listen(shop.token)
    assert "open" in listener.told()
    listener.say("close")
    assert listener.told() == {"code": 1000, "reason": ""}


def test_npm_ws_that_is_refused(listen):
    assert listen("wrong").told() == {"status": 401}


def test_python_websockets(shop):
    async def listening() -> None:
        async with websockets.connect(url(shop), extra_headers={"token": shop.token}) as socket:
            ids = [shop.publish(callId=str(number)) for number in range(10)]
            heard = [json.loads(await asyncio.wait_for(socket.recv(), PATIENCE)) for _ in ids]
            assert [each["id"] for each in heard] == ids
            assert [each.name for each in socket.extensions] == ["permessage-deflate"]
            await asyncio.wait_for(await socket.ping(b"hi"), PATIENCE)
            await socket.send("nobody listens to this")
            await socket.send(b"\xff")
            await socket.send("what is longer is deflated, " * 1000)
            await asyncio.wait_for(await socket.ping(b"after all of it"), PATIENCE)
        assert (socket.close_code, socket.close_reason) == (1000, "")
    asyncio.run(listening())


def test_python_websockets_that_is_refused(shop):
    async def refused() -> int:
        with pytest.raises(websockets.InvalidStatusCode) as caught:
            async with websockets.connect(url(shop, "?events=foo&token=" + shop.token)):
                pass
        return caught.value.status_code
    assert asyncio.run(refused()) == 400


SCRIPT = """
const socket = new WebSocket(given.url);
const told = event => new Promise(resolve => socket.addEventListener(event, resolve, {once: true}));
await told("open");
const hears = told("message");
await fetch("/meanwhile", {method: "POST"});
const heard = JSON.parse((await hears).data);
socket.close(4000, "bye");
const {code, reason, wasClean} = await told("close");
return {heard, code, reason, wasClean, extensions: socket.extensions};
"""


def test_a_page(shop):
    ids = []
    with Page(SCRIPT) as page:
        page.meanwhile = lambda: ids.append(shop.publish())
        said = page.told(url=url(shop, "?token=" + shop.token))
    assert (said["heard"]["id"], said["heard"]["event"]) == (ids[0], "call.update")
    assert (said["code"], said["reason"], said["wasClean"]) == (1000, "", True)
    assert said["extensions"].startswith("permessage-deflate")


REFUSED = """
const socket = new WebSocket(given.url);
return await new Promise(resolve => {
  socket.onopen = () => resolve("open");
  socket.onerror = () => resolve("refused");
});
"""


def test_a_page_that_is_not_listed(tmp_path):
    with Server(data_dir=tmp_path) as server, Page(REFUSED) as page:
        shop = Shop(Api(server, server.account("default")), "shop")
        assert page.told(url=url(shop, "?token=" + shop.token)) == "refused"
