"""Who is let in, how often, and in which order a request is checked."""

import re
from email.utils import parsedate_to_datetime

import pytest
from client import LIMIT_HEADERS, Api, assert_refused, request
from pombo_server import Server

ADMIN_TOKEN = "an-admin-token-of-forty-visible-letters."
SERVER_ENV = {"POMBO_ADMIN_TOKEN": ADMIN_TOKEN, "POMBO_BLOCKS_S3_ENABLED": "false"}

NEW = "/api/instance/new"
LIST = "/api/instance/list"
STRANGER = "pmb_" + "x" * 43
TOO_MANY = "Rate limit exceeded. Try again later."


@pytest.fixture(scope="module")
def address():
    """A client address of its own, with an untouched allowance."""
    numbers = iter(range(2, 250))
    return lambda: f"127.0.0.{next(numbers)}"


@pytest.fixture
def here(api, address) -> Api:
    return Api(api.server, api.token, address())


def limit_of(reply) -> tuple[int, int]:
    assert reply.limit_headers == LIMIT_HEADERS
    assert re.fullmatch(r"\d+", reply.headers["X-RateLimit-Reset"])
    return int(reply.headers["X-RateLimit-Limit"]), int(reply.headers["X-RateLimit-Remaining"])


# Tokens ---------------------------------------------------------------------------------------

NOBODY = {
    "nothing": [], "empty token": ["token:"], "blank token": ["token:   "],
    "Basic": ["Authorization: Basic eDp5"], "bare scheme": ["Authorization: Bearer"],
    "scheme and a blank": ["Authorization: Bearer "], "unknown": [f"token: {STRANGER}"],
    "unknown bearer": [f"Authorization: Bearer {STRANGER}"], "long": ["token: " + "x" * 10_000],
    "wrong header, right bearer": ["token: wrong", "Authorization: Bearer {token}"],
    "no scheme": ["Authorization: {token}"], "wrong scheme": ["Authorization: Token {token}"],
    "two tokens": ["token: {token}", "token: {token}"], "lower case": ["token: {lower}"],
    "a byte more": ["token: {token}x"], "apikey": ["apikey: {token}"],
    "cookie": ["Cookie: token={token}"], "the admin": [f"token: {ADMIN_TOKEN}"],
    "SQL": ["token: ' OR 1=1 --"],
}


@pytest.mark.parametrize("method, path", [("POST", NEW), ("GET", LIST),
                                          ("DELETE", "/api/instance/delete/x"),
                                          ("GET", "/api/instance/getSettings/x")])
@pytest.mark.parametrize("lines", NOBODY.values(), ids=NOBODY.keys())
def test_nobody_in_particular(here, wire, lines, method, path):
    lines = [line.replace("{token}", here.token).replace("{lower}", here.token.lower())
             for line in lines]
    connection = wire(source=here.source).send(request(method, path, "", b"", *lines))
    reply = connection.answer()
    assert_refused(reply, 401, "Invalid token")
    assert not reply.limit_headers
    connection.assert_kept()


@pytest.mark.row("A9")
def test_tokens_that_are_no_longer_good(here, fresh, server):
    name = fresh("account")
    account = here.as_(server.account(name))
    token = account.created("x")["token"]
    instance = here.as_(token)
    assert instance.list().status == 200

    server.run("account", "set", name, "--enabled", "false")
    assert_refused(account.list(), 401, "Invalid token")
    assert_refused(account.create("y"), 401, "Invalid token")
    assert_refused(instance.list(), 401, "Invalid token")

    server.run("account", "set", name, "--enabled", "true")
    assert instance.list().status == 200
    assert account.delete("x").status == 200
    assert_refused(instance.list(), 401, "Invalid token")


@pytest.mark.row("A9")
def test_a_token_that_was_replaced(here, fresh, server):
    name = fresh("account")
    old = here.as_(server.account(name))
    old.created("x")
    new = here.as_(server.run("account", "rotate", name).stdout.strip())
    assert_refused(old.list(), 401, "Invalid token")
    assert new.names() == ["x"]


@pytest.mark.row("A9")
def test_a_token_that_was_replaced_with_a_grace(here, fresh, server):
    name = fresh("account")
    old = here.as_(server.account(name))
    old.created("x")
    new = here.as_(server.run("account", "rotate", name, "--grace", "3600").stdout.strip())
    assert old.names() == new.names() == ["x"]
    # An hour goes by.
    server.store.execute("UPDATE account SET old_token_until = old_token_until - 3600000 "
                         "WHERE name = ?", values=(name,))
    assert_refused(old.list(), 401, "Invalid token")
    assert new.names() == ["x"]


# The order of checks --------------------------------------------------------------------------


def order(text: bytes, token: str = "{token}", method: str = "POST", path: str = NEW,
          *lines: str) -> bytes:
    return request(method, path, token, text, *lines)


LARGE = "Content-Length: 2000000"
ORDER = {
    "framing before the token": (order(b"", "wrong", "POST", NEW, "Content-Length: x"),
                                 400, "Malformed request", False),
    "framing before the route": (order(b"", "wrong", "POST", "/nowhere", "A : b"),
                                 400, "Malformed request", False),
    "size before the token": (order(b"", "wrong", "POST", NEW, LARGE),
                              413, "Request body too large", False),
    "size before the route": (order(b"", "{token}", "POST", "/nowhere", LARGE),
                              413, "Request body too large", False),
    "size before the method": (order(b"", "{token}", "PUT", NEW, LARGE),
                               413, "Request body too large", False),
    "token before the body": (order(b'{"name":', "wrong"), 401, "Invalid token", False),
    "no token before the body": (order(b'{"name":', ""), 401, "Invalid token", False),
    "kind of token before the body": (order(b'{"name":', "{instance}"),
                                      401, "Invalid token", False),
    "token before the name": (order(b"", "wrong", "DELETE", "/api/instance/delete/gone"),
                              401, "Invalid token", False),
    "limit before the route": (order(b"", "{token}", "GET", "/nowhere"), 404, "Not found", True),
    "limit before the method": (order(b"", "{token}", "PUT", NEW), 405, "Method not allowed",
                                True),
    "route before the body": (order(b'{"name":', "{token}", "POST", "/nowhere"),
                              404, "Not found", True),
    "method before the body": (order(b'{"name":', "{token}", "PUT", NEW),
                               405, "Method not allowed", True),
    "route without a token": (order(b"", "", "GET", "/nowhere"), 404, "Not found", True),
    "route with a wrong token": (order(b"", "wrong", "GET", "/nowhere"), 404, "Not found", True),
    "body before the fields": (order(b'{"name":"a/b"'), 400, "Invalid request body", True),
    "fields before the quota": (order(b'{"name":5}', "{full}"),
                                400, "The 'name' field must be a string", True),
    "quota before the name": (order(b'{"name":"taken"}', "{full}"),
                              403, "Account instance quota exceeded", True),
    "limit before the body": (order(b'{"name":', "{tired}"), 429, TOO_MANY, True),
    "limit before the quota": (order(b'{"name":"taken"}', "{tired}"), 429, TOO_MANY, True),
    "token before the limit": (order(b"", "{tired}x"), 401, "Invalid token", False),
    "size before the limit": (order(b"", "{tired}", "POST", NEW, LARGE),
                              413, "Request body too large", False),
}


@pytest.fixture(scope="module")
def tokens(api, new_account) -> dict[str, str]:
    full = new_account(quota=1)
    full.created("taken")
    return {"token": api.token, "instance": api.created("order")["token"], "full": full.token,
            "tired": new_account(quota=0, create_limit=0).token}


@pytest.mark.parametrize("raw, status, message, limited", ORDER.values(), ids=ORDER.keys())
def test_the_order_of_checks(tokens, address, wire, raw, status, message, limited):
    for name, token in tokens.items():
        raw = raw.replace(b"{%s}" % name.encode(), token.encode())
    reply = wire(source=address()).send(raw).answer()
    assert_refused(reply, status, message)
    assert reply.limit_headers == (LIMIT_HEADERS if limited else set())
    assert ("Retry-After" in reply.headers) == (status == 429)


# Limits ---------------------------------------------------------------------------------------


@pytest.fixture
def plain(server, fresh, address):
    """An account as the command line makes it, but for its quota; and its name."""
    name = fresh("plain")
    done = server.run("account", "create", name, "--quota", "unlimited")
    return Api(server, done.stdout.strip(), address()), name


@pytest.mark.row("Q1")
def test_the_21st_creation_of_a_minute(plain, fresh, server):
    account, name = plain
    for left in reversed(range(20)):
        reply = account.create(fresh())
        assert reply.status == 201
        assert limit_of(reply) == (20, left)
        assert "Retry-After" not in reply.headers
    for _ in range(5):
        refused = account.create("refused")
        assert_refused(refused, 429, TOO_MANY)
        assert limit_of(refused) == (20, 0)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60

    # Neither did the refused ones do anything, nor are they counted.
    listed = account.list()
    assert limit_of(listed) == (100, 99)
    assert "refused" not in [each["name"] for each in listed.json["instances"]]
    server.run("account", "set", name, "--create-limit", "21")
    passes = account.create(fresh())
    assert passes.status == 201
    assert limit_of(passes) == (21, 0)
    assert account.create(fresh()).status == 429


@pytest.mark.row("Q2")
def test_creations_that_are_refused_for_their_fields_count(plain, fresh):
    account, _ = plain
    kinds = [lambda: account.create("a/b"), lambda: account.create(),
             lambda: account.call("POST", NEW, b"{"), lambda: account.create(fresh(), token="x")]
    for number in range(20):
        assert kinds[number % 4]().status == 400
    assert_refused(account.create(fresh()), 429, TOO_MANY)


def test_creations_that_are_refused_for_quota_or_name_count(server, fresh, address):
    token = server.account(fresh("account"), quota=1, create_limit=3)
    account = Api(server, token, address())
    account.created("x")
    assert limit_of(account.create("x")) == (3, 1)
    assert limit_of(account.create("y")) == (3, 0)
    assert_refused(account.create("z"), 429, TOO_MANY)


def test_every_answer_behind_the_limits_shows_them(here, new_account, fresh):
    name = fresh()
    here.created(name)
    full = Api(here.server, new_account(quota=0).token, here.source)
    answers = {
        200: here.list(), 201: here.create(fresh()), 400: here.create("a/b"),
        403: full.create(fresh()), 404: here.list("?instanceName=gone"),
        405: here.call("PUT", NEW), 409: here.create(name),
        501: here.get(f"/api/typebot/find/{name}"),
        503: here.get(f"/api/instance/getS3/{name}"),
    }
    for status, reply in answers.items():
        assert reply.status == status
        assert reply.limit_headers == LIMIT_HEADERS
        assert "Retry-After" not in reply.headers


def test_the_101st_call_of_a_minute(plain):
    account, _ = plain
    for left in reversed(range(100)):
        reply = account.list("?instanceName=gone" if left % 2 else "")
        assert reply.status == (404 if left % 2 else 200)
        assert limit_of(reply) == (100, left)
    refused = account.list()
    assert_refused(refused, 429, TOO_MANY)
    assert limit_of(refused) == (100, 0)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    # Every call of that bucket: another route, an unknown one, another method.
    assert account.delete("x").status == 429
    assert account.get("/nowhere").status == 429
    assert account.call("PUT", NEW).status == 429
    assert account.get("/api/instance/getS3/x").status == 429


def test_buckets_are_apart(server, fresh, address):
    where = address()
    account = Api(server, server.account(fresh("account"), create_limit=2, general_limit=2), where)
    instances = [account.as_(account.created(fresh())["token"]) for _ in range(2)]
    assert account.create(fresh()).status == 429
    for each in (account, *instances):
        assert [limit_of(each.list()) for _ in range(2)] == [(2, 1), (2, 0)]
        assert_refused(each.list(), 429, TOO_MANY)
    other = Api(server, server.account(fresh("account"), create_limit=1), where)
    assert other.create(fresh()).status == 201


def test_the_moment_of_the_next_call(server, fresh, address):
    account = Api(server, server.account(fresh("account"), general_limit=2), address())
    first, second, refused = account.list(), account.list(), account.list()
    resets = [int(each.headers["X-RateLimit-Reset"]) for each in (first, second, refused)]
    # The oldest of the calls leaves first, whoever asks; the clocks may differ by a rounding.
    assert max(resets) - min(resets) <= 1
    said = parsedate_to_datetime(refused.headers["Date"]).timestamp()
    assert abs(said + int(refused.headers["Retry-After"]) - resets[2]) <= 2


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz", "/metrics"])
def test_probes_are_not_limited(address, api, path):
    stranger = Api(api.server, "wrong", address())
    for _ in range(150):
        reply = stranger.get(path)
        assert reply.status == 200
        assert not reply.limit_headers
    assert_refused(stranger.list(), 401, "Invalid token")


@pytest.mark.row("A11")
def test_guessing_tokens(api, address, fresh):
    where = address()
    for number in range(100):
        guess = Api(api.server, f"guess-{number}", where)
        assert_refused([guess.list, guess.create][number % 2](), 401, "Invalid token")
    refused = Api(api.server, "guess-100", where).list()
    assert_refused(refused, 429, TOO_MANY)
    assert limit_of(refused) == (100, 0)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    # Neither those with a token nor those elsewhere have to do with it.
    assert Api(api.server, api.token, where).create(fresh()).status == 201
    assert_refused(Api(api.server, "guess", address()).list(), 401, "Invalid token")


def test_strangers_on_unknown_routes(api, address):
    stranger = Api(api.server, None, address())
    for left in reversed(range(100)):
        reply = stranger.get("/nowhere")
        assert_refused(reply, 404, "Not found")
        assert limit_of(reply) == (100, left)
    assert_refused(stranger.get("/nowhere"), 429, TOO_MANY)
    assert_refused(stranger.list(), 429, TOO_MANY)


@pytest.mark.row("Q3")
def test_a_forwarded_address_from_anyone_is_not_believed(api, address):
    stranger = Api(api.server, "wrong", address())
    for number in range(100):
        reply = stranger.get(LIST, headers={"X-Forwarded-For": f"10.0.0.{number}"})
        assert_refused(reply, 401, "Invalid token")
    assert_refused(stranger.get(LIST, headers={"X-Forwarded-For": "10.0.1.1"}), 429, TOO_MANY)


def test_a_forwarded_address_from_a_trusted_proxy(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_HTTP_TRUSTED_PROXIES": "127.0.0.1, 10.9.0.0/16",
                                        "POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "3"}) as server:
        def ask(forwarded: str, source: str = "127.0.0.1") -> int:
            return Api(server, "wrong", source).get(
                LIST, headers={"X-Forwarded-For": forwarded}).status

        assert [ask(f"198.51.100.{number}") for number in range(5)] == [401] * 5
        # The right-most hop that is not ours; what stands before it is hearsay.
        assert [ask(f"203.0.113.{n}, 198.51.100.99, 10.9.0.7") for n in range(4)] == \
            [401, 401, 401, 429]
        assert [ask(f"2001:db8:1:2::{n}") for n in range(4)] == [401, 401, 401, 429]
        assert ask("2001:db8:1:3::1") == 401
        assert [ask(f"198.51.101.{n}", "127.0.0.2") for n in range(4)] == [401, 401, 401, 429]


def test_a_restart_hands_out_no_fresh_allowance(tmp_path, fresh):
    with Server(data_dir=tmp_path, env={"POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "3"}) as server:
        account = Api(server, server.account("shop", create_limit=3, general_limit=5))
        for _ in range(2):
            account.created(fresh())
            account.list()
        for _ in range(3):
            assert account.as_("wrong").list().status == 401
        assert server.stop() == 0
        server.start()
        assert limit_of(account.create(fresh())) == (3, 0)
        assert_refused(account.create(fresh()), 429, TOO_MANY)
        assert limit_of(account.list()) == (5, 2)
        assert account.as_("wrong").list().status == 429
