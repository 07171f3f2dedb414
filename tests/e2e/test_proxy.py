"""The proxy of an instance, through its own routes."""

import pytest
from client import Api, assert_refused
from pombo_server import Server, until
from shapes import DEFAULTS

NONE = DEFAULTS["proxy"]
GIVEN = {"enabled": True, "host": "10.0.0.9", "port": 1080, "protocol": "socks5", "username": "u",
         "password": "p@:/%?#ü"}
SHOWN = GIVEN | {"port": "1080", "password": None}


@pytest.fixture
def name(api, fresh):
    name = fresh("proxy")
    api.created(name)
    return name


@pytest.fixture
def post(api, name):
    return lambda body: api.call("POST", f"/api/instance/proxy/{name}", body)


@pytest.fixture
def kept(api, name):
    """What the read route shows now; the list shows the same."""
    def read():
        reply = api.get(f"/api/instance/getProxy/{name}")
        assert reply.status == 200
        proxy = reply.json["proxy"]
        assert reply.json == {"success": True, "proxy": proxy,
                              "message": "Proxy configuration retrieved successfully"}
        assert api.listed(f"?instanceName={name}")[0]["proxy"] == proxy
        return proxy
    return read


def test_before_it_is_set(kept):
    assert kept() == NONE


def test_set_and_read(post, kept):
    reply = post(GIVEN)
    assert (reply.status, reply.json) == (200, {
        "success": True, "message": "Proxy configuration updated successfully", "proxy": SHOWN})
    assert kept() == SHOWN


def test_set_with_the_instance(api, fresh):
    name = fresh()
    shown = api.created(name, proxyEnabled=True, proxyHost="proxy.example", proxyPort="3128",
                        proxyProtocol="http")["proxy"]
    assert shown == {"enabled": True, "host": "proxy.example", "port": "3128", "protocol": "http",
                     "username": None, "password": None}
    assert api.get(f"/api/instance/getProxy/{name}").json["proxy"] == shown


def test_removed(post, kept):
    post(GIVEN)
    assert post({"enabled": False}).json["proxy"] == NONE
    assert kept() == NONE


@pytest.mark.parametrize("body, message", [
    ({"enabled": True}, "The 'host' field is required"),
    (GIVEN | {"port": None}, "The 'port' field is required"),
    (GIVEN | {"protocol": ""}, "The 'protocol' field is required"),
    (GIVEN | {"port": "0"}, "The 'port' field must be between 1 and 65535"),
    (GIVEN | {"protocol": "socks4"}, "The 'protocol' field must be one of: http, https, socks5"),
    (GIVEN | {"host": "http://x"}, "The 'host' field contains characters that are not allowed"),
    (GIVEN | {"password": "x" * 256}, "The 'password' field must be at most 255 characters"),
    (GIVEN | {"host": "localhost"},
     "URL is not allowed: internal host name (operators: egress.allow)"),
    (GIVEN | {"host": "169.254.169.254"}, "URL is not allowed: link-local address"),
])
def test_what_is_refused_changes_nothing(post, kept, body, message):
    post(GIVEN)
    assert_refused(post(body), 400, message)
    assert kept() == SHOWN


def test_what_went_wrong_is_told_until_it_is_put_right(api, fresh):
    name = fresh()
    assert api.created(name, proxyEnabled=True)["proxy"]["status"] == "error"
    assert api.listed(f"?instanceName={name}")[0]["proxy"]["status"] == "error"
    assert api.call("POST", f"/api/instance/proxy/{name}", GIVEN).json["proxy"] == SHOWN
    assert api.listed(f"?instanceName={name}")[0]["proxy"] == SHOWN


def test_what_went_wrong_is_no_longer_told_once_it_is_removed(api, fresh):
    name = fresh()
    assert api.created(name, proxyEnabled=True)["proxy"]["status"] == "error"
    api.call("POST", f"/api/instance/proxy/{name}", {"enabled": False})
    assert api.listed(f"?instanceName={name}")[0]["proxy"] == NONE


def test_without_its_plugin_nobody_is_dialled_for_around_it(tmp_path):
    server = Server(data_dir=tmp_path)
    token = server.account("shop")
    reason = "plugin 'proxy' is not loaded on this server"
    with server:
        api = Api(server, token)
        for name in ("behind", "plain"):
            api.created(name, connector="simulator")
            assert api.get(f"/api/instance/connect/{name}").status == 200
            assert api.call("POST", f"/api/simulator/scan/{name}",
                            {"number": "5511999990000"}).status == 200
        assert api.call("POST", "/api/instance/proxy/behind", GIVEN).status == 200
        server.stop()
    server.env["POMBO_BLOCKS_PROXY_ENABLED"] = "false"
    with server:
        def status():
            return {each["name"]: each["status"] for each in api.listed()}
        assert until(lambda: status() == {"behind": "disconnected", "plain": "connected"})
        assert_refused(api.get("/api/instance/connect/behind"), 502,
                       "Failed to connect instance: " + reason)
        assert_refused(api.call("POST", "/api/instance/reconnect/behind"), 500,
                       "Failed to reconnect: " + reason)
        server.stop()
    del server.env["POMBO_BLOCKS_PROXY_ENABLED"]
    with server:
        assert api.call("POST", "/api/instance/reconnect/behind").status == 200
        assert until(lambda: status() == {"behind": "connected", "plain": "connected"})
