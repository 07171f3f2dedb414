"""Which URLs and proxies the server may be sent to, in every form of tests/support/addresses.json.

Wherever a client may name one: with the instance, and in the routes that change it. Names are
looked up at a server of the test's own, for whom every name that it was not told of is public.
"""

import json

import pytest
from client import Api, assert_refused
from names import PUBLIC, NameServer
from phones import Phone
from pombo_server import REPOSITORY, Server
from shapes import DEFAULTS, URL, failed

TABLE = json.loads((REPOSITORY / "tests/support/addresses.json").read_text())
FORMS = [(verdict, form, why) for verdict, forms in TABLE["urls"].items() for form, why in forms]
REFUSED = [each for each in FORMS if each[0] != "allowed"]
ALLOWED = [each for each in FORMS if each[0] == "allowed"]
OPERATORS = " (operators: egress.allow)"
LOOPBACK, PRIVATE = ("loopback address" + OPERATORS, "private address" + OPERATORS)

S3 = {"enabled": True, "bucket": "media", "accessKey": "AKIA", "secretKey": "hidden-s3"}
CHATWOOT = {"chatwootAccountId": 5, "chatwootApiToken": "hidden-chatwoot"}
PROXY = {"enabled": True, "port": "1080", "protocol": "socks5"}


def prefixed(word: str, fields: dict) -> dict:
    return {word + key[0].upper() + key[1:]: value for key, value in fields.items()}


def sentence(field: str, verdict: str) -> str:
    return f"The '{field}' field must be a valid http or https URL" if verdict == "syntax" \
        else f"URL is not allowed: {verdict}"


def ids(value) -> str:
    return ascii(value)[1:-1][:60]


@pytest.fixture(scope="module")
def names():
    with NameServer(default=[PUBLIC]) as started:
        started.views |= {
            "mixed.test": [[PUBLIC, "10.0.0.1"]], "alias.test": [["cname:other.test", "10.0.0.1"]],
            "six.test": [["fd00::1"]], "mixed-six.test": [[PUBLIC, "fd00::1"]],
            "loop.test": [["127.0.0.1"]], "mapped.test": [["::ffff:127.0.0.1"]],
            "nat64.test": [["64:ff9b::a9fe:a9fe"]], "zero.test": [["0.0.0.0"]],
        }
        yield started


@pytest.fixture(scope="module")
def server(names, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with Server(data_dir=folder, within=names.alone(folder)) as started:
        yield started


@pytest.fixture(scope="module")
def shop(api, fresh):
    name = fresh()
    api.created(name)
    return name


def set_webhook(api, shop, url):
    return api.call("POST", f"/api/events/webhook/{shop}", {"enabled": True, "url": url})


def set_s3(api, shop, url):
    return api.call("POST", f"/api/instance/s3/{shop}", S3 | {"endpoint": url})


def set_chatwoot(api, shop, url):
    return api.call("POST", f"/api/chatwoot/set/{shop}", CHATWOOT | {"chatwootBaseUrl": url})


def set_proxy(api, shop, host):
    return api.call("POST", f"/api/instance/proxy/{shop}", PROXY | {"host": host})


# URLs -----------------------------------------------------------------------------------------


def test_there_are_enough_of_them():
    assert len(FORMS) >= 150 and len({form for _, form, _ in FORMS}) == len(FORMS)


@pytest.mark.row("U1", "U2", "U4", "U5", "U6", "U7", "U8", "U9", "U10", "U11")
@pytest.mark.parametrize("verdict, url, why", REFUSED, ids=ids)
def test_refused_with_the_instance(api, fresh, verdict, url, why):
    instance = api.created(
        fresh(), webhookEnabled=True, webhookURL=url, chatwootEnabled=True, chatwootBaseUrl=url,
        **CHATWOOT, **prefixed("s3", S3 | {"endpoint": url}))
    for block, field in (("webhook", "webhookURL"), ("chatwoot", "chatwootBaseUrl"),
                         ("s3", "s3Endpoint")):
        assert instance[block] == failed(block, sentence(field, verdict)), block


@pytest.mark.row("U1", "U2", "U4", "U5", "U6", "U7", "U8", "U9", "U10", "U11", "U15")
@pytest.mark.parametrize("verdict, url, why", REFUSED, ids=ids)
def test_refused_in_a_change(api, shop, writes_nothing, verdict, url, why):
    assert_refused(set_webhook(api, shop, url), 400, sentence("url", verdict))
    assert_refused(set_s3(api, shop, url), 400, sentence("endpoint", verdict))
    prefix = "invalid body: " if verdict == "syntax" else ""
    assert_refused(set_chatwoot(api, shop, url), 400, prefix + sentence("chatwootBaseUrl", verdict))


@pytest.fixture(scope="module")
def phone(api, fresh):
    return Phone(api, fresh("phone"))


@pytest.mark.row("U15")
@pytest.mark.parametrize("verdict, url, why",
                         [each for each in REFUSED if each[0] != "syntax"], ids=ids)
def test_refused_as_a_file(phone, verdict, url, why):
    said = sentence("", verdict)
    to = {"number": "1234567@lid"}
    phone.refused(400, said, "POST message/media", mediaType="image", mediaUrl=url, **to)
    phone.refused(400, said, "POST message/sticker", imageUrl=url, **to)
    phone.refused(400, said, "POST profile/account", profilePicture=url)
    phone.refused(400, said, "POST group/create", name="Team", image=url)


@pytest.mark.parametrize("verdict, url, why", ALLOWED, ids=ids)
def test_taken_as_it_stands(api, fresh, verdict, url, why):
    """Chatwoot would be asked at once, and is not here."""
    name = fresh()
    webhook = {"enabled": True, "url": url, "events": []}
    instance = api.created(name, webhookEnabled=True, webhookURL=url,
                           **prefixed("s3", S3 | {"endpoint": url}))
    assert instance["webhook"] == webhook
    changed = set_webhook(api, name, url)
    assert (changed.status, changed.json["webhook"]["url"]) == (200, url)
    if "?" in url or "#" in url:  # paths are appended to it
        assert instance["s3"] == failed("s3", sentence("s3Endpoint", "syntax"))
        assert_refused(set_s3(api, name, url), 400, sentence("endpoint", "syntax"))
    else:
        assert instance["s3"]["endpoint"] == url
        assert set_s3(api, name, url).json["s3"]["endpoint"] == url


@pytest.mark.row("U3")
def test_how_long_one_may_be(api, shop):
    assert set_webhook(api, shop, URL.ljust(2048, "a")).status == 200
    assert_refused(set_webhook(api, shop, URL.ljust(2049, "a")), 400,
                   "The 'url' field must be at most 2048 characters")


# Names ----------------------------------------------------------------------------------------


@pytest.mark.row("U12")
@pytest.mark.parametrize("name, verdict", [
    ("mixed.test", PRIVATE), ("alias.test", PRIVATE), ("six.test", PRIVATE),
    ("mixed-six.test", PRIVATE), ("loop.test", LOOPBACK), ("LOOP.test.", LOOPBACK),
    ("mapped.test", LOOPBACK), ("nat64.test", "link-local address"),
    ("zero.test", "unspecified address"),
])
def test_names_that_lead_to_what_is_refused(api, shop, writes_nothing, name, verdict):
    said = sentence("", verdict)
    assert_refused(set_webhook(api, shop, f"https://{name}:8443/x"), 400, said)
    assert_refused(set_s3(api, shop, f"http://{name}"), 400, said)
    assert_refused(set_chatwoot(api, shop, f"http://{name}/"), 400, said)


def test_a_proxys_name_may_lead_to_a_neighbour(api, shop):
    for name in ("mixed.test", "alias.test", "six.test"):
        assert set_proxy(api, shop, name).status == 200
    for name, verdict in (("loop.test", LOOPBACK), ("nat64.test", "link-local address")):
        assert_refused(set_proxy(api, shop, name), 400, sentence("", verdict))


# Proxies --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(names, tmp_path_factory, fresh):
    """A server whose proxies may not be private."""
    folder = tmp_path_factory.mktemp("strict")
    with Server(data_dir=folder, within=names.alone(folder),
                env={"POMBO_EGRESS_PROXY_PRIVATE": "false"}) as started:
        yield Api(started, started.account(fresh("account")))


def check_proxy(api, name, host, verdict):
    inline = prefixed("proxy", PROXY | {"host": host})
    shown = api.created(name, **inline)["proxy"]
    changed = set_proxy(api, name, host)
    if verdict == "allowed":
        assert shown == DEFAULTS["proxy"] | PROXY | {"host": host}
        assert (changed.status, changed.json["proxy"]) == (200, shown)
        return

    def said(field):
        return f"The '{field}' field contains characters that are not allowed" \
            if verdict == "syntax" else f"URL is not allowed: {verdict}"

    assert shown == failed("proxy", said("proxyHost"))
    assert_refused(changed, 400, said("host"))


@pytest.mark.parametrize("host, verdict, stricter, why", TABLE["proxyHosts"], ids=ids)
def test_proxies(api, strict, fresh, host, verdict, stricter, why):
    check_proxy(api, fresh(), host, verdict)
    check_proxy(strict, fresh(), host, stricter)


# What the operator allows ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def lenient(names, tmp_path_factory, fresh):
    folder = tmp_path_factory.mktemp("lenient")
    allow = "127.0.0.0/8, fd00::/8, crm.local, 10.1.2.3, ::ffff:10.2.0.0/112, [fec0::1], loop.test"
    with Server(data_dir=folder, within=names.alone(folder),
                env={"POMBO_EGRESS_ALLOW": allow}) as started:
        yield Api(started, started.account(fresh("account")))


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:9/", "http://[::ffff:127.0.0.1]/", "http://127.1/", "http://[fd00::1]/",
    "http://crm.local/", "http://CRM.local./", "http://10.1.2.3/", "http://10.2.0.9/",
    "http://[64:ff9b::a02:9]/", "http://[fec0::1]/", "http://loop.test/", "http://six.test/",
])
def test_what_the_operator_allows(lenient, fresh, url):
    instance = lenient.created(fresh(), webhookEnabled=True, webhookURL=url)
    assert instance["webhook"] == {"enabled": True, "url": url, "events": []}


@pytest.mark.parametrize("url, verdict", [
    ("http://10.1.2.4/", PRIVATE), ("http://[::1]/", LOOPBACK), ("http://mixed.test/", PRIVATE),
    ("http://x.crm.local/", "internal host name" + OPERATORS),
    ("http://other.local/", "internal host name" + OPERATORS),
    ("http://localhost/", "internal host name" + OPERATORS),
    ("http://user:pass@127.0.0.1/", "credentials in URL"),
    ("http://[2002:7f00:1::]/", "reserved address"),
])
def test_what_the_operator_does_not_allow(lenient, fresh, url, verdict):
    instance = lenient.created(fresh(), webhookEnabled=True, webhookURL=url)
    assert instance["webhook"] == failed("webhook", sentence("", verdict))
