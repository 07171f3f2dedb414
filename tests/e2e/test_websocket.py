"""GET /ws/:instance: who may open a WebSocket, what is heard there, and how it ends."""

import json
import re
import threading

import pytest
from client import Api, assert_refused
from pombo_server import Server, until
from shapes import EVENTS
from websocket import (BINARY, CLOSE, DEFLATE, DEFLATED, FINAL, PING, PONG, TEXT, Shop, Socket,
                       deflate, frame)

ADMIN = "an-admin-token-of-forty-visible-letters."
SERVER_ENV = {"POMBO_WEBSOCKET_ORIGINS": "https://app.example.com",
              "POMBO_BLOCKS_WEBSOCKET_MAX_CLIENTS": "3", "POMBO_ADMIN_TOKEN": ADMIN}
NOT_ENABLED = ("WebSocket is not enabled for this instance. Configure it first using POST "
               "/api/events/websocket/")
NO_TOKEN = "Missing token in header, Authorization header, or query parameter"


@pytest.fixture
def make(api, fresh):
    """make(websocketEvents=[...]) is an instance with a WebSocket."""
    made: list[Shop] = []

    def new(account: Api = api, **fields) -> Shop:
        made.append(Shop(account, fresh("shop"), **fields))
        return made[-1]

    yield new
    for shop in made:
        shop.end()


@pytest.fixture
def shop(make):
    return make()


@pytest.fixture
def message(fresh):
    """message(shop) publishes one, whose id this is."""
    return lambda shop, **more: shop.publish("message.exchange", id=fresh("3EB0"), **more)


def metric(server, name: str) -> float:
    text = Api(server).get("/metrics").raw.decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(found[1]) if found else 0


# Opening --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["token", "Authorization", "query", "account"])
def test_wherever_the_token_stands(shop, api, how):
    socket = {
        "token": lambda: shop.open(),
        "Authorization": lambda: shop.open(token="",
                                           lines=(f"Authorization: Bearer {shop.token}",)),
        "query": lambda: shop.open(f"?token={shop.token}", token=""),
        "account": lambda: shop.open(token=api.token),
    }[how]()
    assert not socket.refusal
    assert shop.publish() == socket.text()["id"]


def test_the_limit_of_the_token_counts_it(shop):
    left = [int(next(line for line in shop.open().head
                     if line.startswith("X-RateLimit-Remaining")).split()[1]) for _ in range(2)]
    assert left[1] == left[0] - 1


def test_a_limit_that_is_used_up(new_account, make):
    shop = make(new_account(general_limit=2))
    for _ in range(2):
        assert not shop.open().refusal
    refused = shop.open().refusal
    assert_refused(refused, 429, "Rate limit exceeded. Try again later.")
    assert refused.headers["Retry-After"]


@pytest.mark.parametrize("origin, taken", [
    ("https://app.example.com", True), ("https://APP.example.com:443", True),
    ("https://app.example.com.evil.example", False), ("http://app.example.com", False),
    ("null", False), ("*", False), ("https://app.example.com, https://evil.example", False)])
def test_pages_of_origins_that_are_listed(shop, origin, taken):
    socket = shop.open(lines=(f"Origin: {origin}",))
    if taken:
        assert not socket.refusal
    else:
        assert_refused(socket.refusal, 403, "Origin is not allowed")


def test_pages_of_the_server_itself(shop, server):
    assert not shop.open(lines=(f"Origin: {server.url}",)).refusal


def test_origins_of_an_account_are_for_its_other_calls(server, fresh):
    name = fresh("account")
    api = Api(server, server.account(name))
    assert server.run("account", "set", name, "--origins", "https://page.example").returncode == 0
    shop = Shop(api, fresh("shop"))
    refused = shop.open(lines=("Origin: https://page.example",)).refusal
    assert_refused(refused, 403, "Origin is not allowed")


def test_what_is_checked_first(shop, make, api, fresh):
    evil = ("Origin: https://evil.example",)
    other = make(websocketEnabled=False)
    assert_refused(shop.open(token="", lines=evil).refusal, 401, NO_TOKEN)
    assert_refused(shop.open(token="wrong", lines=evil).refusal, 401, "Invalid token")
    assert_refused(shop.open(token=other.token, lines=evil).refusal, 403, "Origin is not allowed")
    assert_refused(shop.open(token=other.token).refusal, 403,
                   "Instance token does not match the requested instance")
    gone = Socket(api.server, "/ws/" + fresh("nobody"), api.token)
    assert_refused(gone.refusal, 404, "Instance not found")
    # Of a plain request, too: the upgrade itself comes last.
    assert_refused(other.api.get(other.path), 400, NOT_ENABLED + other.name)
    assert_refused(shop.api.get(shop.path), 426, "WebSocket upgrade required")
    assert until(lambda: metric(api.server, "pombo_sockets_open") == 0)


def test_more_clients_than_an_instance_takes(shop):
    sockets = [shop.open() for _ in range(3)]
    assert not any(socket.refusal for socket in sockets)
    assert_refused(shop.open().refusal, 503, "Too many WebSocket clients")
    sockets[0].send(frame(CLOSE))
    assert sockets[0].closing() == (1000, "")
    assert until(lambda: not shop.open().refusal)


def test_subprotocols_are_ignored(shop):
    socket = shop.open(lines=("Sec-WebSocket-Protocol: chat, superchat",))
    assert not socket.refusal
    assert not any(line.startswith("Sec-WebSocket-Protocol") for line in socket.head)


def test_what_comes_right_behind_the_request_is_read(shop):
    socket = shop.open(early=frame(PING, b"early"))
    assert socket.frame() == (PONG, b"early")


# What is heard --------------------------------------------------------------------------------


def test_the_envelope_is_that_of_every_channel(shop, message, server):
    socket = shop.open()
    id = message(shop)
    heard = socket.text()
    assert list(heard) == ["event", "data", "instanceData", "id", "timestamp"]
    assert (heard["event"], heard["id"]) == ("message.exchange", id)
    assert heard["data"]["message"]["content"] == "Good morning"
    assert heard["instanceData"] == {"baseUrl": server.url, "instance": shop.name,
                                     "token": shop.token}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", heard["timestamp"])


def test_everyone_hears_everything_in_order(shop, message):
    sockets = [shop.open() for _ in range(3)]
    ids = [message(shop) for _ in range(20)]
    for socket in sockets:
        assert [socket.text()["id"] for _ in ids] == ids


def test_nobody_hears_of_another_instance(make):
    one, other = make(), make()
    socket = one.open()
    other.publish()
    id = one.publish()
    assert socket.text()["id"] == id


def test_the_stored_list_and_a_narrower_one(make, message):
    shop = make(websocketEvents=["message.exchange", "call.update"])
    all_of_it, calls = shop.open(), shop.open("?events=call.update,group.flow")
    message(shop)
    first = shop.publish()
    shop.api.get(f"/api/instance/connect/{shop.name}")  # an instance.state, which nobody wants
    last = shop.publish(callId="last")
    # The calls keep their order; the message has a chat of its own and may come before or after.
    heard = [all_of_it.text() for _ in range(3)]
    assert sorted(each["event"] for each in heard) == \
        ["call.update", "call.update", "message.exchange"]
    assert [each["id"] for each in heard if each["event"] == "call.update"] == [first, last]
    assert [calls.text()["id"] for _ in range(2)] == [first, last]


@pytest.mark.parametrize("query", ["?events=", "?events=,", "?events=" + ",".join(EVENTS)])
def test_all_events(shop, query):
    socket = shop.open(query)
    assert shop.publish() == socket.text()["id"]


def test_a_changed_list_counts_at_once(shop, message):
    socket = shop.open()
    shop.configure(enabled=True, events=["message.exchange"])
    shop.publish()
    id = message(shop)
    assert socket.text()["id"] == id


def test_switched_off_it_is_silent_and_open(tmp_path):
    with Server(data_dir=tmp_path) as server:
        shop = Shop(Api(server, server.account("default")), "shop")
        socket = shop.open()
        shop.configure(enabled=False)
        shop.publish()
        # Before it is on again: an event finds what is set when its turn comes.
        assert until(lambda: metric(server, "pombo_websocket_delivered_total") == 1)
        assert_refused(shop.open().refusal, 400, NOT_ENABLED + shop.name)
        socket.send(frame(PING, b"still there"))
        assert socket.frame() == (PONG, b"still there")
        shop.configure(enabled=True)
        assert shop.publish() == socket.text()["id"]


# Compression ----------------------------------------------------------------------------------

AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize("offer, answer", [
    (DEFLATE, AGREED), (DEFLATE + "; client_max_window_bits", AGREED),
    (DEFLATE + "; server_max_window_bits=12", AGREED + "; server_max_window_bits=12"),
    (DEFLATE + "; server_max_window_bits=9", ""), (DEFLATE + "; nonsense", ""),
    ("Sec-WebSocket-Extensions: x-webkit-deflate-frame", "")])
def test_what_is_agreed_to(shop, offer, answer):
    socket = shop.open(lines=(offer,))
    assert socket.extensions == answer
    assert shop.publish() == socket.text()["id"]
    assert bool(socket.flags) == bool(answer)


def test_everyone_hears_the_same_compressed_or_not(shop, message):
    sockets = [shop.open(lines=(DEFLATE,)), shop.open(), shop.open(lines=(DEFLATE,))]
    ids = [message(shop, message={"type": "text", "content": "é" * length})
           for length in (1, 1000, 140_000)]
    for socket in sockets:
        heard = [(socket.text(), socket.flags) for _ in ids]
        assert [each["id"] for each, _ in heard] == ids
        assert [len(each["data"]["message"]["content"]) for each, _ in heard] == [1, 1000, 140_000]
        # What is large is left as it is.
        assert [flags for _, flags in heard] == \
            ([DEFLATED, DEFLATED, 0] if socket.extensions else [0, 0, 0])


def test_what_a_block_says_at_the_end_is_not_compressed(shop, api):
    socket = shop.open(lines=(DEFLATE,))
    socket.send(frame(PING, b"x"))
    assert (socket.frame(), socket.flags) == ((PONG, b"x"), 0)
    assert api.delete(shop.name).status == 200
    assert socket.closing() == (1008, "token no longer valid")


def test_it_can_be_switched_off(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_WEBSOCKET_COMPRESSION": "false"}) as server:
        shop = Shop(Api(server, server.account("default")), "shop")
        socket = shop.open(lines=(DEFLATE,))
        assert socket.extensions == ""
        assert shop.publish() == socket.text()["id"]
        socket.send(frame(TEXT, deflate(b"x"), first=FINAL | DEFLATED | TEXT))
        assert socket.closing() == (1002, "")


def test_what_clients_deflate_is_ignored_as_well(shop):
    socket = shop.open(lines=(DEFLATE,))
    half = deflate("Grüße ".encode() * 1000)
    for first, payload in [(FINAL | DEFLATED | TEXT, half), (FINAL | DEFLATED | BINARY, deflate(bytes(65536))),
                           (FINAL | DEFLATED | TEXT, b"\0"), (FINAL | TEXT, b"plain"),
                           (DEFLATED | TEXT, half[:20]), (FINAL, half[20:])]:
        socket.send(frame(0, payload, first=first))
    socket.send(frame(PING, b"fine"))
    assert socket.frame() == (PONG, b"fine")


# What clients send ----------------------------------------------------------------------------


def test_what_clients_say_is_ignored(shop):
    socket = shop.open()
    for opcode, payload in [(TEXT, b"hello"), (BINARY, b"\xff" * 65536), (TEXT, b""), (PONG, b"")]:
        socket.send(frame(opcode, payload))
    socket.send(frame(TEXT, b"in ", first=TEXT) + frame(PING, b"between") +
                frame(0, b"pieces", first=0x80))
    assert socket.frame() == (PONG, b"between")
    assert shop.publish() == socket.text()["id"]


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe9bye", b"\x0f\xa0"])
def test_a_clients_close_is_answered(shop, payload):
    socket = shop.open()
    socket.send(frame(CLOSE, payload))
    assert socket.closing() == (1000, "")


def test_a_client_that_is_gone_is_forgotten(shop, server):
    assert until(lambda: metric(server, "pombo_sockets_open") == 0)
    sockets = [shop.open(), shop.open(), shop.open()]
    assert metric(server, "pombo_sockets_open") == 3
    sockets[0].reset()
    sockets[1].socket.close()
    assert until(lambda: metric(server, "pombo_sockets_open") == 1)
    assert shop.publish() == sockets[2].text()["id"]


# The end --------------------------------------------------------------------------------------


def test_a_deleted_instance(shop, make, api):
    other = make()
    sockets, stays = [shop.open(), shop.open(token=api.token)], other.open()
    assert api.delete(shop.name).status == 200
    for socket in sockets:
        assert socket.closing() == (1008, "token no longer valid")
    assert other.publish() == stays.text()["id"]


def test_a_rotated_account(new_account, make, server, fresh):
    name = fresh("account")
    api = Api(server, server.account(name))
    shop = make(api)
    by_account, by_instance = shop.open(token=api.token), shop.open()
    assert server.run("account", "rotate", name, "--grace", "0").returncode == 0
    assert by_account.closing() == (1008, "token no longer valid")
    by_instance.send(frame(PING, b"x"))
    assert by_instance.frame() == (PONG, b"x")


def test_a_disabled_account(server, make, fresh):
    name = fresh("account")
    admin = Api(server, ADMIN)
    made = admin.call("POST", "/api/admin/accounts", {"name": name})
    assert made.status == 201, made
    account = made.json["account"]
    token = made.json.get("token") or account["token"]
    server.tokens.add(token)
    shop = make(Api(server, token))
    socket = shop.open()
    disabled = admin.call("PUT", f"/api/admin/accounts/{account['id']}", {"enabled": False})
    assert disabled.status == 200
    assert socket.closing() == (1008, "token no longer valid")


def test_a_server_that_stops(tmp_path):
    with Server(data_dir=tmp_path) as server:
        shop = Shop(Api(server, server.account("default")), "shop")
        polite, silent = shop.open(), shop.open()
        id = shop.publish()
        statuses: list[int] = []
        stopping = threading.Thread(target=lambda: statuses.append(server.stop()))
        stopping.start()
        assert polite.text()["id"] == id
        assert polite.closing() == (1001, "server shutdown")
        stopping.join()
        assert statuses == [0]
        silent.socket.close()


def test_a_client_without_a_heart(tmp_path):
    env = {"POMBO_WEBSOCKET_PING_SECONDS": "1", "POMBO_WEBSOCKET_PONG_SECONDS": "3"}
    with Server(data_dir=tmp_path, env=env) as server:
        shop = Shop(Api(server, server.account("default")), "shop")
        dead, alive = shop.open(), shop.open()
        assert alive.frame() == (PING, b"")
        alive.send(frame(PONG))
        pings = 0
        while True:
            try:
                got = dead.frame()
            except ConnectionResetError:
                break
            if got is None:
                break
            assert got == (PING, b"")  # and no close: it is cut off
            pings += 1
            assert alive.frame() == (PING, b"")
            alive.send(frame(PONG))
        assert pings >= 1
        assert shop.publish() == alive.text()["id"]


def test_nothing_is_told_of_tokens(server, shop):
    shop.open(f"?token={shop.token}", token="")
    assert until(lambda: f'"path":"{shop.path}"' in server.logs())
    line = next(each for each in server.logs().splitlines() if f'"path":"{shop.path}"' in each)
    assert json.loads(line)["query"] == "token=***"
