"""What the routes of one instance have in common: who may, how often, and what is in the way."""


import pytest
from client import LIMIT_HEADERS, Api, assert_refused, together
from pombo_server import Server
from shapes import URL

SERVER_ENV = {"POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000"}

# Without the name of the instance; with a body that is good; and what a 500 says.
ROUTES = {
    "getSettings": ("GET", "/api/instance/getSettings/", None,
                    "Failed to get settings configuration"),
    "settings": ("POST", "/api/instance/settings/", {"ignoreStatus": True},
                 "Failed to update settings configuration"),
    "getProxy": ("GET", "/api/instance/getProxy/", None, "Failed to get proxy configuration"),
    "proxy": ("POST", "/api/instance/proxy/",
              {"enabled": True, "host": "10.0.0.9", "port": 1080, "protocol": "http"},
              "Failed to update proxy configuration"),
    "getS3": ("GET", "/api/instance/getS3/", None, "Failed to get S3 configuration"),
    "s3": ("POST", "/api/instance/s3/",
           {"enabled": True, "bucket": "b", "accessKey": "a", "secretKey": "s", "endpoint": URL},
           "Failed to update S3 configuration"),
    "webhook": ("POST", "/api/events/webhook/", {"enabled": True, "url": URL},
                "Failed to save webhook configuration"),
    "getWebhook": ("GET", "/api/events/getWebhook/", None, "Failed to get webhook configuration"),
    "getWebhook, its alias": ("GET", "/api/events/webhook/", None,
                              "Failed to get webhook configuration"),
    "websocket": ("POST", "/api/events/websocket/", {"enabled": True}, "Failed to get instance"),
    "getWebsocket": ("GET", "/api/events/getWebsocket/", None,
                     "Failed to get websocket configuration"),
}
every_route = pytest.mark.parametrize("method, path, body, failure", ROUTES.values(),
                                      ids=ROUTES.keys())
MISMATCH = "Instance token does not match the requested instance"


@pytest.fixture(scope="module")
def shop(api):
    """An instance that every block knows."""
    return api.created("shop é", webhookEnabled=True, webhookURL=URL, websocketEnabled=True)


@every_route
def test_its_own_token_and_its_accounts(api, shop, method, path, body, failure):
    for caller in (api, api.as_(shop["token"])):
        for segment in ("shop%20%C3%A9", "shop%20e%CC%81", "shop%20%C3%A9/"):
            reply = caller.call(method, path + segment, body)
            assert (reply.status, reply.json["success"]) == (200, True), reply
            assert reply.limit_headers == LIMIT_HEADERS


@every_route
def test_nobody(api, shop, method, path, body, failure):
    for token in (None, "", "wrong"):
        assert_refused(api.as_(token).call(method, path + "shop%20%C3%A9", body), 401,
                       "Invalid token")
    # The token comes before the body.
    assert_refused(api.as_("wrong").call(method, path + "x", b"{"), 401, "Invalid token")


@every_route
def test_anothers_token(api, shop, fresh, method, path, body, failure):
    other = api.as_(api.created(fresh())["token"])
    known = other.call(method, path + "shop%20%C3%A9", body)
    assert_refused(known, 403, MISMATCH)
    unknown = other.call(method, path + "gone", body)
    assert (unknown.status, unknown.raw) == (known.status, known.raw)


@every_route
def test_another_account(new_account, shop, method, path, body, failure):
    stranger = new_account()
    assert_refused(stranger.call(method, path + "shop%20%C3%A9", body), 404, "Instance not found")
    assert_refused(stranger.call(method, path + "%20", body), 400, "Instance name is required")


@every_route
def test_an_instance_that_is_gone(api, fresh, method, path, body, failure):
    name = fresh()
    token = api.created(name)["token"]
    assert api.delete(name).status == 200
    assert_refused(api.call(method, path + name, body), 404, "Instance not found")
    assert_refused(api.as_(token).call(method, path + name, body), 401, "Invalid token")


def test_changes_beside_a_deletion(api, fresh, rows):
    changes = [ROUTES[name] for name in ("webhook", "settings", "websocket", "proxy", "s3")]
    for _ in range(15):
        name = fresh()
        instance = api.created(name)

        def act(number, name=name):
            if number == 0:
                return api.delete(name)
            method, path, body, _ = changes[number % len(changes)]
            return api.call(method, path + name, body)

        deleted, *replies = together(11, act)  # of slow calls an account has 8 at once
        assert deleted.status == 200
        for reply in replies:
            if reply.status != 200:
                assert_refused(reply, 404, "Instance not found")
        assert rows.query("SELECT count(*) FROM block_row WHERE instance_id = ?",
                          instance["id"]) == [(0,)]


@every_route
def test_the_general_limit(server, new_account, method, path, body, failure):
    account = new_account(general_limit=2)
    instance = account.created("x", websocketEnabled=True)
    own = account.as_(instance["token"])  # has an allowance of its own
    for caller in (account, own):
        for left in (1, 0):
            reply = caller.call(method, path + "x", body)
            assert reply.status == 200
            assert reply.headers["X-RateLimit-Limit"] == "2"
            assert reply.headers["X-RateLimit-Remaining"] == str(left)
        refused = caller.call(method, path + "x", body)
        assert_refused(refused, 429, "Rate limit exceeded. Try again later.")
        assert int(refused.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("name", [name for name in ROUTES if ROUTES[name][0] == "POST"])
def test_a_body_that_is_none(api, shop, name):
    method, path, _, _ = ROUTES[name]
    for body in (b"{", b"[]", b'"x"', b'{"enabled":true,"enabled":true}', b'{"a":"\xff"}'):
        assert_refused(api.call(method, path + "shop%20%C3%A9", body), 400, "Invalid request body")


@pytest.mark.parametrize("name", ["webhook", "websocket", "proxy", "s3"])
def test_enabled_is_required(api, shop, name):
    method, path, _, _ = ROUTES[name]
    for body in (None, {}, {"enabled": None}, {"enabled": ""}, {"url": URL, "events": []}):
        assert_refused(api.call(method, path + "shop%20%C3%A9", body), 400,
                       "The 'enabled' field is required")
    for wrong in ("true", 1, []):
        assert_refused(api.call(method, path + "shop%20%C3%A9", {"enabled": wrong}), 400,
                       "The 'enabled' field must be a boolean")


@pytest.mark.parametrize("name", [name for name in ROUTES if ROUTES[name][0] == "POST"])
def test_unknown_fields_are_ignored_and_told(api, shop, name):
    method, path, body, _ = ROUTES[name]
    reply = api.call(method, path + "shop%20%C3%A9", body | {"foo": 1, "Enabled": True})
    assert reply.status == 200
    assert reply.json["warnings"] == ["Unknown field 'foo' was ignored",
                                      "Unknown field 'Enabled' was ignored"]
    assert "warnings" not in api.call(method, path + "shop%20%C3%A9", body).json


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A server whose table of blocks is gone, and an account with an instance there."""
    with Server(data_dir=tmp_path_factory.mktemp("broken")) as server:
        account = Api(server, server.account("shop"))
        account.created("shop")
        server.store.execute("ALTER TABLE block_row RENAME TO elsewhere")
        yield account


@every_route
def test_a_database_that_fails(broken, method, path, body, failure):
    assert_refused(broken.call(method, path + "shop", body), 500, failure)


@pytest.mark.parametrize("block, names", [
    ("webhook", ["webhook", "getWebhook", "getWebhook, its alias"]),
    ("websocket", ["websocket", "getWebsocket"]),
    ("proxy", ["proxy", "getProxy"]),
    ("s3", ["s3", "getS3"]),
])
def test_a_block_that_is_switched_off(tmp_path, block, names):
    with Server(data_dir=tmp_path, env={f"POMBO_BLOCKS_{block.upper()}_ENABLED": "false"}) as server:
        account = Api(server, server.account("shop"))
        account.created("shop")
        for name in names:
            method, path, body, _ = ROUTES[name]
            assert_refused(account.call(method, path + "shop", body), 503,
                           f"plugin '{block}' is not loaded on this server")
        assert account.get("/api/instance/getSettings/shop").status == 200
