"""Pages of other origins: which may call, and what their browsers are told."""

import pytest
from browser import Page
from client import LIMIT_HEADERS, Api, assert_refused, request
from pombo_server import Server

ADMIN_TOKEN = "an-admin-token-of-forty-visible-letters."
EVERYWHERE = "https://console.example"
BASE = "https://wa.example"
SERVER_ENV = {"POMBO_ADMIN_TOKEN": ADMIN_TOKEN, "POMBO_HTTP_ORIGINS": f"{EVERYWHERE}, app://pombo",
              "POMBO_HTTP_BASE_URL": BASE + "/gateway",
              "POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000",
              "POMBO_LIMITS_ADMIN_PER_MINUTE": "1000000"}

OWN = "https://app.example"
FOREIGN = "https://evil.example"
GOOD = [OWN, EVERYWHERE, BASE, "app://pombo", "HTTPS://App.example:443"]
BAD = [FOREIGN, "null", "http://app.example", "https://app.example:8443", "https://app.example.",
       "https://sub.app.example", "https://wa.example:80", f"{OWN}, {OWN}", "*", "x"]
LIST = "/api/instance/list"
NEW = "/api/instance/new"
EXPOSED = "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"
TOO_MANY = "Rate limit exceeded. Try again later."
NOT_ALLOWED = "Origin is not allowed"


@pytest.fixture(scope="module")
def shop(server) -> Api:
    """Of an account whose pages may call; there is another one whose may not."""
    Api(server, server.account("closed"))
    token = server.account("shop")
    assert server.run("account", "set", "shop", "--origins", OWN).returncode == 0
    return Api(server, token)


@pytest.fixture(scope="module")
def closed(server, new_account, shop) -> Api:
    return new_account()


def cors_headers(reply) -> dict[str, str]:
    return {name.lower(): value for name, value in reply.headers.items()
            if name.lower().startswith("access-control-")}


def readable(reply, origin: str) -> bool:
    """Whether a page of that origin may read it; that, or nothing about pages at all."""
    assert reply.headers.get_all("Vary") == ["Origin"]
    if not cors_headers(reply):
        return False
    assert cors_headers(reply) == {"access-control-allow-origin": origin,
                                   "access-control-expose-headers": EXPOSED}
    return True


def preflight(api: Api, origin: str, path: str = NEW, method: str = "POST",
              headers: str = "content-type,token"):
    return api.as_(None).call("OPTIONS", path, headers={
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers})


# Preflight ------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", GOOD)
@pytest.mark.parametrize("path", [NEW, LIST, "/api/admin/accounts", "/nowhere", "/health"])
def test_a_preflight_of_an_origin_that_somebody_allows(shop, origin, path):
    reply = preflight(shop, origin, path)
    assert (reply.status, reply.raw) == (204, b"")
    headers = cors_headers(reply)
    headers.pop("access-control-expose-headers", None)
    assert headers == {"access-control-allow-origin": origin,
                       "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
                       "access-control-allow-headers": "Content-Type, Authorization, token, apikey",
                       "access-control-max-age": "600"}
    assert reply.headers["Vary"] == "Origin"
    assert not reply.limit_headers


@pytest.mark.parametrize("origin", BAD)
def test_a_preflight_of_one_that_nobody_allows(shop, origin):
    reply = preflight(shop, origin)
    assert (reply.status, reply.raw) == (204, b"")
    assert not cors_headers(reply) and not reply.limit_headers
    assert reply.headers["Vary"] == "Origin"


def test_preflights_are_not_limited(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "2"}) as server:
        api = Api(server)
        assert {preflight(api, FOREIGN).status for _ in range(10)} == {204}
        assert [api.get("/nowhere").status for _ in range(3)] == [404, 404, 429]


@pytest.mark.parametrize("lines", [[], [f"Origin: {OWN}"], ["Access-Control-Request-Method: GET"],
                                   ["Origin:", "Access-Control-Request-Method: GET"]])
def test_other_options_are_a_method_like_any(shop, wire, lines):
    reply = wire().send(request("OPTIONS", LIST, shop.token, b"", *lines)).answer()
    assert_refused(reply, 405, "Method not allowed")
    assert reply.limit_headers == LIMIT_HEADERS


def test_a_preflight_needs_an_account_that_is_enabled(server, fresh):
    name, origin = fresh("account"), "https://fresh.example"
    api = Api(server, server.account(name))
    assert not cors_headers(preflight(api, origin))
    server.run("account", "set", name, "--origins", origin)
    assert cors_headers(preflight(api, origin))
    server.run("account", "set", name, "--enabled", "false")
    assert not cors_headers(preflight(api, origin))


# Calls ----------------------------------------------------------------------------------------


def from_page(api: Api, origin: str, method: str = "GET", path: str = LIST, body=None):
    return api.call(method, path, body, headers={"Origin": origin})


@pytest.mark.parametrize("origin", GOOD)
def test_a_page_that_may(shop, fresh, origin):
    name = fresh()
    made = from_page(shop, origin, "POST", NEW, {"name": name})
    assert made.status == 201 and readable(made, origin)
    token = made.json["instance"]["token"]
    for api, status in [(shop, 200), (shop.as_(token), 200)]:
        reply = from_page(api, origin)
        assert reply.status == status and readable(reply, origin)
        assert reply.limit_headers == LIMIT_HEADERS


@pytest.mark.row("A10")
@pytest.mark.parametrize("origin", BAD)
def test_a_page_that_may_not(shop, fresh, writes_nothing, origin):
    for method, path in [("POST", NEW), ("GET", LIST), ("DELETE", "/api/instance/delete/x"),
                         ("GET", "/nowhere"), ("PUT", NEW), ("GET", "/api/instance/connect/x")]:
        reply = from_page(shop, origin, method, path, {"name": fresh()})
        assert_refused(reply, 403, NOT_ALLOWED)
        assert not readable(reply, origin)
        assert not reply.limit_headers


def test_without_an_origin_nothing_is_asked(shop, closed):
    for api in (shop, closed):
        reply = api.list()
        assert reply.status == 200
        assert reply.headers["Vary"] == "Origin" and not cors_headers(reply)


def test_one_accounts_origins_are_not_anothers(shop, closed):
    assert_refused(from_page(closed, OWN), 403, NOT_ALLOWED)
    assert from_page(closed, EVERYWHERE).status == 200
    name = "theirs"
    token = closed.created(name)["token"]
    assert_refused(from_page(closed.as_(token), OWN), 403, NOT_ALLOWED)


def test_the_admin_calls_from_the_servers_pages(server, shop):
    admin = Api(server, ADMIN_TOKEN)
    for origin in (EVERYWHERE, BASE):
        reply = from_page(admin, origin, "GET", "/api/admin/accounts")
        assert reply.status == 200 and readable(reply, origin)
    reply = from_page(admin, OWN, "POST", "/api/admin/accounts", {"name": "from a page"})
    assert_refused(reply, 403, NOT_ALLOWED)
    assert not readable(reply, OWN)
    assert "from a page" not in server.run("account", "list").stdout


def test_every_origin(server, fresh):
    name = fresh("account")
    api = Api(server, server.account(name))
    server.run("account", "set", name, "--origins", "*")
    for origin in (FOREIGN, "null", "whatever this is"):
        reply = from_page(api, origin)
        assert reply.status == 200 and readable(reply, origin)
        assert "access-control-allow-origin" in cors_headers(preflight(api, origin))
    server.run("account", "set", name, "--origins", "")
    assert_refused(from_page(api, FOREIGN), 403, NOT_ALLOWED)


# Order and errors -----------------------------------------------------------------------------


def test_the_order_of_checks(server, shop, fresh):
    name = fresh("tired")
    tired = Api(server, server.account(name, general_limit=0, create_limit=0))
    server.run("account", "set", name, "--origins", OWN)
    shop.created("mine")
    instance = shop.created("other")["token"]
    steps = [
        (shop.as_("wrong"), FOREIGN, "GET", LIST, None, 401, "Invalid token"),
        (shop.as_(instance), FOREIGN, "POST", NEW, None, 401, "Invalid token"),
        (tired, FOREIGN, "GET", LIST, None, 403, NOT_ALLOWED),
        (shop.as_(instance), FOREIGN, "GET", "/api/instance/getSettings/mine", None, 403,
         NOT_ALLOWED),
        (shop, FOREIGN, "GET", "/api/instance/getSettings/%20", None, 403, NOT_ALLOWED),
        (shop, FOREIGN, "POST", NEW, b"{", 403, NOT_ALLOWED),
        (shop, FOREIGN, "GET", "/nowhere", None, 403, NOT_ALLOWED),
        (tired, OWN, "GET", LIST, None, 429, TOO_MANY),
    ]
    for api, origin, method, path, body, status, sentence in steps:
        assert_refused(from_page(api, origin, method, path, body), status, sentence)


def test_errors_can_be_read_by_pages_that_may_call(server, shop, fresh):
    name = fresh("tired")
    tired = Api(server, server.account(name, general_limit=0))
    server.run("account", "set", name, "--origins", OWN)
    for origin in (OWN, EVERYWHERE):
        errors = [
            (401, from_page(shop.as_("wrong"), origin)),
            (401, from_page(shop.as_(None), origin)),
            (401, from_page(shop, origin, "GET", "/api/admin/accounts")),
            (400, from_page(shop, origin, "POST", NEW, b"{")),
            (404, from_page(shop, origin, "GET", "/nowhere")),
            (404, from_page(shop.as_(None), origin, "GET", "/nowhere")),
            (404, from_page(shop, origin, "DELETE", "/api/instance/delete/gone")),
            (405, from_page(shop, origin, "PUT", NEW)),
            (429, from_page(tired, origin)),
            (501, from_page(shop, origin, "GET", "/api/typebot/find/x")),
        ]
        for status, reply in errors:
            assert reply.status == status
            assert readable(reply, origin), status
        assert errors[8][1].headers["Retry-After"]
    for reply in (from_page(shop.as_("wrong"), FOREIGN),
                  from_page(shop.as_(None), FOREIGN, "GET", "/nowhere")):
        assert reply.status in (401, 404)
        assert not readable(reply, FOREIGN)


def test_what_the_port_itself_refuses_can_be_read_by_the_servers_pages(shop, wire):
    for origin, may in [(EVERYWHERE, True), (OWN, False), (FOREIGN, False)]:
        lines = ["Content-Length: 2000000", f"Origin: {origin}"]
        reply = wire().send(request("POST", NEW, shop.token, b"", *lines)).answer()
        assert_refused(reply, 413, "Request body too large")
        assert readable(reply, origin) == may
    reply = wire().send(request("POST", NEW, shop.token, b"", "Content-Length: x",
                                f"Origin: {EVERYWHERE}")).answer()
    assert_refused(reply, 400, "Malformed request")
    assert not readable(reply, EVERYWHERE)


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz"])
def test_any_page_may_look_at_the_health(shop, path):
    for api in (shop, shop.as_("wrong"), shop.as_(None)):
        reply = from_page(api, FOREIGN, "GET", path)
        assert reply.status == 200 and readable(reply, FOREIGN)
    assert cors_headers(preflight(shop, FOREIGN, path, "GET"))
    assert not cors_headers(preflight(shop, FOREIGN, path, "POST"))


def test_the_metrics_are_for_no_page(shop):
    reply = from_page(shop.as_(None), FOREIGN, "GET", "/metrics")
    assert reply.status == 200 and not readable(reply, FOREIGN)


def test_open_routes_refuse_no_page(shop):
    """Whoever comes is answered; reading the answer is another matter."""
    foreign = from_page(shop.as_(None), FOREIGN, "GET", "/openapi.json")
    own = from_page(shop.as_(None), OWN, "GET", "/openapi.json")
    assert foreign.status == own.status == 200
    assert not readable(foreign, FOREIGN) and readable(own, OWN)


@pytest.mark.parametrize("entry", ["app.example", "null", OWN + "/", "https://*.example"])
def test_entries_of_the_server_are_checked_at_start(tmp_path, entry):
    done = Server(data_dir=tmp_path, env={"POMBO_HTTP_ORIGINS": f"{OWN},{entry}"}).run("serve")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == \
        f"pombo: http.origins: '{entry}' is neither scheme://host[:port] nor *"


def test_without_a_base_url_it_is_where_the_server_listens(tmp_path):
    with Server(data_dir=tmp_path) as server:
        api = Api(server, server.account("shop"))
        reply = from_page(api, server.url)
        assert reply.status == 200 and readable(reply, server.url)
        assert_refused(from_page(api, EVERYWHERE), 403, NOT_ALLOWED)


# A browser ------------------------------------------------------------------------------------

SCRIPT = """
const call = async (path, options) => {
  try {
    const reply = await fetch(given.url + path, options);
    return {status: reply.status, body: await reply.json(), headers: {
      limit: reply.headers.get("x-ratelimit-limit"),
      remaining: reply.headers.get("x-ratelimit-remaining"),
      reset: reply.headers.get("x-ratelimit-reset"), retry: reply.headers.get("retry-after"),
      id: reply.headers.get("x-request-id")}};
  } catch (error) { return {refused: error.name}; }
};
const json = {"content-type": "application/json"};
return {
  made: await call("/api/instance/new", {method: "POST", headers: {token: given.token, ...json},
                                         body: JSON.stringify({name: "from a page"})}),
  listed: await call("/api/instance/list?token=" + given.token),
  bearer: await call("/api/instance/list", {headers: {authorization: "Bearer " + given.token}}),
  put: await call("/api/instance/new", {method: "PUT", headers: {token: given.token}}),
  gone: await call("/api/instance/delete/gone", {method: "DELETE", headers: {token: given.token}}),
  wrong: await call("/api/instance/list", {headers: {token: "wrong"}}),
  tired: await call("/api/instance/list", {headers: {token: given.tired}}),
  other: await call("/api/instance/list", {headers: {"x-other": "1", token: given.token}}),
  cookies: await call("/api/instance/list", {headers: {token: given.token},
                                             credentials: "include"}),
  health: await call("/health"),
  foreign: await call("/api/instance/new", {method: "POST",
                                            headers: {token: given.foreign, ...json},
                                            body: JSON.stringify({name: "from a foreign page"})}),
  simple: await call("/api/instance/new?token=" + given.foreign, {method: "POST",
                                            body: JSON.stringify({name: "without a preflight"})}),
};
"""


@pytest.fixture(scope="module")
def page():
    with Page(SCRIPT) as started:
        yield started


def test_a_browser_on_a_page_that_may(tmp_path, page):
    with Server(data_dir=tmp_path) as server:
        shop = Api(server, server.account("shop", general_limit=50))
        other = Api(server, server.account("other"))
        tired = Api(server, server.account("tired", general_limit=0))
        for name in ("shop", "tired"):
            server.run("account", "set", name, "--origins", page.origin)
        said = page.told(url=server.url, token=shop.token, tired=tired.token, foreign=other.token)
        assert said["made"]["status"] == 201
        assert said["made"]["body"]["instance"]["name"] == "from a page"
        assert said["listed"]["body"]["message"] == said["bearer"]["body"]["message"] == \
            "1 Instance found"
        limits = said["listed"]["headers"]
        assert (limits["limit"], limits["remaining"], limits["id"]) == ("50", "49", None)
        assert int(limits["reset"]) > 0
        assert {key: said[key]["status"] for key in ("put", "gone", "wrong", "tired")} == \
            {"put": 405, "gone": 404, "wrong": 401, "tired": 429}
        assert int(said["tired"]["headers"]["retry"]) >= 1
        assert said["tired"]["body"]["error"]["message"] == TOO_MANY
        assert said["health"]["body"]["service"] == "Pombo"
        # Neither other headers nor cookies are for a page to send.
        assert said["other"] == said["cookies"] == {"refused": "TypeError"}
        # The preflight names no account, and somebody allows the page; the account does not.
        assert said["foreign"] == said["simple"] == {"refused": "TypeError"}
        assert shop.names() == ["from a page"]
        assert other.names() == []


def test_a_browser_on_a_page_that_may_not(tmp_path, page):
    with Server(data_dir=tmp_path) as server:
        shop = Api(server, server.account("shop"))
        said = page.told(url=server.url, token=shop.token, tired=shop.token, foreign=shop.token)
        assert said.pop("health")["status"] == 200
        assert set(map(str, said.values())) == {"{'refused': 'TypeError'}"}
        assert shop.names() == []
