"""/api/admin/accounts: what the command line does, for programs."""

import re
import threading

import pytest
from chatwoot import ACCOUNT, ADMINISTRATOR, Chatwoot
from client import LIMIT_HEADERS, Api, assert_refused, error, request, together
from pombo_server import Server

ADMIN_TOKEN = "an-admin-token-of-forty-visible-letters."
SERVER_ENV = {"POMBO_ADMIN_TOKEN": ADMIN_TOKEN, "POMBO_LIMITS_ADMIN_PER_MINUTE": "1000000",
              "POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000",
              "POMBO_EGRESS_ALLOW": "127.0.0.0/8"}

ALL = "/api/admin/accounts"
TOKEN = re.compile(r"pmb_[A-Za-z0-9_-]{43}")
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOBODY = "0192f1c8-0000-7000-8000-000000000000"
ROUTES = [("POST", ALL), ("GET", ALL), ("GET", f"{ALL}/{NOBODY}"), ("PUT", f"{ALL}/{NOBODY}"),
          ("POST", f"{ALL}/{NOBODY}/rotate"), ("DELETE", f"{ALL}/{NOBODY}")]
TOO_MANY = "Rate limit exceeded. Try again later."


class Admin(Api):
    def made(self, name: str, **fields) -> dict:
        """The account and its token, which there must be."""
        reply = self.call("POST", ALL, {"name": name} | fields)
        assert reply.status == 201, reply
        return reply.json

    def one(self, account: dict):
        return self.get(f"{ALL}/{account['id']}")

    def put(self, account: dict, **fields):
        return self.call("PUT", f"{ALL}/{account['id']}", fields)

    def rotated(self, account: dict, **fields) -> Api:
        reply = self.call("POST", f"{ALL}/{account['id']}/rotate", fields)
        assert reply.status == 200, reply
        assert set(reply.json) == {"success", "message", "token"}
        assert (reply.json["success"], reply.json["message"]) == (True, "Token rotated")
        return self.as_(reply.json["token"])

    def remove(self, account: dict, query: str = "", body=None):
        return self.call("DELETE", f"{ALL}/{account['id']}{query}", body)


@pytest.fixture(scope="module")
def admin(server) -> Admin:
    return Admin(server, ADMIN_TOKEN)


@pytest.fixture
def shop(admin, fresh):
    """An account of this test alone, and the requests in its name."""
    made = admin.made(fresh("shop"), limits={"create": 1000, "general": 1000})
    return made["account"], Api(admin.server, made["token"])


# Create ---------------------------------------------------------------------------------------


def test_an_account_as_it_comes(admin, fresh):
    name = fresh("shop")
    reply = admin.call("POST", ALL, {"name": name})
    assert reply.status == 201
    assert list(reply.json) == ["success", "message", "account", "token"]
    assert (reply.json["success"], reply.json["message"]) == (True, "Account created")
    assert TOKEN.fullmatch(reply.json["token"])
    account = reply.json["account"]
    assert UUID7.fullmatch(account["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", account["createdAt"])
    assert account == {"id": account["id"], "name": name, "enabled": True, "quota": 10,
                       "instances": 0, "limits": {"create": 20, "general": 100}, "origins": [],
                       "createdAt": account["createdAt"]}
    assert list(account) == ["id", "name", "enabled", "quota", "instances", "limits", "origins",
                             "createdAt"]
    assert reply.limit_headers == LIMIT_HEADERS

    # It is the account of its token, and nothing else shows the token.
    assert Api(admin.server, reply.json["token"]).create("x").status == 201
    shown = admin.one(account)
    assert shown.json == {"success": True, "account": account | {"instances": 1}}
    assert reply.json["token"] not in shown.raw.decode()


def test_everything_that_can_be_said_of_an_account(admin, fresh):
    account = admin.made(fresh("shop"), quota=3, limits={"create": 4, "general": 5},
                         origins=["HTTPS://App.Example:443", "*", "https://app.example"])["account"]
    assert account["quota"] == 3
    assert account["limits"] == {"create": 4, "general": 5}
    assert account["origins"] == ["https://app.example", "*"]
    assert admin.one(account).json["account"] == account


QUOTAS = {"a number": (7, 7), "digits": ("10", 10), "none": (0, 0), "null": (None, None),
          "empty": ("", 10), "the most": (1_000_000_000, 1_000_000_000)}


@pytest.mark.row("Q6")
@pytest.mark.parametrize("given, kept", QUOTAS.values(), ids=QUOTAS.keys())
def test_quotas(admin, fresh, given, kept):
    account = admin.made(fresh("shop"), quota=given)["account"]
    assert account["quota"] == kept
    assert admin.one(account).json["account"]["quota"] == kept


def test_without_a_quota_there_is_no_limit(admin, fresh):
    made = admin.made(fresh("shop"), quota=None)
    account = Api(admin.server, made["token"])
    for number in range(11):
        account.created(f"n{number}")
    assert admin.put(made["account"], quota=11).json["account"]["quota"] == 11
    assert_refused(account.create("x"), 403, "Account instance quota exceeded")
    assert admin.put(made["account"], quota=None).json["account"]["quota"] is None
    account.created("x")


NO_INTEGER = "The '{}' field must be an integer"
RANGE = "The '{}' field must be between 0 and 1000000000"
ORIGINS = "The 'origins' field must hold origins: scheme://host[:port], or *"
WRONG = {
    **{f"quota {value!r}": ({"quota": value}, NO_INTEGER.format("quota"))
       for value in (1.5, True, "x", "1.5", [], {}, " 1")},
    **{f"quota {value!r}": ({"quota": value}, RANGE.format("quota"))
       for value in (-1, "-1", 1_000_000_001, 2**63, 2**64 - 1)},
    "create": ({"limits": {"create": "many"}}, NO_INTEGER.format("create")),
    "general": ({"limits": {"general": -1}}, RANGE.format("general")),
    "limits": ({"limits": 5}, "The 'limits' field must be an object"),
    "long name": ({"name": "a" * 101}, "The 'name' field must be at most 100 characters"),
    "control": ({"name": "a\nb"}, "The 'name' field contains characters that are not allowed"),
    "NUL": ({"name": "a\0b"}, "The 'name' field contains characters that are not allowed"),
    "C1": ({"name": "a\x85b"}, "The 'name' field contains characters that are not allowed"),
    "no name": ({"name": ["x"]}, "The 'name' field must be a string"),
    "origins": ({"origins": "https://a.example"}, "The 'origins' field must be a list of strings"),
    "origin of a number": ({"origins": [5]}, "The 'origins' field must be a list of strings"),
    **{f"origin {value!r}": ({"origins": ["https://a.example", value]}, ORIGINS)
       for value in ("", "null", "a.example", "https://a.example/", "https://u@a.example",
                     "https://*.example")},
    "many origins": ({"origins": [f"https://a{n}.example" for n in range(101)]},
                     "The 'origins' field must hold at most 100 origins"),
}


@pytest.mark.row("Q6")
@pytest.mark.parametrize("fields, sentence", WRONG.values(), ids=WRONG.keys())
def test_what_an_account_cannot_be(admin, fresh, shop, writes_nothing, fields, sentence):
    account, _ = shop
    assert_refused(admin.call("POST", ALL, {"name": fresh("shop")} | fields), 400, sentence)
    assert_refused(admin.put(account, **fields), 400, sentence)
    assert admin.one(account).json["account"] == account


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": None}, b""])
def test_a_name_there_must_be(admin, body):
    assert_refused(admin.call("POST", ALL, body), 400, "The 'name' field is required")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name":"a","name":"b"}', b'{"name":"\xff"}'])
def test_bodies_that_are_none(admin, shop, body):
    account, _ = shop
    for method, path in [("POST", ALL), ("PUT", f"{ALL}/{account['id']}"),
                         ("POST", f"{ALL}/{account['id']}/rotate"),
                         ("DELETE", f"{ALL}/{account['id']}")]:
        assert_refused(admin.call(method, path, body), 400, "Invalid request body")


def test_unknown_fields_are_told(admin, fresh):
    made = admin.made(fresh("shop"), qouta=5, limits={"create": 1, "genral": 2})
    assert made["warnings"] == ["Unknown field 'qouta' was ignored",
                                "Unknown field 'limits.genral' was ignored"]
    assert made["account"]["limits"] == {"create": 1, "general": 100}


def test_a_name_is_an_accounts_own(admin, fresh, shop):
    account, _ = shop
    taken = error("Account already exists")
    for name in (account["name"], account["name"]):
        reply = admin.call("POST", ALL, {"name": name})
        assert (reply.status, reply.json) == (409, taken)
    other = admin.made(fresh("other"))["account"]
    reply = admin.put(other, name=account["name"])
    assert (reply.status, reply.json) == (409, taken)
    # The same letters in another spelling are the same name.
    accent = fresh("caf") + "\u00e9"
    admin.made(accent)
    assert admin.call("POST", ALL, {"name": accent.replace("\u00e9", "e\u0301")}).status == 409
    done = admin.server.run("account", "create", accent)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "pombo: Account already exists")


def test_a_name_is_given_once_to_many_at_once(admin, fresh):
    name = fresh("shop")
    replies = together(16, lambda _: admin.call("POST", ALL, {"name": name}))
    assert sorted(reply.status for reply in replies) == [201] + [409] * 15


# List and show --------------------------------------------------------------------------------


def test_pages(tmp_path):
    with Server(data_dir=tmp_path, env=SERVER_ENV) as server:
        admin = Admin(server, ADMIN_TOKEN)
        empty = admin.get(ALL)
        assert (empty.status, empty.json) == (200, {"success": True, "message": "0 Accounts found",
                                                    "accounts": [], "nextCursor": None})
        made = [admin.made(f"n{number}", origins=[f"https://n{number}.example"])["account"]
                for number in range(7)]
        whole = admin.get(ALL).json
        assert (whole["message"], whole["nextCursor"]) == ("7 Accounts found", None)
        assert sorted(whole["accounts"], key=lambda each: each["name"]) == made
        assert list(whole) == ["success", "message", "accounts", "nextCursor"]

        for limit in (1, 3, 6, 7, 8, 200):
            pages, cursor = [], ""
            while cursor is not None:
                page = admin.get(f"{ALL}?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
                assert page.json["message"] == f"{len(page.json['accounts'])} Accounts found"
                pages.append(page.json["accounts"])
                cursor = page.json["nextCursor"]
            assert sum(pages, []) == whole["accounts"]
            assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
            assert len(pages) == -(-7 // limit)

        # A page begins where the last one has ended, whatever has gone since.
        first = admin.get(f"{ALL}?limit=2").json
        assert admin.remove(first["accounts"][1]).status == 200
        rest = admin.get(f"{ALL}?cursor={first['nextCursor']}").json
        assert rest["accounts"] == whole["accounts"][2:]
        assert [line.split()[0] for line in server.run("account", "list").stdout.splitlines()] == \
            ["NAME"] + sorted(each["name"] for each in first["accounts"][:1] + rest["accounts"])


def test_what_is_no_page(admin):
    for limit in ("0", "201", "-1"):
        assert_refused(admin.get(f"{ALL}?limit={limit}"), 400,
                       "The 'limit' field must be between 1 and 200")
    for limit in ("abc", "1.5"):
        assert_refused(admin.get(f"{ALL}?limit={limit}"), 400,
                       "The 'limit' field must be an integer")
    for cursor in ("forged", "%00", "x" * 5000, NOBODY, "MDE5MmYxYzg", "=", "%ff"):
        assert_refused(admin.get(f"{ALL}?cursor={cursor}"), 400, "Invalid cursor")
    assert admin.get(f"{ALL}?limit=&cursor=").status == 200


@pytest.mark.parametrize("segment", [NOBODY, "x", "%00", "%ff", "%20", "a%2Fb", "%27%20OR%201=1"])
def test_accounts_that_are_not_there(admin, segment):
    one = f"{ALL}/{segment}"
    for method, path, body in [("GET", one, None), ("PUT", one, {"quota": 1}), ("PUT", one, None),
                               ("POST", one + "/rotate", None), ("DELETE", one, None),
                               ("DELETE", one, {"force": True})]:
        assert_refused(admin.call(method, path, body), 404, "Account not found")


# Change ---------------------------------------------------------------------------------------


def test_what_is_said_is_changed_and_nothing_else(admin, fresh, shop):
    account, _ = shop
    for fields in ({"name": fresh("renamed")}, {"quota": 3}, {"quota": None}, {"quota": "4"},
                   {"limits": {"create": 7, "general": 8}}, {"origins": ["https://a.example"]},
                   {"enabled": False}, {"enabled": True}, {"origins": []}):
        account |= fields
        account["quota"] = account["quota"] and int(account["quota"])
        reply = admin.put(account, **fields)
        assert (reply.status, reply.json) == (200, {"success": True, "message": "Account updated",
                                                    "account": account})
        assert admin.one(account).json["account"] == account
    account["limits"]["general"] = 9
    assert admin.put(account, limits={"general": 9}).json["account"] == account
    for nothing in ({}, {"name": None}, {"name": ""}, {"limits": {}}, {"origins": None}):
        assert admin.put(account, **nothing).json["account"] == account


def test_a_change_counts_at_once(admin, shop):
    account, api = shop
    api.created("x")
    token = api.listed()[0]["token"]
    admin.put(account, quota=0)
    assert_refused(api.create("y"), 403, "Account instance quota exceeded")
    assert api.names() == ["x"]
    admin.put(account, limits={"general": 1})
    assert_refused(api.list(), 429, TOO_MANY)
    admin.put(account, limits={"general": 1000}, enabled=False)
    assert_refused(api.list(), 401, "Invalid token")
    assert_refused(api.as_(token).list(), 401, "Invalid token")
    admin.put(account, enabled=True, quota=2)
    assert api.create("y").status == 201
    assert api.as_(token).list().status == 200


@pytest.mark.parametrize("value", ["true", 1, "x", []])
def test_enabled_is_yes_or_no(admin, shop, value):
    account, _ = shop
    assert_refused(admin.put(account, enabled=value), 400, "The 'enabled' field must be a boolean")


# Rotate ---------------------------------------------------------------------------------------


def test_a_new_token(admin, shop):
    account, old = shop
    old.created("x")
    new = admin.rotated(account)
    assert TOKEN.fullmatch(new.token) and new.token != old.token
    assert_refused(old.list(), 401, "Invalid token")
    assert new.names() == ["x"]


def test_a_new_token_and_a_grace_for_the_old_one(admin, shop):
    account, old = shop
    new = admin.rotated(account, graceSeconds="60")
    assert old.list().status == new.list().status == 200
    # A minute goes by.
    admin.server.store.execute("UPDATE account SET old_token_until = old_token_until - 60000 "
                               "WHERE id = ?", values=(account["id"],))
    assert_refused(old.list(), 401, "Invalid token")
    assert new.list().status == 200
    newest = admin.rotated(account, graceSeconds=86_400)
    assert_refused(old.list(), 401, "Invalid token")
    assert new.list().status == newest.list().status == 200


@pytest.mark.parametrize("grace", [-1, 86_401, "86401", 2**63])
def test_a_grace_is_a_day_at_most(admin, shop, grace):
    account, old = shop
    path = f"{ALL}/{account['id']}/rotate"
    assert_refused(admin.call("POST", path, {"graceSeconds": grace}), 400,
                   "The 'graceSeconds' field must be between 0 and 86400")
    for no_number in (1.5, True, "soon"):
        assert_refused(admin.call("POST", path, {"graceSeconds": no_number}), 400,
                       "The 'graceSeconds' field must be an integer")
    assert old.list().status == 200


# Delete ---------------------------------------------------------------------------------------


def test_an_empty_account_is_deleted(admin, shop):
    account, api = shop
    reply = admin.remove(account)
    assert (reply.status, reply.json) == (200, {"success": True, "message": "Account deleted"})
    assert_refused(api.list(), 401, "Invalid token")
    assert_refused(admin.remove(account), 404, "Account not found")
    assert admin.made(account["name"])["account"]["id"] != account["id"]


@pytest.mark.parametrize("query, body", [("", None), ("?force=false", None), ("", {"force": False}),
                                         ("?force=true", {"force": False}), ("", {"force": None})])
def test_an_account_with_instances_stays(admin, shop, query, body):
    account, api = shop
    api.created("x")
    assert_refused(admin.remove(account, query, body), 409, "Account still has instances")
    assert api.names() == ["x"]


@pytest.mark.parametrize("query, body", [("?force=yes", None), ("?force=1", None),
                                         ("", {"force": "true"}), ("", {"force": 1})])
def test_force_is_yes_or_no(admin, shop, query, body):
    account, _ = shop
    assert_refused(admin.remove(account, query, body), 400, "The 'force' field must be a boolean")


@pytest.mark.parametrize("query, body", [("?force=true", None), ("", {"force": True})])
def test_an_account_is_deleted_with_all_that_it_has(admin, rows, fresh, query, body):
    before = rows.counts()
    made = admin.made(fresh("shop"), origins=["https://a.example"], quota=None)
    api = Api(admin.server, made["token"])
    tokens = [api.created(f"n{number}", websocketEnabled=True)["token"] for number in range(5)]
    assert admin.remove(made["account"], query, body).status == 200
    assert rows.counts() == before
    assert admin.server.store.query("SELECT count(*) FROM account_origin WHERE account_id = ?",
                                    made["account"]["id"]) == [(0,)]
    for token in (made["token"], *tokens):
        assert_refused(api.as_(token).list(), 401, "Invalid token")
    # Its names and its tokens are free.
    again = Api(admin.server, admin.made(made["account"]["name"])["token"])
    again.created("n0", token=tokens[0])


def test_whoever_creates_meanwhile_leaves_nothing(admin, rows, fresh):
    before = rows.counts()
    made = admin.made(fresh("shop"), quota=None, limits={"create": 100_000})
    api = Api(admin.server, made["token"])
    api.created("first")
    enough = threading.Semaphore(0)

    def act(number: int) -> list[int]:
        if number == 0:
            for _ in range(20):
                enough.acquire()
            return [admin.remove(made["account"], "?force=true").status]
        statuses = []
        while not statuses or statuses[-1] == 201:
            statuses.append(api.create(f"n{number}-{len(statuses)}").status)
            enough.release()
        return statuses

    removed, *created = together(8, act)
    assert removed == [200]
    assert {statuses[-1] for statuses in created} == {401}
    assert sum(map(len, created)) > 20
    assert rows.counts() == before


class Held(Chatwoot):
    """Answers when it is told to."""

    def __init__(self):
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()

    def answer(self, seen):
        self.asked.set()
        self.go.wait()
        return super().answer(seen)


def test_what_is_half_made_goes_as_well(admin, rows, fresh):
    before = rows.counts()
    made = admin.made(fresh("shop"))
    api = Api(admin.server, made["token"])
    with Held() as chatwoot:
        replies = []
        creating = threading.Thread(target=lambda: replies.append(
            api.create("x", chatwootEnabled=True, chatwootBaseUrl=chatwoot.url,
                       chatwootAccountId=ACCOUNT, chatwootApiToken=ADMINISTRATOR)))
        creating.start()
        try:
            assert chatwoot.asked.wait(60)
            # Its place is taken, though nobody can see it.
            assert_refused(admin.remove(made["account"]), 409, "Account still has instances")
            forced = admin.remove(made["account"], "?force=true")
        finally:
            chatwoot.go.set()
            creating.join()
    assert forced.status == 200
    assert_refused(replies[0], 500, "Failed to create instance")
    assert rows.counts() == before
    assert admin.server.store.query("SELECT count(*) FROM chatwoot_callbacks") == [(0,)]


def test_a_deletion_that_fails_can_be_repeated(admin, fresh):
    made = admin.made(fresh("shop"))
    api = Api(admin.server, made["token"])
    api.created("x")
    with admin.server.store.refusing("DELETE", "instance"):
        assert_refused(admin.remove(made["account"], "?force=true"), 500, "Internal server error")
    # Half of a deletion is no account to go on with.
    assert admin.one(made["account"]).json["account"] == \
        made["account"] | {"instances": 1, "enabled": False}
    assert admin.remove(made["account"], "?force=true").status == 200


# Who may --------------------------------------------------------------------------------------


def test_only_the_admin(admin, shop, wire):
    _, api = shop
    instance = api.created("x")["token"]
    for token in (None, "", "wrong", api.token, instance, ADMIN_TOKEN[:-1], ADMIN_TOKEN + "x",
                  ADMIN_TOKEN.upper()):
        for method, path in ROUTES:
            reply = admin.as_(token).call(method, path, b"{" if method != "GET" else None)
            assert_refused(reply, 401, "Invalid token")
            assert not reply.limit_headers
    # In a header, and not in a URL, which is written down everywhere.
    for method, path in ROUTES:
        assert_refused(admin.as_(None).call(method, f"{path}?token={ADMIN_TOKEN}"), 401,
                       "Invalid token")
    bearer = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    assert admin.as_(None).get(ALL, headers=bearer).status == 200
    lines = [f"token: {ADMIN_TOKEN}", f"token: {ADMIN_TOKEN}"]
    assert_refused(wire().send(request("GET", ALL, "", b"", *lines)).answer(), 401, "Invalid token")


def test_the_admin_is_nobody_elsewhere(admin, shop):
    _, api = shop
    api.created("x")
    for method, path in [("POST", "/api/instance/new"), ("GET", "/api/instance/list"),
                         ("DELETE", "/api/instance/delete/x"),
                         ("GET", "/api/instance/getSettings/x"),
                         ("GET", "/api/instance/connect/x")]:
        assert_refused(admin.call(method, path), 401, "Invalid token")
    assert api.names() == ["x"]


def test_what_is_not_there(admin):
    for token in (ADMIN_TOKEN, "wrong", None):
        for path in ("/api/admin", "/api/admin/", "/api/admin/x", f"{ALL}/{NOBODY}/x", ALL + "x"):
            reply = admin.as_(token).get(path)
            assert_refused(reply, 404, "Not found")
            limit = "1000000"
            assert reply.headers["X-RateLimit-Limit"] == limit
    for method, path, allowed in [("PATCH", ALL, "GET, HEAD, POST"),
                                  ("POST", f"{ALL}/{NOBODY}", "DELETE, GET, HEAD, PUT"),
                                  ("GET", f"{ALL}/{NOBODY}/rotate", "POST")]:
        reply = admin.call(method, path)
        assert_refused(reply, 405, "Method not allowed")
        assert ", ".join(sorted(reply.headers["Allow"].split(", "))) == allowed
    assert admin.call("HEAD", ALL).status == 200


def test_without_an_admin_token_nothing_of_it_is_there(tmp_path):
    with Server(data_dir=tmp_path) as server:
        account = Api(server, server.account("shop"))
        unknown = account.get("/nowhere")
        for api in (account, account.as_(ADMIN_TOKEN), account.as_(""), account.as_(None)):
            for method, path in [*ROUTES, ("PATCH", ALL), ("GET", "/api/admin"),
                                 ("GET", "/api/admin/x"), ("GET", f"{ALL}/{NOBODY}/rotate")]:
                reply = api.call(method, path)
                assert_refused(reply, 404, "Not found")
                assert "Allow" not in reply.headers
                assert reply.limit_headers == LIMIT_HEADERS
        assert account.get(ALL).headers["X-RateLimit-Limit"] == \
            unknown.headers["X-RateLimit-Limit"]


def test_the_admins_limit(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_ADMIN_TOKEN": ADMIN_TOKEN}) as server:
        admin = Admin(server, ADMIN_TOKEN)
        for left in reversed(range(100)):
            status, method, path, body = [
                (200, "GET", ALL, None), (404, "GET", "/api/admin/nowhere", None),
                (405, "PATCH", ALL, None), (400, "POST", ALL, b"{")][left % 4]
            reply = admin.call(method, path, body)
            assert reply.status == status
            assert reply.headers["X-RateLimit-Limit"] == "100"
            assert reply.headers["X-RateLimit-Remaining"] == str(left)
        refused = admin.get(ALL)
        assert_refused(refused, 429, TOO_MANY)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        # Of its own: neither a stranger's nor an account's.
        assert_refused(admin.as_("wrong").get(ALL), 401, "Invalid token")
        assert Api(server, server.account("shop")).list().status == 200


def test_wrong_admin_tokens_are_counted(tmp_path):
    env = {"POMBO_ADMIN_TOKEN": ADMIN_TOKEN, "POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "3"}
    with Server(data_dir=tmp_path, env=env) as server:
        stranger = Api(server, "wrong")
        assert [stranger.get(ALL).status for _ in range(4)] == [401, 401, 401, 429]
        assert Admin(server, ADMIN_TOKEN).get(ALL).status == 200


# And the command line -------------------------------------------------------------------------


def test_the_command_line_sees_the_same(admin, fresh):
    name = fresh("shop")
    done = admin.server.run("account", "create", name, "--origins",
                            "https://B.example,http://a.example:80")
    assert done.returncode == 0

    def row() -> list[str]:
        [line] = [line.split() for line in admin.server.run("account", "list").stdout.splitlines()
                  if line.startswith(name + " ")]
        return line

    account = admin.get(f"{ALL}/{row()[7]}").json["account"]
    assert (account["name"], account["origins"]) == (name, ["https://b.example",
                                                            "http://a.example"])
    assert row()[8:] == ["https://b.example,http://a.example"]
    assert admin.server.run("account", "set", name, "--origins", "*").returncode == 0
    assert admin.one(account).json["account"]["origins"] == ["*"]
    assert admin.server.run("account", "set", name, "--quota", "1").returncode == 0
    assert admin.one(account).json["account"]["origins"] == ["*"]
    assert admin.server.run("account", "set", name, "--origins", "").returncode == 0
    assert admin.one(account).json["account"]["origins"] == []
    done = admin.server.run("account", "set", name, "--origins", "a.example")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"pombo: {ORIGINS}")
