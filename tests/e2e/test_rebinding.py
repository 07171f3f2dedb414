"""Names that change their mind between the check and the dial, and name servers that say nothing."""

import pytest
from client import Api, assert_refused, together
from deliveries import Shop
from names import PUBLIC, SILENCE, NameServer, Sink
from pombo_server import Server

ROUNDS = 63  # of two attempts with each of the eight: a thousand and eight
LOOPBACK = "loopback address (operators: egress.allow)"
PRIVATE = "private address (operators: egress.allow)"

# What a name resolves to when it is dialled; when it was checked it was public.
TURNS = {
    "loopback.test": (["127.0.0.1"], LOOPBACK),
    "loopback-six.test": (["::1"], LOOPBACK),
    "mapped.test": (["::ffff:127.0.0.1"], LOOPBACK),
    "alias.test": (["cname:inside.test", "127.0.0.1"], LOOPBACK),
    "several.test": (["127.0.0.1", "127.0.0.2", "::1"], LOOPBACK),
    "unspecified.test": (["0.0.0.0"], "unspecified address"),
    "private.test": (["10.0.0.1"], PRIVATE),
    "metadata.test": (["169.254.169.254"], "link-local address"),
}


@pytest.fixture(scope="module")
def names():
    with NameServer() as started:
        started.views = {name: [[PUBLIC], turned] for name, (turned, _) in TURNS.items()}
        yield started


@pytest.fixture(scope="module")
def sink():
    with Sink() as started:
        yield started


@pytest.fixture(scope="module")
def start(names, tmp_path_factory, fresh):
    """start(egress_allow) is the requests of an account of a server that asks `names`."""
    servers = []

    def begin(allow: str = "", **env: str) -> Api:
        folder = tmp_path_factory.mktemp("server")
        env |= {"POMBO_EGRESS_ALLOW": allow, "POMBO_LIMITS_SLOW_PER_ACCOUNT": "64"}
        servers.append(Server(data_dir=folder, within=names.alone(folder), env=env).start())
        return Api(servers[-1], servers[-1].account(fresh("account")))

    yield begin
    for each in servers:
        each.kill()


@pytest.fixture(scope="module")
def api(start):
    return start()


def verify(api: Api, name: str, url: str):
    return api.call("POST", f"/api/instance/s3/{name}?verify=true",
                    {"enabled": True, "bucket": "media", "accessKey": "AKIA", "secretKey": "hidden",
                     "endpoint": url})


def link(api: Api, name: str, url: str):
    return api.call("POST", f"/api/chatwoot/set/{name}",
                    {"chatwootBaseUrl": url, "chatwootAccountId": 5, "chatwootApiToken": "hidden"})


def unreachable(reason: str) -> str:
    return f"S3 bucket is not reachable: the endpoint gave no answer ({reason})"


def test_a_name_that_turns_inside_is_never_dialled(api, fresh, sink, names):
    shops = {host: fresh() for host in TURNS}
    for shop in shops.values():
        api.created(shop)

    def attempt(number: int) -> None:
        """All with one name, because its turns go by the look-ups."""
        host = list(TURNS)[number]
        reason = "URL is not allowed: " + TURNS[host][1]
        url = f"http://{host}:{sink.port}"
        for _ in range(ROUNDS):
            assert_refused(verify(api, shops[host], url), 400, unreachable(reason))
            assert_refused(link(api, shops[host], url), 502,
                           "Chatwoot is unreachable - verify chatwootBaseUrl. Detail: " + reason)

    before = names.asked.copy()
    together(len(TURNS), attempt)
    asked = sum((names.asked - before).values())
    assert asked == 2 * (2 * ROUNDS * len(TURNS)), "once to check it, and once to dial it"
    assert sink.connections() == 0


@pytest.mark.row("U14")
def test_a_webhook_whose_name_turns_inside_is_never_dialled(start, fresh, sink, names):
    """A thousand attempts, or more than that."""
    api, inside = start(), {host: host.replace(".", "-hook.") for host in TURNS}
    shops = {host: Shop(api, fresh()) for host in TURNS}
    for host, shop in shops.items():
        names.views[inside[host]] = [[PUBLIC]]
        shop.webhook(f"http://{inside[host]}:{sink.port}/")
        names.views[inside[host]] = [TURNS[host][0]]

    def attempt(number: int) -> None:
        host, shop = list(shops.items())[number]
        shop.happens()
        for _ in range(2 * ROUNDS - 1):
            [row] = shop.attempted()
            assert (row["status"], row["lastStatusCode"]) == ("pending", None)
            assert TURNS[host][1] in row["lastError"]
            assert shop.redelivered(ids=[row["id"]]) == []
        shop.attempted()

    before = sink.connections()
    together(len(TURNS), attempt, patience=None)
    assert all(names.asked[host] > 1 for host in inside.values())
    assert sink.connections() == before


def test_a_name_that_turns_during_a_creation(api, fresh, sink):
    for host, (_, reason) in TURNS.items():
        shown = api.created(fresh(), chatwootEnabled=True, chatwootAccountId=5,
                            chatwootApiToken="hidden",
                            chatwootBaseUrl=f"http://{host}:{sink.port}")["chatwoot"]
        assert shown["error"].endswith("Detail: URL is not allowed: " + reason)
    assert sink.connections() == 0


def test_a_name_that_was_inside_from_the_begin(api, fresh, sink, names):
    shop = fresh()
    api.created(shop)
    names.views["inside.test"] = [["127.0.0.1"]]
    for act in (verify, link):
        assert_refused(act(api, shop, f"http://inside.test:{sink.port}"), 400,
                       "URL is not allowed: " + LOOPBACK)
    assert sink.connections() == 0


@pytest.mark.parametrize("allow, views", [("127.0.0.1", [[PUBLIC], ["127.0.0.1"]]),
                                          ("friend.test", [["127.0.0.1"]])])
def test_what_the_operator_allows_is_reached(start, fresh, sink, names, allow, views):
    api, shop = start(allow), fresh()
    api.created(shop)
    names.views["friend.test"] = views
    before = sink.connections()
    assert_refused(verify(api, shop, f"http://friend.test:{sink.port}"), 400,
                   "S3 bucket is not reachable: the endpoint does not answer as S3 does (HTTP 404)")
    assert_refused(link(api, shop, f"http://friend.test:{sink.port}"), 400,
                   "Chatwoot account or endpoint not found - verify chatwootBaseUrl "
                   f"(http://friend.test:{sink.port}) and chatwootAccountId (5). Detail: Not Found")
    assert sink.connections() == before + 2


@pytest.mark.row("U12")
def test_one_address_that_is_refused_is_enough(start, fresh, sink, names):
    if not sink.has_ipv6:
        pytest.skip("which address is tried first is certain only of IPv6, and there is none here")
    api, shop = start("127.0.0.1"), fresh()
    api.created(shop)
    names.views["half.test"] = [["127.0.0.1"], ["127.0.0.1", "::1"]]
    before = sink.connections()
    assert_refused(verify(api, shop, f"http://half.test:{sink.port}"), 400,
                   unreachable("URL is not allowed: " + LOOPBACK))
    assert sink.connections() == before


# Name servers that say nothing ----------------------------------------------------------------


def hook(name: str) -> dict:
    return {"webhookEnabled": True, "webhookURL": f"https://{name}/wa"}


@pytest.mark.row("U13")
def test_a_name_that_nobody_knows_is_accepted(api, fresh, names):
    shown = api.created(fresh(), **hook("unknown.test"))["webhook"]
    assert shown["enabled"] and names.asked["unknown.test"] == 1


@pytest.mark.row("U13")
def test_nobody_waits_for_a_name_server_that_is_silent(start, fresh, names):
    """Its answer would take minutes: this ends because it is not waited for."""
    names.views["silent.test"] = [SILENCE]
    api, shop = start(POMBO_BLOCKS_CHATWOOT_TIMEOUT_SECONDS="1"), fresh()
    assert api.created(shop, **hook("silent.test"))["webhook"]["enabled"]
    assert_refused(verify(api, shop, "http://silent.test"), 400,
                   unreachable("Timeout was reached"))
    assert_refused(link(api, shop, "http://silent.test"), 502,
                   "Chatwoot is unreachable - verify chatwootBaseUrl. Detail: Timeout was reached")


def test_silence_for_some_is_no_silence_for_others(api, fresh, names):
    """64 at once whose names are not answered: each is asked for, and so are those in between."""
    silent = [f"silent-{number}.test" for number in range(64)]
    names.views |= {name: [SILENCE] for name in silent} | {"neighbour.test": [["10.0.0.1"]]}
    hosts = [*silent, *["neighbour.test"] * 8]
    shown = together(len(hosts), lambda number: api.created(
        f"at-once-{number}", **hook(hosts[number]))["webhook"])
    assert [each["enabled"] for each in shown] == [True] * 64 + [False] * 8
    assert {each["error"] for each in shown[64:]} == {"URL is not allowed: " + PRIVATE}
    assert [name for name in silent if not names.asked[name]] == []
