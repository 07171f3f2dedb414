"""Instances that are linked to Chatwoot: what is asked of it, and what becomes of its answers."""

import re

import pytest
from chatwoot import ACCOUNT, ADMINISTRATOR, DENIED, Chatwoot, Prism, Silent, Stubborn
from client import Api, assert_refused
from pombo_server import Server
from shapes import DEFAULTS, failed

SERVER_ENV = {"POMBO_EGRESS_ALLOW": "127.0.0.0/8", "POMBO_LOG_LEVEL": "debug"}
INTEGRATION = re.compile(r"int_[0-9a-hjkmnp-tv-z]{26}")
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
UNREACHABLE = "Chatwoot is unreachable - verify chatwootBaseUrl. Detail: "


@pytest.fixture(scope="module")
def fake():
    with Chatwoot() as started:
        yield started


@pytest.fixture(scope="module")
def described(fake, tmp_path_factory):
    """Its description before it; what violates that fails the module."""
    with Prism(fake.url, tmp_path_factory.mktemp("prism")) as prism:
        yield prism
        assert prism.violations() == []


@pytest.fixture
def chatwoot(fake, described):
    """The fake behind its description, with nothing asked of it yet."""
    fake.calls()
    fake.base = described.url
    return fake


def fields(base: str, token: str = ADMINISTRATOR, account: int = ACCOUNT, **more) -> dict:
    return {"chatwootBaseUrl": base, "chatwootAccountId": account, "chatwootApiToken": token} | more


def inline(api: Api, name: str, **given) -> dict:
    """The object in the 201."""
    reply = api.create(name, chatwootEnabled=True, **given)
    assert reply.status == 201 and "warnings" not in reply.json
    return reply.json["instance"]["chatwoot"]


def set_(api: Api, name: str, **given):
    return api.call("POST", f"/api/chatwoot/set/{name}", given)


def integration(api: Api, name: str) -> dict:
    reply = api.get(f"/api/chatwoot/list/{name}")
    assert reply.status == 200, reply
    return reply.json


def shown(api: Api, name: str) -> dict:
    """The object in the list of instances."""
    [instance] = api.listed(f"?instanceName={name}")
    return instance["chatwoot"]


def callback_of(server: Server, inbox: dict) -> str:
    """The secret in the URL that Chatwoot is to call."""
    start, _, secret = inbox["webhook_url"].rpartition("/")
    assert start == f"{server.url}/api/chatwoot/callback"
    assert SECRET.fullmatch(secret)
    return secret


# The description ------------------------------------------------------------------------------


def test_what_chatwoot_does_not_describe_is_found(tmp_path):
    inboxes = f"/api/v1/accounts/{ACCOUNT}/inboxes/"
    with Chatwoot() as fake, Prism(fake.url, tmp_path) as prism:
        assert prism.request("POST", inboxes, {"name": "x", "channel": {"type": "apix"}}) == 422
        assert prism.request("POST", inboxes, {"name": 7, "channel": {"type": "api"}}) == 422
        assert fake.seen == []
        assert prism.request("GET", inboxes + "7/") == 404
        assert prism.violations()[2:] == []
        fake.inboxes[7] = {"id": "seven"}
        assert prism.request("GET", inboxes + "7/") == 500
        assert len(prism.violations()) == 3


# Activation -----------------------------------------------------------------------------------


def test_a_creation_makes_an_inbox(api, server, fresh, chatwoot):
    name = fresh("shop")
    made = inline(api, name, **fields(chatwoot.base + "/", chatwootInboxName=name + " box"))
    assert INTEGRATION.fullmatch(made["bridgeIntegrationId"])
    assert made == {"enabled": True, "status": "active", "baseUrl": chatwoot.base,
                    "bridgeIntegrationId": made["bridgeIntegrationId"], "accountId": ACCOUNT,
                    "inboxName": name + " box"}
    assert [each.headers["api_access_token"] for each in chatwoot.seen] == [ADMINISTRATOR] * 2
    assert chatwoot.calls() == ["GET /inboxes", "POST /inboxes/"]
    [inbox] = chatwoot.named(name + " box")
    assert inbox["channel_type"] == "Channel::Api"
    callback_of(server, inbox)
    assert shown(api, name) == made


def test_set_makes_an_inbox(api, server, fresh, chatwoot):
    name = fresh("shop")
    token = api.created(name)["token"]
    reply = set_(api.as_(token), name, **fields(chatwoot.base), signMessages=True,
                 chatwootReopenResolved=True)
    assert reply.status == 201
    made = reply.json["bridge_integration_id"]
    assert INTEGRATION.fullmatch(made)
    assert reply.json == {"instance": name, "status": "active", "bridge_integration_id": made,
                          "message": "chatwoot integration activated"}
    assert chatwoot.calls() == ["GET /inboxes", "POST /inboxes/"]
    [inbox] = chatwoot.named(name)
    callback_of(server, inbox)
    listed = integration(api, name)
    assert chatwoot.calls() == [f"GET /inboxes/{inbox['id']}/"]
    created = listed.pop("created_at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert listed == {
        "instance_name": name, "status": "active", "bridge_integration_id": made,
        "chatwoot_base_url": chatwoot.base, "chatwoot_account_id": ACCOUNT,
        "chatwoot_api_token": ADMINISTRATOR, "chatwoot_inbox_id": inbox["id"],
        "chatwoot_inbox_name": name, "last_error": "", "sign_messages": True,
        "ignore_groups": False, "start_as_pending": False, "reopen_resolved": True}
    assert shown(api, name)["bridgeIntegrationId"] == made


def test_set_again_keeps_the_inbox(api, server, fresh, chatwoot):
    name = fresh("shop")
    before = inline(api, name, **fields(chatwoot.base))
    callback = callback_of(server, chatwoot.named(name)[0])
    chatwoot.calls()
    reply = set_(api, name, **fields(chatwoot.base), ignoreGroups=True)
    assert reply.json["bridge_integration_id"] == before["bridgeIntegrationId"]
    assert chatwoot.calls() == ["GET /inboxes"]
    [inbox] = chatwoot.named(name)
    assert callback_of(server, inbox) == callback
    assert integration(api, name)["ignore_groups"] is True
    # Called elsewhere by somebody in Chatwoot, it is called back.
    inbox["webhook_url"] = "https://elsewhere.example/"
    assert set_(api, name, **fields(chatwoot.base)).status == 201
    assert callback_of(server, inbox) == callback


def test_another_inbox_is_another_integration(api, fresh, chatwoot):
    name = fresh("shop")
    before = inline(api, name, **fields(chatwoot.base))
    reply = set_(api, name, **fields(chatwoot.base), inboxName=name + " 2")
    assert reply.json["bridge_integration_id"] != before["bridgeIntegrationId"]
    assert shown(api, name)["inboxName"] == name + " 2"
    assert len(chatwoot.named(name)) == 1, "the inbox and its conversations stay"


def test_an_inbox_that_was_left_behind_is_adopted(api, server, fresh, chatwoot):
    name = fresh("shop")
    inline(api, name, **fields(chatwoot.base))
    [inbox] = chatwoot.named(name)
    callback = callback_of(server, inbox)
    assert api.delete(name).status == 200
    chatwoot.calls()
    inline(api, name, **fields(chatwoot.base))
    assert chatwoot.calls() == ["GET /inboxes", f"PATCH /inboxes/{inbox['id']}"]
    assert callback_of(server, inbox) != callback, "what it could call before it can call no more"
    assert integration(api, name)["chatwoot_inbox_id"] == inbox["id"]


def test_an_inbox_of_another_is_not_adopted(api, server, fresh, chatwoot):
    box, first, second = fresh("box"), fresh("shop"), fresh("shop")
    chatwoot.add(box, "Channel::WebWidget", None)
    chatwoot.add(box, "Channel::Api", "https://other.example/api/chatwoot/callback/x")
    for name in (first, second):
        inline(api, name, **fields(chatwoot.base, chatwootInboxName=box))
    assert len(chatwoot.named(box)) == 4
    assert integration(api, first)["chatwoot_inbox_id"] != \
        integration(api, second)["chatwoot_inbox_id"]


@pytest.mark.row("K15 account")
def test_a_digit_string_is_an_account(api, fresh, chatwoot):
    assert inline(api, fresh(), **fields(chatwoot.base, account=str(ACCOUNT)))["accountId"] == \
        ACCOUNT


# Refusals of Chatwoot, inline and by set ------------------------------------------------------

INVALID, DENIES, NOT_FOUND = ("Invalid Access Token", "You are not authorized to do this action",
                              "Resource could not be found")
REFUSED = {
    "wrong token": (
        {"token": "wrong-7f3a"}, "Chatwoot API returned 401 - verifique o chatwootApiToken", 401,
        f"Chatwoot rejected the API token - verify chatwootApiToken. Detail: {INVALID}"),
    "token without scope": (
        {"token": DENIED},
        f"Chatwoot API returned 403 - verify that the token has admin scope on account {ACCOUNT}",
        403, "Chatwoot denied the request - verify the API token has admin scope on account "
             f"{ACCOUNT}. Detail: {DENIES}"),
    "missing account": (
        {"account": 6}, "Chatwoot API returned 404 - verify chatwootBaseUrl and chatwootAccountId",
        400, "Chatwoot account or endpoint not found - verify chatwootBaseUrl (<url>) and "
             f"chatwootAccountId (6). Detail: {NOT_FOUND}"),
    "name": (
        {"chatwootInboxName": "a@b"},
        "Chatwoot API returned 422 - Name should not contain symbols", 400,
        "Chatwoot rejected the request as invalid - verify inboxName and chatwootAccountId. "
        "Detail: Name should not contain symbols"),
}


@pytest.mark.row("X7")
@pytest.mark.parametrize("case", REFUSED)
def test_what_chatwoot_refuses(api, fresh, chatwoot, case):
    given, inline_error, status, sentence = REFUSED[case]
    name = fresh("shop")
    error = inline(api, name, **fields(chatwoot.base, **given))
    assert error == {"enabled": False, "status": "error", "error": inline_error}
    assert shown(api, name) == error
    assert_refused(set_(api, name, **fields(chatwoot.base, **given)), status,
                   sentence.replace("<url>", chatwoot.base))
    assert_refused(api.get(f"/api/chatwoot/list/{name}"), 404,
                   "no chatwoot integration for this instance")
    assert shown(api, name) == error
    # Until it is put right.
    assert set_(api, name, **fields(chatwoot.base)).status == 201
    assert shown(api, name)["status"] == "active"


def test_a_set_that_is_refused_leaves_what_there_was(api, fresh, chatwoot):
    name = fresh("shop")
    before = inline(api, name, **fields(chatwoot.base))
    assert set_(api, name, **fields(chatwoot.base, token="wrong-7f3a")).status == 401
    assert shown(api, name) == before
    assert integration(api, name)["chatwoot_api_token"] == ADMINISTRATOR


def test_one_failure_is_nobody_elses(api, fresh, chatwoot):
    instance = api.created(fresh(), chatwootEnabled=True, websocketEnabled=True,
                           **fields(chatwoot.base, token="wrong-7f3a"))
    assert instance["chatwoot"]["status"] == "error"
    assert instance["websocket"] == {"enabled": True, "events": [], "mediaBase64": False}


# No answer, or none of Chatwoot's -------------------------------------------------------------

STRANGE = {
    "500": (Stubborn(500, b'{"error":"boom"}'), "500 - boom", UNREACHABLE + "boom"),
    "502 in HTML": (Stubborn(502, b"<html>"), "502 - Bad Gateway", UNREACHABLE + "Bad Gateway"),
    "a redirect": (Stubborn(301, b"", {"Location": "http://169.254.169.254/"}),
                   "301 - Moved Permanently", None),
    "HTML": (Stubborn(200, b"<html>Welcome</html>"),
             "200 - the answer is not that of a Chatwoot API", None),
    "10 MB": (Stubborn(200, b'{"payload":[' + b'"aaaaaaa",' * 1_000_000 + b"1]}"),
              "200 - the answer is not that of a Chatwoot API", None),
}


@pytest.mark.row("X7")
@pytest.mark.parametrize("case", STRANGE)
def test_an_answer_that_is_not_chatwoots(api, fresh, case):
    stubborn, text, answered = STRANGE[case]
    name = fresh()
    with stubborn:
        error = inline(api, name, **fields(stubborn.url))
        assert error == failed("chatwoot", "Chatwoot API returned " + text)
        assert_refused(set_(api, name, **fields(stubborn.url)), 502,
                       answered or "Chatwoot API returned " + text)
        assert stubborn.calls() == ["GET /inboxes"] * 2, "a redirect is not followed"


@pytest.mark.row("X7")
def test_a_chatwoot_that_is_not_there(api, fresh):
    name, reason = fresh(), UNREACHABLE + "Couldn't connect to server"
    with Silent(refusing=True) as gone:
        assert inline(api, name, **fields(gone.url)) == failed("chatwoot", reason)
        assert_refused(set_(api, name, **fields(gone.url)), 502, reason)


@pytest.mark.row("X7")
def test_a_chatwoot_that_is_slow(tmp_path, fresh):
    reason = UNREACHABLE + "Timeout was reached"
    env = SERVER_ENV | {"POMBO_BLOCKS_CHATWOOT_TIMEOUT_SECONDS": "1"}
    with Server(data_dir=tmp_path, env=env) as server, Silent() as silent:
        api = Api(server, server.account("shop"))
        instance = api.created("x", chatwootEnabled=True, websocketEnabled=True,
                               **fields(silent.url))
        assert instance["chatwoot"] == failed("chatwoot", reason)
        assert instance["websocket"]["enabled"] is True
        assert_refused(set_(api, "x", **fields(silent.url)), 502, reason)


def test_an_integration_is_listed_while_chatwoot_is_away(api, fresh):
    name = fresh("shop")
    with Chatwoot() as fake:
        inline(api, name, **fields(fake.url))
        before = integration(api, name)
    assert integration(api, name) == before


def test_an_integration_that_chatwoot_ended_says_so(api, fresh, chatwoot):
    name = fresh("shop")
    inline(api, name, **fields(chatwoot.base))
    [inbox] = chatwoot.named(name)
    inbox["name"] = name + " renamed"
    assert integration(api, name)["chatwoot_inbox_name"] == name + " renamed"
    del chatwoot.inboxes[inbox["id"]]
    ended = integration(api, name)
    assert (ended["status"], ended["last_error"]) == (
        "error", "Chatwoot API returned 404 - verify chatwootBaseUrl and chatwootAccountId")
    assert shown(api, name)["status"] == "error"
    assert set_(api, name, **fields(chatwoot.base)).status == 201
    listed = integration(api, name)
    assert (listed["status"], listed["last_error"]) == ("active", "")


# What is refused before Chatwoot is asked ------------------------------------------------------

FIELD = "The 'chatwootAccountId' field must be "
BAD = [
    ({"chatwootBaseUrl": None}, "The 'chatwootBaseUrl' field is required"),
    ({"chatwootAccountId": None}, "The 'chatwootAccountId' field is required"),
    ({"chatwootApiToken": " "}, "The 'chatwootApiToken' field is required"),
    ({"chatwootApiToken": "a\r\nX-Evil: 1"},
     "The 'chatwootApiToken' field contains characters that are not allowed"),
    ({"chatwootBaseUrl": "ftp://x"}, "The 'chatwootBaseUrl' field must be a valid http or https URL"),
    ({"chatwootBaseUrl": "https://93.184.216.34/?a"},
     "The 'chatwootBaseUrl' field must be a valid http or https URL"),
    *(({"chatwootAccountId": value}, FIELD + "between 1 and 2147483647")
      for value in (0, -1, 2147483648)),
    *(({"chatwootAccountId": value}, FIELD + "an integer") for value in ("1 OR 1", 1.5, True)),
]


@pytest.mark.parametrize("change, sentence", BAD)
def test_fields_that_are_wrong(api, fresh, change, sentence):
    with Silent() as silent:
        given = fields(silent.url) | change
        name = fresh()
        assert inline(api, name, **given) == failed("chatwoot", sentence)
        assert_refused(set_(api, name, **given), 400, "invalid body: " + sentence)


@pytest.mark.parametrize("longer, plain", [("chatwootInboxName", "inboxName"),
                                           ("chatwootSignMessages", "signMessages")])
def test_a_field_has_a_shorter_name_in_set(api, fresh, longer, plain):
    name = fresh()
    with Silent() as silent:
        bad = {"chatwootInboxName": "a" * 101, "chatwootSignMessages": "yes"}[longer]
        rest = "at most 100 characters" if longer == "chatwootInboxName" else "a boolean"
        assert inline(api, name, **fields(silent.url), **{longer: bad})["error"] == \
            f"The '{longer}' field must be {rest}"
        for each in (plain, longer):
            assert_refused(set_(api, name, **fields(silent.url), **{each: bad}), 400,
                           f"invalid body: The '{plain}' field must be {rest}")


def test_a_body_that_is_none(api, fresh):
    name = fresh()
    api.created(name)
    for body, reason in ((b"[]", "not an object"), (b'{"a":1,"a":2}', "a key stands there twice")):
        assert_refused(api.call("POST", f"/api/chatwoot/set/{name}", body), 400,
                       "invalid body: " + reason)


@pytest.mark.parametrize("url, reason", [
    ("http://10.0.0.1", "private address (operators: egress.allow)"),
    ("http://169.254.169.254", "link-local address"),
    ("https://user:pass@93.184.216.34", "credentials in URL"),
])
def test_an_address_that_may_not_be_dialled(api, fresh, url, reason):
    name = fresh()
    assert inline(api, name, **fields(url)) == failed("chatwoot", "URL is not allowed: " + reason)
    assert_refused(set_(api, name, **fields(url)), 400, "URL is not allowed: " + reason)


# The routes -----------------------------------------------------------------------------------

ROUTES = [("POST", "set", {}), ("GET", "list", None), ("DELETE", "delete", None)]


@pytest.mark.parametrize("method, word, body", ROUTES)
def test_who_may_ask(api, new_account, fresh, method, word, body):
    name, other = fresh(), fresh()
    token = api.created(name)["token"]
    api.created(other)

    def call(caller, instance):
        return caller.call(method, f"/api/chatwoot/{word}/{instance}", body)

    assert_refused(call(api.as_("wrong"), name), 401, "Invalid token")
    assert_refused(call(api, "gone"), 404, "instance not found")
    assert_refused(call(new_account(), name), 404, "instance not found")
    assert_refused(call(api.as_(token), other), 403,
                   "Instance token does not match the requested instance")
    assert call(api.as_(token), name).status == (400 if word == "set" else 404)


def test_the_end_of_an_integration(api, fresh, chatwoot):
    name = fresh("shop")
    inline(api, name, **fields(chatwoot.base))
    chatwoot.calls()
    path = f"/api/chatwoot/delete/{name}"
    reply = api.call("DELETE", path)
    assert (reply.status, reply.json) == (200, {"message": "chatwoot integration deactivated"})
    assert chatwoot.calls() == [] and len(chatwoot.named(name)) == 1, "the inbox stays"
    assert_refused(api.call("DELETE", path), 404, "no chatwoot integration to delete")
    assert_refused(api.get(f"/api/chatwoot/list/{name}"), 404,
                   "no chatwoot integration for this instance")
    assert shown(api, name) == DEFAULTS["chatwoot"]


def test_nothing_is_left_of_an_instance(api, fresh, chatwoot, rows):
    name = fresh("shop")
    before = rows.query("SELECT count(*) FROM chatwoot_callbacks")
    inline(api, name, **fields(chatwoot.base))
    assert rows.query("SELECT count(*) FROM chatwoot_callbacks") == [(before[0][0] + 1,)]
    assert api.delete(name).status == 200
    assert rows.query("SELECT count(*) FROM chatwoot_callbacks") == before


def test_a_name_that_is_taken_makes_no_inbox(api, fresh, chatwoot):
    name = fresh("shop")
    api.created(name)
    reply = api.create(name, chatwootEnabled=True, **fields(chatwoot.base))
    assert_refused(reply, 409, "Instance or token already exists")
    assert chatwoot.calls() == []


# Secrets --------------------------------------------------------------------------------------


def test_the_token_is_told_by_list_alone(tmp_path):
    echo = f'{{"error":"{ADMINISTRATOR} is no token, {ADMINISTRATOR}"}}'.encode()
    with Server(data_dir=tmp_path, env=SERVER_ENV) as server, Chatwoot() as fake, \
            Stubborn(418, echo) as parrot:
        api = Api(server, server.account("shop"))
        answers = [api.create("a", chatwootEnabled=True, **fields(fake.url)),
                   api.create("b", chatwootEnabled=True, **fields(parrot.url)),
                   set_(api, "a", **fields(fake.url)), set_(api, "b", **fields(parrot.url)),
                   set_(api, "b", **fields(fake.url) | {"chatwootBaseUrl": "x"}), api.list(),
                   Api(server).get("/metrics")]
        secret = callback_of(server, fake.named("a")[0])
        assert answers[1].json["instance"]["chatwoot"]["error"] == \
            "Chatwoot API returned 418 - *** is no token, ***"
        assert integration(api, "a")["chatwoot_api_token"] == ADMINISTRATOR
        server.stop()
        left = b"".join(each.raw for each in answers) + server.logs().encode() + \
            b"".join(path.read_bytes() for path in tmp_path.iterdir()
                     if path.name.startswith("pombo.db"))
    assert b"http://127.0.0.1" in left
    for each in (ADMINISTRATOR, secret):
        assert each.encode() not in left
